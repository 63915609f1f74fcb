/**
 * The switchover's order: vCPUs stopped, all devices quiet, all stopped, last collect, last copy, device states, load, storage,
 * hand-over (include/uapi/linux/vfio.h; QEMU docs/devel/migration/vfio.rst and hw/vfio/migration.c, vfio_vmstate_change_prepare and
 * vfio_vmstate_change: all prepare callbacks come before the first main one; a device in pre-copy goes to STOP_COPY, others to STOP).
 * The file is long because each failure is tried at each point.
 */
import { describe, expect, test } from 'vitest';
import { type StopAndCopyDevice, stopAndCopy } from '../../machines/stop-and-copy.ts';
import { type Given, given } from './given.ts';

const device = (id: string, p2p = true, preCopy = true): StopAndCopyDevice => ({
  id,
  address: `device/${id}`,
  p2p,
  preCopy,
});
const begin = (devices: readonly StopAndCopyDevice[], pauseBeforeSwitchover = false) =>
  given(stopAndCopy, { devices, pauseBeforeSwitchover });

const guestIs = (state: string, errno?: string) => ({
  type: 'GUEST_REACHED',
  from: 'guest',
  asked: 'stopped',
  state,
  errno,
});
const STOPPED = guestIs('stopped');
const reached = (id: string, asked: string, state = asked, errno?: string) => ({
  type: 'DEVICE_REACHED',
  from: `device/${id}`,
  device: id,
  asked,
  state,
  errno,
});
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
const SYNC_FAILED = { type: 'SYNC_FAILED', from: 'dirty-log', errno: 'EFAULT' };
const MEMORY_SENT = { type: 'DONE.sendRemaining' };
const STATE_SENT = { type: 'DONE.sendDeviceState', sentBytes: 100 };
const RELEASED = { type: 'DONE.releaseStorage' };
const failed = (command: string) => ({ type: `FAILED.${command}`, errno: 'EIO' });
const destinationIs = (state: string, asked: string, more: { during?: string; errno?: string } = {}) => ({
  type: 'DESTINATION_REACHED',
  from: 'destination',
  asked,
  state,
  ...more,
});
const LOADED = destinationIs('loaded', 'loaded');
const RUNS = destinationIs('running', 'running');
const CONTINUE = { type: 'CONTINUE', from: 'migration' };
const HALT = { type: 'HALT', from: 'roll-back' };

const phase = (name: string) => ({ type: 'SWITCHOVER_PHASE_ENTERED', phase: name }) as const;
const order = (id: string, target: string) => ({ to: `device/${id}`, type: 'SET_STATE', target });
const stopGuest = { to: 'guest', type: 'STOP' };
const syncLog = { to: 'dirty-log', type: 'SYNC', final: true };
const load = { to: 'destination', type: 'LOAD' };
const takeOver = { to: 'destination', type: 'TAKE_OVER' };
const toMigration = (type: string) => ({ to: 'migration', type });
const failure = (during: string, errno: string, destination = 'not-started') => ({
  to: 'migration',
  type: 'SWITCHOVER_FAILED',
  during,
  errno,
  destination,
});
const tellHalted = { to: 'roll-back', type: 'SENDING_HALTED' };
const switching = (state: unknown) => ({ switching: state });

const A = 'nic0';
const B = 'nic1';
const stoppingGuest = begin([device(A), device(B)]);
const quiescing = stoppingGuest.when(STOPPED);
const stoppingDevices = quiescing.when(reached(A, 'PRE_COPY_P2P'), reached(B, 'PRE_COPY_P2P'));
const finalSync = stoppingDevices.when(reached(B, 'STOP_COPY'), reached(A, 'STOP_COPY'));
const copyingMemory = finalSync.when(SYNCED);
const opening = copyingMemory.when(MEMORY_SENT);
const sendingState = opening.when(reached(A, 'STOP_COPY'));
const openingNext = sendingState.when(STATE_SENT);
const loading = openingNext.when(reached(B, 'STOP_COPY'), STATE_SENT);
const releasing = loading.when(LOADED);
const handingOver = releasing.when(RELEASED);

