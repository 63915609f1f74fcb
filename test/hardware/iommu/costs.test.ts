/**
 * What tracking costs, and whom: walks, flushes and splits the one who asks, missing translations and page requests the
 * device. Every expected figure is a count times a parameter that the test gives.
 */
import { describe, expect, test } from 'vitest';
import type { IommuSpec } from '../../../src/hardware/iommu/iommu-spec.ts';
import { Iommu } from '../../../src/hardware/iommu/iommufd.ts';
import { TranslationCache } from '../../../src/hardware/iommu/translation-cache.ts';
import { GuestMemory } from '../../../src/hardware/memory.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { createWorld } from '../../../src/hardware/world.ts';

const PAGES = 65_536;
const memory = new GuestMemory({ pageBytes: 4096, slots: [{ firstPage: 0, pages: PAGES }], nonZeroPages: 0 });
const COSTS = { flushNs: 1000, walkNs: 2, splitNs: 50, missNs: 0, pageRequestNs: 0 };
const iommuOf = (spec: Partial<IommuSpec>) =>
  new Iommu({ dirtyTracking: true, leafPages: 512, costs: COSTS, ...spec }, memory, ['nic0']);
const write = (iommu: Iommu, pages: readonly number[], fromNs = 0) =>
  iommu.receive({ fromNs, toNs: fromNs + 1, source: 'dma:nic0', form: 'list', pages: Uint32Array.from(pages) });
const query = (iommu: Iommu) => iommu.report(new PageBitmap(PAGES));

describe('one query', () => {
  test.each([
    ['per-query', 3, 1],
    ['per-query', 0, 1],
    ['per-page', 3, 3],
    ['per-page', 0, 0],
  ] as const)('%s, %i dirty leaves: %i flushes', (flush, leaves, flushes) => {
    const iommu = iommuOf({ flush });
    iommu.setDirtyTracking(true);
    const before = iommu.iotlb.flushes;
    write(
      iommu,
      Array.from({ length: leaves }, (_, leaf) => leaf * 512 + 7),
    );
    const workNs = 128 * COSTS.walkNs + flushes * COSTS.flushNs;
    expect(query(iommu)).toEqual({ dirtyPages: leaves * 512, newPages: leaves * 512, workNs });
    expect(iommu.iotlb.flushes - before).toBe(flushes);
  });

  test('per-page over leaves of a page: a flush for each', () => {
    const iommu = iommuOf({ flush: 'per-page', leafPages: 1 });
    iommu.setDirtyTracking(true);
    const before = iommu.iotlb.flushes;
    write(iommu, [1, 2, 3, 3, 60_000]);
    expect(query(iommu)).toMatchObject({ dirtyPages: 4, workNs: PAGES * COSTS.walkNs + 4 * COSTS.flushNs });
    expect(iommu.iotlb.flushes - before).toBe(4);
  });

  test('two areas are two ioctls, a flush each', () => {
    const areas = [
      { firstPage: 0, pages: 1024, leafPages: 512 },
      { firstPage: 2048, pages: 1024, leafPages: 512 },
    ];
    const iommu = iommuOf({ areas });
    iommu.setDirtyTracking(true);
    const before = iommu.iotlb.flushes;
    expect(query(iommu)).toMatchObject({ workNs: 4 * COSTS.walkNs + 2 * COSTS.flushNs });
    expect(iommu.iotlb.flushes - before).toBe(2);
  });
});

