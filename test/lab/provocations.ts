/**
 * How each command can be made to fail in a run, in each of the situations that machines/deadlines.ts tells apart, and what a
 * person is to read afterwards. Written by hand from what the charts are for, not from what they do.
 */
import type { CommandName } from '../../machines/words.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { type Fault, type PlannedFault, withFaults } from '../../src/drivers/faulty.ts';
import { createModelDriver } from '../../src/drivers/model/model-driver.ts';
import { modelSpecOf } from '../../src/lab/model/spec.ts';
import { prepareRun } from '../../src/lab/prepare.ts';
import type { Report } from '../../src/lab/report/report.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import type { Recorded } from '../../src/run/runner.ts';
import { nic0, nic1, smallScenario } from './small-scenario.ts';

type Struck = Omit<PlannedFault, 'fault'> & { readonly name: CommandName };

export interface Provocation {
  readonly command: CommandName;
  /** As machines/deadlines.ts says it. */
  readonly when?: string;
  readonly scenario?: Scenario;
  /** What must have failed before, so that the command is given at all. */
  readonly before?: readonly Struck[];
  readonly struck: readonly Struck[];
  /** How the message names it. */
  readonly named: string;
  /** What is done about it, in the message. */
  readonly remedy: string | RegExp;
  readonly guest: Report['guestRunsOn'];
}

const nics = smallScenario();
const allDirty = smallScenario({ vmm: { afterSyncError: 'allDirty' } });
const cancelled = smallScenario({ rest: { cancelAt: '100ms' } });
/** A device that only the guest's driver can tell about. */
const helped = smallScenario({
  iommu: { kind: 'none' },
  devices: [
    {
      id: 'vf0',
      kind: 'guest-cooperative',
      features: ['stop-copy', 'p2p', 'pre-copy'],
      dma: { rate: '20MiB/s', ring: '4MiB', late: '256KiB', at: '32MiB' },
      cooperation: { halt: '2ms', writePage: '1us', resume: '3ms' },
      state: { initial: '1MiB', stopCopy: '2MiB' },
    },
  ],
});

/** Without devices, which exclude post-copy. */
const postCopied = (postcopy: NonNullable<ScenarioInput['vmm']>['postcopy'], rest: Partial<ScenarioInput> = {}) =>
  smallScenario({ vmm: { postcopy }, rest: { containers: [], ...rest } });
const fetched = postCopied({ after: 1, recoverAfter: '1s' });
/** What is missing takes longer than a halt is waited for. */
const slowlyFetched = postCopied({ after: 1, pauseAt: '54s', recoverAfter: '1s' }, { link: { bandwidth: '10Mbit/s' } });
/** The textbook's loop alone lets devices come and go. */
const plugged = smallScenario({ devices: [nic0(), nic1({ pluggedAt: '300ms' })], vmm: { loop: 'textbook' } });
const unplugged = smallScenario({ devices: [nic0(), nic1({ unpluggedAt: '300ms' })], vmm: { loop: 'textbook' } });

const GIVEN_UP = 'the destination was given up';
const RESUMED = 'the vCPUs were resumed';
const first = (name: CommandName, of?: string): readonly Struck[] => [
  of === undefined ? { name, nth: 1 } : { name, of, nth: 1 },
];
const times = (count: number, name: CommandName): readonly Struck[] =>
  Array.from({ length: count }, (_, index) => ({ name, nth: index + 1 }));

/** A failure in the downtime, so that there is all of the way back to go. */
const inTheDowntime = first('sendRemaining');
/** The device that failed cannot be read back: it is lost, and on the way back only a reset helps. */
const lost: readonly Struck[] = [
  { name: 'setDeviceState', of: 'nic0', nth: 2 },
  { name: 'getDeviceState', of: 'nic0', nth: 1 },
];

const WENT_ON = 'the migration went on';
const TRIED_AGAIN = 'it was done when tried again';

function plain(command: CommandName, remedy: string | RegExp, scenario: Scenario = nics): Provocation {
  return { command, scenario, struck: first(command), named: command, remedy, guest: 'source' };
}

