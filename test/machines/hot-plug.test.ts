/**
 * Devices that come and go while the migration runs: one at a time, in a sync, and each step only after the one that makes it
 * safe. Which change is refused is plan-change.test.ts.
 */
import { describe, expect, test } from 'vitest';
import { hotPlug } from '../../machines/hot-plug.ts';
import type { Plan } from '../../machines/plan.ts';
import { smallPlan } from '../simulation/small-plan.ts';
import { given } from './given.ts';

const NIC0 = { id: 'nic0', features: 7, logsDma: true } as const;
const NIC1 = { id: 'nic1', features: 7, logsDma: false } as const;
const BOTH = [{ id: 'a', iommuTracks: true, devices: [NIC0, NIC1], pluggable: [] }];
const ONE = [{ id: 'a', iommuTracks: true, devices: [NIC0], pluggable: [NIC1] }];
const plan = (more: Partial<Plan> = {}) => smallPlan({ loop: 'textbook', hotPlug: true, containers: ONE, ...more });

const plug = (device: string) => ({ type: 'PLUG', device, from: 'operator' });
const unplug = (device: string) => ({ type: 'UNPLUG', device, from: 'operator' });
const NOW = { type: 'CHANGE_NOW', from: 'dirty-log' };
const SETTLE = { type: 'SETTLE', because: 'the switchover had begun', from: 'migration' };
const TRACKS = { type: 'TRACKING_CHANGED', tracking: 'a', state: 'tracking', from: 'tracking/a' };
const reached = (address: string, state: string, asked = state) => ({
  type: 'DEVICE_REACHED',
  device: 'nic1',
  asked,
  state,
  errno: state === asked ? undefined : 'EIO',
  from: address,
});
const RESUMES = reached('device/destination/nic1', 'RESUMING');
const OFFERS = reached('device/nic1', 'PRE_COPY');

const WAITS = { to: 'dirty-log', type: 'CHANGE_WAITS' };
const OVER = { to: 'dirty-log', type: 'DEVICES_CHANGED' };
const failed = (during: string) => ({ to: 'migration', type: 'PRECOPY_FAILED', during, errno: 'EIO' });
const there = (host: string, ...ids: string[]) =>
  ids.map((id) => ({ id, address: `${host}/${id}`, p2p: true, preCopy: true }));
const devicesNow = (...ids: string[]) => [
  { to: 'pre-copy', type: 'DEVICES_CHANGED', devices: there('device', ...ids) },
  { to: 'destination', type: 'DEVICES_CHANGED', devices: there('device/destination', ...ids) },
];
const tracked = (joined: boolean, devices: readonly { id: string; logsDma: boolean }[], news: string) => ({
  to: 'tracking/a',
  type: 'DEVICES_CHANGED',
  devices: devices.map(({ id, logsDma }) => ({ id, logsDma })),
  collects: 'always',
  joined,
  news,
});

describe('a device that comes', () => {
  const waiting = given(hotPlug, { plan: plan() }).when(plug('nic1'));
  const plugging = waiting.when(NOW);
  const joining = plugging.when({ type: 'DONE.plugDevice' });

  test('waits for a sync', () => {
    waiting.then({ state: 'resting', told: [WAITS] });
    plugging.then({ state: 'plugging', commanded: [{ command: 'plugDevice', device: 'nic1', container: 'a' }] });
  });

  test('is told to the way back before anything is ordered of it, then tracked, then got ready on both hosts', () => {
    joining.then({
      state: 'joining',
      opened: ['vfio/nic1', 'vfio/destination/nic1', 'device/nic1', 'device/destination/nic1'],
      told: [
        { to: 'migration', type: 'DEVICES_CHANGED', containers: BOTH },
        tracked(true, [NIC0, NIC1], 'nic1 was plugged'),
        { to: 'device/destination/nic1', type: 'SET_STATE', target: 'RESUMING' },
        { to: 'device/nic1', type: 'SET_STATE', target: 'PRE_COPY' },
      ],
    });
  });

  test('is there when all three have answered, in any order, and everybody who lists devices is told', () => {
    for (const order of [
      [TRACKS, RESUMES, OFFERS],
      [OFFERS, RESUMES, TRACKS],
    ]) {
      const [first, second, last] = order as [typeof TRACKS, typeof RESUMES, typeof OFFERS];
      const almost = joining.when(first, second).then({ state: 'joining' });
      almost.when(last).then({ state: 'resting', told: [...devicesNow('nic0', 'nic1'), OVER] });
    }
  });

  test('without PRE_COPY it stays in RUNNING', () => {
    const late = { ...NIC1, features: 3 } as const;
    const containers = [{ id: 'a', iommuTracks: true, devices: [NIC0], pluggable: [late] }];
    const joins = given(hotPlug, { plan: plan({ containers }) }).when(plug('nic1'), NOW, { type: 'DONE.plugDevice' });
    expect(joins.told.filter(({ type }) => type === 'SET_STATE').map(({ to }) => to)).toEqual([
      'device/destination/nic1',
    ]);
    expect(joins.when(TRACKS, RESUMES).snapshot.value).toBe('resting');
  });

  test('that could not be plugged changes nothing', () => {
    const undoing = plugging.when({ type: 'FAILED.plugDevice', errno: 'EBUSY' });
    undoing.then({
      state: 'undoing',
      facts: [{ type: 'WARNED', of: 'plug of nic1', errno: 'EBUSY' }],
      commanded: [{ command: 'removeDevice', device: 'nic1', container: 'a' }],
    });
    undoing.when({ type: 'FAILED.removeDevice', errno: 'ENODEV' }).then({ state: 'resting', told: [OVER] });
  });

  test('that failed to be plugged and was there all the same has written what nobody knows', () => {
    const undoing = plugging.when({ type: 'FAILED.plugDevice', errno: 'ETIMEDOUT' });
    const forgetting = undoing.when({ type: 'DONE.removeDevice' });
    forgetting.then({ state: 'forgetting', told: [tracked(true, [NIC0], 'nic1 was plugged')] });
    forgetting.when(TRACKS).then({ state: 'resting', told: [OVER] });
    forgetting
      .when({ ...TRACKS, state: 'off', errno: 'EIO' })
      .then({ state: 'failed', told: [failed("plug of nic1: its container's tracker")] });
    undoing
      .when({ type: 'FAILED.removeDevice', errno: 'EIO' })
      .then({ state: 'failed', told: [failed('plug of nic1: to take it out again')] });
  });

  test.each([
    ['its container is tracked by nobody', { ...TRACKS, state: 'off', errno: 'EIO' }, "its container's tracker"],
    [
      'the destination cannot take it',
      reached('device/destination/nic1', 'ERROR', 'RESUMING'),
      'device nic1 to RESUMING',
    ],
    ['it does not offer its state', reached('device/nic1', 'RUNNING', 'PRE_COPY'), 'device nic1 to PRE_COPY'],
  ])('fails the migration when %s', (_, answer, during) => {
    joining.when(answer).then({ state: 'failed', told: [failed(`plug of nic1: ${during}`)] });
  });
});