describe('splitting (hypothetical)', () => {
  test('none: enabling is a walk that clears, its flush, and the knob', () => {
    const iommu = iommuOf({});
    expect(iommu.startNs).toBe(128 * 2 + (1 + 2) * 1000);
    iommu.setDirtyTracking(true);
    expect([iommu.startNs, iommu.iotlb.flushes, iommu.table.leaves]).toEqual([0, 3, 128]);
  });

  test('eager: every leaf at the start, at its cost; whole again so long after the stop, and not before', () => {
    const iommu = iommuOf({ split: 'eager', collapseAfterNs: 500 });
    expect(iommu.startNs).toBe((128 + PAGES) * 2 + PAGES * 50 + 3 * 1000);
    iommu.setDirtyTracking(true);
    expect(iommu.table.leaves).toBe(PAGES);
    write(iommu, [700]);
    expect(query(iommu)).toMatchObject({ dirtyPages: 1 });
    iommu.setDirtyTracking(false, 10_000);
    write(iommu, [700], 10_499);
    expect(iommu.table.leaves).toBe(PAGES);
    write(iommu, [700], 10_500);
    expect(iommu.table.leaves).toBe(128);
    // A second migration splits again.
    expect(iommu.setDirtyTracking(true, 20_000)).toBeUndefined();
    expect(iommu.table.leaves).toBe(PAGES);
  });

  test('eager: a start before the collapse is due finds them split, and pays for none', () => {
    const iommu = iommuOf({ split: 'eager' });
    iommu.setDirtyTracking(true);
    iommu.setDirtyTracking(false, 0);
    expect(iommu.startNs).toBe(PAGES * 2 + 3 * 1000);
    iommu.setDirtyTracking(true, 10);
    write(iommu, [1], 5e9);
    expect(iommu.table.leaves).toBe(PAGES);
  });

  test('onDirty: the first query reports the leaf and splits it, the next ones report the page; cold leaves stay whole', () => {
    const iommu = iommuOf({ split: 'onDirty' });
    iommu.setDirtyTracking(true);
    write(iommu, [700]);
    const made = { dirtyPages: 512, newPages: 512, workNs: 128 * 2 + 512 * 50 + 1000 };
    expect(query(iommu)).toEqual(made);
    write(iommu, [700]);
    expect(query(iommu)).toMatchObject({ dirtyPages: 1 });
    expect(iommu.table.leaves).toBe(127 + 512);
  });

  test('onDirty: what was written before the run is split before the run, and not dirty', () => {
    const world = createWorld({
      seed: 1,
      pageBytes: 4096,
      slots: [{ firstPage: 0, pages: PAGES }],
      nonZeroPages: 0,
      truth: 'both',
      vcpus: { workloads: [] },
      containers: [
        {
          id: 'c',
          iommu: { dirtyTracking: true, leafPages: 512, split: 'onDirty' },
          devices: [
            {
              id: 'nic0',
              // Its ring takes 2.5 s: one query sees only part of it.
              dma: { kind: 'nic', buffers: [{ firstPage: 5120, pages: 2560 }], bytesPerSecond: 4 * 2 ** 20 },
            },
          ],
        },
      ],
    });
    const iommu = world.iommu('c');
    expect(iommu.table.leaves).toBe(128 - 5 + 5 * 512);
    expect([iommu.tracking, iommu.iotlb.flushes, world.nowNs]).toEqual([false, 0, 0]);
    world.setIommuTracking('c', true);
    world.advanceTo(100_000_000);
    // A 4 KiB page at a time, not 512.
    expect(world.reportIommu('c', new PageBitmap(PAGES))).toMatchObject({ dirtyPages: 103 });
  });
});