function ofDriver(command: CommandName): Provocation {
  return { ...plain(command, GIVEN_UP, helped), named: `${command} of vf0` };
}

export const PROVOCATIONS: readonly Provocation[] = [
  plain('stopVcpus', RESUMED),
  {
    ...plain('resumeVcpus', RESUMED),
    when: 'the first times',
    before: inTheDowntime,
  },
  {
    ...plain('resumeVcpus', GIVEN_UP),
    when: 'the last time',
    before: inTheDowntime,
    struck: times(3, 'resumeVcpus'),
    // Errors say that it does not run; silence says nothing. The test of both knows.
    guest: 'nobody',
  },
  {
    command: 'setDeviceState',
    when: 'on the way there',
    struck: [{ name: 'setDeviceState', of: 'nic0', nth: 3 }],
    named: 'setDeviceState of nic0 to STOP_COPY',
    remedy: 'nic0 was read back as PRE_COPY_P2P',
    guest: 'source',
  },
  {
    command: 'setDeviceState',
    when: 'on the way back',
    before: inTheDowntime,
    struck: [{ name: 'setDeviceState', of: 'nic0', nth: 4 }],
    named: 'setDeviceState of nic0 to RUNNING_P2P',
    remedy: 'nic0 was read back as STOP_COPY',
    guest: 'source',
  },
  {
    command: 'setDeviceState',
    when: 'on a destination that holds the storage',
    struck: [{ name: 'setDeviceState', of: 'destination/nic0', nth: 3 }],
    named: 'setDeviceState of nic0 on the destination to RUNNING_P2P',
    remedy: 'nic0 on the destination was read back as STOP',
    guest: 'nobody',
  },
  {
    command: 'setDeviceState',
    when: 'after the switchover',
    struck: [{ name: 'setDeviceState', of: 'nic0', nth: 4 }],
    named: 'setDeviceState of nic0 to STOP',
    remedy: 'device nic0 is STOP_COPY',
    guest: 'destination',
  },
  {
    command: 'getDeviceState',
    before: [{ name: 'setDeviceState', of: 'nic0', nth: 2 }],
    struck: first('getDeviceState', 'nic0'),
    named: 'getDeviceState of nic0',
    remedy: 'nic0 was reset',
    guest: 'source',
  },
  {
    command: 'resetDevice',
    before: lost,
    struck: first('resetDevice', 'nic0'),
    named: 'resetDevice of nic0',
    remedy: 'device nic0 is unknown',
    guest: 'source',
  },
  ofDriver('notifyGuest'),
  ofDriver('haltDma'),
  ofDriver('confirmDmaHalted'),
  ofDriver('dirtyDmaPages'),
  {
    ...ofDriver('resumeDma'),
    when: 'the first times',
    named: 'resumeDma of vf0 on the destination',
    remedy: TRIED_AGAIN,
    guest: 'destination',
  },
  {
    command: 'resumeDma',
    when: 'the last time',
    scenario: helped,
    struck: times(3, 'resumeDma'),
    named: 'resumeDma of vf0 on the destination',
    remedy: 'the guest driver of vf0 does not go on',
    guest: 'destination',
  },
  { ...plain('startTracking', GIVEN_UP), named: 'startTracking of nic0' },
  { ...plain('reportDirty', GIVEN_UP), when: 'afterSyncError: fail', named: 'reportDirty of container 0' },
  {
    ...plain('reportDirty', WENT_ON, allDirty),
    when: 'afterSyncError: allDirty',
    named: 'reportDirty of container 0',
    guest: 'destination',
  },
  {
    ...plain('stopTracking', 'a log that runs on costs time and loses nothing'),
    named: 'stopTracking of container 0',
    guest: 'destination',
  },
  plain('startDirtyLog', GIVEN_UP),
  { ...plain('getDirtyLog', GIVEN_UP), when: 'afterSyncError: fail' },
  {
    ...plain('getDirtyLog', WENT_ON, allDirty),
    when: 'afterSyncError: allDirty',
    guest: 'destination',
  },
  { ...plain('stopDirtyLog', 'a log that runs on costs time and loses nothing'), guest: 'destination' },
  plain('syncBitmap', GIVEN_UP),
  plain('queryDeviceSizes', GIVEN_UP),
  plain('sendRound', GIVEN_UP),
  { ...plain('haltRound', GIVEN_UP, cancelled), when: 'on the way back' },
  plain('sendRemaining', RESUMED),
  { ...plain('sendDeviceState', RESUMED), named: 'sendDeviceState of nic0' },
  plain('releaseStorage', 'the source took its storage again'),
  {
    ...plain('acquireStorage', 'the source took its storage again'),
    when: 'on the destination',
    named: 'acquireStorage on the destination',
  },
  {
    ...plain('acquireStorage', 'the source took its storage again'),
    when: 'on the source, the first times',
    before: inTheDowntime,
    named: 'acquireStorage on the source',
  },
  {
    ...plain('acquireStorage', GIVEN_UP),
    when: 'on the source, the last time',
    before: inTheDowntime,
    struck: times(3, 'acquireStorage'),
    named: 'acquireStorage on the source',
    guest: 'nobody',
  },
  plain('prepareDestination', GIVEN_UP),
  plain('loadDestination', GIVEN_UP),
  { ...plain('startDestination', 'Ask or fence the destination'), guest: 'unknown' },
  { ...plain('quitDestination', RESUMED), before: inTheDowntime },
  { ...plain('plugDevice', /nic1/, plugged), named: 'plugDevice of nic1', guest: 'destination' },
  { ...plain('ejectDevice', /nic1/, unplugged), named: 'ejectDevice of nic1', guest: 'destination' },
  { ...plain('removeDevice', /nic1/, unplugged), named: 'removeDevice of nic1', guest: 'destination' },
  plain('discardDirty', RESUMED, fetched),
  { ...plain('haltRound', GIVEN_UP, postCopied({ at: '100ms', recoverAfter: '1s' })), when: 'as post-copy begins' },
  {
    ...plain('haltRound', WENT_ON, slowlyFetched),
    when: 'as post-copy pauses',
    // The first one ended the pass.
    struck: [{ name: 'haltRound', nth: 2 }],
    guest: 'destination',
  },
  { ...plain('sendMissing', WENT_ON, fetched), guest: 'destination' },
  { ...plain('reconnect', TRIED_AGAIN, fetched), before: first('sendMissing'), guest: 'destination' },
  { ...plain('compareReceived', TRIED_AGAIN, fetched), before: first('sendMissing'), guest: 'destination' },
];