describe('two devices with P2P, in pre-copy', () => {
  test('the vCPUs stop first; no device has been ordered anything', () => {
    stoppingGuest.then({ state: switching('stoppingGuest'), facts: [phase('stop-vcpus')], told: [stopGuest] });
  });

  test('then all are asked to be quiet', () => {
    quiescing.then({
      state: switching('quiescing'),
      facts: [phase('quiesce')],
      told: [order(A, 'PRE_COPY_P2P'), order(B, 'PRE_COPY_P2P')],
    });
  });

  test.each([
    [A, B],
    [B, A],
  ])('none is stopped before both are quiet, %s first', (first, second) => {
    const one = quiescing.when(reached(first, 'PRE_COPY_P2P'));
    one.then({ state: switching('quiescing') });
    // The same answer twice is one device.
    one.when(reached(first, 'PRE_COPY_P2P')).then({ state: switching('quiescing') });
    one.when(reached(second, 'PRE_COPY_P2P')).then({
      state: switching('stoppingDevices'),
      told: [order(A, 'STOP_COPY'), order(B, 'STOP_COPY')],
    });
  });

  test('nothing is collected before both are stopped', () => {
    stoppingDevices.when(reached(A, 'STOP_COPY')).then({ state: switching('stoppingDevices') });
    finalSync.then({
      state: switching('finalSync'),
      facts: [phase('final-sync')],
      told: [toMigration('DEVICES_STOPPED'), syncLog],
    });
  });

  test('the last copy is of what the last collect found', () => {
    copyingMemory.then({
      state: switching('copyingMemory'),
      facts: [phase('memory')],
      commanded: [{ command: 'sendRemaining', dirtySet: 8 }],
    });
  });

  test('then device after device is read to its end', () => {
    opening.then({
      state: switching({ copyingDevices: 'opening' }),
      facts: [phase('device-state')],
      told: [order(A, 'STOP_COPY')],
    });
    sendingState.then({
      state: switching({ copyingDevices: 'sending' }),
      commanded: [{ command: 'sendDeviceState', device: A }],
    });
    openingNext.then({ state: switching({ copyingDevices: 'opening' }), told: [order(B, 'STOP_COPY')] });
    expect(openingNext.when(reached(B, 'STOP_COPY')).commanded).toEqual([{ command: 'sendDeviceState', device: B }]);
  });

  test('the destination loads and proves before the storage is released', () => {
    const { told, commanded } = openingNext.when(reached(B, 'STOP_COPY')).when(STATE_SENT);
    expect(told).toEqual([load]);
    expect(commanded).toEqual([]);
    releasing.then({
      state: switching('releasing'),
      facts: [phase('resume')],
      commanded: [{ command: 'releaseStorage' }],
    });
  });

  test('it is told to take over only after the storage is released', () => {
    handingOver.then({ state: 'handingOver', told: [toMigration('HANDING_OVER'), takeOver] });
    handingOver.when(RUNS).then({ state: 'done', told: [toMigration('SWITCHED_OVER')] });
  });
});

/** Quiet and stopped states by what a device has: QEMU hw/vfio/migration.c. */
const KINDS: readonly (readonly [
  string,
  p2p: boolean,
  preCopy: boolean,
  quiet: string | undefined,
  stopped: string,
])[] = [
  ['P2P and PRE_COPY', true, true, 'PRE_COPY_P2P', 'STOP_COPY'],
  ['P2P only', true, false, 'RUNNING_P2P', 'STOP'],
  ['PRE_COPY only', false, true, undefined, 'STOP_COPY'],
  ['neither', false, false, undefined, 'STOP'],
];

describe.each(KINDS)('one device with %s', (_, p2p, preCopy, quiet, stopped) => {
  const stoppedGuest = begin([device(A, p2p, preCopy)]).when(STOPPED);
  const ordered = quiet === undefined ? stoppedGuest : stoppedGuest.when(reached(A, quiet));

  test(`is quieted by ${quiet ?? 'no order'}, and stopped by ${stopped}`, () => {
    if (quiet !== undefined) {
      stoppedGuest.then({ state: switching('quiescing'), facts: [phase('quiesce')], told: [order(A, quiet)] });
      ordered.then({ state: switching('stoppingDevices'), told: [order(A, stopped)] });
    } else {
      stoppedGuest.then({ state: switching('stoppingDevices'), facts: [phase('quiesce')], told: [order(A, stopped)] });
    }
  });

  test('is in STOP_COPY before its state is read', () => {
    const copying = ordered.when(reached(A, stopped), SYNCED).when(MEMORY_SENT);
    copying.then({
      state: switching({ copyingDevices: 'opening' }),
      facts: [phase('device-state')],
      told: [order(A, 'STOP_COPY')],
    });
    copying.when(reached(A, 'STOP_COPY')).then({
      state: switching({ copyingDevices: 'sending' }),
      commanded: [{ command: 'sendDeviceState', device: A }],
    });
  });
});