describe('a device that waits', () => {
  const worldWith = (iommu: Partial<IommuSpec>, bytesPerSecond = 400 * 2 ** 20) =>
    createWorld({
      seed: 1,
      pageBytes: 4096,
      slots: [{ firstPage: 0, pages: PAGES }],
      nonZeroPages: 0,
      truth: 'both',
      vcpus: { workloads: [] },
      containers: [
        {
          id: 'c',
          iommu: { dirtyTracking: true, leafPages: 512, ...iommu },
          devices: [{ id: 'nic0', dma: { kind: 'nic', buffers: [{ firstPage: 0, pages: 32_768 }], bytesPerSecond } }],
        },
      ],
    });
  const throughput = (iommu: Partial<IommuSpec>) => {
    const world = worldWith(iommu);
    world.setIommuTracking('c', true);
    world.advanceTo(1_000_000_000);
    return world.deviceThroughput()?.nic0;
  };
  /** A missing translation per page of 4 KiB, at this many pages a second while it runs. */
  const share = (pagesPerSecond: number, ns: number) => Math.round(1000 / (1 + (pagesPerSecond * ns) / 1e9)) / 10;

  test('free of charge nobody waits, and nothing is said', () => {
    expect(throughput({})).toBeUndefined();
    expect(throughput({ costs: { missNs: 0 } })).toBeUndefined();
  });

  test('leaves that fit the IOTLB cost next to nothing; forced to 4 KiB they do not fit', () => {
    const missNs = 1000;
    const large = throughput({ costs: { missNs, iotlbEntries: 128 } })!;
    expect(large.during).toBeGreaterThan(99.9);
    const small = throughput({ leafPages: 1, costs: { missNs, iotlbEntries: 128 } })!;
    expect(Math.abs(small.during - share(102_400, missNs))).toBeLessThan(0.5);
    expect(Math.abs(small.before! - small.during)).toBeLessThan(0.5);
    expect(small.after).toBe(small.before);
    // Fewer misses, less lost: the cache is what matters, not the leaf.
    const held = throughput({ leafPages: 1, costs: { missNs, iotlbEntries: 32_768 } })!;
    expect(held.during).toBeGreaterThan(small.during + 1);
  });

  test('the split strategies differ in when: eager loses during, onDirty before as well, and neither where it goes', () => {
    const costs = { missNs: 1000, iotlbEntries: 128 };
    const [eager, onDirty] = [throughput({ split: 'eager', costs })!, throughput({ split: 'onDirty', costs })!];
    expect(eager.before).toBeGreaterThan(99.9);
    expect(eager.during).toBeLessThan(92);
    expect(eager.after).toBe(eager.before);
    expect(onDirty.before).toBeLessThan(92);
    expect(onDirty.during).toBeLessThan(92);
    expect(onDirty.after).toBeGreaterThan(99.9);
  });

  test('and writes less by that share', () => {
    const written = (iommu: Partial<IommuSpec>) => {
      const world = worldWith(iommu);
      let pages = 0;
      world.pages$.subscribe((batch) => {
        if (batch.form === 'extents') for (let i = 1; i < batch.pairs.length; i += 2) pages += batch.pairs[i]!;
      });
      world.advanceTo(300_000_000);
      return pages;
    };
    const missNs = 5000;
    const ratio = written({ leafPages: 1, costs: { missNs, iotlbEntries: 128 } }) / written({});
    expect(Math.abs(100 * ratio - share(102_400, missNs))).toBeLessThan(2);
  });

  test('write protection (hypothetical): a page request for each first write, none for a second one', () => {
    const pageRequestNs = 20_000;
    const world = worldWith({
      leafPages: 1,
      writeProtect: { pageRequests: true },
      costs: { missNs: 0, pageRequestNs },
    });
    world.setIommuTracking('c', true);
    world.advanceTo(300_000_000);
    const first = world.deviceThroughput()!.nic0!.during;
    expect(Math.abs(first - share(102_400, pageRequestNs))).toBeLessThan(1);
    // The ring is dirty by now, as nobody collects: it runs free.
    world.advanceTo(3_000_000_000);
    expect(world.deviceThroughput()!.nic0!.during).toBeGreaterThan(first + 10);
    // A collect protects again, and what it found is what was written.
    expect(world.reportIommu('c', new PageBitmap(PAGES))).toMatchObject({ dirtyPages: 32_768 });
  });

  test('write protection without ATS and PRI: the first write is aborted, nothing reaches memory, the device is told of', () => {
    const world = worldWith({ leafPages: 1, writeProtect: { pageRequests: false } });
    const aborted: string[] = [];
    world.dmaAborted$.subscribe((id) => void aborted.push(id));
    world.advanceTo(1e6);
    world.truth.sentRange(0, PAGES);
    world.setIommuTracking('c', true);
    world.advanceTo(50e6);
    expect(aborted).toEqual(['nic0']);
    expect(world.truth.lostPages(1).count).toBe(0);
    // Off again, it stays broken until it is reset.
    world.setIommuTracking('c', false);
    world.advanceTo(60e6);
    expect(world.truth.lostPages(1).count).toBe(0);
    world.deviceReset('nic0');
    world.advanceTo(70e6);
    expect(world.truth.lostPages(1).count).toBeGreaterThan(0);
  });

  test('dirty bits and write protection exclude each other', () => {
    expect(() => iommuOf({ split: 'onDirty', writeProtect: { pageRequests: true } })).toThrow(RangeError);
  });
});

test('a cache of translations: the oldest leaves first, and a cycle one too long misses always', () => {
  const misses = (entries: number, leaves: readonly number[]) => {
    const cache = new TranslationCache(entries, 100);
    return leaves.map((leaf) => (cache.visit(leaf) ? 'x' : '.')).join('');
  };
  expect(misses(3, [1, 2, 3, 1, 2, 3])).toBe('xxx...');
  expect(misses(3, [1, 2, 3, 4, 1, 2, 3, 4])).toBe('xxxxxxxx');
  expect(misses(2, [1, 2, 1, 3, 2, 1])).toBe('xx.x.x');
  expect(() => new TranslationCache(0, 100)).toThrow(RangeError);
  const cache = new TranslationCache(2, 100);
  cache.visit(5);
  cache.clear();
  expect(cache.visit(5)).toBe(true);
});
