/**
 * A guest's own IOMMU: who names which page of memory, and what is known when a mapping goes. The orders are QEMU's
 * (machines/unmap-order.ts); a test runs them step by step, and in the wrong order it loses the page.
 */
import { describe, expect, test } from 'vitest';
import { UNMAP_ORDER, type UnmapStep, type UnmapTracker } from '../../../machines/unmap-order.ts';
import { MLX5_LOGGER } from '../../../src/hardware/dma-log.ts';
import type { ViommuSpec } from '../../../src/hardware/mappings/viommu.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import type { WorldSpec } from '../../../src/hardware/world.ts';
import type { WriteSource } from '../../../src/streams/page-writes.ts';
import { type CopyOf, copyOf } from '../copy-of.ts';

const PAGES = 8192;
type Kind = 'iommufd' | 'device' | 'perpetual';
const WINDOW: ViommuSpec = { mappingPages: 16, mappings: 32, churnPerSecond: 0, poolPages: 4096 };

/** A NIC whose ring of 512 pages is the whole window, once round in 20 ms. */
function specOf(kind: Kind, viommu: Partial<ViommuSpec> = {}): WorldSpec {
  return {
    seed: 3,
    truth: 'both',
    pageBytes: 4096,
    slots: [{ firstPage: 0, pages: PAGES }],
    nonZeroPages: PAGES,
    vcpus: { workloads: [] },
    containers: [
      {
        id: 'c0',
        iommu: { dirtyTracking: kind === 'iommufd', leafPages: 1 },
        viommu: { ...WINDOW, ...viommu },
        devices: [
          {
            id: 'nic0',
            dma: { kind: 'nic', buffers: [{ firstPage: 0, pages: 512 }], bytesPerSecond: (512 * 4096) / 0.02 },
            ...(kind === 'device' ? { logging: MLX5_LOGGER } : {}),
          },
        ],
      },
    ],
  };
}

const viommuOf = ({ world }: CopyOf) => world.viommu('c0')!;
const APERTURE = [{ firstPage: 0, pages: 1024 }];

function started(kind: Kind, viommu: Partial<ViommuSpec> = {}): CopyOf {
  const copy = copyOf(specOf(kind, viommu));
  if (kind === 'device') expect(copy.world.startDmaLog('nic0', APERTURE)).toBeUndefined();
  if (kind === 'iommufd') expect(copy.world.setIommuTracking('c0', true)).toBeUndefined();
  copy.copyAll();
  return copy;
}

function collect({ world, dirty }: CopyOf, kind: Kind) {
  if (kind === 'device') return world.reportDmaLog('nic0', dirty);
  return kind === 'iommufd' ? world.reportIommu('c0', dirty) : world.reportPerpetual('c0', dirty);
}

/** The device writes through a slot's first page at once, if it can. */
function writeThrough(copy: CopyOf, slot: number): boolean {
  const viommu = viommuOf(copy);
  if (!viommu.table.isMapped(viommu.placeOf(slot))) return false;
  const write = (page: number) => ({
    fromNs: copy.world.nowNs,
    toNs: copy.world.nowNs,
    source: 'dma:nic0' as WriteSource,
    form: 'list' as const,
    pages: Uint32Array.of(page),
  });
  viommu.io$.next(write(viommu.ioPageOf(slot)));
  copy.world.write('dma:nic0', [{ firstPage: viommu.firstPageOf(slot), pages: 1 }]);
  return true;
}

const KINDS = ['iommufd', 'device', 'perpetual'] as const;