test('a device in pre-copy and one that is not are ordered apart', () => {
  const both = begin([device(A), device(B, true, false)]).when(STOPPED);
  both.then({
    state: switching('quiescing'),
    facts: [phase('quiesce')],
    told: [order(A, 'PRE_COPY_P2P'), order(B, 'RUNNING_P2P')],
  });
  both.when(reached(B, 'RUNNING_P2P'), reached(A, 'PRE_COPY_P2P')).then({
    state: switching('stoppingDevices'),
    told: [order(A, 'STOP_COPY'), order(B, 'STOP')],
  });
});

test('without devices only memory is copied', () => {
  const stopped = begin([]).when(STOPPED);
  stopped.then({
    state: switching('finalSync'),
    facts: [phase('quiesce'), phase('final-sync')],
    told: [toMigration('DEVICES_STOPPED'), syncLog],
  });
  stopped
    .when(SYNCED)
    .when(MEMORY_SENT)
    .then({
      state: switching('loading'),
      facts: [phase('device-state'), phase('load')],
      told: [load],
    });
});

describe('pause-before-switchover', () => {
  const quiet = begin([device(A)], true).when(STOPPED, reached(A, 'PRE_COPY_P2P'));
  const paused = quiet.when(reached(A, 'STOP_COPY'));

  test('waits with everything stopped and nothing given away', () => {
    paused.then({
      state: switching('paused'),
      facts: [phase('pause')],
      told: [toMigration('PAUSED_BEFORE_SWITCHOVER')],
    });
    paused.when(CONTINUE).then({
      state: switching('finalSync'),
      facts: [phase('final-sync')],
      told: [toMigration('DEVICES_STOPPED'), syncLog],
    });
  });

  test('without devices too', () => {
    const stopped = begin([], true).when(STOPPED);
    stopped.then({
      state: switching('paused'),
      facts: [phase('quiesce'), phase('pause')],
      told: [toMigration('PAUSED_BEFORE_SWITCHOVER')],
    });
  });

  test('CONTINUE elsewhere changes nothing', () => {
    for (const state of [stoppingGuest, quiescing, stoppingDevices, finalSync, loading, releasing, handingOver]) {
      state.when(CONTINUE).then({ state: state.snapshot.value });
    }
  });
});

const EIO = 'EIO';
const resting = (id: string, asked: string, state: string) => `device ${id} to ${asked}, resting in ${state}`;
type Point = readonly [name: string, at: Given, event: { type: string }, during: string, errno: string];
/** Every point before the hand-over at which something can fail. */
const POINTS: readonly Point[] = [
  ['the vCPUs do not stop', stoppingGuest, guestIs('unknown', EIO), 'stopVcpus', EIO],
  ['the vCPUs still run', stoppingGuest, guestIs('running'), 'stopVcpus', EIO],
  [
    'a device is not quiet',
    quiescing,
    reached(B, 'PRE_COPY_P2P', 'PRE_COPY', 'EBUSY'),
    resting(B, 'PRE_COPY_P2P', 'PRE_COPY'),
    'EBUSY',
  ],
  [
    'a device is lost',
    quiescing,
    reached(A, 'PRE_COPY_P2P', 'unknown', 'ETIMEDOUT'),
    resting(A, 'PRE_COPY_P2P', 'unknown'),
    'ETIMEDOUT',
  ],
  [
    'a device is not stopped',
    stoppingDevices,
    reached(A, 'STOP_COPY', 'PRE_COPY_P2P', EIO),
    resting(A, 'STOP_COPY', 'PRE_COPY_P2P'),
    EIO,
  ],
  [
    'a device is in ERROR',
    stoppingDevices,
    reached(A, 'STOP_COPY', 'ERROR', EIO),
    resting(A, 'STOP_COPY', 'ERROR'),
    EIO,
  ],
  ['the final sync fails', finalSync, SYNC_FAILED, 'collecting the dirty logs', 'EFAULT'],
  ['the last copy fails', copyingMemory, failed('sendRemaining'), 'sendRemaining', EIO],
  [
    'a stream does not open',
    opening,
    reached(A, 'STOP_COPY', 'STOP', 'EMFILE'),
    resting(A, 'STOP_COPY', 'STOP'),
    'EMFILE',
  ],
  ['a state is not sent', sendingState, failed('sendDeviceState'), 'sendDeviceState', EIO],
  [
    'the destination does not load',
    loading,
    destinationIs('failed', 'loaded', { during: 'loadDestination', errno: 'ENOMEM' }),
    'destination: loadDestination',
    'ENOMEM',
  ],
  ['the storage is not released', releasing, failed('releaseStorage'), 'releaseStorage', EIO],
];

