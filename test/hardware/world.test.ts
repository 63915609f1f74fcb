import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MLX5_LOGGER } from '../../src/hardware/dma-log.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import type { WorkloadSpec } from '../../src/hardware/workloads/workload.ts';
import { createWorld, type World, type WorldSpec } from '../../src/hardware/world.ts';
import { ownBatch } from '../../src/streams/copy-batch.ts';
import type { PageWrites } from '../../src/streams/page-writes.ts';

/** 16 MiB below a hole and 16 MiB above it; each writer has pages of its own, so that a lost one can be named. */
const slots = [
  { firstPage: 0, pages: 4096 },
  { firstPage: 8192, pages: 4096 },
];
const PAGES = 12_288;
const NIC0 = { firstPage: 1000, pages: 256 };
const NIC1 = { firstPage: 9000, pages: 256 };
const GPU = { firstPage: 10_000, pages: 300 };
const workloads: WorkloadSpec[] = [
  { vcpus: '0', kind: 'random', set: [{ firstPage: 0, pages: 900 }], rate: { writesPerSecond: 20_000 } },
  { vcpus: '1', kind: 'cycle', set: [{ firstPage: 2000, pages: 500 }], rate: { bytesPerSecond: 40 * 2 ** 20 } },
  { vcpus: '2', kind: 'sequential', set: [{ firstPage: 3000, pages: 500 }], rate: { writesPerSecond: 300 } },
  {
    vcpus: '3',
    kind: 'curve',
    set: [{ firstPage: 11_000, pages: 500 }],
    points: [
      { atMs: 10, pages: 50 },
      { atMs: 50, pages: 120 },
    ],
    order: 'scattered',
  },
];
const spec: WorldSpec = {
  seed: 42,
  pageBytes: 4096,
  slots,
  nonZeroPages: 5000,
  truth: 'both',
  vcpus: { workloads },
  containers: [
    {
      id: 'c0',
      iommu: { dirtyTracking: false, leafPages: 1 },
      devices: [
        { id: 'nic0', dma: { kind: 'nic', buffers: [NIC0], bytesPerSecond: 100 * 2 ** 20 }, logging: MLX5_LOGGER },
        { id: 'gpu0', dma: { kind: 'vgpu', mapped: { ranges: [GPU] }, writesPerSecond: 50_000 }, logging: MLX5_LOGGER },
      ],
    },
    {
      id: 'c1',
      iommu: { dirtyTracking: true, leafPages: 512 },
      devices: [{ id: 'nic1', dma: { kind: 'nic', buffers: [NIC1], bytesPerSecond: 100 * 2 ** 20 } }],
    },
  ],
};

function startTrackers(world: World): void {
  world.kvmLog.start();
  for (const id of ['nic0', 'gpu0']) expect(world.startDmaLog(id, [{ firstPage: 0, pages: PAGES }])).toBeUndefined();
  expect(world.setIommuTracking('c1', true)).toBeUndefined();
}

function sync(world: World, into: PageBitmap): void {
  world.kvmLog.get(into);
  for (const id of ['nic0', 'gpu0']) world.reportDmaLog(id, into);
  world.reportIommu('c1', into);
  world.synced();
}

/** A whole pre-copy by hand: bulk, `rounds` rounds in windows of 10 ms, then everything stopped and the rest sent. */
function migrate(world: World, rounds: number): void {
  startTrackers(world);
  let dirty = new PageBitmap(PAGES);
  world.memory.setAllRam(dirty);
  for (let round = 0; round < rounds; round++) {
    for (let page = 0; page < PAGES; page += 2048) {
      world.truth.sentAll(dirty, page, page + 2048);
      world.advanceTo(world.nowNs + 1e7);
    }
    dirty = new PageBitmap(PAGES);
    sync(world, dirty);
  }
  world.advanceTo(world.nowNs + 5e6);
  world.vcpus.stop();
  for (const id of ['nic0', 'gpu0', 'nic1']) world.dma(id).set('stopped');
  world.advanceTo(world.nowNs + 5e6);
  sync(world, dirty);
  world.truth.sentAll(dirty);
}

