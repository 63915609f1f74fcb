/**
 * The laws of mediated devices, V1 to V7 ("everything mapped is dirty", Intel on its vGPU list, 2017), over random guests: a
 * vGPU whose map the guest changes, and a NIC whose descriptors are scanned, each with a driver that writes for the guest.
 * Then the same with the reader broken by the test: the truth, which knows no tracker, names what was lost.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PageRange } from '../../../machines/words.ts';
import type { DeviceDmaSpec } from '../../../src/hardware/dma/device-dma.ts';
import type { MapMaintenance } from '../../../src/hardware/dma/mapped-pages.ts';
import { MLX5_LOGGER } from '../../../src/hardware/dma-log.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { createWorld, type World } from '../../../src/hardware/world.ts';

const slots = [
  { firstPage: 0, pages: 1000 },
  { firstPage: 1100, pages: 1400 },
];
const PAGES = 2500;
const STATUS = [{ firstPage: 2400, pages: 20 }];

interface Guest {
  readonly seed: number;
  readonly device: 'vgpu' | 'mediated-nic';
  readonly maintain: MapMaintenance;
  readonly churnPagesPerSecond: number;
  readonly gapsNs: readonly number[];
}

const guest: fc.Arbitrary<Guest> = fc.record({
  seed: fc.nat(),
  device: fc.constantFrom('vgpu', 'mediated-nic'),
  maintain: fc.constantFrom('onUpdate', 'walkAtQuery'),
  churnPagesPerSecond: fc.constantFrom(0, 100, 20_000, 500_000),
  gapsNs: fc.array(fc.integer({ min: 1, max: 20_000_000 }), { minLength: 1, maxLength: 5 }),
});

function deviceOf({ device, maintain, churnPagesPerSecond }: Guest, id = 'dev0'): DeviceDmaSpec {
  const driverWrites = { set: STATUS, bytesPerSecond: 2e6 };
  if (device === 'mediated-nic') {
    const pool = [
      { firstPage: 900, pages: 100 },
      { firstPage: 1200, pages: 80 },
    ];
    return { id, dma: { kind: device, pool, descriptors: 64, bytesPerSecond: 50e6 }, driverWrites };
  }
  const mapped = { scatteredPages: 300 };
  const dma = { kind: device, mapped, writesPerSecond: 60_000, costs: { maintain }, churnPagesPerSecond } as const;
  return { id, dma, driverWrites };
}

/** The device alone in its container, which type1 tracks, or which logs by its own driver. */
function worldOf(guest: Guest, tracker: 'own log' | 'type1'): World {
  const { id, dma, driverWrites } = deviceOf(guest);
  const device = { id, dma, driverWrites: driverWrites! };
  return createWorld({
    seed: guest.seed,
    pageBytes: 4096,
    slots,
    nonZeroPages: 0,
    truth: 'both',
    vcpus: { workloads: [] },
    containers: [
      {
        id: 'c0',
        iommu: { dirtyTracking: false, leafPages: 1 },
        ...(tracker === 'type1' ? { type1: {} } : {}),
        devices: [tracker === 'type1' ? device : { ...device, logging: MLX5_LOGGER }],
      },
    ],
  });
}

type Read = (world: World, into: PageBitmap) => void;
const readLog: Read = (world, into) => void world.reportDmaLog('dev0', into);
const readType1: Read = (world, into) => void world.reportIommu('c0', into);

function start(world: World): void {
  if (world.type1('c0') !== undefined) expect(world.setIommuTracking('c0', true)).toBeUndefined();
  else expect(world.startDmaLog('dev0', [{ firstPage: 0, pages: PAGES }])).toBeUndefined();
}

/** Bulk, a round after each gap, and the last one with everything stopped; returns how many pages were lost. */
function migrate(world: World, gapsNs: readonly number[], read: Read, last: Read = read): number {
  world.advanceTo(3e6);
  start(world);
  const dirty = new PageBitmap(PAGES);
  world.memory.setAllRam(dirty);
  for (const gapNs of gapsNs) {
    world.truth.sentAll(dirty);
    dirty.clearAll();
    world.advanceTo(world.nowNs + gapNs);
    read(world, dirty);
  }
  world.truth.sentAll(dirty);
  dirty.clearAll();
  world.advanceTo(world.nowNs + 4e6);
  world.vcpus.stop();
  world.advanceTo(world.nowNs + 1e6);
  world.dma('dev0').set('stopped');
  world.advanceTo(world.nowNs + 1e6);
  last(world, dirty);
  world.truth.sentAll(dirty);
  return world.truth.lostPages(1).count;
}

