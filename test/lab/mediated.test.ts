/**
 * Mediated devices and type1 from the scenario to the report: who tracks, what a sync finds, what it costs and whom, and
 * what the guest's watchdog says of the downtime.
 */
import { describe, expect, test } from 'vitest';
import { ScenarioError } from '../../src/lab/scenario/error.ts';
import { printScenario } from '../../src/lab/scenario/print.ts';
import { parseScenario, scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import { ALL_PAGES, nic0, type SmallScenario, smallInput, smallScenario } from './small-scenario.ts';
import { watchRun } from './watch-run.ts';

type DeviceInput = NonNullable<ScenarioInput['containers']>[number]['devices'][number];
const TYPE1 = { kind: 'type1', dirtyTracking: true } as const;
const COMMON = { features: ['stop-copy', 'p2p'], state: { stopCopy: '1MiB' } } as const;

const gpu = (changes: object = {}): DeviceInput =>
  ({ id: 'gpu0', kind: 'vgpu', ...COMMON, mapped: '8MiB', ...changes }) as DeviceInput;
const mediatedNic = (changes: object = {}): DeviceInput =>
  ({
    id: 'mnic0',
    kind: 'mediated-nic',
    ...COMMON,
    rate: '20MiB/s',
    pool: '4MiB',
    at: '32MiB',
    ...changes,
  }) as DeviceInput;
/** The first round alone takes longer than a second. */
const slow = { link: { bandwidth: '200Mbit/s' }, giveUpAfter: '6s' } as const;
/** A container whose iommufd can track, and whose rule is another than QEMU's. */
const asked = (trackerChoice: 'iommu-first' | 'per-device', devices: readonly DeviceInput[]) => ({
  iommu: { kind: 'iommufd', dirtyTracking: true } as const,
  trackerChoice,
  devices: [...devices],
});
const DRIVER_WRITES = { rate: '1MiB/s', set: '64KiB', at: '60MiB' };

function report(changes: SmallScenario) {
  const { report } = watchRun(smallScenario(changes));
  expect(report.checks.filter(({ held }) => !held)).toEqual([]);
  return report;
}

function told(changes: SmallScenario): readonly string[] {
  try {
    smallScenario(changes);
    return [];
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

describe('type1 as the tracker of a container', () => {
  test('T27: with an IOMMU-backed device all that is mapped is dirty at every sync, and nothing converges', () => {
    const devices = [nic0({ dmaLogging: false })];
    const { outcome, trackers, rounds } = report({
      iommu: TYPE1,
      devices,
      vmm: { downtimeLimit: '50ms' },
      rest: { giveUpAfter: '4s' },
    });
    expect(outcome).toBe('unconverged');
    expect(trackers).toMatchObject([{ tracker: 'iommu' }]);
    expect(rounds.length).toBeGreaterThan(3);
    for (const { dirtyPagesBySource } of rounds.slice(0, -1)) expect(dirtyPagesBySource['iommu:0']).toBe(ALL_PAGES);
  });

  test('T27: with mediated devices only, it is what they have pinned, and nothing less', () => {
    const { outcome, rounds } = report({ iommu: TYPE1, devices: [gpu()], vmm: { downtimeLimit: '300ms' } });
    expect(outcome).toBe('completed');
    expect(rounds.map(({ dirtyPagesBySource }) => dirtyPagesBySource['iommu:0'])).toContain(2048);
  });

  test('one IOMMU-backed device beside a mediated one, and everything is dirty again', () => {
    const devices = [gpu(), nic0({ dmaLogging: false })];
    const { rounds } = report({ iommu: TYPE1, devices, rest: { giveUpAfter: '5s' } });
    expect(rounds[0]?.dirtyPagesBySource['iommu:0']).toBe(ALL_PAGES);
  });

  test('what the guest maps and unmaps, and what the driver writes, is not lost', () => {
    const devices = [
      gpu({ churn: '1k/s', driverWrites: { ...DRIVER_WRITES, at: '17MiB' } }),
      mediatedNic({ driverWrites: { ...DRIVER_WRITES, at: '18MiB' } }),
    ];
    const run: SmallScenario = { iommu: TYPE1, devices, vmm: { downtimeLimit: '1500ms' }, rest: slow };
    expect(report(run)).toMatchObject({ outcome: 'completed' });
    // And it would be: without the log that hears them, the checker names pages.
    const deaf = watchRun(smallScenario(run), {
      before: (driver) => driver.subscriptions.get('type1/0')?.unsubscribe(),
    });
    expect(deaf.report.checks).toContainEqual(expect.objectContaining({ name: 'no-lost-write', held: false }));
  });
});

describe('a mediated device that logs', () => {
  test('beside a NIC that does not, where each device is tracked by what it has: the IOMMU is not asked about it', () => {
    const devices = [gpu({ driverWrites: DRIVER_WRITES, dmaLogging: true }), nic0({ dmaLogging: false })];
    expect(report({ rest: { containers: [asked('per-device', devices)] } })).toMatchObject({
      outcome: 'completed',
      trackers: [{ tracker: 'per-device' }],
    });
  });

  test('with churn a round finds what was mapped at some time in it: more than is mapped', () => {
    const rounds = (churn: string) =>
      report({ devices: [gpu({ dmaLogging: true, churn })], rest: slow, vmm: { downtimeLimit: '500ms' } }).rounds;
    expect(rounds('0/s')[0]?.dirtyPagesBySource['dma:gpu0']).toBe(2048);
    expect(rounds('1k/s')[0]?.dirtyPagesBySource['dma:gpu0']).toBeGreaterThan(3000);
  });

  test('kept at each update, the guest pays; walked at the query, the sync takes longer', () => {
    const [kept, walked] = (['onUpdate', 'walkAtQuery'] as const).map((maintain) => {
      const costs = { maintain, updateCost: '2us', walkCost: '1us', churn: '1k/s', dmaLogging: true };
      return report({ devices: [gpu(costs)], vmm: { downtimeLimit: '500ms' }, rest: slow });
    });
    expect(kept!.rounds[0]!.syncMs).toBe(0);
    const found = walked!.rounds[0]!.dirtyPagesBySource['dma:gpu0']!;
    expect(walked!.rounds[0]!.syncMs).toBeCloseTo(found / 1000, 6);
    // A kept map costs an update for each page that comes and for each that goes, a walked one for those that go.
    const [both, leaving] = [kept!, walked!].map(({ guest, totalMs }) => guest.stalledMs.tableUpdates! / totalMs);
    expect(both! / leaving!).toBeGreaterThan(1.5);
  });

  test('a mediated NIC: posted and completed descriptors, at a cost each', () => {
    const devices = [mediatedNic({ dmaLogging: true, descriptors: 128, scanCost: '1us' })];
    const { rounds, outcome } = report({ devices, vmm: { downtimeLimit: '1s' }, rest: slow });
    expect(outcome).toBe('completed');
    const found = rounds[0]!.dirtyPagesBySource['dma:mnic0']!;
    expect(found).toBe(1024);
    expect(rounds[0]!.syncMs).toBeCloseTo(found / 1000, 6);
  });
});

describe("the guest's watchdog", () => {
  const of = (load: string, changes: object) =>
    report({ devices: [gpu({ dmaLogging: true, times: { load }, ...changes })], vmm: { downtimeLimit: '300ms' } })
      .devices[0]!;

  test.each([
    ['a load of 1 s, Windows waits 2 s', '1s', { watchdog: true }, false],
    ['a load of 3 s, Windows waits 2 s', '3s', { watchdog: true }, true],
    ['a load of 3 s, and it waits 10 s', '3s', { watchdog: '10s' }, false],
  ])('%s', (_, load, changes, fired) => {
    expect(of(load, changes)).toMatchObject({ watchdogFired: fired });
  });

  test.each([{}, { watchdog: false }])('a guest without one says nothing: %o', (changes) => {
    expect(of('3s', changes)).not.toHaveProperty('watchdogFired');
  });

  test('a service that did not stop for good says null', () => {
    const devices = [gpu({ watchdog: true })];
    expect(report({ iommu: { kind: 'none' }, devices })).toMatchObject({
      outcome: 'blocked',
      devices: [{ watchdogFired: null, serviceDowntimeMs: null }],
    });
  });
});

describe('the keys of a scenario', () => {
  test('are printed as they are read', () => {
    const devices = [
      gpu({
        maintain: 'walkAtQuery',
        updateCost: '1.5us',
        walkCost: '40ns',
        churn: '2k/s',
        driverWrites: DRIVER_WRITES,
        watchdog: '5s',
      }),
      gpu({ id: 'gpu1', watchdog: true }),
      mediatedNic({ descriptors: 512, scanCost: '30ns', driverWrites: DRIVER_WRITES }),
      mediatedNic({ id: 'mnic1' }),
    ];
    const scenario = scenarioFrom(smallInput({ iommu: TYPE1, devices }));
    expect(parseScenario(printScenario(scenario), 'printed.yaml')).toEqual(scenario);
    expect(scenario.containers[0]?.devices[0]).toMatchObject({
      maintain: 'walkAtQuery',
      updateNs: 1500,
      walkNs: 40,
      churnPagesPerSecond: 2000,
      watchdogNs: 5e9,
    });
    expect(scenario.containers[0]?.devices[1]).toMatchObject({ watchdogNs: 2e9 });
    expect(scenario.containers[0]?.devices[3]).toMatchObject({ descriptors: 256, bytesPerSecond: 20 * 2 ** 20 });
  });

  test('a vGPU that says nothing of them is as it was', () => {
    const [device] = smallScenario({ devices: [gpu()] }).containers[0]!.devices;
    expect(Object.keys(device!)).toEqual([
      'kind',
      'id',
      'featureMask',
      'dmaLogging',
      'state',
      'times',
      'mappedBytes',
      'scattered',
    ]);
  });

  test.each<[string, SmallScenario, RegExp]>([
    [
      'a pool outside memory',
      { devices: [mediatedNic({ at: '62MiB' })], iommu: TYPE1 },
      /devices\[0\]\.pool.*vm\.memory/,
    ],
    [
      'more descriptors than buffers',
      { devices: [mediatedNic({ pool: '40KiB', descriptors: 11 })], iommu: TYPE1 },
      /descriptors: each names a buffer of its own, and the pool has 10/,
    ],
    [
      'driver writes outside memory',
      { devices: [gpu({ driverWrites: { ...DRIVER_WRITES, at: '64MiB' } })], iommu: TYPE1 },
      /driverWrites\.at/,
    ],
    ['driver writes that iommufd would have to hear', { devices: [gpu({ driverWrites: DRIVER_WRITES })] }, /type1 or/],
    ['a mediated NIC that iommufd would have to see', { devices: [mediatedNic()] }, /devices\[0\]\.kind: a mediated/],
    [
      'driver writes where the IOMMU is asked before the logs',
      { rest: { containers: [asked('iommu-first', [gpu({ driverWrites: DRIVER_WRITES, dmaLogging: true })])] } },
      /driverWrites: only type1 or the driver/,
    ],
    [
      'a mediated NIC that does not log, where each device is tracked by what it has',
      { rest: { containers: [asked('per-device', [mediatedNic(), nic0()])] } },
      /devices\[0\]\.kind: a mediated/,
    ],
    ['a watchdog of no time', { devices: [gpu({ watchdog: '0s' })], iommu: TYPE1 }, /watchdog: expected true, false/],
    [
      'type1 behind a vIOMMU',
      { rest: { containers: [{ iommu: TYPE1, viommu: { mapped: '8MiB', mapping: '4KiB' }, devices: [] }] } } as never,
      /iommu\.dirtyTracking: type1 tracks/,
    ],
  ])('%s is refused', (_, changes, message) => {
    expect(told(changes).join('\n')).toMatch(message);
  });
});