describe('a failure', () => {
  test.each(POINTS)('%s', (_, at, event, during, errno) => {
    const over = at.when(event).then({ state: 'failed', told: [failure(during, errno)] });
    over.when(HALT).then({ state: 'halted', told: [tellHalted] });
  });

  test.each([quiescing, stoppingDevices, finalSync, copyingMemory, opening, sendingState, loading, releasing])(
    'a destination that dies meanwhile is one ($snapshot.value.switching)',
    (at) => {
      at.when(destinationIs('failed', 'loaded', { during: 'link', errno: 'ECONNRESET' })).then({
        state: 'failed',
        told: [failure('destination: link', 'ECONNRESET')],
      });
    },
  );

  test('answers that come later are taken and change nothing', () => {
    for (const [, at, event] of POINTS) {
      const late = [reached(B, 'STOP_COPY'), SYNCED, SYNC_FAILED, MEMORY_SENT, STATE_SENT, RELEASED, LOADED, STOPPED];
      at.when(event)
        .when(...late)
        .then({ state: 'failed' });
    }
  });
});

describe('handing over', () => {
  test('the destination did not acquire the storage: it was never started', () => {
    handingOver.when(destinationIs('failed', 'loaded', { during: 'acquireStorage', errno: 'EBUSY' })).then({
      state: 'failed',
      told: [failure('destination: acquireStorage', 'EBUSY')],
    });
  });

  test('nobody knows whether it runs: in doubt', () => {
    handingOver.when(destinationIs('unknown', 'running', { during: 'startDestination', errno: 'ETIMEDOUT' })).then({
      state: 'inDoubt',
      told: [failure('destination: startDestination', 'ETIMEDOUT', 'unknown')],
    });
  });

  test('an answer that says neither is a doubt', () => {
    handingOver.when(LOADED).then({ state: 'inDoubt', told: [failure('destination: loaded', EIO, 'unknown')] });
  });

  test('cannot be halted, nor can what follows it', () => {
    handingOver.ignores(HALT);
    handingOver.when(RUNS).ignores(HALT);
    handingOver.when(destinationIs('unknown', 'running')).ignores(HALT);
  });
});

describe('HALT', () => {
  const states = {
    stoppingGuest,
    quiescing,
    stoppingDevices,
    finalSync,
    copyingMemory,
    opening,
    sendingState,
    loading,
    paused: begin([], true).when(STOPPED),
  };
  const late = [
    STOPPED,
    reached(A, 'STOP_COPY'),
    SYNCED,
    SYNC_FAILED,
    MEMORY_SENT,
    STATE_SENT,
    RELEASED,
    LOADED,
    CONTINUE,
  ];

  test.each(Object.entries(states))('%s: a copy that runs is ended early', (_, state) => {
    const halting = state.when(HALT).then({ state: 'halting', commanded: [{ command: 'haltRound' }] });
    halting.when(...late).then({ state: 'halting' });
    halting.when(failed('haltRound')).then({ state: 'halted', told: [tellHalted] });
    const halted = halting.when({ type: 'DONE.haltRound' }).then({ state: 'halted', told: [tellHalted] });
    halted.when(...late).then({ state: 'halted' });
  });

  test.each([RELEASED, failed('releaseStorage')])(
    'releasing: the release is over before the source may ask again',
    (over) => {
      const waiting = releasing.when(HALT).then({ state: 'awaitingRelease' });
      waiting.when(...late.filter((event) => event !== RELEASED)).then({ state: 'awaitingRelease' });
      const halting = waiting.when(over).then({ state: 'halting', commanded: [{ command: 'haltRound' }] });
      halting.when({ type: 'DONE.haltRound' }).then({ state: 'halted', told: [tellHalted] });
    },
  );

  test('twice: ended once, and answered again once it has', () => {
    const halting = copyingMemory.when(HALT);
    halting.when(HALT).then({ state: 'halting' });
    halting
      .when({ type: 'DONE.haltRound' })
      .when(HALT)
      .then({ state: 'halted', told: [tellHalted] });
  });
});