describe.each([
  ['own log', readLog],
  ['type1', readType1],
] as const)('%s', (tracker, read) => {
  test('V1, V2, V6, V8: no write is lost, whatever is mapped and unmapped', () => {
    fc.assert(
      fc.property(guest, (drawn) => {
        expect(migrate(worldOf(drawn, tracker), drawn.gapsNs, read)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe('one reader of the log', () => {
  test('V1, V2, V4: a report is what is mapped, what was since the last one, what the driver wrote, and nothing else', () => {
    fc.assert(
      fc.property(guest, (drawn) => {
        const world = worldOf(drawn, 'own log');
        const { mapped } = world.dma('dev0');
        let expected = new PageBitmap(PAGES);
        mapped!.follow({
          mapped: (range: PageRange) => expected.setRange(range.firstPage, range.pages),
          unmapped() {},
        });
        world.pages$.subscribe((batch) => batch.source === 'mdev:dev0' && expected.applyWrites(batch));
        start(world);
        for (const gapNs of drawn.gapsNs) {
          world.advanceTo(world.nowNs + gapNs);
          const into = new PageBitmap(PAGES);
          readLog(world, into);
          expect([...into.toWords()]).toEqual([...expected.toWords()]);
          // V5 in its form for one round.
          expect(into.count).toBeGreaterThanOrEqual(mapped!.pages.count);
          expected = new PageBitmap(PAGES);
          expected.or(mapped!.pages);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('V3: started late, the first report has every page that was mapped and left before', () => {
    const drawn: Guest = { seed: 1, device: 'vgpu', maintain: 'onUpdate', churnPagesPerSecond: 10_000, gapsNs: [1] };
    const world = worldOf(drawn, 'own log');
    world.advanceTo(10e6);
    start(world);
    const into = new PageBitmap(PAGES);
    const found = world.reportDmaLog('dev0', into);
    expect(found).not.toHaveProperty('workNs');
    // 300 mapped, 100 that left, 5 pages of the driver's own (20,000 bytes), which may be among them.
    expect(into.count).toBeGreaterThanOrEqual(400);
    expect(into.count).toBeLessThanOrEqual(405);
  });

  test('V5: a steady map never shrinks a round', () => {
    const drawn: Guest = { seed: 1, device: 'vgpu', maintain: 'onUpdate', churnPagesPerSecond: 0, gapsNs: [] };
    const world = worldOf(drawn, 'own log');
    start(world);
    const counts = Array.from({ length: 6 }, () => {
      const into = new PageBitmap(PAGES);
      readLog(world, into);
      return into.count;
    });
    expect(counts).toEqual(Array(6).fill(300));
  });
});

describe('broken on purpose, it loses writes and the truth names them', () => {
  const drawn: Guest = {
    seed: 1,
    device: 'vgpu',
    maintain: 'walkAtQuery',
    churnPagesPerSecond: 20_000,
    gapsNs: [8e6, 8e6, 8e6],
  };
  const nic: Guest = { ...drawn, device: 'mediated-nic' };
  /** A walk that keeps no note of what was unmapped. */
  const onlyMapped: Read = (world, into) => void into.or(world.dma('dev0').mapped!.pages);

  test.each([
    ['V2: a walk over the tables without a note of what was unmapped', drawn, onlyMapped],
    ['V2: a scan of the descriptors without those that were completed', nic, onlyMapped],
    [
      'V1: only what was unmapped',
      drawn,
      ((world, into) => {
        const all = new PageBitmap(PAGES);
        readLog(world, all);
        all.clearWhere(world.dma('dev0').mapped!.pages);
        into.or(all);
      }) satisfies Read,
    ],
    [
      'V7: a second reader before the one who copies',
      drawn,
      ((world, into) => {
        readLog(world, new PageBitmap(PAGES));
        readLog(world, into);
      }) satisfies Read,
    ],
  ])('%s', (_, guest, read) => {
    expect(migrate(worldOf(guest, 'own log'), guest.gapsNs, read)).toBeGreaterThan(0);
  });

  test('V6: the last query before the vGPU has stopped misses what is mapped until then', () => {
    const world = worldOf(drawn, 'own log');
    const early = new PageBitmap(PAGES);
    const lost = migrate(
      world,
      drawn.gapsNs,
      (of, into) => {
        readLog(of, into);
        early.clearAll();
      },
      (_, into) => void into.or(early),
    );
    expect(lost).toBeGreaterThan(0);
  });

  test.each([
    ['type1', readType1, 'type1/c0'],
    ['own log', readLog, 'dma-log/dev0'],
  ] as const)('what the driver writes for the guest nobody else hears: %s unsubscribed', (tracker, read, name) => {
    const still = { ...drawn, churnPagesPerSecond: 0 };
    const world = worldOf(still, tracker);
    world.subscriptions.get(name)?.unsubscribe();
    world.kvmLog.start();
    const withKvm: Read = (of, into) => {
      of.kvmLog.get(into);
      read(of, into);
    };
    expect(migrate(world, still.gapsNs, withKvm)).toBeGreaterThan(0);
  });
});

describe('T30: the driver writes two bytes across the end of a page', () => {
  const quiet = () => {
    const world = createWorld({
      seed: 1,
      pageBytes: 4096,
      slots,
      nonZeroPages: 0,
      truth: 'both',
      vcpus: { workloads: [] },
      containers: [
        {
          id: 'c0',
          iommu: { dirtyTracking: false, leafPages: 1 },
          type1: {},
          devices: [{ id: 'dev0', dma: { kind: 'vgpu', mapped: { ranges: [] }, writesPerSecond: 0 } }],
        },
      ],
    });
    world.setIommuTracking('c0', true);
    world.truth.sentRange(0, PAGES);
    return world;
  };

  test('both pages are dirty, once', () => {
    const world = quiet();
    expect(world.writeForGuest('dev0', { atBytes: 4095, bytes: 2 })).toBeUndefined();
    const into = new PageBitmap(PAGES);
    expect(world.reportIommu('c0', into)).toEqual({ dirtyPages: 2, newPages: 2 });
    world.truth.sentAll(into);
    expect(world.truth.lostPages(1).count).toBe(0);
    expect(world.reportIommu('c0', new PageBitmap(PAGES))).toEqual({ dirtyPages: 0, newPages: 0 });
  });

  test('counted by the length alone, as the kernel did until 2020, the second page is lost', () => {
    const world = quiet();
    const { atBytes, bytes } = { atBytes: 4095, bytes: 4097 };
    world.subscriptions.get('type1/c0')?.unsubscribe();
    world.writeForGuest('dev0', { atBytes, bytes });
    // bitmap_set(dma->bitmap, offset >> pgshift, *copied >> pgshift), before commit 2c5af98592f6.
    const pairs = Uint32Array.of(atBytes >>> 12, bytes >>> 12);
    world.type1('c0')?.receive({ fromNs: 0, toNs: 0, source: 'mdev:dev0', form: 'extents', pairs });
    const into = new PageBitmap(PAGES);
    world.reportIommu('c0', into);
    world.truth.sentAll(into);
    expect(world.truth.lostPages(5)).toEqual({ count: 1, firstPages: [1] });
  });

  test('what is not mapped is refused, and nobody writes', () => {
    const world = quiet();
    expect(world.writeForGuest('dev0', { atBytes: 1000 * 4096 - 1, bytes: 2 })).toBe('EINVAL');
    expect(world.truth.lostPages(1).count).toBe(0);
    expect(world.writeForGuest('dev0', { atBytes: 0, bytes: 0 })).toBeUndefined();
  });
});

describe('costs', () => {
  const costly = (maintain: MapMaintenance) =>
    createWorld({
      seed: 1,
      pageBytes: 4096,
      slots,
      nonZeroPages: 0,
      truth: 'bit',
      vcpus: { workloads: [{ kind: 'idle', vcpus: '0-1' }] },
      containers: [
        {
          id: 'c0',
          iommu: { dirtyTracking: false, leafPages: 1 },
          devices: [
            {
              id: 'dev0',
              dma: {
                kind: 'vgpu',
                mapped: { ranges: [{ firstPage: 10, pages: 100 }] },
                writesPerSecond: 0,
                costs: { maintain, updateNs: 1000, entryNs: 50 },
                churnPagesPerSecond: 10_000,
              },
              logging: MLX5_LOGGER,
            },
          ],
        },
      ],
    });

  // 10,000 pages a second for 10 ms: 100 unmapped and 100 mapped; then so long again, so that what is owed is stood.
  test.each([
    ['onUpdate', 200_000, undefined],
    ['walkAtQuery', 100_000, 200 * 50],
  ] as const)('%s: the guest stands %i ns, a query takes %s ns', (maintain, stoodNs, workNs) => {
    const world = costly(maintain);
    start(world);
    world.advanceTo(10e6);
    const found = world.reportDmaLog('dev0', new PageBitmap(PAGES));
    expect(found).toEqual({ dirtyPages: 200, newPages: 200, ...(workNs === undefined ? {} : { workNs }) });
    const owedNs = world.stalls.owedNs(0) + world.stalls.owedNs(1);
    const stood = world.stalls.takeStood()?.tableUpdates ?? 0;
    expect(owedNs + stood).toBeCloseTo(stoodNs, 3);
  });

  test('a guest that stands changes nothing and pays nothing', () => {
    const world = costly('onUpdate');
    world.vcpus.stop();
    world.advanceTo(10e6);
    expect(world.dma('dev0').mapped?.pages.count).toBe(100);
    expect(world.stalls.owedNs(0)).toBe(0);
    expect(world.dma('dev0').mapped?.pages.get(10)).toBe(true);
  });

  test('a cost that is none is refused', () => {
    expect(() => deviceWith(-1)).toThrow(RangeError);
  });

  function deviceWith(updateNs: number): World {
    const drawn: Guest = { seed: 1, device: 'vgpu', maintain: 'onUpdate', churnPagesPerSecond: 0, gapsNs: [] };
    const { dma } = deviceOf(drawn);
    const costs = { updateNs };
    const device = { id: 'dev0', dma: { ...(dma as Extract<typeof dma, { kind: 'vgpu' }>), costs } };
    const containers = [{ id: 'c0', iommu: { dirtyTracking: false, leafPages: 1 }, devices: [device] }];
    const rest = { pageBytes: 4096, slots, nonZeroPages: 0, truth: 'bit' as const, vcpus: { workloads: [] } };
    return createWorld({ seed: 1, ...rest, containers });
  }
});