describe('a sync', () => {
  test.each(KINDS)('%s: I/O pages are translated, and no write is lost', (kind) => {
    const copy = started(kind);
    copy.runFor(7);
    expect(copy.lost().length).toBeGreaterThan(0);
    collect(copy, kind);
    copy.copyDirty();
    expect(copy.lost()).toEqual([]);
  });

  test('wrong: I/O page numbers taken for guest pages', () => {
    const copy = started('iommufd');
    copy.runFor(7);
    const untranslated = new PageBitmap(1024);
    viommuOf(copy).io$.subscribe((batch) => untranslated.applyWrites(batch));
    copy.runFor(7);
    untranslated.forEach((page) => {
      copy.dirty.set(page);
    });
    copy.copyDirty();
    expect(copy.lost().length).toBeGreaterThan(0);
  });

  test('a tracker is asked about mappings only: perpetual is what is mapped, not all of memory', () => {
    const copy = started('perpetual');
    const found = copy.world.reportPerpetual('c0', copy.dirty);
    expect(found.dirtyPages).toBe(512);
    expect(copy.dirty.count).toBeLessThanOrEqual(512);
  });

  test('each mapping is an ioctl, and the time is that of all', () => {
    const copy = started('iommufd', { queryNs: 1000 });
    copy.runFor(1);
    expect(copy.world.reportIommu('c0', copy.dirty)).toMatchObject({ workNs: 32_000 });
  });

  test('a blind tracker loses pages: it learns from the stream of I/O writes alone', () => {
    const copy = started('iommufd');
    copy.world.subscriptions.get('iommu/c0')!.unsubscribe();
    copy.runFor(7);
    collect(copy, 'iommufd');
    copy.copyDirty();
    expect(copy.lost().length).toBeGreaterThan(0);
  });
});

test('two I/O addresses may name one page: a write through either is its write', () => {
  // A pool of one buffer: every mapping is the same sixteen pages.
  const copy = started('iommufd', { poolPages: 16 });
  expect(viommuOf(copy).firstPageOf(0)).toBe(viommuOf(copy).firstPageOf(31));
  for (const slot of [0, 31]) {
    writeThrough(copy, slot);
    expect(copy.lost()).toEqual([0]);
    expect(collect(copy, 'iommufd')).toMatchObject({ dirtyPages: 1, newPages: 1 });
    copy.copyDirty();
    expect(copy.lost()).toEqual([]);
  }
});

describe('T29, L5, qemu.md trap 15: the order of an unmap', () => {
  /** Writes through slot 0, takes these steps with the device trying to write after each, syncs and copies. */
  function afterSteps(kind: Kind, steps: readonly UnmapStep[]): readonly number[] {
    const copy = started(kind);
    writeThrough(copy, 0);
    for (const step of steps) {
      viommuOf(copy).takeStep(0, step, kind as UnmapTracker);
      writeThrough(copy, 0);
    }
    collect(copy, kind);
    copy.copyDirty();
    return copy.lost();
  }

  test.each(KINDS)('%s: its own order loses nothing, unless the guest writes while it unmaps', (kind) => {
    const copy = started(kind);
    const page = viommuOf(copy).firstPageOf(0);
    writeThrough(copy, 0);
    expect(copy.lost()).toEqual([page]);
    for (const step of UNMAP_ORDER[kind]) viommuOf(copy).takeStep(0, step, kind);
    expect(writeThrough(copy, 0)).toBe(false);
    collect(copy, kind);
    copy.copyDirty();
    expect(copy.lost()).toEqual([]);
  });

  test('wrong for iommufd: unmap first, and the dirty bit is gone with the mapping', () => {
    expect(afterSteps('iommufd', ['unmap', 'query-no-clear'])).toHaveLength(1);
  });

  test('wrong for a device: query first, and what is written before the unmap is lost', () => {
    const copy = started('device');
    viommuOf(copy).takeStep(0, 'query', 'device');
    writeThrough(copy, 0);
    viommuOf(copy).takeStep(0, 'unmap', 'device');
    collect(copy, 'device');
    copy.copyDirty();
    expect(copy.lost()).toHaveLength(1);
  });

  test('right for a device: between unmap and query nothing can be written', () => {
    expect(afterSteps('device', ['unmap', 'query'])).toEqual([]);
  });

  test('wrong for a device: no query at all', () => {
    expect(afterSteps('device', ['unmap'])).toHaveLength(1);
  });

  test('wrong for perpetual: no mark, and the next sync does not know that it was mapped', () => {
    expect(afterSteps('perpetual', ['unmap'])).toHaveLength(1);
  });

  test('wrong: a device’s dirt of a mapping that went, translated by the mapping that came', () => {
    const copy = started('device');
    writeThrough(copy, 0);
    const old = viommuOf(copy).firstPageOf(0);
    const place = viommuOf(copy).placeOf(0);
    viommuOf(copy).takeStep(0, 'unmap', 'device');
    viommuOf(copy).table.map(place, old === 0 ? 16 : 0);
    collect(copy, 'device');
    copy.copyDirty();
    expect(copy.lost()).toEqual([old]);
  });

  test('a query that fails does not keep the mapping, and the next report is that error, once', () => {
    const copy = started('device');
    copy.world.dmaLog('nic0').failReport('EIO');
    viommuOf(copy).replace();
    expect(viommuOf(copy).table.count).toBe(32);
    expect(collect(copy, 'device')).toEqual({ errno: 'EIO' });
    expect(collect(copy, 'device')).toMatchObject({ dirtyPages: 0 });
  });

  test('while nothing tracks it is a plain unmap', () => {
    const copy = copyOf(specOf('iommufd'));
    expect(viommuOf(copy).activeTrackers).toEqual(['off']);
    copy.runFor(2);
    viommuOf(copy).replace();
    copy.world.setIommuTracking('c0', true);
    expect(collect(copy, 'iommufd')).toMatchObject({ dirtyPages: 0 });
  });
});