describe('no write is lost', () => {
  test('when every tracker listens', () => {
    const world = createWorld(spec);
    migrate(world, 3);
    expect(world.truth.lostPages(5)).toEqual({ count: 0, firstPages: [] });
  });

  test('whatever the guest does', () => {
    const rate = fc.record({ writesPerSecond: fc.integer({ min: 1, max: 2_000_000 }) });
    const set = fc.constant([
      { firstPage: 50, pages: 3000 },
      { firstPage: 8200, pages: 1000 },
    ]);
    const vcpus = fc.constant('0');
    const workload: fc.Arbitrary<WorkloadSpec> = fc.oneof(
      fc.record({ vcpus, kind: fc.constant('random' as const), set, rate }),
      fc.record({ vcpus, kind: fc.constant('cycle' as const), set, rate }),
      fc.record({ vcpus, kind: fc.constant('sequential' as const), set, rate, wraps: fc.boolean() }),
    );
    const drawn = fc.tuple(fc.integer(), fc.array(workload, { maxLength: 3 }), fc.integer({ min: 1, max: 3 }));
    fc.assert(
      fc.property(drawn, ([seed, some, rounds]) => {
        const world = createWorld({ ...spec, seed, vcpus: { workloads: some } });
        migrate(world, rounds);
        expect(world.truth.lostPages(5)).toEqual({ count: 0, firstPages: [] });
      }),
      { numRuns: 25 },
    );
  });
});

describe('a tracker that does not listen loses its own writers’ pages, and the truth names them', () => {
  const vcpuPages = (page: number) =>
    page < 900 || (page >= 2000 && page < 2500) || (page >= 3000 && page < 3500) || (page >= 11_000 && page < 11_500);
  const within = (range: { firstPage: number; pages: number }) => (page: number) =>
    page >= range.firstPage && page < range.firstPage + range.pages;
  test.each([
    ['kvm-log', vcpuPages],
    ['dma-log/nic0', within(NIC0)],
    ['iommu/c1', within(NIC1)],
  ] as const)('%s', (name, isItsOwn) => {
    const world = createWorld(spec);
    world.subscriptions.get(name)?.unsubscribe();
    migrate(world, 3);
    const { count, firstPages } = world.truth.lostPages(PAGES);
    expect(count).toBeGreaterThan(50);
    expect(firstPages.every(isItsOwn)).toBe(true);
  });

  test('a mediated device’s log needs no writes: it reports its map', () => {
    const world = createWorld(spec);
    world.subscriptions.get('dma-log/gpu0')?.unsubscribe();
    migrate(world, 3);
    expect(world.truth.lostPages(5).count).toBe(0);
  });

  test('a truth that does not listen believes that nothing is lost', () => {
    const world = createWorld(spec);
    world.subscriptions.get('truth')?.unsubscribe();
    world.subscriptions.get('kvm-log')?.unsubscribe();
    migrate(world, 2);
    expect(world.truth.lostPages(5).count).toBe(0);
  });

  test('a device that is not stopped before the last sync loses pages', () => {
    const world = createWorld(spec);
    startTrackers(world);
    const dirty = new PageBitmap(PAGES);
    world.memory.setAllRam(dirty);
    world.vcpus.stop();
    world.advanceTo(1e7);
    sync(world, dirty);
    world.truth.sentAll(dirty);
    world.dma('nic0').set('p2pQuiet');
    for (const id of ['gpu0', 'nic1']) world.dma(id).set('stopped');
    world.advanceTo(2e7);
    const { count, firstPages } = world.truth.lostPages(PAGES);
    expect(count).toBeGreaterThan(0);
    expect(firstPages.every(within(NIC0))).toBe(true);
  });

  test('every tracker has a name', () => {
    expect([...createWorld(spec).subscriptions.keys()]).toEqual([
      'memory',
      'truth',
      'kvm-log',
      'dma-log/nic0',
      'dma-log/gpu0',
      'dma-log/nic1',
      'iommu/c0',
      'iommu/c1',
    ]);
  });
});

