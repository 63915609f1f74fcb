/**
 * A guest that halts its own device, from scenario to report: nothing is lost in any of its modes, what it costs shows where
 * it is paid, and a guest that does not help is refused, or everything is dirty for ever where that was asked for by name.
 */
import { describe, expect, test } from 'vitest';
import { toInput } from '../../src/lab/scenario/print.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import { scenarios } from '../../src/lab/shipped.ts';
import { type SmallScenario, smallScenario } from './small-scenario.ts';
import { watchRun } from './watch-run.ts';

type DeviceInput = NonNullable<ScenarioInput['containers']>[number]['devices'][number];
type Cooperative = Extract<DeviceInput, { kind: 'guest-cooperative' }>;

const RING_PAGES = 1024;
const LATE_PAGES = 64;
const COHERENT_PAGES = 16;

const vf0 = (cooperation: Cooperative['cooperation'] = {}): Cooperative => ({
  id: 'vf0',
  kind: 'guest-cooperative',
  features: ['stop-copy', 'p2p', 'pre-copy'],
  dma: { rate: '20MiB/s', ring: '4MiB', late: '256KiB', coherent: '64KiB', at: '32MiB' },
  cooperation: { notify: '1ms', halt: '2ms', writePage: '1us', resume: '3ms', ...cooperation },
  state: { initial: '1MiB', stopCopy: '2MiB' },
});
const small = (device: Cooperative, changes: SmallScenario = {}) =>
  smallScenario({ iommu: { kind: 'none' }, devices: [device], ...changes });

describe('a migration with the help of the guest', () => {
  test.each([
    ['quiesce', {}],
    ['suspend', { mode: 'suspend' }],
    ['a DMA API that dirties at unmap', { dmaApi: 'dirtyAtUnmap' }],
    ['halts at each sync as well', { haltDuring: 'precopy' }],
    ['pages written without cost', { writePage: '0ns' }],
  ] as const)('%s: completes, loses nothing, and every check holds', (_, cooperation) => {
    const { report } = watchRun(small(vf0(cooperation)));
    expect(report.outcome).toBe('completed');
    expect(report.trackers).toMatchObject([{ container: '0', tracker: 'guest' }]);
    expect(report.checks.filter(({ held }) => !held)).toEqual([]);
    expect(report.checks.map(({ name }) => name)).toContain('no-lost-write');
  });

  test.each(['bitmap', 'bitmap-manual', 'pml', 'ring'] as const)(
    'is found by KVM whichever log it keeps: %s',
    (dirtyLog) => {
      const vm = { memory: '64MiB', vcpus: 1, dirtyLog, workloads: [] } as const;
      const { report } = watchRun(small(vf0(), { rest: { vm } }));
      expect(report.outcome).toBe('completed');
      expect(report.checks.filter(({ held }) => !held)).toEqual([]);
    },
  );

  test('the device serves nobody from its halt until its driver goes on; the guest stands much less', () => {
    const { report } = watchRun(small(vf0({ resume: '50ms' })));
    const [device] = report.devices;
    const writesMs = (RING_PAGES + LATE_PAGES + COHERENT_PAGES) / 1000;
    expect(device!.serviceDowntimeMs).toBeGreaterThan(report.downtimeMs! + 50 + writesMs);
    expect(report.totalMs - report.downtimeMs!).toBeGreaterThan(0);
  });

  test('halting at each sync: the estimate knows the DMA area, which waits to be sent each time, and it serves less', () => {
    const once = watchRun(small(vf0()));
    const often = watchRun(small(vf0({ haltDuring: 'precopy' })));
    const halts = ({ commands }: typeof once) => commands.filter(({ name }) => name === 'haltDma').length;
    const judged = often.report.rounds.filter(({ verdict }) => verdict !== null).length;
    expect(halts(once)).toBe(1);
    expect(halts(often)).toBe(judged + 1);
    const [first] = once.report.rounds;
    expect(often.report.rounds[0]!.dirtyPages).toBeGreaterThanOrEqual(first!.dirtyPages + RING_PAGES);
    const [served] = once.report.devices;
    expect(often.report.devices[0]!.dmaHaltedMs).toBeGreaterThan(often.report.devices[0]!.serviceDowntimeMs!);
    expect(served!.dmaHaltedMs).toBe(served!.serviceDowntimeMs);
  });

  test('an IOMMU that tracks is left to it', () => {
    const { report, commands } = watchRun(
      small(vf0(), { iommu: { kind: 'iommufd', hardware: 'amd', dirtyTracking: true } }),
    );
    expect(report.outcome).toBe('completed');
    expect(report.trackers).toMatchObject([{ tracker: 'iommu' }]);
    expect(commands.map(({ name }) => name)).not.toContain('haltDma');
  });
});