describe('a guest that maps and unmaps while it is migrated', () => {
  const busy = { churnPerSecond: 20_000, poolPages: 8192 };

  test.each(KINDS)('%s: rounds and a last one with the device stopped lose nothing', (kind) => {
    const copy = started(kind, busy);
    for (let round = 0; round < 5; round++) {
      copy.runFor(10);
      collect(copy, kind);
      copy.copyDirty();
    }
    copy.runFor(3);
    copy.world.vcpus.stop();
    copy.world.dma('nic0').set('stopped');
    collect(copy, kind);
    copy.copyDirty();
    expect(copy.lost()).toEqual([]);
  });

  test('its pages spread over the pool, not over the window', () => {
    const [calm, churning] = [started('iommufd'), started('iommufd', busy)];
    for (const copy of [calm, churning]) copy.runFor(100);
    for (const copy of [calm, churning]) collect(copy, 'iommufd');
    expect(calm.dirty.count).toBeLessThanOrEqual(512);
    expect(churning.dirty.count).toBeGreaterThan(2000);
  });

  test('it maps as fast as it runs: throttled less, stopped not at all', () => {
    const mapped = (change: (copy: CopyOf) => void) => {
      const copy = started('perpetual', { churnPerSecond: 1000, poolPages: 8192 });
      change(copy);
      const first = viommuOf(copy).placeOf(0);
      copy.runFor(32);
      collect(copy, 'perpetual');
      return { count: copy.dirty.count, moved: viommuOf(copy).placeOf(0) !== first };
    };
    const full = mapped(() => {});
    const half = mapped((copy) => copy.world.vcpus.throttle(50));
    const none = mapped((copy) => copy.world.vcpus.stop());
    expect([full.moved, none.moved]).toEqual([true, false]);
    expect(full.count).toBeGreaterThan(half.count);
    expect(half.count).toBeGreaterThan(none.count);
  });

  test('the same seed gives the same pages, another seed others', () => {
    const pagesOf = (seed: number) => {
      const copy = copyOf({ ...specOf('perpetual', busy), seed });
      copy.runFor(20);
      collect(copy, 'perpetual');
      const list = new Uint32Array(copy.dirty.count);
      copy.dirty.listInto(list);
      return [...list];
    };
    expect(pagesOf(1)).toEqual(pagesOf(1));
    expect(pagesOf(1)).not.toEqual(pagesOf(2));
  });
});

test('a naive re-arm between two syncs, tracking off and on again, loses the gap', () => {
  const copy = started('iommufd');
  copy.runFor(3);
  collect(copy, 'iommufd');
  copy.world.setIommuTracking('c0', false);
  copy.runFor(1);
  copy.world.setIommuTracking('c0', true);
  collect(copy, 'iommufd');
  copy.copyDirty();
  expect(copy.lost().length).toBeGreaterThan(10);
});

test('a mapping outside what the device watches is dirty as a whole: it was mapped after START', () => {
  const copy = copyOf(specOf('device'));
  expect(copy.world.startDmaLog('nic0', [{ firstPage: 0, pages: 64 }])).toBeUndefined();
  copy.copyAll();
  copy.runFor(7);
  collect(copy, 'device');
  copy.copyDirty();
  expect(copy.lost()).toEqual([]);
});

test('a mediated device has its own tables', () => {
  const spec = specOf('iommufd');
  const [container] = spec.containers;
  const vgpu = { id: 'gpu', dma: { kind: 'vgpu' as const, mapped: { scatteredPages: 8 }, writesPerSecond: 1 } };
  expect(() => copyOf({ ...spec, containers: [{ ...container!, devices: [vgpu] }] })).toThrow(/no vIOMMU/);
});