describe('time', () => {
  /** All batches of 10 windows, kept. */
  function record(one: WorldSpec, stepNs = 1e7): PageWrites[] {
    const world = createWorld(one);
    const batches: PageWrites[] = [];
    world.pages$.subscribe((batch) => batches.push(ownBatch(batch)));
    for (let at = stepNs; at <= 1e8; at += stepNs) world.advanceTo(at);
    return batches;
  }

  test('the same spec and the same steps give the same writes; another seed others', () => {
    expect(record(spec)).toEqual(record(spec));
    expect(record({ ...spec, seed: 43 })).not.toEqual(record(spec));
  });

  test('a writer’s chances do not depend on what others do', () => {
    const vcpu0 = (batches: PageWrites[]) => batches.filter(({ source }) => source === 'vcpu:0');
    const alone = vcpu0(record({ ...spec, vcpus: { workloads: workloads.slice(0, 1) }, containers: [] }));
    expect(alone.length).toBeGreaterThan(0);
    expect(alone).toEqual(vcpu0(record(spec)));
  });

  test('two devices of one kind draw from streams of their own', () => {
    const dma = { kind: 'vgpu', mapped: { scatteredPages: 100 }, writesPerSecond: 1 } as const;
    const devices = [
      { id: 'gpu1', dma },
      { id: 'gpu2', dma },
    ];
    const world = createWorld({
      ...spec,
      containers: [{ id: 'c', iommu: { dirtyTracking: false, leafPages: 1 }, devices }],
    });
    const [first, second] = [world.dma('gpu1').mapped!.pages, world.dma('gpu2').mapped!.pages];
    expect([first.count, second.count]).toEqual([100, 100]);
    expect(first.or(second)).toBeGreaterThan(80);
  });

  test('every batch covers exactly the step, and every running writer has its say', () => {
    const batches = record(spec, 5e7);
    for (const { fromNs, toNs } of batches) expect([fromNs, toNs]).toEqual(fromNs === 0 ? [0, 5e7] : [5e7, 1e8]);
    const sources = ['vcpu:0', 'vcpu:1', 'vcpu:2', 'vcpu:3', 'dma:nic0', 'dma:gpu0', 'dma:nic1'];
    expect([...new Set(batches.map(({ source }) => source))]).toEqual(sources);
  });

  test('does not run backwards, and standing still emits nothing', () => {
    const world = createWorld(spec);
    world.advanceTo(100);
    let batches = 0;
    world.pages$.subscribe(() => {
      batches += 1;
    });
    world.advanceTo(100);
    expect(batches).toBe(0);
    expect(() => world.advanceTo(99)).toThrow(RangeError);
    expect(() => world.advanceTo(100.5)).toThrow(RangeError);
  });
});

test('a host’s own write is in the truth and in no tracker', () => {
  const world = createWorld({ ...spec, vcpus: { workloads: [] }, containers: spec.containers.slice(1) });
  world.kvmLog.start();
  world.setIommuTracking('c1', true);
  world.truth.sentRange(0, PAGES);
  world.write('host:vhost', [{ firstPage: 8191 + 1, pages: 2 }]);
  expect(world.truth.lostPages(5)).toEqual({ count: 2, firstPages: [8192, 8193] });
  const dirty = new PageBitmap(PAGES);
  world.kvmLog.get(dirty);
  world.reportIommu('c1', dirty);
  expect(dirty.count).toBe(0);
  expect(() => world.write('host:vhost', [{ firstPage: 5000, pages: 1 }])).toThrow(/host:vhost/);
});

test('calls reach the part that they name, with its errno', () => {
  const world = createWorld(spec);
  const into = new PageBitmap(PAGES);
  expect(world.startDmaLog('nic1', [{ firstPage: 0, pages: 1 }])).toBe('ENOTTY');
  expect(world.startDmaLog('nic0', [])).toBe('EINVAL');
  expect(world.setIommuTracking('c0', true)).toBe('EOPNOTSUPP');
  expect(world.reportIommu('c0', into)).toEqual({ errno: 'EOPNOTSUPP' });
  expect(world.reportDmaLog('nic0', into)).toEqual({ errno: 'EINVAL' });
  world.stopDmaLog('nic0');
  expect(world.reportPerpetual('c0', into)).toEqual({ dirtyPages: 8192, newPages: 8192 });
  expect(() => world.dma('nic9')).toThrow(RangeError);
  expect(() => world.reportPerpetual('c9', into)).toThrow(RangeError);
});

test.each([
  [
    'a workload in a hole',
    {
      ...spec,
      vcpus: {
        workloads: [
          { vcpus: '0', kind: 'random', set: [{ firstPage: 4000, pages: 200 }], rate: { writesPerSecond: 1 } },
        ],
      },
    },
  ],
  [
    'two containers of one name',
    { ...spec, containers: [spec.containers[1]!, { ...spec.containers[1]!, devices: [] }] },
  ],
  ['two devices of one name', { ...spec, containers: [spec.containers[0]!, { ...spec.containers[0]!, id: 'c9' }] }],
] as [string, WorldSpec][])('%s is refused', (_name, bad) => {
  expect(() => createWorld(bad)).toThrow(RangeError);
});

test('a spec is plain JSON', () => {
  expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
});

test('a 64 GiB guest with four trackers takes less than 40 MiB', () => {
  const before = process.memoryUsage().arrayBuffers;
  const world = createWorld({
    ...spec,
    truth: 'bit',
    slots: [{ firstPage: 0, pages: 2 ** 24 }],
    nonZeroPages: 2 ** 23,
  });
  world.kvmLog.start();
  for (const id of ['nic0', 'gpu0']) world.startDmaLog(id, [{ firstPage: 0, pages: 2 ** 24 }]);
  expect(world.memory.ramPages).toBe(2 ** 24);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 * 2 ** 20);
});
