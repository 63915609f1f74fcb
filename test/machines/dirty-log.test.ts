/**
 * The whole VM's dirty log: KVM's log, then every container, then the merge (QEMU system/memory.c, migration/ram.c). The dirty set is
 * the union of all; after an error some of it may be cleared, so that everything is dirty (include/uapi/linux/vfio.h,
 * VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT), and QEMU fails the migration.
 * The file is long because each order is tried in each phase.
 */
import { describe, expect, test } from 'vitest';
import { dirtyLog } from '../../machines/dirty-log.ts';
import { type Given, given } from './given.ts';

const A = 'tracking/a';
const B = 'tracking/b';
const PRE = 'pre-copy';
const SAC = 'stop-and-copy';
const BACK = 'roll-back';
const log = (trackings: readonly string[] = [A, B], afterSyncError: 'fail' | 'allDirty' = 'fail') =>
  given(dirtyLog, { trackings, afterSyncError });

const START = { type: 'START', from: PRE };
const STOP = { type: 'STOP', from: BACK };
const sync = (final = false, from = PRE) => ({ type: 'SYNC', final, from });
const name = (from: string) => from.replace('tracking/', '');
const trackerReached = (from: string, asked: 'tracking' | 'off', errno?: string) => ({
  type: 'TRACKING_REACHED',
  from,
  tracking: name(from),
  asked,
  state: errno === undefined ? asked : 'off',
  errno,
});
const trackerSynced = (from: string, dirtyPages: number, errno?: string) => ({
  type: 'TRACKING_SYNCED',
  from,
  tracking: name(from),
  dirtyPages,
  errno,
});
const LOG_ON = { type: 'DONE.startDirtyLog' };
const LOG_OFF = { type: 'DONE.stopDirtyLog' };
const LOG_READ = { type: 'DONE.getDirtyLog', dirtyPages: 4 };
const failed = (command: string) => ({ type: `FAILED.${command}`, errno: 'EIO' });
const RESULT = {
  dirtySet: 3,
  remainingPages: 12,
  remainingBytes: 49_152,
  newDirtyPages: 5,
  dirtyPagesBySource: { vcpu: 4, 'dma:nic0': 2 },
  syncNs: 1000,
};
const MERGED = { type: 'DONE.syncBitmap', ...RESULT };

const startTrackers = [A, B].map((to) => ({ to, type: 'START' }));
const syncTrackers = (final: boolean) => [A, B].map((to) => ({ to, type: 'SYNC', final }));
const stopTrackers = [A, B].map((to) => ({ to, type: 'STOP' }));
const reached = (to: string, asked: 'on' | 'off', state: 'on' | 'off', errno?: string) => ({
  to,
  type: 'DIRTY_LOG_REACHED',
  asked,
  state,
  errno,
});
const synced = (to = PRE) => ({ to, type: 'BITMAP_SYNCED', ...RESULT });
const lost = (errno = 'EIO', to = PRE) => ({ to, type: 'SYNC_FAILED', errno });
const merge = (everything: boolean, final = false) => ({ command: 'syncBitmap', final, everything }) as const;
const get = { command: 'getDirtyLog' } as const;
const stopLog = { command: 'stopDirtyLog' } as const;

const bothTrack = [trackerReached(A, 'tracking'), trackerReached(B, 'tracking')];
const bothOff = [trackerReached(A, 'off'), trackerReached(B, 'off')];
const bothSynced = [trackerSynced(A, 1), trackerSynced(B, 2)];

const starting = log().when(START);
const startingLog = starting.when(...bothTrack);
const on = startingLog.when(LOG_ON);
const readingLog = on.when(sync());
const readingTrackers = readingLog.when(LOG_READ);
const merging = readingTrackers.when(...bothSynced);
const stopping = on.when(STOP);
const stoppingLog = stopping.when(...bothOff);