describe('a device that goes', () => {
  const ejecting = given(hotPlug, { plan: plan({ containers: BOTH }) }).when(unplug('nic1'), NOW);
  const leaving = ejecting.when({ type: 'DONE.ejectDevice' });
  const removing = leaving.when(TRACKS);

  test('is let go of by the guest, then its tracker changes, then it is taken out', () => {
    ejecting.then({
      state: 'ejecting',
      told: [WAITS],
      commanded: [{ command: 'ejectDevice', device: 'nic1', container: 'a' }],
    });
    leaving.then({ state: 'leaving', told: [tracked(false, [NIC0], 'nic1 was unplugged')] });
    removing.then({ state: 'removing', commanded: [{ command: 'removeDevice', device: 'nic1', container: 'a' }] });
  });

  const gone = {
    state: 'resting',
    told: [{ to: 'migration', type: 'DEVICES_CHANGED', containers: ONE }, ...devicesNow('nic0'), OVER],
    closed: ['device/nic1', 'device/destination/nic1', 'vfio/nic1', 'vfio/destination/nic1'],
  };
  test('is gone for everybody', () => {
    removing.when({ type: 'DONE.removeDevice' }).then(gone);
  });

  test('that could not be taken out is gone all the same: the guest has let it go', () => {
    const facts = [{ type: 'WARNED', of: 'unplug of nic1', errno: 'EIO' }] as const;
    removing.when({ type: 'FAILED.removeDevice', errno: 'EIO' }).then({ ...gone, facts });
  });

  test('that the guest keeps stays', () => {
    ejecting.when({ type: 'FAILED.ejectDevice', errno: 'EBUSY' }).then({
      state: 'resting',
      facts: [{ type: 'WARNED', of: 'unplug of nic1', errno: 'EBUSY' }],
      told: [OVER],
    });
  });

  test('fails the migration when the others are not tracked any more', () => {
    leaving
      .when({ ...TRACKS, state: 'off', errno: 'EIO' })
      .then({ state: 'failed', told: [failed("unplug of nic1: its container's tracker")] });
  });
});

describe('orders', () => {
  const resting = given(hotPlug, { plan: plan() });
  const refusedFor = (of: string) => ({ type: 'WARNED', of }) as const;

  test('that may not be are refused at once, also for what waits before them', () => {
    resting.when(unplug('nic1')).then({ facts: [refusedFor('unplug of nic1 refused: nic1 is not plugged')] });
    const twice = resting.when(plug('nic1')).when(plug('nic1'));
    twice.then({ facts: [refusedFor('plug of nic1 refused: nic1 is plugged already')] });
    resting
      .when(plug('nic1'))
      .when(unplug('nic1'))
      .then({ told: [WAITS] });
  });

  test('that wait are looked at again when it is their turn', () => {
    const both = resting.when(plug('nic1'), unplug('nic1'), NOW);
    const undoing = both.when({ type: 'FAILED.plugDevice', errno: 'EIO' });
    undoing.when({ type: 'FAILED.removeDevice', errno: 'ENODEV' }).then({
      state: 'resting',
      facts: [refusedFor('unplug of nic1 refused: nic1 is not plugged')],
      told: [OVER],
    });
  });

  test('are carried out one after another in the same sync', () => {
    const plugged = resting.when(plug('nic1'), unplug('nic0'), NOW).when({ type: 'DONE.plugDevice' });
    expect(plugged.when(TRACKS, RESUMES).when(OFFERS).snapshot.value).toBe('ejecting');
  });

  test('are refused from the switchover on; what waits is told, and what runs is not waited for', () => {
    const because = 'the switchover had begun';
    const settled = resting.when(plug('nic1')).when(SETTLE);
    settled.then({ state: 'settled', facts: [refusedFor(`plug of nic1 not carried out: ${because}`)] });
    settled.when(plug('nic1')).then({
      state: 'settled',
      facts: [refusedFor(`plug of nic1 not carried out: ${because}`)],
    });
    settled.when(NOW).then({ state: 'settled', told: [OVER] });
    const running = resting.when(plug('nic1'), NOW, SETTLE);
    running.when({ type: 'DONE.plugDevice' }).then({ state: 'settled' });
  });

  test('none waits: the sync goes on at once', () => {
    resting.when(NOW).then({ state: 'resting', told: [OVER] });
  });
});
