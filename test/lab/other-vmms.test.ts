/**
 * The loops and rules of Xen, Cloud Hypervisor, Hyper-V and VMware, and the baselines, as whole runs over the model: each goes
 * by its own published rule, nothing is lost, and what a scenario may not ask of them.
 */
import { describe, expect, test } from 'vitest';
import { PUBLISHED_RULES, publishedRules } from '../../machines/index.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { prepareRun } from '../../src/lab/prepare.ts';
import type { Report } from '../../src/lab/report/report.ts';
import { toInput } from '../../src/lab/scenario/print.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import { replay } from '../../src/run/replay.ts';
import { nic0, smallInput } from './small-scenario.ts';

const MEMORY_PAGES = 16_384;
/** 64 MiB over 1 Gbit/s: a pass of all of it takes 537 ms, and one of the 16 MiB that are always dirty 134 ms. */
function input(vmm: object, more: object = {}): ScenarioInput {
  const { containers, ...rest } = smallInput({ vmm: { maxBandwidth: 'unlimited' } });
  return {
    ...rest,
    vm: { memory: '64MiB', vcpus: 2, workloads: [{ kind: 'random', vcpus: '0-1', set: '16MiB', rate: '40k/s' }] },
    vmm,
    giveUpAfter: '120s',
    ...more,
  } as ScenarioInput;
}
const scenario = (vmm: object, more: object = {}) => scenarioFrom(input(vmm, more));
const broken = (report: Report) => report.checks.filter(({ held }) => !held);
const problems = (one: ScenarioInput) => {
  try {
    scenarioFrom(one);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

function run(one: Scenario): Report {
  const clock = new VirtualClock();
  const journal = new MemoryJournal();
  const prepared = prepareRun(one, { clock, journal, strict: true });
  prepared.start();
  while (!prepared.runner.ended && clock.step());
  const report = prepared.report();
  expect(broken(report)).toEqual([]);
  expect(replay(journal.read(prepared.opened.run)).divergence).toBeUndefined();
  return report;
}

describe('every published rule', () => {
  test.each(PUBLISHED_RULES)('%s, in its own loop: ends, loses nothing, and replays', (name) => {
    const [loop = 'qemu-10.2'] = publishedRules[name].loops ?? [];
    const report = run(scenario({ loop, policy: name, maxBandwidth: 'unlimited' }));
    expect(report.outcome).toBe('completed');
    expect(report.vmm).toMatchObject({ loop, policy: name });
  });
});

describe('xen', () => {
  test('its loop has its rule: five passes', () => {
    const report = run(scenario({ loop: 'xen' }));
    expect(report.vmm.policy).toBe('xen-now');
    expect(report.rounds).toHaveLength(5);
    // A page costs its number; zero pages are sent like others.
    expect(report.rounds[0]).toMatchObject({ sentPages: MEMORY_PAGES, sentBytes: MEMORY_PAGES * 4104 });
  });

  test('2004: each pass at the dirty rate of the last and 50 Mbit/s, the last copy at full rate', () => {
    const slow = { vm: { memory: '64MiB', vcpus: 1, workloads: [{ kind: 'random', set: '4MiB', rate: '2k/s' }] } };
    const { rounds, downtime, downtimeMs } = run(scenario({ loop: 'xen', policy: 'xen-2004' }, slow));
    const paces = rounds.map(({ because }) => because.paceBytesPerSecond as number);
    expect(rounds[0]?.bandwidthBytesPerSecond).toBeCloseTo(100 * 125_000, -2);
    rounds.slice(1).forEach(({ bandwidthBytesPerSecond, round }) => {
      const wanted = paces[round - 2] as number;
      expect(bandwidthBytesPerSecond / wanted).toBeCloseTo(1, 2);
      const dirtyBytesPerSecond = rounds[round - 2]?.because.dirtyBytesPerSecond ?? Number.NaN;
      expect(wanted).toBe(Math.min(500 * 125_000, dirtyBytesPerSecond + 50 * 125_000));
    });
    // What is left would take 20 times as long at 50 Mbit/s.
    expect(downtime?.memoryMs).toBeLessThan((1000 * (rounds.at(-1)?.remainingBytes ?? 0)) / (500 * 125_000));
    expect(downtimeMs).not.toBeNull();
  });

  test('2004: a guest that dirties more than 500 Mbit/s is stopped at the first pass that grows', () => {
    // More than 15,000 pages a second: at the fixed point of its passes each is as large as the one before, by chance more.
    const vm = { memory: '64MiB', vcpus: 1, workloads: [{ kind: 'random', set: '64MiB', rate: '40k/s' }] };
    const policy = { name: 'xen-2004', firstPace: '500Mbit/s', memoryFactor: 29 };
    const { rounds } = run(scenario({ loop: 'xen', policy }, { vm }));
    const sent = rounds.map(({ sentPages }) => sentPages);
    const grows = sent.findIndex((pages, index) => index > 0 && pages > (sent[index - 1] as number));
    expect(rounds.length).toBeLessThan(29);
    expect(grows).toBe(rounds.length - 1);
  });

  test('legacy leaves out what is dirty again, and sends it once it is found by the next sync', () => {
    const loose = { loop: 'textbook', policy: 'xen-legacy' };
    const { rounds, bytes } = run(scenario(loose));
    const [first] = rounds;
    // Of the 16 MiB that are written all the time most pages are dirty again when the pass comes to them.
    expect(first?.because.skippedPages).toBeGreaterThan(100);
    expect((first?.sentPages ?? 0) + (first?.because.skippedPages ?? 0)).toBe(MEMORY_PAGES);
    const all = run(scenario({ ...loose, policy: { name: 'hyper-v', passesMax: rounds.length } }));
    expect(bytes.memory).toBeLessThan(all.bytes.memory);
  });

  test('legacy stops at three times the memory', () => {
    const { rounds } = run(scenario({ loop: 'xen', policy: 'xen-legacy' }));
    const total = rounds.reduce((sum, { sentPages }) => sum + sentPages, 0);
    expect(total).toBeGreaterThan(3 * MEMORY_PAGES);
    expect(total - (rounds.at(-1)?.sentPages ?? 0)).toBeLessThanOrEqual(3 * MEMORY_PAGES);
  });
});

describe('cloud-hypervisor', () => {
  const iommu = { kind: 'iommufd', hardware: 'amd' } as const;
  const withNic = (device: object = {}) => ({ containers: [{ iommu, devices: [{ ...nic0(), ...device }] }] });

  test('a device has no pre-copy, and its state is no part of the rule', () => {
    const state = { initial: '1MiB', stopCopy: '40MiB' };
    const report = run(scenario({ loop: 'cloud-hypervisor' }, withNic({ state })));
    expect(report.outcome).toBe('completed');
    expect(report.rounds.every(({ remainingBytes }) => remainingBytes % 4096 === 0)).toBe(true);
    expect(report.bytes.deviceState).toBeGreaterThan(40 * 2 ** 20);
    expect(report.downtime?.deviceStateMs).toBeGreaterThan(300);
  });

  test('the time is up: cancelled, with the guest where it was; or told to ignore it, it stops', () => {
    const policy = { name: 'cloud-hypervisor', timeout: '2s' };
    const cancelled = run(scenario({ loop: 'cloud-hypervisor', downtimeLimit: '1ms', policy }));
    expect(cancelled.outcome).toBe('cancelled');
    expect(cancelled.rounds.at(-1)?.verdict).toBe('abort');
    expect(cancelled.totalMs).toBeGreaterThan(2000);
    const ignored = { ...policy, timeoutStrategy: 'ignore' };
    const completed = run(scenario({ loop: 'cloud-hypervisor', downtimeLimit: '1ms', policy: ignored }));
    expect(completed.outcome).toBe('completed');
    expect(completed.rounds).toHaveLength(cancelled.rounds.length);
  });

  test('the prototype slows the guest down: 10 % after 4 passes, and 10 % more every 2', () => {
    const policy = 'cloud-hypervisor-auto-converge';
    const { rounds } = run(scenario({ loop: 'cloud-hypervisor', downtimeLimit: '20ms', policy }));
    const throttles = rounds.map(({ throttlePercent }) => throttlePercent);
    expect(throttles.slice(0, 8)).toEqual([0, 0, 0, 0, 10, 10, 20, 20]);
  });

  test('a device that cannot log is blocked', () => {
    const report = run(scenario({ loop: 'cloud-hypervisor' }, withNic({ dmaLogging: false })));
    expect(report).toMatchObject({ outcome: 'blocked' });
    expect(report.reason).toContain('cloud-hypervisor needs devices that log their own DMA, and nic0 cannot');
  });
});

test('vmware-sdps puts the vCPUs to sleep only while they dirty more than is sent', () => {
  // 80k writes/s over 64 MiB dirty about twice what the link carries.
  const vm = { memory: '128MiB', vcpus: 2, workloads: [{ kind: 'random', vcpus: '0-1', set: '96MiB', rate: '80k/s' }] };
  const goal = { name: 'vmware-sdps', switchover: '100ms' };
  const busy = run(scenario({ loop: 'textbook', policy: goal }, { vm }));
  expect(busy.outcome).toBe('completed');
  expect(busy.rounds.at(-1)?.throttlePercent).toBeGreaterThan(0);
  expect(busy.rounds.at(-1)?.throttlePercent).toBeLessThan(99);
  const calm = run(scenario({ loop: 'textbook', policy: goal }));
  expect(new Set(calm.rounds.map(({ throttlePercent }) => throttlePercent))).toEqual(new Set([0]));
});

describe('baselines', () => {
  test('stop-and-copy: no pass, and all memory goes while the guest stands', () => {
    const report = run(scenario({ loop: 'textbook', policy: 'stop-and-copy' }));
    expect(report.rounds).toEqual([]);
    // 64 MiB over 1 Gbit/s.
    expect(report.downtime?.memoryMs).toBeCloseTo((MEMORY_PAGES * 4096 * 8) / 1e6, 0);
  });

  test('stop-and-copy with a device: in any loop, and its state goes after the memory', () => {
    const devices = { containers: [{ iommu: { kind: 'iommufd', hardware: 'amd' }, devices: [nic0()] }] };
    const report = run(scenario({ loop: 'qemu-10.2', policy: 'stop-and-copy', maxBandwidth: 'unlimited' }, devices));
    expect(report.outcome).toBe('completed');
    expect(report.rounds).toEqual([]);
  });

  test('vgpu-unbounded: the first decision, which in QEMU comes after a window', () => {
    const quick = run(scenario({ loop: 'qemu-10.2', policy: 'vgpu-unbounded', maxBandwidth: 'unlimited' }));
    expect(quick.rounds).toHaveLength(1);
    expect(quick.rounds[0]?.durationMs).toBeLessThan(200);
    const drained = run(scenario({ loop: 'textbook', policy: 'vgpu-unbounded' }));
    expect(drained.rounds).toHaveLength(1);
    expect(drained.rounds[0]?.sentPages).toBe(MEMORY_PAGES);
  });
});

describe('detach-reattach', () => {
  const containers = [{ iommu: { kind: 'type1' }, devices: [nic0({ dmaLogging: false })] }];
  const vmm = { loop: 'qemu-10.2', maxBandwidth: 'unlimited' };

  test('migrates without the devices, and counts how long they served nobody', () => {
    // By itself it would be blocked: nobody tracks what the device writes.
    expect(run(scenario(vmm, { containers })).outcome).toBe('blocked');
    const policy = { name: 'detach-reattach', unplug: '700ms', plug: '300ms' };
    const report = run(scenario({ ...vmm, policy }, { containers }));
    expect(report).toMatchObject({ outcome: 'completed', trackers: [], bytes: { deviceState: 0 } });
    expect(report.devices).toMatchObject([{ id: 'nic0', stateBytes: 0 }]);
    expect(report.devices[0]?.serviceDowntimeMs).toBeCloseTo(1000 + report.totalMs, 6);
    expect(report.downtimeMs).toBeLessThan(300);
    const without = run(scenario(vmm));
    expect(report.rounds.map(({ sentPages }) => sentPages)).toEqual(without.rounds.map(({ sentPages }) => sentPages));
  });

  test('has no device that comes or goes in the middle', () => {
    const later = [{ iommu: { kind: 'type1' }, devices: [{ ...nic0(), pluggedAt: '1s' }] }];
    const one = input({ ...vmm, policy: 'detach-reattach' }, { containers: later });
    expect(problems(one)).toContain('all devices are away while the migration runs');
  });
});

describe('a scenario', () => {
  test.each([
    [
      'a rule and a loop that do not go together',
      { loop: 'qemu-10.2', policy: 'xen-now' },
      'xen-now is no rule of qemu-10.2',
    ],
    ['a setting of QEMU', { loop: 'xen', switchoverAck: true }, 'is a setting of QEMU, which xen has not'],
    [
      'a throttle that the loop has not',
      { loop: 'xen', autoConverge: true },
      'the loop xen does not throttle like that',
    ],
    ['no pass at all', { loop: 'xen', policy: { name: 'xen-now', passesMax: 0 } }, 'must be 1 or more'],
    ['half a pass', { loop: 'xen', policy: { name: 'xen-now', passesMax: 1.5 } }, 'must be a whole number'],
    ['a constant of another rule', { loop: 'xen', policy: { name: 'xen-now', timeout: '1s' } }, 'timeout'],
    ['a throttle of all', { loop: 'textbook', policy: { name: 'vmware-sdps', max: '100%' } }, 'must be 99% or less'],
  ])('may not ask for %s', (_, vmm, message) => {
    expect(problems(input(vmm))).toContain(message);
  });

  test('may not put a device on Xen, nor one behind type1 on Cloud Hypervisor, nor a manager above either', () => {
    const devices = (iommu: object) => ({ containers: [{ iommu, devices: [nic0()] }] });
    const type1 = { kind: 'type1' };
    expect(problems(input({ loop: 'xen' }, devices(type1)))).toContain('xen does not migrate VFIO devices');
    expect(problems(input({ loop: 'cloud-hypervisor' }, devices(type1)))).toContain('behind iommufd only');
    expect(problems(input({ loop: 'xen' }, { manager: { policy: 'nova' } }))).toContain('which xen is not');
  });

  test.each([
    { loop: 'xen' },
    { loop: 'xen', policy: { name: 'xen-2004', paceMax: '1Gbit/s', memoryFactor: 2 } },
    { loop: 'cloud-hypervisor', policy: { name: 'cloud-hypervisor', timeout: '2s', timeoutStrategy: 'ignore' } },
    { loop: 'cloud-hypervisor', policy: { name: 'cloud-hypervisor-auto-converge', step: '20%' } },
    { loop: 'textbook', policy: 'vmware-sdps' },
  ])('printed and read again is the same: %j', (vmm) => {
    const one = scenario(vmm);
    expect(scenarioFrom(toInput(one))).toEqual(one);
  });
});
