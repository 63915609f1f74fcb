/**
 * Laws of iommufd's dirty bits over random schedules, judged by the truth, which knows no tracker. Then the same schedules in
 * a wrong order, made by the test out of the halves of a query: the truth names what was lost.
 *
 * L1: a write through a translation that was cleared and not flushed is logged by nobody, so the flush comes before any copy.
 * L2: one flush stands for many clears, if it follows the last and precedes the first copy. L3: NO_CLEAR changes nothing.
 * L4: what is reported is a union of whole leaves. T2 to T4: what rc 0, a used bitmap and a cut leaf do to the unwary.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { IommuSpec } from '../../../src/hardware/iommu/iommu-spec.ts';
import type { Iommu } from '../../../src/hardware/iommu/iommufd.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { createWorld, type World } from '../../../src/hardware/world.ts';

const PAGES = 8192;
const SLOTS = [
  { firstPage: 0, pages: 3000 },
  { firstPage: 4096, pages: 4096 },
];
const ALL = { firstPage: 0, pages: PAGES };

function worldOf(iommu: Partial<IommuSpec>, seed: number, bytesPerSecond = 200 * 2 ** 20): World {
  const nic = (id: string, buffers: { firstPage: number; pages: number }[], rate: number) =>
    ({ id, dma: { kind: 'nic', buffers, bytesPerSecond: rate } }) as const;
  return createWorld({
    seed,
    pageBytes: 4096,
    slots: SLOTS,
    nonZeroPages: 0,
    truth: 'both',
    vcpus: { workloads: [] },
    containers: [
      {
        id: 'c',
        iommu: { dirtyTracking: true, leafPages: 1, ...iommu },
        devices: [
          nic('nic0', [{ firstPage: 700, pages: 900 }], bytesPerSecond),
          nic(
            'nic1',
            [
              { firstPage: 2900, pages: 90 },
              { firstPage: 5000, pages: 600 },
            ],
            bytesPerSecond / 3,
          ),
        ],
      },
    ],
  });
}

type Collect = (iommu: Iommu, into: PageBitmap, world: World) => void;

function copy(world: World, dirty: PageBitmap): void {
  world.truth.sentAll(dirty);
  dirty.clearAll();
}

/** Bulk, a round after each gap, everything stopped, the rest. Returns the pages that were lost. */
function migrate(world: World, gapsNs: readonly number[], collect: Collect): number {
  const iommu = world.iommu('c');
  expect(world.setIommuTracking('c', true)).toBeUndefined();
  const dirty = new PageBitmap(PAGES);
  world.memory.setAllRam(dirty);
  copy(world, dirty);
  for (const gapNs of gapsNs) {
    world.advanceTo(world.nowNs + gapNs);
    collect(iommu, dirty, world);
    copy(world, dirty);
  }
  for (const id of ['nic0', 'nic1']) world.dma(id).set('stopped');
  collect(iommu, dirty, world);
  copy(world, dirty);
  return world.truth.lostPages(1).count;
}

const asTheKernel: Collect = (iommu, into) => void iommu.report(into);

const spec = fc.record({
  hardware: fc.constantFrom('amd', 'intel', 'smmuv3'),
  leafPages: fc.constantFrom(1, 512),
  split: fc.constantFrom('none', 'eager', 'onDirty'),
  flush: fc.constantFrom('per-query', 'per-page'),
}) as fc.Arbitrary<Pick<IommuSpec, 'hardware' | 'leafPages' | 'split' | 'flush'> & { leafPages: number }>;
const odd = fc.constantFrom(2, 8, 64, 128).map((leafPages) => ({ hardware: 'amd' as const, leafPages }));
const anySpec: fc.Arbitrary<Partial<IommuSpec>> = fc.oneof(spec, odd);
const gaps = fc.array(fc.integer({ min: 1, max: 20_000_000 }), { minLength: 1, maxLength: 5 });