/** Of which no run can be made here, and why. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  setDowntimeLimit: 'it takes a manager: test/lab/managers.test.ts',
  queryMigrate: 'it takes a manager: test/lab/managers.test.ts',
  decide: "it takes a user's own function: test/lab/policy/own-policy.test.ts",
  throttleVcpus: 'it takes a vmm that throttles: test/machines/guest.test.ts',
  limitVcpuDirtyRate: 'it takes a vmm with a dirty limit: test/machines/convergence/dirty-limit.test.ts',
  queryDestination: 'a recovery asks, once the run has ended: test/machines/in-doubt.test.ts',
  queryStorage: 'a recovery asks, once the run has ended: test/machines/in-doubt.test.ts',
};

export interface Provoked {
  readonly report: Report;
  readonly recorded: readonly Recorded[];
}

const EIO: Fault = { kind: 'error', errno: 'EIO' };

export function provoke({ scenario = nics, before = [], struck }: Provocation, fault: Fault): Provoked {
  const clock = new VirtualClock();
  const faults = [...before.map((one) => ({ ...one, fault: EIO })), ...struck.map((one) => ({ ...one, fault }))];
  const driver = withFaults(createModelDriver(modelSpecOf(scenario), clock), clock, faults);
  const prepared = prepareRun(scenario, { clock, driver: () => driver, strict: true });
  const recorded: Recorded[] = [];
  prepared.runner.recorded$.subscribe((one) => recorded.push(one));
  prepared.start();
  while (!prepared.runner.ended && clock.step());
  driver.close();
  return { report: prepared.report(), recorded };
}

export function nameOf({ command, when }: Pick<Provocation, 'command' | 'when'>): string {
  return when === undefined ? command : `${command} ${when}`;
}