describe('a start', () => {
  test('waits for every tracker, then starts the log, then answers', () => {
    starting.then({ state: { starting: 'trackers' }, told: startTrackers });
    starting.when(trackerReached(B, 'tracking')).then({ state: { starting: 'trackers' } });
    startingLog.then({ state: { starting: 'log' }, commanded: [{ command: 'startDirtyLog' }] });
    on.then({ state: { on: 'resting' }, told: [reached(PRE, 'on', 'on')] });
  });

  test('without trackers starts the log at once', () => {
    log([])
      .when(START)
      .then({ state: { starting: 'log' }, commanded: [{ command: 'startDirtyLog' }] });
  });

  test('counts each tracker once', () => {
    const twice = starting.when(trackerReached(A, 'tracking'), trackerReached(A, 'tracking'));
    twice.then({ state: { starting: 'trackers' } });
  });

  test('that a tracker fails stops them all, and the log, and says why', () => {
    const rollingBack = starting.when(trackerReached(A, 'tracking', 'ENOSPC'));
    rollingBack.then({ state: { stopping: 'trackers' }, told: stopTrackers });
    // The other one's start is answered late.
    rollingBack
      .when(trackerReached(B, 'tracking'), ...bothOff)
      .then({ state: { stopping: 'log' }, commanded: [stopLog] });
    rollingBack.when(...bothOff, LOG_OFF).then({
      state: 'off',
      commanded: [stopLog],
      told: [reached(PRE, 'on', 'off', 'ENOSPC')],
    });
  });

  test('that the log fails stops the trackers and says why', () => {
    const rollingBack = startingLog.when(failed('startDirtyLog'));
    rollingBack.then({ state: { stopping: 'trackers' }, told: stopTrackers });
    rollingBack.when(...bothOff, LOG_OFF).then({
      state: 'off',
      commanded: [stopLog],
      told: [reached(PRE, 'on', 'off', 'EIO')],
    });
  });

  test('after a failed one begins anew', () => {
    const off = startingLog.when(failed('startDirtyLog'), ...bothOff, LOG_OFF);
    const again = off.when(START, ...bothTrack).when(LOG_ON);
    again.then({ state: { on: 'resting' }, told: [reached(PRE, 'on', 'on')] });
    expect(again.told[0]?.errno).toBeUndefined();
  });
});

describe('a sync', () => {
  test('reads the log, then every tracker, then merges, in this order', () => {
    readingLog.then({ state: { on: { collecting: 'log' } }, commanded: [get] });
    readingTrackers.then({ state: { on: { collecting: 'trackers' } }, told: syncTrackers(false) });
    readingTrackers.when(trackerSynced(B, 2)).then({ state: { on: { collecting: 'trackers' } } });
    merging.then({ state: { on: { collecting: 'merging' } }, commanded: [merge(false)] });
    merging.when(MERGED).then({ state: { on: 'resting' }, told: [synced()] });
  });

  test('says everywhere that it is the final one', () => {
    on.when(sync(true, SAC), LOG_READ, ...bothSynced).then({
      state: { on: { collecting: 'merging' } },
      told: syncTrackers(true),
      commanded: [get, merge(false, true)],
    });
    on.when(sync(true, SAC), LOG_READ, ...bothSynced)
      .when(MERGED)
      .then({ state: { on: 'resting' }, told: [synced(SAC)] });
  });

  test('without trackers is the log and the merge', () => {
    log([])
      .when(START, LOG_ON)
      .when(sync(), LOG_READ, MERGED)
      .then({
        state: { on: 'resting' },
        commanded: [get, merge(false)],
        told: [synced()],
      });
  });

  test('without a start fails', () => {
    log()
      .when(sync())
      .then({ state: 'off', told: [lost('EINVAL')] });
    log()
      .when(sync(true, SAC))
      .then({ state: 'off', told: [lost('EINVAL', SAC)] });
  });
});

describe.each([
  ['fail', [lost()]],
  ['allDirty', [synced()]],
] as const)('an error in a sync, afterSyncError %s', (afterSyncError, answer) => {
  const collecting = log([A, B], afterSyncError).when(START, ...bothTrack, LOG_ON, sync());

  test('of the log: all trackers are still read, everything is dirty', () => {
    collecting
      .when(failed('getDirtyLog'))
      .then({ state: { on: { collecting: 'trackers' } }, told: syncTrackers(false) });
    const merges = collecting.when(failed('getDirtyLog')).when(...bothSynced);
    merges.then({ state: { on: { collecting: 'merging' } }, commanded: [merge(true)] });
    merges.when(MERGED).then({ state: { on: 'resting' }, told: answer });
  });

  test.each([A, B])('of %s: the others are still read, everything is dirty', (broken) => {
    const answers = [A, B].map((from) => trackerSynced(from, 0, from === broken ? 'EIO' : undefined));
    const merges = collecting.when(LOG_READ, ...answers);
    merges.then({ state: { on: { collecting: 'merging' } }, told: syncTrackers(false), commanded: [merge(true)] });
    merges.when(MERGED).then({ state: { on: 'resting' }, told: answer });
  });

  test('of the merge is always a failure: there is no set', () => {
    collecting
      .when(LOG_READ, ...bothSynced)
      .when(failed('syncBitmap'))
      .then({ state: { on: 'resting' }, told: [lost()] });
  });

  test('does not stick to the next sync', () => {
    const next = collecting
      .when(failed('getDirtyLog'), ...bothSynced, MERGED)
      .when(sync(), LOG_READ, ...bothSynced, MERGED);
    next.then({
      state: { on: 'resting' },
      told: [...syncTrackers(false), synced()],
      commanded: [get, merge(false)],
    });
  });
});

