/**
 * Guests of 4, 16 and 64 KiB pages: every workload, every device and every log through a whole small migration, with the
 * truth kept in both ways. Whatever writes and whoever logs it, nothing is lost, and nobody is idle by mistake.
 */
import { describe, expect, test } from 'vitest';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import { DIRTY_LOGS } from '../../src/lab/scenario/scenario.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import { watchRun } from './watch-run.ts';

type Vm = ScenarioInput['vm'];
type Workload = NonNullable<Vm['workloads']>[number];
type Container = NonNullable<ScenarioInput['containers']>[number];
type Device = Container['devices'][number];

const PAGE_SIZES = ['4KiB', '16KiB', '64KiB'] as const;

/** A guest of 64 MiB with one writer of each place in it: 0 to 32 MiB vCPUs, 32 to 64 MiB devices. */
function small(
  pageSize: (typeof PAGE_SIZES)[number],
  vm: Partial<Vm>,
  containers: Container[] = [],
  downtimeLimit: '100ms' | '1s' = '100ms',
) {
  return scenarioFrom({
    name: 'small',
    vm: { memory: '64MiB', pageSize, vcpus: 2, workloads: [RANDOM], ...vm },
    containers,
    link: { bandwidth: '1Gbit/s' },
    vmm: { loop: 'qemu-10.2', downtimeLimit, maxBandwidth: 'unlimited', enableMigration: 'on' },
    checks: { truth: 'both' },
  });
}

const RANDOM: Workload = { kind: 'random', set: '16MiB', rate: '10MiB/s' };
const place = { set: '16MiB', at: '8MiB' } as const;
const WORKLOADS: Record<string, Workload> = {
  random: RANDOM,
  zipf: { kind: 'zipf', skew: 0.9, rate: '10MiB/s', ...place },
  'zipf by address': { kind: 'zipf', skew: 0.9, order: 'address', rate: '10MiB/s', ...place },
  cycle: { kind: 'cycle', rate: '10MiB/s', ...place },
  sequential: { kind: 'sequential', rate: '10MiB/s', ...place },
  curve: {
    kind: 'curve',
    points: [
      ['100ms', '2MiB'],
      ['1s', '8MiB'],
    ],
    ...place,
  },
  phases: {
    kind: 'phases',
    phases: [
      { for: '70ms', kind: 'zipf', skew: 0.5, rate: '10MiB/s', ...place },
      { for: '30ms', kind: 'idle' },
      { for: '50ms', kind: 'cycle', rate: '20MiB/s', ...place },
    ],
  },
};

const common = { id: 'd0', features: ['stop-copy', 'p2p'], state: { stopCopy: '64KiB' } } satisfies Partial<Device>;
const DEVICES: Record<string, Device> = {
  nic: { ...common, kind: 'nic', dma: { rate: '10MiB/s', ring: '4MiB', at: '32MiB' } },
  nvme: {
    ...common,
    kind: 'nvme',
    dma: {
      queues: 2,
      depth: 64,
      reads: '500/s',
      readSize: '20KiB',
      otherCommands: '1k/s',
      buffers: '8MiB',
      at: '32MiB',
    },
  },
  accelerator: { ...common, kind: 'accelerator', dma: { set: '8MiB', at: '32MiB', rate: '10MiB/s', skew: 0.7 } },
  custom: {
    ...common,
    kind: 'custom',
    dma: [
      { pattern: 'ring', set: '1MiB', at: '32MiB', rate: '4MiB/s' },
      { pattern: 'random', set: '8MiB', at: '40MiB', rate: '4MiB/s', block: '48KiB' },
      { pattern: 'zipf', set: '2MiB', at: '50MiB', rate: '1k/s', skew: 1 },
      { pattern: 'queues', at: '56MiB', reads: '100/s', buffers: '2MiB' },
    ],
    p2pStops: 'all',
  },
};
const LOGS = {
  'its own log': { dmaLogging: true, iommu: { kind: 'iommufd', dirtyTracking: false } },
  'the IOMMU’s dirty bits': { dmaLogging: false, iommu: { kind: 'iommufd', dirtyTracking: true, leaf: '4KiB' } },
  'the IOMMU’s dirty bits, 2 MiB each': {
    dmaLogging: false,
    iommu: { kind: 'iommufd', dirtyTracking: true, leaf: '2MiB' },
  },
  'nobody, so all of memory': { dmaLogging: false, iommu: { kind: 'none' } },
} as const;

/** Completed, every check held, and more was dirty than what the first copy sends. */
function expectNothingLost(scenario: ReturnType<typeof small>, source: RegExp) {
  const { report, driver } = watchRun(scenario);
  expect(report.outcome).toBe('completed');
  expect(report.checks.filter(({ held }) => !held)).toEqual([]);
  expect(driver.inspect().lost).toEqual({ count: 0, firstPages: [] });
  const found = report.rounds.flatMap(({ dirtyPagesBySource }) => Object.entries(dirtyPagesBySource));
  const dirty = found.filter(([name]) => source.test(name)).reduce((sum, [, pages]) => sum + pages, 0);
  expect(dirty).toBeGreaterThan(0);
}

describe.each(PAGE_SIZES)('pages of %s', (pageSize) => {
  test.each(Object.keys(WORKLOADS))('vCPUs that run %s', (name) => {
    expectNothingLost(small(pageSize, { workloads: [WORKLOADS[name]!] }), /^vcpu/);
  });

  test.each(DIRTY_LOGS)('KVM’s %s', (dirtyLog) => {
    expectNothingLost(small(pageSize, { dirtyLog }), /^vcpu/);
  });

  test('the host itself', () => {
    const hostWriters = [
      { id: 'vhost', kind: 'cycle', set: '2MiB', at: '40MiB', rate: '4MiB/s' },
      { id: 'ide', kind: 'random', set: '2MiB', at: '44MiB', rate: '100/s' },
    ] as const;
    expectNothingLost(small(pageSize, { hostWriters: [...hostWriters] }), /^host$/);
  });

  describe.each(Object.keys(DEVICES))('the device %s', (kind) => {
    test.each(Object.keys(LOGS) as (keyof typeof LOGS)[])('logged by %s', (log) => {
      const { dmaLogging, iommu } = LOGS[log];
      const device = { ...DEVICES[kind]!, dmaLogging } as Device;
      // Where all of memory is dirty all the time, all of it has to fit.
      const limit = iommu.kind === 'none' ? '1s' : '100ms';
      expectNothingLost(small(pageSize, {}, [{ iommu, devices: [device] }], limit), /^(?:dma|iommu|perpetual)/);
    });
  });
});
