/**
 * The page bitmap against what one would take first: a byte a page, and a Set of numbers. And what a batch of pages costs on
 * its way over RxJS, page by page, as a list, and as a bitmap. The guest has 64 GiB: 16.8 million pages of 4 KiB.
 */
import { Subject } from 'rxjs';
import type { PageBitmap as Bitmap } from '../../src/hardware/page-bitmap.ts';
import type { PageWrites } from '../../src/streams/page-writes.ts';
import { type Bench, built, figure, type Table, times } from './bench.ts';
import { type Rival, race } from './race.ts';

const { PageBitmap } = await built<typeof import('../../src/hardware/page-bitmap.ts')>('src/hardware/page-bitmap');
const { createRandom } = await built<typeof import('../../src/hardware/random.ts')>('src/hardware/random');

const PAGES = 2 ** 24;
const SPAN = { fromNs: 0, toNs: 1, source: 'vcpu:0' } as const;
/** A Set beyond this takes more memory and time than it is worth. */
const SET_PAGES_MAX = 200_000;

export const pages: Bench = {
  name: 'pages',
  about: 'a 64 GiB guest as a page bitmap, a byte a page, a Set; batches over RxJS',
  async run() {
    return [marks(), harvests(), merges(), batches()];
  },
};

function randomPages(count: number, below: number): Uint32Array {
  const random = createRandom(1, `${count} below ${below}`);
  return Uint32Array.from({ length: count }, () => random.below(below));
}

function bitmapOf(list: Uint32Array, size = PAGES): Bitmap {
  const bitmap = new PageBitmap(size);
  bitmap.applyWrites({ ...SPAN, form: 'list', pages: list });
  return bitmap;
}

function bytesOf(list: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(PAGES);
  for (const page of list) bytes[page] = 1;
  return bytes;
}

function marks(): Table {
  const list = randomPages(SET_PAGES_MAX, 2 ** 21);
  const units = list.length;
  const ns = race([
    {
      name: 'PageBitmap, a batch',
      units,
      prepare: () => () => bitmap.applyWrites({ ...SPAN, form: 'list', pages: list }),
    },
    {
      name: 'PageBitmap, page by page',
      units,
      prepare: () => () => {
        for (let i = 0; i < list.length; i++) bitmap.set(list[i]!);
      },
    },
    {
      name: 'a byte a page, new ones counted',
      units,
      prepare: () => () => {
        let fresh = 0;
        for (let i = 0; i < list.length; i++) {
          fresh += 1 - bytes[list[i]!]!;
          bytes[list[i]!] = 1;
        }
        return fresh;
      },
    },
    {
      name: 'a Set',
      units,
      prepare() {
        const set = new Set<number>();
        return () => {
          for (let i = 0; i < list.length; i++) set.add(list[i]!);
        };
      },
    },
  ]);
  return rowsOf(`${figure(units)} random pages of 8 GiB marked`, 'ns a mark', ns, 1);
}

const bitmap = new PageBitmap(PAGES);
const bytes = new Uint8Array(PAGES);

/** What is dirty is listed in order, and cleared. */
function harvests(): Table {
  const rows = [1_000, 100_000, 4_000_000].map((dirty) => {
    const list = randomPages(dirty, PAGES);
    const out = new Uint32Array(dirty);
    const rivals: Rival[] = [
      {
        name: 'PageBitmap',
        units: 1,
        prepare() {
          const set = bitmapOf(list);
          return () => {
            set.listInto(out);
            set.clearAll();
          };
        },
      },
      {
        name: 'bytes',
        units: 1,
        prepare() {
          const set = bytesOf(list);
          return () => {
            let n = 0;
            for (let page = 0; page < set.length; page++) {
              if (set[page] === 0) continue;
              out[n++] = page;
              set[page] = 0;
            }
          };
        },
      },
    ];
    if (dirty <= SET_PAGES_MAX) {
      rivals.push({
        name: 'Set',
        units: 1,
        prepare() {
          const set = new Set(list);
          return () => {
            out.set([...set]);
            out.subarray(0, set.size).sort();
            set.clear();
          };
        },
      });
    }
    return wide(figure(dirty), race(rivals, { rounds: 5 }), 3);
  });
  return {
    title: 'Harvest: list what is dirty in order, clear it; ms',
    columns: ['dirty pages', 'PageBitmap', 'a byte a page', 'a Set', 'bytes take', 'a Set takes'],
    rows,
  };
}