describe('a stop', () => {
  test('stops the trackers, then the log, then answers', () => {
    stopping.then({ state: { stopping: 'trackers' }, told: stopTrackers });
    stopping.when(trackerReached(B, 'off')).then({ state: { stopping: 'trackers' } });
    stoppingLog.then({ state: { stopping: 'log' }, commanded: [stopLog] });
    stoppingLog.when(LOG_OFF).then({ state: 'off', told: [reached(BACK, 'off', 'off')] });
  });

  test('without trackers stops the log', () => {
    log([])
      .when(START, LOG_ON)
      .when(STOP)
      .then({ state: { stopping: 'log' }, commanded: [stopLog] });
  });

  test('of the log that fails is a warning only', () => {
    stoppingLog.when(failed('stopDirtyLog')).then({
      state: 'off',
      facts: [{ type: 'WARNED', of: 'stopDirtyLog', errno: 'EIO' }],
      told: [reached(BACK, 'off', 'off')],
    });
  });

  test('of one that is off is answered', () => {
    log()
      .when(STOP)
      .then({ state: 'off', told: [reached(BACK, 'off', 'off')] });
  });

  test('after a failed start or sync carries no errno of it', () => {
    const failedStart = startingLog.when(failed('startDirtyLog'), ...bothOff, LOG_OFF).when(STOP);
    const failedSync = readingLog.when(failed('getDirtyLog'), ...bothSynced, MERGED, STOP, ...bothOff).when(LOG_OFF);
    for (const off of [failedStart, failedSync]) {
      off.then({ state: 'off', told: [reached(BACK, 'off', 'off')] });
      expect(off.told[0]?.errno).toBeUndefined();
    }
  });
});

describe('STOP comes while', () => {
  test('the trackers start: they are stopped without waiting', () => {
    starting.when(STOP).then({ state: { stopping: 'trackers' }, told: stopTrackers });
    starting
      .when(STOP, ...bothTrack, ...bothOff)
      .when(LOG_OFF)
      .then({ state: 'off', told: [reached(BACK, 'off', 'off')] });
  });

  test.each([LOG_ON, failed('startDirtyLog')])('the log starts: once it has answered ($type)', (answer) => {
    startingLog.when(STOP).then({ state: { starting: 'log' } });
    const leaving = startingLog.when(STOP).when(answer);
    leaving.then({ state: { stopping: 'trackers' }, told: stopTrackers });
    leaving
      .when(...bothOff)
      .when(LOG_OFF)
      .then({ state: 'off', told: [reached(BACK, 'off', 'off')] });
  });

  test.each([LOG_READ, failed('getDirtyLog')])('the log is read: no tracker is read any more ($type)', (answer) => {
    readingLog.when(STOP).then({ state: { on: { collecting: 'log' } } });
    readingLog.when(STOP, answer).then({ state: { stopping: 'trackers' }, told: stopTrackers });
  });

  test('the trackers are read: they are stopped without waiting', () => {
    readingTrackers.when(STOP).then({ state: { stopping: 'trackers' }, told: stopTrackers });
  });

  test.each([MERGED, failed('syncBitmap')])('the logs are merged: the sync is not answered ($type)', (answer) => {
    merging.when(STOP).then({ state: { on: { collecting: 'merging' } } });
    merging.when(STOP, answer).then({ state: { stopping: 'trackers' }, told: stopTrackers });
  });

  test('it is being stopped: the latest asker is answered', () => {
    stopping.when({ ...STOP, from: 'migration' }, ...bothOff, LOG_OFF).then({
      state: 'off',
      commanded: [stopLog],
      told: [reached('migration', 'off', 'off')],
    });
  });
});

