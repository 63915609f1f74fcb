/**
 * The page bitmap of a 64 GiB guest, 16.8 million pages of 4 KiB, against other sets of pages. And what a batch of pages
 * costs on its way over RxJS, page by page, as a list, and as a bitmap.
 */
import { Subject } from 'rxjs';
import type { PageWrites } from '../../src/streams/page-writes.ts';
import { type Bench, built, figure, type Table, times } from './bench.ts';
import { PAGE_SETS, type PageSets } from './page-sets.ts';
import { type Rival, race } from './race.ts';

const { PageBitmap } = await built<typeof import('../../src/hardware/page-bitmap.ts')>('src/hardware/page-bitmap');
const { createRandom } = await built<typeof import('../../src/hardware/random.ts')>('src/hardware/random');

const PAGES = 2 ** 24;
/** The largest first: all are timed with code that has been compiled. */
const DIRTY = [4_000_000, 100_000, 1_000];
const SPAN = { fromNs: 0, toNs: 1, source: 'vcpu:0' } as const;

export const pages: Bench = {
  name: 'pages',
  about: 'a 64 GiB guest as a page bitmap, a byte a page, a Set; batches over RxJS',
  async run() {
    return [
      compared('Marks of random pages in an empty set; ms for all of them', (sets, list) => sets.marking(PAGES, list)),
      compared('Harvest: list what is dirty in order, and clear it; ms', (sets, list) => sets.harvesting(PAGES, list)),
      compared('Sync: move one set into another, count what was new there; ms', (sets, list, other) =>
        sets.taking(PAGES, list, other),
      ),
      batches(),
    ];
  },
};

type Prepared = (sets: PageSets, list: Uint32Array, other: Uint32Array) => () => () => void;

/** A row for each number of dirty pages; `-` for sets that do not go so far. */
function compared(title: string, prepared: Prepared): Table {
  const rows = DIRTY.map((dirty) => {
    const [list, other] = [randomPages(dirty, 'one set'), randomPages(dirty, 'the other')];
    const rivals = PAGE_SETS.filter(({ pagesMax }) => dirty <= pagesMax).map((sets) => ({
      name: sets.name,
      units: 1,
      prepare: prepared(sets, list, other),
    }));
    const ns = race(rivals, { rounds: dirty > 1_000_000 ? 5 : 15 });
    const [first, ...others] = PAGE_SETS.map(({ name }) => ns.get(name));
    const cell = (each: number | undefined, text: (value: number) => string) => (each === undefined ? '-' : text(each));
    return [
      figure(dirty),
      ...[first, ...others].map((each) => cell(each, (value) => figure(value / 1e6))),
      ...others.map((each) => cell(each, (value) => times(value, first!))),
    ];
  });
  const names = PAGE_SETS.map(({ name }) => name);
  return { title, columns: ['dirty pages', ...names, ...names.slice(1).map((name) => `${name} takes`)], rows };
}

function randomPages(count: number, stream: string, below = PAGES): Uint32Array {
  const random = createRandom(1, stream);
  return Uint32Array.from({ length: count }, () => random.below(below));
}

/** As the model has it: three trackers subscribe, and each marks a set of its own. */
function batches(): Table {
  const size = 2 ** 20;
  const dirty = Uint32Array.from(new Set(randomPages(110_000, 'dirty', size))).sort();
  const whole = new PageBitmap(size);
  whole.applyWrites({ ...SPAN, form: 'list', pages: dirty });
  const words = whole.toWords();
  const trackers = Array.from({ length: 3 }, () => new PageBitmap(size));
  const writes = new Subject<PageWrites>();
  const single = new Subject<number>();
  for (const tracker of trackers) {
    writes.subscribe((batch) => tracker.applyWrites(batch));
    single.subscribe((page) => tracker.set(page));
  }
  const rival = (name: string, send: () => void): Rival => ({
    name,
    units: 1,
    prepare() {
      for (const tracker of trackers) tracker.clearAll();
      return send;
    },
  });
  const ns = race([
    rival('a bitmap', () => writes.next({ ...SPAN, form: 'bitmap', firstPage: 0, words, count: dirty.length })),
    rival('lists of 8192', () => {
      for (let at = 0; at < dirty.length; at += 8192)
        writes.next({ ...SPAN, form: 'list', pages: dirty.subarray(at, at + 8192) });
    }),
    rival('page by page', () => {
      for (let i = 0; i < dirty.length; i++) single.next(dirty[i]!);
    }),
  ]);
  const [first] = ns.values();
  return {
    title: `${figure(dirty.length)} dirty pages of a 4 GiB guest over RxJS to three trackers`,
    columns: ['', 'ms', 'ns a page and tracker', ''],
    rows: [...ns].map(([name, each]) => [
      name,
      figure(each / 1e6),
      figure(each / dirty.length / trackers.length),
      times(each, first!),
    ]),
  };
}
