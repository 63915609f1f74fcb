/**
 * L6 and L7 of a device's log, over random writes, queries and restarts, against a plain set of pages. A mutant, made here,
 * shows that each law can fail.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PageRange } from '../../machines/words.ts';
import { DmaLog, MLX5_LOGGER } from '../../src/hardware/dma-log.ts';
import { GuestMemory } from '../../src/hardware/memory.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';

const PAGES = 256;
const memory = new GuestMemory({ pageBytes: 4096, slots: [{ firstPage: 0, pages: PAGES }], nonZeroPages: 0 });

type Step =
  | { readonly do: 'write'; readonly pages: readonly number[] }
  | { readonly do: 'report'; readonly range: PageRange }
  | { readonly do: 'restart' };
const page = fc.integer({ min: 0, max: PAGES - 1 });
const range = fc.tuple(page, page).map(([a, b]) => ({ firstPage: Math.min(a, b), pages: Math.abs(a - b) + 1 }));
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('write' as const), pages: fc.array(page, { maxLength: 20 }) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('report' as const), range }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  ),
  { maxLength: 40 },
);

const START = { pageBytes: 4096, ranges: [{ iova: 0n, lengthBytes: BigInt(PAGES) * 4096n }] };
const inside =
  ({ firstPage, pages }: PageRange) =>
  (p: number) =>
    p >= firstPage && p < firstPage + pages;
const write = (log: DmaLog, pages: readonly number[]) =>
  log.receive({ fromNs: 0, toNs: 1, source: 'dma:nic0', form: 'list', pages: Uint32Array.from(pages) });

/** Throws at the first report that is not exactly what was written since the page was last reported or the log started. */
function obeys(script: readonly Step[], make: () => DmaLog): void {
  const log = make();
  log.start(START);
  let unreported = new Set<number>();
  for (const step of script) {
    switch (step.do) {
      case 'write':
        write(log, step.pages);
        for (const p of step.pages) unreported.add(p);
        break;
      case 'report': {
        const found = new PageBitmap(PAGES);
        log.report(found, step.range);
        const list = new Uint32Array(found.count);
        found.listInto(list);
        const wanted = [...unreported].filter(inside(step.range)).sort((a, b) => a - b);
        expect([...list]).toEqual(wanted);
        for (const p of wanted) unreported.delete(p);
        break;
      }
      case 'restart':
        log.stop();
        log.start(START);
        unreported = new Set();
        break;
      default:
        step satisfies never;
    }
  }
}

const plain = () => new DmaLog('nic0', memory, MLX5_LOGGER);

test('L6, L7: a report takes what was written in its range since START, and leaves the rest', () => {
  fc.assert(fc.property(steps, (script) => obeys(script, plain)));
});

/** Takes everything, whatever was asked for. */
class TakesAll extends DmaLog {
  override report(into: PageBitmap, range?: PageRange) {
    const found = super.report(into, range);
    super.report(new PageBitmap(PAGES));
    return found;
  }
}
/** Keeps its bits over a STOP. */
class KeepsOldEpoch extends DmaLog {
  #seen: number[] = [];
  override receive(batch: Parameters<DmaLog['receive']>[0]) {
    super.receive(batch);
    if (batch.form === 'list') this.#seen.push(...batch.pages);
  }
  override start(...args: Parameters<DmaLog['start']>) {
    const errno = super.start(...args);
    write(this, this.#seen.splice(0));
    return errno;
  }
}

describe('the laws can fail', () => {
  test.each([
    ['L6', () => new TakesAll('nic0', memory, MLX5_LOGGER)],
    ['L7', () => new KeepsOldEpoch('nic0', memory, MLX5_LOGGER)],
  ])('%s', (_, make) => {
    expect(() =>
      fc.assert(
        fc.property(steps, (script) => obeys(script, make)),
        { seed: 1, numRuns: 300 },
      ),
    ).toThrow();
  });
});

test('L7, I3: a log that is coarser than a page says more, and never less', () => {
  const coarse = { ...MLX5_LOGGER, minPageBytes: 65_536, maxPageBytes: 65_536 };
  fc.assert(
    fc.property(fc.array(page, { maxLength: 30 }), (pages) => {
      const log = new DmaLog('nic0', memory, coarse);
      log.start(START);
      write(log, pages);
      const found = new PageBitmap(PAGES);
      log.report(found);
      for (const p of pages) expect(found.get(p)).toBe(true);
      expect(found.count).toBe(16 * new Set(pages.map((p) => p >> 4)).size);
    }),
  );
});