describe('a guest that does not help', () => {
  const stubborn = vf0({ cooperates: false });

  test('is refused, with the reason', () => {
    const { report, commands } = watchRun(small(stubborn));
    expect(report.outcome).toBe('blocked');
    expect(report.reason).toContain('the guest driver of vf0 does not cooperate');
    expect(commands).toEqual([]);
  });

  test('is perpetually dirty where that was asked for by name', () => {
    const scenario = small(stubborn, { vmm: { enableMigration: 'on' }, rest: { giveUpAfter: '5s' } });
    const { report } = watchRun(scenario);
    expect(report.trackers).toMatchObject([{ tracker: 'perpetual' }]);
    expect(report.outcome).toBe('unconverged');
  });

  test('or that does not answer in time ends it, and runs on with its device', () => {
    const scenario = small(vf0({ notify: '20s' }));
    const { report, driver } = watchRun(scenario);
    expect(report.outcome).toBe('failed');
    expect(report.reason).toContain('guest driver of vf0 to halted, unknown (ETIMEDOUT)');
    const { sourceRuns, devices } = driver.inspect();
    expect({ sourceRuns, device: devices.source.vf0 }).toEqual({ sourceRuns: true, device: 'RUNNING' });
    expect(driver.world.dma('vf0').driver!.busMastering).toBe(true);
    expect(report.downtimeMs).toBe(null);
  });
});

test('a cancel at any moment of the halt leaves the device with DMA on and the guest running', () => {
  const whole = watchRun(small(vf0()));
  const halt = whole.recorded.find(({ effects }) => effects.some((one) => 'name' in one && one.name === 'notifyGuest'));
  const stop = whole.recorded.find(({ effects }) => effects.some((one) => 'name' in one && one.name === 'stopVcpus'));
  const fromNs = halt!.record.atNs;
  const stepNs = Math.ceil((stop!.record.atNs - fromNs) / 12);
  for (let atNs = fromNs; atNs < stop!.record.atNs; atNs += stepNs) {
    const { report, driver } = watchRun({ ...small(vf0()), cancelAtNs: atNs });
    expect(report.outcome).toBe('cancelled');
    expect(driver.world.dma('vf0').driver!.busMastering).toBe(true);
    expect(driver.inspect().sourceRuns).toBe(true);
    expect(report.checks.filter(({ held }) => !held)).toEqual([]);
  }
});

describe('in a scenario', () => {
  test('the shipped one keeps what it says', () => {
    const { report } = watchRun(scenarios['guest-cooperative']);
    expect(report.expectations.filter(({ held }) => !held)).toEqual([]);
    expect(report.checks.filter(({ held }) => !held)).toEqual([]);
  });

  test.each([vf0(), vf0({ mode: 'suspend', cooperates: false, dmaApi: 'dirtyAtUnmap', haltDuring: 'precopy' })])(
    'what is printed reads back as the same',
    (device) => {
      const scenario = small(device);
      expect(scenarioFrom(toInput(scenario))).toEqual(scenario);
    },
  );

  test.each([
    [{ dma: { rate: '1MiB/s', ring: '4MiB', at: '62MiB' } }, /4MiB at 62MiB is more than vm.memory/],
    [{ dma: { rate: '1MiB/s', ring: '2MiB', late: '1MiB', at: '62MiB' } }, /does not fit into vm.memory/],
    [{ dma: { rate: '1MiB/s', ring: '4MiB', coherent: '1KiB' } }, /coherent.*whole number of pages/],
    [{ cooperation: { vcpu: 1 } }, /must be less than vm.vcpus, which is 1/],
    [{ dmaLogging: true }, /dmaLogging/],
  ] as const)('%j is refused', (changes, because) => {
    expect(() => small({ ...vf0(), ...changes } as Cooperative)).toThrow(because);
  });
});