describe('over random schedules', () => {
  test('I1, I2, I3: queried and flushed before the copy, no write is lost, whatever the table', () => {
    fc.assert(
      fc.property(anySpec, gaps, fc.nat(), (iommu, gapsNs, seed) => {
        expect(migrate(worldOf(iommu, seed), gapsNs, asTheKernel)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('the costs change when, not what: nothing is lost where devices wait either', () => {
    fc.assert(
      fc.property(anySpec, gaps, fc.nat(), (iommu, gapsNs, seed) => {
        expect(migrate(worldOf({ ...iommu, costs: {} }, seed), gapsNs, asTheKernel)).toBe(0);
      }),
      { numRuns: 20 },
    );
  });

  test('L2: one flush stands for every clear before it, writes between them included', () => {
    const collect: Collect = (iommu, into, world) => {
      for (const range of iommu.table.ranges) {
        expect(iommu.readAndClear(into, range)).not.toHaveProperty('errno');
        world.advanceTo(world.nowNs + 500_000);
      }
      const before = iommu.iotlb.flushes;
      expect(iommu.flush()).toBe(1);
      expect(iommu.iotlb.flushes).toBe(before + 1);
    };
    const perQuery = anySpec.map((iommu): Partial<IommuSpec> => ({ ...iommu, flush: 'per-query' }));
    fc.assert(
      fc.property(perQuery, gaps, fc.nat(), (iommu, gapsNs, seed) => {
        expect(migrate(worldOf(iommu, seed), gapsNs, collect)).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  test('L1 broken: without a flush, what is written again is lost', () => {
    const collect: Collect = (iommu, into) => {
      for (const range of iommu.table.ranges) iommu.readAndClear(into, range);
    };
    for (const leafPages of [1, 64, 512]) {
      expect(migrate(worldOf({ leafPages }, 1), [20e6, 20e6, 20e6], collect)).toBeGreaterThan(0);
    }
  });

  test('L1 broken: the copy between the clear and the flush, and the truth names a page of the ring', () => {
    const collect: Collect = (iommu, into, world) => {
      for (const range of iommu.table.ranges) iommu.readAndClear(into, range);
      copy(world, into);
      world.advanceTo(world.nowNs + 3e6);
      iommu.flush();
    };
    const world = worldOf({ leafPages: 1 }, 1);
    expect(migrate(world, [20e6, 20e6], collect)).toBeGreaterThan(0);
    const [page] = world.truth.lostPages(1).firstPages;
    expect(page).toBeGreaterThanOrEqual(700);
    expect(page).toBeLessThan(5600);
  });

  test('L1: only what was cleared and not flushed can be hidden', () => {
    const world = worldOf({ leafPages: 64 }, 1);
    const iommu = world.iommu('c');
    world.setIommuTracking('c', true);
    world.advanceTo(1e6);
    const first = new PageBitmap(PAGES);
    for (const range of iommu.table.ranges) iommu.readAndClear(first, range);
    expect(iommu.iotlb.hiddenPages).toBe(first.count);
    for (let page = first.next(0); page !== -1; page = first.next(page + 1)) expect(iommu.iotlb.hides(page)).toBe(true);
    world.advanceTo(30e6);
    const second = new PageBitmap(PAGES);
    iommu.report(second);
    // The ring has gone on over other leaves, and those are seen.
    expect(second.count).toBeGreaterThan(0);
    let both = 0;
    second.forEach((page) => {
      if (first.get(page)) both += 1;
    });
    expect(both).toBe(0);
    expect(iommu.iotlb.hiddenPages).toBe(0);
  });

  test('L3: NO_CLEAR twice is the same, and the query after it finds the same; a clearing read is not so', () => {
    const fresh = (seed: number, iommu: Partial<IommuSpec>) => {
      const world = worldOf(iommu, seed);
      world.setIommuTracking('c', true);
      world.advanceTo(2e6);
      return world.iommu('c');
    };
    fc.assert(
      fc.property(anySpec, fc.nat(), (iommuSpec, seed) => {
        const iommu = fresh(seed, iommuSpec);
        const sets = [true, true, false].map((noClear) => {
          const into = new PageBitmap(PAGES);
          iommu.report(into, { noClear });
          return into;
        });
        const flushes = iommu.iotlb.flushes;
        expect(sets[0]!.count).toBeGreaterThan(0);
        for (const set of sets.slice(1)) {
          expect(set.count).toBe(sets[0]!.count);
          expect(set.or(sets[0]!)).toBe(0);
        }
        // NO_CLEAR flushes nothing.
        iommu.report(new PageBitmap(PAGES), { noClear: true });
        expect(iommu.iotlb.flushes).toBe(flushes);
        expect(iommu.report(new PageBitmap(PAGES))).toMatchObject({ dirtyPages: 0 });
      }),
      { numRuns: 20 },
    );
  });

  test('L4: what is reported is a union of whole leaves around what was written', () => {
    const cut = (set: PageBitmap, iommu: Iommu): number | undefined => {
      for (let page = set.next(0); page !== -1; page = set.next(page + 1)) {
        const area = iommu.table.areaOf(page);
        if (area === undefined) return page;
        const leaf = iommu.table.leafOf(page);
        const { firstPage, pages } = area.area;
        for (let one = firstPage; one < firstPage + pages; one++) {
          if (iommu.table.leafOf(one) === leaf && !set.get(one)) return one;
        }
      }
      return undefined;
    };
    fc.assert(
      fc.property(odd, fc.nat(), (iommuSpec, seed) => {
        const world = worldOf(iommuSpec, seed);
        const written = new PageBitmap(PAGES);
        world.setIommuTracking('c', true);
        world.pages$.subscribe((batch) => void written.applyWrites(batch));
        world.advanceTo(500_000);
        const iommu = world.iommu('c');
        const into = new PageBitmap(PAGES);
        iommu.report(into);
        expect(written.count).toBeGreaterThan(0);
        expect(written.orInto(into)).toBe(0);
        expect(cut(into, iommu)).toBeUndefined();
        // The law can fail: one page less, and it does.
        const page = into.next(0);
        into.clear(page);
        expect(cut(into, iommu)).toBe(page);
      }),
      { numRuns: 10 },
    );
  });
});

describe('traps', () => {
  test('T2: a query over a hole returns 0 and finds nothing behind it; mapped areas one by one find it', () => {
    const world = worldOf({ leafPages: 512 }, 1);
    const iommu = world.iommu('c');
    world.setIommuTracking('c', true);
    world.advanceTo(20e6);
    const across = new PageBitmap(PAGES);
    expect(iommu.report(across, { ranges: [ALL] })).not.toHaveProperty('errno');
    expect(across.next(3000)).toBe(-1);
    const exact = new PageBitmap(PAGES);
    iommu.report(exact);
    expect(exact.next(0)).toBeGreaterThanOrEqual(4096);
    // A query that begins in the hole reaches nothing at all.
    expect(iommu.report(exact, { ranges: [{ firstPage: 3000, pages: 5192 }] })).toEqual({ dirtyPages: 0, newPages: 0 });
  });

  test('T2: trusted, it loses every write behind the hole', () => {
    const world = worldOf({ leafPages: 1 }, 1);
    const lost = migrate(world, [20e6], (iommu, into) => void iommu.report(into, { ranges: [ALL] }));
    expect(lost).toBeGreaterThan(0);
    expect(world.truth.lostPages(1).firstPages[0]).toBeGreaterThanOrEqual(5000);
  });

  test('T3: a bitmap is only ORed into: one that is not zeroed never shrinks, and mixes ranges', () => {
    const world = worldOf({ leafPages: 1 }, 1);
    const iommu = world.iommu('c');
    world.setIommuTracking('c', true);
    const used = new PageBitmap(PAGES);
    used.set(2000);
    let before = used.count;
    for (let i = 0; i < 4; i++) {
      world.advanceTo(world.nowNs + 1e6);
      const zeroed = new PageBitmap(PAGES);
      iommu.report(zeroed, { noClear: true });
      const found = iommu.report(used);
      expect(found).toMatchObject({ dirtyPages: zeroed.count });
      expect(used.count).toBeGreaterThanOrEqual(before);
      before = used.count;
    }
    expect(used.get(2000)).toBe(true);
    for (const id of ['nic0', 'nic1']) world.dma(id).set('stopped');
    iommu.report(used);
    expect(iommu.report(used)).toEqual({ dirtyPages: 0, newPages: 0 });
    expect(used.count).toBe(before);
  });

  test('T4: a query that cuts a leaf clears all of it and reports its part; in pieces of leaves nothing is lost', () => {
    const pieces = (pages: number): Collect => {
      return (iommu, into) => {
        const ranges = iommu.table.ranges.flatMap(({ firstPage, pages: all }) =>
          Array.from({ length: Math.ceil(all / pages) }, (_, i) => ({
            firstPage: firstPage + i * pages,
            pages: Math.min(pages, all - i * pages),
          })),
        );
        iommu.report(into, { ranges });
      };
    };
    expect(migrate(worldOf({ leafPages: 512 }, 1), [20e6, 20e6], pieces(512))).toBe(0);
    expect(migrate(worldOf({ leafPages: 512 }, 1), [20e6, 20e6], pieces(256))).toBeGreaterThan(0);
  });

  test('L5: an unmap takes the dirty bits with it; read before, with NO_CLEAR, they are known', () => {
    const world = worldOf({ leafPages: 1 }, 1);
    const iommu = world.iommu('c');
    world.setIommuTracking('c', true);
    world.advanceTo(5e6);
    const range = { firstPage: 700, pages: 100 };
    const before = new PageBitmap(PAGES);
    iommu.report(before, { ranges: [range], noClear: true });
    expect(before.count).toBe(100);
    iommu.unmap(range, new PageBitmap(PAGES));
    expect(iommu.report(new PageBitmap(PAGES), { ranges: [range] })).toMatchObject({ dirtyPages: 0 });
  });
});