describe('START comes while', () => {
  test('it is being stopped: begins anew afterwards', () => {
    stopping
      .when(START, ...bothOff)
      .when(LOG_OFF)
      .then({ state: { starting: 'trackers' }, told: startTrackers });
    stoppingLog
      .when(START)
      .when(LOG_OFF)
      .then({ state: { starting: 'trackers' }, told: startTrackers });
  });

  test('a failed start is being undone: tried again', () => {
    const rollingBack = startingLog.when(failed('startDirtyLog'));
    rollingBack
      .when(START, ...bothOff)
      .when(LOG_OFF)
      .then({ state: { starting: 'trackers' }, told: startTrackers });
  });

  test('it is on: answered, and a sync that runs keeps what it has met', () => {
    on.when(START).then({ state: { on: 'resting' }, told: [reached(PRE, 'on', 'on')] });
    const collecting = readingLog.when(failed('getDirtyLog')).when(START);
    collecting.then({ state: { on: { collecting: 'trackers' } }, told: [reached(PRE, 'on', 'on')] });
    collecting.when(...bothSynced).then({ state: { on: { collecting: 'merging' } }, commanded: [merge(true)] });
    collecting
      .when(...bothSynced)
      .when(MERGED)
      .then({ state: { on: 'resting' }, told: [lost()] });
  });
});

describe('SYNC comes while', () => {
  test('another runs: collected anew, because what has been read may be older', () => {
    const second = merging.when(sync(true, SAC)).when(MERGED);
    second.then({ state: { on: { collecting: 'log' } }, told: [synced(PRE)], commanded: [get] });
    second.when(LOG_READ, ...bothSynced).then({
      state: { on: { collecting: 'merging' } },
      told: syncTrackers(true),
      commanded: [merge(false, true)],
    });
    second
      .when(LOG_READ, ...bothSynced)
      .when(MERGED)
      .then({ state: { on: 'resting' }, told: [synced(SAC)] });
  });

  test.each([readingLog.when(failed('getDirtyLog')), readingTrackers.when(trackerSynced(A, 0, 'EIO'))])(
    'another has failed: its error is not forgotten',
    (broken) => {
      const merges = broken.when(sync(true, SAC)).when(...bothSynced);
      merges.then({ state: { on: { collecting: 'merging' } }, commanded: [merge(true)] });
      merges.when(MERGED).then({ state: { on: { collecting: 'log' } }, told: [lost()], commanded: [get] });
    },
  );

  test('another runs, and STOP after it: neither is answered', () => {
    merging
      .when(sync(true, SAC), STOP, MERGED, ...bothOff)
      .when(LOG_OFF)
      .then({
        state: 'off',
        told: [reached(BACK, 'off', 'off')],
      });
    // And the next start does not find it waiting.
    merging
      .when(sync(true, SAC), STOP, MERGED, ...bothOff, LOG_OFF, START, ...bothTrack)
      .when(LOG_ON)
      .then({
        state: { on: 'resting' },
        told: [reached(PRE, 'on', 'on')],
      });
  });

  test.each([
    ['the trackers start', starting],
    ['the log starts', startingLog],
    ['the trackers stop', stopping],
    ['the log stops', stoppingLog],
  ] as const)('%s: there is nothing to collect, and who waits still does', (_, state) => {
    const refused = state.when(sync(false, SAC));
    refused.then({ state: state.snapshot.value, told: [lost('EINVAL', SAC)] });
    expect(refused.snapshot.context).toEqual(state.snapshot.context);
  });

  test('a failed start is being undone: the failure is still told to who started', () => {
    startingLog
      .when(failed('startDirtyLog'), sync(false, SAC), ...bothOff)
      .when(LOG_OFF)
      .then({
        state: 'off',
        told: [reached(PRE, 'on', 'off', 'EIO')],
      });
  });
});

test('START, STOP, SYNC and late answers of trackers are taken in every state', () => {
  const states: Given[] = [
    log(),
    starting,
    startingLog,
    on,
    readingLog,
    readingTrackers,
    merging,
    stopping,
    stoppingLog,
  ];
  const events = [START, STOP, sync(), ...bothTrack, ...bothOff, ...bothSynced];
  for (const state of states) for (const event of events) expect(() => state.when(event)).not.toThrow();
});
