/**
 * Where the guest's drivers stand in a migration: before the vCPUs stop, with a collect and a pass between their dummy writes
 * and the stop; at each sync, for those that halt during pre-copy; last on the way back, and after the hand-over on the
 * destination. And whose help is asked for at all.
 */
import { describe, expect, test } from 'vitest';
import { dirtyTracking } from '../../machines/dirty-tracking.ts';
import { stopAndCopy as openStopAndCopy } from '../../machines/openings.ts';
import { blockers, cooperatingDevices, type Plan, type PlanDevice } from '../../machines/plan.ts';
import { preCopy } from '../../machines/pre-copy.ts';
import { rollBack } from '../../machines/roll-back.ts';
import { stopAndCopy } from '../../machines/stop-and-copy.ts';
import { smallPlan } from '../simulation/small-plan.ts';
import { given } from './given.ts';

const drivers = ['nic0', 'nic1'].map((id) => ({ id, address: `guest-driver/${id}` }));
const ends = { rule: 'drained' } as const;
const driverIs = (device: string, asked: string, state = asked, errno?: string) => ({
  type: 'DRIVER_REACHED',
  from: `guest-driver/${device}`,
  device,
  asked,
  state,
  errno,
});
const order = (device: string, type: string, data: object = {}) => ({ to: `guest-driver/${device}`, type, ...data });
const SYNCED = {
  type: 'BITMAP_SYNCED',
  from: 'dirty-log',
  dirtySet: 8,
  remainingPages: 3,
  remainingBytes: 12_288,
  newDirtyPages: 3,
  dirtyPagesBySource: { vcpu: 3 },
  syncNs: 1000,
};
const SENT = { type: 'DONE.sendRound', bandwidthBytesPerSecond: 1e6, remainingBytes: 0, sentBytes: 0 };

describe('the switchover', () => {
  const devices = ['nic0', 'nic1'].map((id) => ({ id, address: `device/${id}`, p2p: true, preCopy: true }));
  const cooperation = { drivers, round: 4, ends };
  const halting = given(stopAndCopy, { devices, pauseBeforeSwitchover: false, cooperation });
  const first = halting.when(driverIs('nic0', 'halted'));
  const collecting = first.when(driverIs('nic1', 'halted'));
  const copying = collecting.when(SYNCED);

  test('G2, G5: all drivers, then a collect, then a pass, and only then the vCPUs stop', () => {
    halting.then({
      state: { switching: 'haltingDma' },
      told: [order('nic0', 'HALT_DMA'), order('nic1', 'HALT_DMA')],
    });
    first.then({ state: { switching: 'haltingDma' } });
    collecting.then({
      state: { switching: 'collectingDummyWrites' },
      told: [{ to: 'dirty-log', type: 'SYNC', final: false }],
    });
    copying.then({
      state: { switching: 'copyingDummyWrites' },
      commanded: [{ command: 'sendRound', round: 4, dirtySet: 8, ends }],
    });
    copying.when(SENT).then({
      state: { switching: 'stoppingGuest' },
      facts: [{ type: 'SWITCHOVER_PHASE_ENTERED', phase: 'stop-vcpus' }],
      told: [{ to: 'guest', type: 'STOP' }],
    });
  });

  test('without such devices it begins with the vCPUs', () => {
    given(stopAndCopy, { devices, pauseBeforeSwitchover: false }).then({
      state: { switching: 'stoppingGuest' },
      facts: [{ type: 'SWITCHOVER_PHASE_ENTERED', phase: 'stop-vcpus' }],
      told: [{ to: 'guest', type: 'STOP' }],
    });
  });

  test('a driver that does not answer ends it, with the vCPUs still running', () => {
    first.when(driverIs('nic1', 'halted', 'unknown', 'ETIMEDOUT')).then({
      state: 'failed',
      told: [
        {
          to: 'migration',
          type: 'SWITCHOVER_FAILED',
          during: 'guest driver of nic1 to halted, unknown',
          errno: 'ETIMEDOUT',
          destination: 'not-started',
        },
      ],
    });
  });

  test.each([
    ['the collect', collecting, { type: 'SYNC_FAILED', from: 'dirty-log', errno: 'EFAULT' }],
    ['the pass', copying, { type: 'FAILED.sendRound', errno: 'EIO' }],
  ])('%s may fail', (_, at, event) => {
    expect(at.when(event).snapshot.value).toBe('failed');
  });

  test.each([
    ['while the drivers halt', halting],
    ['while the logs are collected', collecting],
    ['while the pass is sent', copying],
  ])('is halted %s', (_, at) => {
    at.when({ type: 'HALT', from: 'roll-back' }).then({ state: 'halting', commanded: [{ command: 'haltRound' }] });
  });
});