/** A sync: what a log has is moved into the set that is to be sent, and what was new there is counted. */
function merges(): Table {
  const rows = [1_000, 100_000, 4_000_000].map((dirty) => {
    const [log, unsent] = [randomPages(dirty, PAGES), randomPages(dirty, PAGES)];
    const rivals: Rival[] = [
      {
        name: 'PageBitmap',
        units: 1,
        prepare() {
          const [from, into] = [bitmapOf(log), bitmapOf(unsent)];
          return () => from.takeInto(into);
        },
      },
      {
        name: 'bytes',
        units: 1,
        prepare() {
          const [from, into] = [bytesOf(log), bytesOf(unsent)];
          return () => {
            let fresh = 0;
            for (let page = 0; page < from.length; page++) {
              fresh += from[page]! & ~into[page]!;
              into[page]! |= from[page]!;
            }
            from.fill(0);
            return fresh;
          };
        },
      },
    ];
    if (dirty <= SET_PAGES_MAX) {
      rivals.push({
        name: 'Set',
        units: 1,
        prepare() {
          const [from, into] = [new Set(log), new Set(unsent)];
          return () => {
            const before = into.size;
            for (const page of from) into.add(page);
            from.clear();
            return into.size - before;
          };
        },
      });
    }
    return wide(figure(dirty), race(rivals, { rounds: 5 }), 3);
  });
  return {
    title: 'Sync: OR one set into another, count what was new, clear the first; ms',
    columns: ['pages in each', 'PageBitmap', 'a byte a page', 'a Set', 'bytes take', 'a Set takes'],
    rows,
  };
}

/** As the model has it: three trackers subscribe, and each marks a set of its own. */
function batches(): Table {
  const size = 2 ** 20;
  const dirty = Uint32Array.from(new Set(randomPages(110_000, size))).sort();
  const words = bitmapOf(dirty, size).words;
  const trackers = Array.from({ length: 3 }, () => new PageBitmap(size));
  const writes = new Subject<PageWrites>();
  for (const tracker of trackers) writes.subscribe((batch) => tracker.applyWrites(batch));
  const single = new Subject<number>();
  for (const tracker of trackers) single.subscribe((page) => tracker.set(page));
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
  return rowsOf(
    `${figure(dirty.length)} dirty pages of a 4 GiB guest over RxJS to three trackers`,
    'ms',
    new Map([...ns].map(([name, each]) => [name, each / 1e6])),
    1,
  );
}

/** A row for each rival: its figure, and how it compares with the first. */
function rowsOf(title: string, unit: string, values: ReadonlyMap<string, number>, per: number): Table {
  const first = [...values.values()][0]!;
  return {
    title,
    columns: ['', unit, ''],
    rows: [...values].map(([name, value]) => [name, figure(value / per), times(value, first)]),
  };
}

/** One row for all rivals in ms, `-` for who did not take part. */
function wide(name: string, ns: ReadonlyMap<string, number>, rivals: number): string[] {
  const each = [...ns.values()];
  const cells = Array.from({ length: rivals }, (_, i) => each[i]);
  const show = (text: (value: number) => string) => (value: number | undefined) =>
    value === undefined ? '-' : text(value);
  return [
    name,
    ...cells.map(show((value) => figure(value / 1e6))),
    ...cells.slice(1).map(show((value) => times(value, each[0]!))),
  ];
}
