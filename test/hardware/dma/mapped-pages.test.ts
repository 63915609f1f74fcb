import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MappedPages } from '../../../src/hardware/dma/mapped-pages.ts';
import { DmaLog, MLX5_LOGGER } from '../../../src/hardware/dma-log.ts';
import { GuestMemory } from '../../../src/hardware/memory.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';

const PAGES = 300;
const memory = new GuestMemory({ pageBytes: 4096, slots: [{ firstPage: 0, pages: PAGES }], nonZeroPages: 0 });

function listOf(bitmap: PageBitmap): number[] {
  const pages = new Uint32Array(bitmap.count);
  bitmap.listInto(pages);
  return [...pages];
}

/** A mediated device's log over all of memory, and one report of it. */
function create() {
  const mapped = new MappedPages(PAGES);
  const log = new DmaLog('gpu0', memory, MLX5_LOGGER, mapped);
  const start = () => log.start({ pageBytes: 4096, ranges: [{ iova: 0n, lengthBytes: BigInt(PAGES) * 4096n }] });
  const report = () => {
    const into = new PageBitmap(PAGES);
    const found = log.report(into);
    expect(found).toEqual({ dirtyPages: into.count, newPages: into.count });
    return listOf(into);
  };
  return { mapped, log, start, report };
}

/** Intel's vGPU dirty bitmap, as described on its development list in 2017. */
describe('everything mapped is dirty', () => {
  test('what is mapped now is reported, every time, written or not', () => {
    const { mapped, start, report } = create();
    mapped.map({ firstPage: 10, pages: 3 });
    expect(start()).toBeUndefined();
    for (let round = 0; round < 3; round++) expect(report()).toEqual([10, 11, 12]);
  });

  test('what was unmapped since the last report shows exactly once more', () => {
    const { mapped, start, report } = create();
    mapped.map({ firstPage: 10, pages: 3 });
    start();
    report();
    mapped.unmap({ firstPage: 11, pages: 1 });
    expect(report()).toEqual([10, 11, 12]);
    expect(report()).toEqual([10, 12]);
  });

  test('the map is kept while nothing is logged: starting needs no scan and loses nothing', () => {
    const { mapped, start, report } = create();
    mapped.map({ firstPage: 10, pages: 2 });
    mapped.unmap({ firstPage: 10, pages: 1 });
    mapped.map({ firstPage: 20, pages: 1 });
    start();
    expect(report()).toEqual([10, 11, 20]);
    expect(report()).toEqual([11, 20]);
  });

  test('what was never mapped is not reported: the CPU’s pages are KVM’s business', () => {
    const { mapped, log, start, report } = create();
    mapped.map({ firstPage: 10, pages: 1 });
    start();
    log.receive({ fromNs: 0, toNs: 1, source: 'vcpu:0', form: 'list', pages: Uint32Array.of(200) });
    expect(report()).toEqual([10]);
  });

  test('steady maps never shrink a round', () => {
    const { mapped, start, report } = create();
    mapped.map({ firstPage: 0, pages: 77 });
    start();
    const counts = Array.from({ length: 5 }, () => report().length);
    expect(counts).toEqual([77, 77, 77, 77, 77]);
  });

  test('a report is what is mapped, and what was at some time since the last one', () => {
    const action = fc.record({
      kind: fc.constantFrom('map' as const, 'unmap' as const, 'report' as const),
      firstPage: fc.integer({ min: 0, max: 250 }),
      pages: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
        const { mapped, start, report } = create();
        start();
        const now = new Set<number>();
        let since = new Set<number>();
        for (const { kind, firstPage, pages } of actions) {
          if (kind === 'report') {
            expect(report()).toEqual([...since].sort((a, b) => a - b));
            since = new Set(now);
            continue;
          }
          mapped[kind]({ firstPage, pages });
          for (let p = firstPage; p < firstPage + pages; p++) {
            if (kind === 'map') since.add(p);
            if (kind === 'map') now.add(p);
            else now.delete(p);
          }
        }
      }),
    );
  });

  test('a report of a range takes that range’s unmapped pages only', () => {
    const { mapped, log, start, report } = create();
    mapped.map({ firstPage: 10, pages: 100 });
    start();
    report();
    mapped.unmap({ firstPage: 10, pages: 100 });
    const into = new PageBitmap(PAGES);
    expect(log.report(into, { firstPage: 0, pages: 50 })).toEqual({ dirtyPages: 40, newPages: 40 });
    expect(report()).toHaveLength(60);
    expect(report()).toEqual([]);
  });
});