describe('pre-copy with drivers that halt at each sync', () => {
  const opened = given(preCopy, {
    loop: 'textbook',
    downtimeLimitMs: 100,
    availSwitchoverBytesPerSecond: 0,
    devices: drivers.map(({ id }) => ({ id, address: `device/${id}`, preCopy: false })),
    switchoverAck: false,
    drivers,
  });
  const sending = opened.when({ type: 'DIRTY_LOG_REACHED', from: 'dirty-log', asked: 'on', state: 'on' }).when(SYNCED);
  const halting = sending.when(SENT);
  const syncing = halting.when(driverIs('nic0', 'halted'), driverIs('nic1', 'halted'));
  const resuming = syncing.when(SYNCED);

  test('G1, G2: halts after the pass, collects then, and only then goes on', () => {
    halting.then({
      state: { iterating: 'haltingDma' },
      told: [order('nic0', 'HALT_DMA'), order('nic1', 'HALT_DMA')],
    });
    syncing.then({ state: { iterating: 'syncing' }, told: [{ to: 'dirty-log', type: 'SYNC', final: false }] });
    resuming.then({
      state: { iterating: 'resumingDma' },
      told: [order('nic0', 'RESUME_DMA', { host: 'source' }), order('nic1', 'RESUME_DMA', { host: 'source' })],
    });
    resuming.when(driverIs('nic0', 'running'), driverIs('nic1', 'running')).then({
      state: { iterating: 'sizing' },
      commanded: [{ command: 'queryDeviceSizes', exact: true }],
    });
  });

  test.each([
    ['halt', halting, 'halted'],
    ['go on', resuming, 'running'],
  ] as const)('a driver that does not %s ends it', (_, at, asked) => {
    expect(at.when(driverIs('nic0', asked, 'unknown', 'ETIMEDOUT')).snapshot.value).toBe('failed');
  });
});

describe('the way back', () => {
  const back = (switching: boolean) =>
    given(rollBack, { sending: 'nobody', switching, devices: [], drivers })
      .when({ type: 'DESTINATION_REACHED', from: 'destination', asked: 'gone', state: 'gone' })
      .when(...(switching ? [{ type: 'DONE.acquireStorage' }] : []));
  const LOG_OFF = { type: 'DIRTY_LOG_REACHED', from: 'dirty-log', asked: 'off', state: 'off' };
  const ROLLED_BACK = { to: 'migration', type: 'ROLLED_BACK', guest: 'running', because: '' };
  const orders = drivers.map(({ id }) => order(id, 'RESUME_DMA', { host: 'source' }));

  test('resumes DMA after the vCPUs, on which the drivers run', () => {
    const resuming = back(true).when(LOG_OFF);
    resuming.then({ state: 'resumingGuest', told: [{ to: 'guest', type: 'RESUME' }] });
    const resumed = resuming.when({ type: 'GUEST_REACHED', from: 'guest', asked: 'running', state: 'running' });
    resumed.then({ state: 'resumingDma', told: orders });
    resumed.when(driverIs('nic1', 'running'), driverIs('nic0', 'running')).then({ state: 'done', told: [ROLLED_BACK] });
  });

  test('resumes DMA where the vCPUs never stopped as well', () => {
    back(false).when(LOG_OFF).then({ state: 'resumingDma', told: orders });
  });

  test('goes on without a device whose driver cannot, and warns', () => {
    const resuming = back(false).when(LOG_OFF);
    resuming.when(driverIs('nic0', 'running'), driverIs('nic1', 'running', 'unknown', 'EIO')).then({
      state: 'done',
      facts: [{ type: 'WARNED', of: 'the guest driver of nic1 does not go on', errno: 'EIO' }],
      told: [ROLLED_BACK],
    });
  });
});

const LOGS: PlanDevice = { id: 'logs', features: 7, logsDma: true };
const HELPS: PlanDevice = { id: 'helps', features: 7, logsDma: false, cooperates: true };
const DOES_NOT: PlanDevice = { id: 'stubborn', features: 7, logsDma: false, cooperates: false };
const UNTOLD: PlanDevice = { id: 'untold', features: 7, logsDma: false };
const planOf = (devices: readonly PlanDevice[], iommuTracks: boolean, changes: Partial<Plan> = {}) =>
  smallPlan({ containers: [{ id: '0', iommuTracks, devices }], ...changes });

/** Devices of a container, whether its IOMMU tracks, who tracks, who takes part. */
const CHOICES: readonly (readonly [string, readonly PlanDevice[], boolean, string, readonly string[]])[] = [
  ['all help', [HELPS], false, 'guest', ['helps']],
  ['those that cannot log help', [LOGS, HELPS], false, 'guest', ['helps']],
  ['an IOMMU that tracks needs no help', [HELPS], true, 'iommu', []],
  ['one that does not help spoils it', [HELPS, DOES_NOT], false, 'perpetual', []],
  ['one of which nobody said anything, too', [HELPS, UNTOLD], false, 'perpetual', []],
  ['a device that logs needs no help', [{ ...LOGS, cooperates: true }], false, 'device', []],
];

describe.each(CHOICES)('%s', (_, devices, iommuTracks, tracker, asked) => {
  test(`the tracker is ${tracker}`, () => {
    const container = given(dirtyTracking, {
      tracking: '0',
      devices,
      iommuTracks,
      sections: [],
      ranges: 'two',
      pageBytes: 4096,
    });
    const chosen = container.when({ type: 'START', from: 'dirty-log' });
    expect(chosen.facts[0]).toMatchObject({ type: 'TRACKER_CHOSEN', tracker });
  });

  test('only those are asked that nobody else can track', () => {
    const plan = planOf(devices, iommuTracks);
    expect(cooperatingDevices(plan).map(({ id }) => id)).toEqual(asked);
    expect(blockers(plan).length > 0).toBe(tracker === 'perpetual');
    expect(blockers({ ...plan, enableMigration: 'on' })).toEqual([]);
    const [opening] = openStopAndCopy(plan, 3);
    const { cooperation } = opening!.input;
    expect(cooperation?.drivers.map(({ id }) => id) ?? []).toEqual(asked);
    if (cooperation !== undefined) expect(cooperation.round).toBe(4);
  });
});

test('a device that logs beside one that helps has its own log started and read', () => {
  const container = given(dirtyTracking, {
    tracking: '0',
    devices: [LOGS, HELPS],
    iommuTracks: false,
    sections: [{ of: 'ram', firstPage: 0, pages: 256 }],
    ranges: 'two',
    pageBytes: 4096,
  });
  const starting = container.when({ type: 'START', from: 'dirty-log' });
  expect(starting.commanded).toMatchObject([{ command: 'startTracking', tracker: 'guest', of: 'logs' }]);
  const tracking = starting.when({ type: 'DONE.startTracking' });
  const reporting = tracking.when({ type: 'SYNC', final: false, from: 'dirty-log' });
  expect(reporting.commanded).toEqual([{ command: 'reportDirty', tracker: 'guest', of: ['logs'] }]);
});

test('a driver that does not help is named as the reason', () => {
  expect(blockers(planOf([DOES_NOT], false))).toEqual([
    'container 0 has no dirty tracking: stubborn cannot log DMA, the guest driver of stubborn does not cooperate and the IOMMU cannot track (enable-migration=on goes on with all memory dirty for ever)',
  ]);
});
