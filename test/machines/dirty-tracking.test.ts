/**
 * A container's tracker. The choice is QEMU's (hw/vfio/container.c): every device tracks, vacuously for none -> device; else the
 * container tracks -> IOMMU; else perpetual. What starts and stops, and who is rolled back when a start fails: hw/vfio/listener.c,
 * vfio_devices_dma_logging_start. Orders are goals: each is taken in every state and the latest wins.
 */
import { describe, expect, test } from 'vitest';
import { dirtyTracking, type TrackingInput } from '../../machines/dirty-tracking.ts';
import { type Given, given } from './given.ts';

const device = (id: string, logsDma = true) => ({ id, logsDma });
const SECTIONS = [
  { of: 'ram', firstPage: 0, pages: 256 },
  { of: 'ram', firstPage: 2 ** 20, pages: 16 },
] as const;
const RANGES = [
  { firstPage: 0, pages: 256 },
  { firstPage: 2 ** 20, pages: 16 },
];
const container = (devices: TrackingInput['devices'], iommuTracks = false) =>
  given(dirtyTracking, { tracking: 'c0', devices, iommuTracks, sections: SECTIONS, ranges: 'two', pageBytes: 4096 });

const LOG = 'dirty-log';
const START = { type: 'START', from: LOG };
const STOP = { type: 'STOP', from: LOG };
const SYNC = { type: 'SYNC', final: false, from: LOG };
const STARTED = { type: 'DONE.startTracking' };
const NOT_STARTED = { type: 'FAILED.startTracking', errno: 'ENOSPC' };
const STOPPED = { type: 'DONE.stopTracking' };
const NOT_STOPPED = { type: 'FAILED.stopTracking', errno: 'EIO' };
const reported = (dirtyPages: number) => ({ type: 'DONE.reportDirty', dirtyPages });
const NOT_REPORTED = { type: 'FAILED.reportDirty', errno: 'EFAULT' };

type Tracker = 'device' | 'iommu' | 'perpetual';
const start = (tracker: Tracker, of: string) => ({ command: 'startTracking', tracker, of, ranges: RANGES }) as const;
const report = (tracker: Tracker, ...of: string[]) => ({ command: 'reportDirty', tracker, of }) as const;
const stop = (tracker: Tracker, ...of: string[]) => ({ command: 'stopTracking', tracker, of }) as const;
const reached = (asked: 'tracking' | 'off', state: 'tracking' | 'off', errno?: string) => ({
  to: LOG,
  type: 'TRACKING_REACHED',
  tracking: 'c0',
  asked,
  state,
  errno,
});
const synced = (dirtyPages: number, errno?: string) => ({
  to: LOG,
  type: 'TRACKING_SYNCED',
  tracking: 'c0',
  dirtyPages,
  errno,
});
const chosen = (tracker: Tracker, because: string) =>
  ({ type: 'TRACKER_CHOSEN', tracking: 'c0', tracker, because }) as const;
const BY_DEVICES = chosen('device', 'every device of the container logs its DMA');

const two = [device('nic0'), device('nic1')];

describe('the choice', () => {
  const YES = device('yes');
  const NO = device('no', false);
  const rows: readonly (readonly [string, TrackingInput['devices'], boolean, Tracker, string])[] = [
    ['all log', [YES, device('too')], false, 'device', 'every device of the container logs its DMA'],
    ['all log, and the IOMMU could', [YES], true, 'device', 'every device of the container logs its DMA'],
    ['one cannot, the IOMMU can', [YES, NO], true, 'iommu', 'no cannot log DMA, the IOMMU tracks'],
    ['none can, the IOMMU can', [NO, device('nor', false)], true, 'iommu', 'no, nor cannot log DMA, the IOMMU tracks'],
    [
      'one cannot, nor the IOMMU',
      [YES, NO],
      false,
      'perpetual',
      'no cannot log DMA and the IOMMU cannot track: all mapped memory is dirty at every sync',
    ],
    ['no device: vacuously true', [], false, 'device', 'every device of the container logs its DMA'],
    ['no device, and the IOMMU could', [], true, 'device', 'every device of the container logs its DMA'],
  ];
  test.each(rows)('%s', (_, devices, iommuTracks, tracker, because) => {
    const { facts, commanded } = container(devices, iommuTracks).when(START);
    expect(facts).toEqual([chosen(tracker, because)]);
    const first = tracker === 'iommu' ? 'iommu' : devices[0]?.id;
    const expected = tracker === 'perpetual' || first === undefined ? [] : [start(tracker, first)];
    expect(commanded).toEqual(expected);
  });

  test('is said once for each start', () => {
    const again = container(two).when(START, STARTED, STARTED, STOP, STOPPED).when(START);
    again.then({ state: 'starting', facts: [BY_DEVICES], commanded: [start('device', 'nic0')] });
  });

  test('with no device there is nothing to start, to report of or to stop', () => {
    const tracking = container([]).when(START);
    tracking.then({ state: { tracking: 'resting' }, facts: [BY_DEVICES], told: [reached('tracking', 'tracking')] });
    tracking.when(SYNC, reported(0)).then({
      state: { tracking: 'resting' },
      commanded: [report('device')],
      told: [synced(0)],
    });
    tracking.when(STOP).then({ state: 'off', told: [reached('off', 'off')] });
  });
});

describe('a start', () => {
  const starting = container(two).when(START);

  test('goes from device to device, and is answered after the last', () => {
    starting.when(STARTED).then({ state: 'starting', commanded: [start('device', 'nic1')] });
    starting.when(STARTED, STARTED).then({
      state: { tracking: 'resting' },
      commanded: [start('device', 'nic1')],
      told: [reached('tracking', 'tracking')],
    });
  });

  test('of the IOMMU is one command for the container', () => {
    const iommu = container([device('nic0', false), device('nic1')], true).when(START);
    iommu.when(STARTED).then({ state: { tracking: 'resting' }, told: [reached('tracking', 'tracking')] });
    iommu.when(NOT_STARTED).then({ state: 'off', told: [reached('tracking', 'off', 'ENOSPC')] });
  });

  test.each(['ETIMEDOUT', 'ECONNRESET'] as const)(
    'that ends in %s may have happened: that one is stopped, too',
    (errno) => {
      const late = container([device('a'), device('b')]).when(START, STARTED, { ...NOT_STARTED, errno });
      expect(late.commanded.at(-1)).toEqual({ command: 'stopTracking', tracker: 'device', of: ['a', 'b'] });
      expect(late.when(STOPPED).told).toEqual([reached('tracking', 'off', errno)]);
    },
  );

  const three = [device('a'), device('b'), device('c')];
  test.each([
    [0, []],
    [1, ['a']],
    [2, ['a', 'b']],
  ] as const)('that fails after %i devices stops these', (before, started) => {
    const failed = container(three)
      .when(START, ...Array(before).fill(STARTED))
      .when(NOT_STARTED);
    if (started.length === 0) {
      failed.then({ state: 'off', told: [reached('tracking', 'off', 'ENOSPC')] });
      return;
    }
    failed.then({ state: 'stopping', commanded: [stop('device', ...started)] });
    failed.when(STOPPED).then({ state: 'off', told: [reached('tracking', 'off', 'ENOSPC')] });
    failed.when(NOT_STOPPED).then({
      state: 'off',
      facts: [{ type: 'WARNED', of: 'stopTracking c0', errno: 'EIO' }],
      told: [reached('tracking', 'off', 'ENOSPC')],
    });
  });

  test('after a failed one begins with the first device again', () => {
    const failed = container(two).when(START, STARTED, NOT_STARTED, STOPPED);
    failed.when(START).then({ state: 'starting', facts: [BY_DEVICES], commanded: [start('device', 'nic0')] });
  });
});

describe('a sync', () => {
  const tracking = container(two).when(START, STARTED, STARTED);

  test('reports all members at once', () => {
    tracking.when(SYNC).then({ state: { tracking: 'reporting' }, commanded: [report('device', 'nic0', 'nic1')] });
    tracking.when(SYNC, reported(7)).then({
      state: { tracking: 'resting' },
      commanded: [report('device', 'nic0', 'nic1')],
      told: [synced(7)],
    });
  });

  test('that fails says so: some of the log may be cleared', () => {
    tracking
      .when(SYNC)
      .when(NOT_REPORTED)
      .then({ state: { tracking: 'resting' }, told: [synced(0, 'EFAULT')] });
  });

  test('an errno does not stick to the next one', () => {
    const next = tracking.when(SYNC, NOT_REPORTED).when(SYNC).when(reported(3));
    next.then({ state: { tracking: 'resting' }, told: [synced(3)] });
    expect(next.told[0]?.errno).toBeUndefined();
  });

  test('of a perpetual container: nothing is started or stopped, and it is still asked', () => {
    const perpetual = container([device('nic0', false)]).when(START);
    perpetual.then({
      state: { tracking: 'resting' },
      facts: [
        chosen('perpetual', 'nic0 cannot log DMA and the IOMMU cannot track: all mapped memory is dirty at every sync'),
      ],
      told: [reached('tracking', 'tracking')],
    });
    perpetual.when(SYNC).then({ state: { tracking: 'reporting' }, commanded: [report('perpetual')] });
    perpetual.when(SYNC, reported(256), STOP).then({
      state: 'off',
      commanded: [report('perpetual')],
      told: [synced(256), reached('off', 'off')],
    });
  });

  test('without a start is an error: everything may be dirty', () => {
    container(two)
      .when(SYNC)
      .then({ state: 'off', told: [synced(0, 'EINVAL')] });
  });
});

describe('a stop', () => {
  const tracking = container(two).when(START, STARTED, STARTED);

  test('stops all that were started', () => {
    const stopping = tracking.when(STOP).then({ state: 'stopping', commanded: [stop('device', 'nic0', 'nic1')] });
    stopping.when(STOPPED).then({ state: 'off', told: [reached('off', 'off')] });
  });

  test('that fails is a warning only', () => {
    tracking
      .when(STOP)
      .when(NOT_STOPPED)
      .then({
        state: 'off',
        facts: [{ type: 'WARNED', of: 'stopTracking c0', errno: 'EIO' }],
        told: [reached('off', 'off')],
      });
  });

  test('of one that is off is answered', () => {
    container(two)
      .when(STOP)
      .then({ state: 'off', told: [reached('off', 'off')] });
  });

  test('after a failed start carries no errno of it', () => {
    const off = container(two)
      .when(START, NOT_STARTED)
      .when(STOP)
      .then({ state: 'off', told: [reached('off', 'off')] });
    expect(off.told[0]?.errno).toBeUndefined();
  });
});

describe('the latest order wins', () => {
  const starting = container(two).when(START);
  const tracking = starting.when(STARTED, STARTED);
  const stopping = tracking.when(STOP);

  test('STOP while starting: what has been started is stopped, the rest is not started', () => {
    const leaving = starting.when(STOP).then({ state: 'starting' });
    leaving.when(STARTED).then({ state: 'stopping', commanded: [stop('device', 'nic0')] });
    leaving.when(STARTED, STOPPED).then({
      state: 'off',
      commanded: [stop('device', 'nic0')],
      told: [reached('off', 'off')],
    });
    leaving.when(NOT_STARTED).then({ state: 'off', told: [reached('off', 'off')] });
  });

  test('STOP, START while starting: goes on', () => {
    starting.when(STOP, START, STARTED).then({ state: 'starting', commanded: [start('device', 'nic1')] });
  });

  test('START while stopping: begins anew once the stop is answered', () => {
    const waits = stopping.when(START).then({ state: 'stopping' });
    waits.when(STOPPED).then({ state: 'starting', facts: [BY_DEVICES], commanded: [start('device', 'nic0')] });
  });

  test('START while stopping after a failed start: tried again', () => {
    const rollingBack = starting.when(STARTED, NOT_STARTED);
    rollingBack
      .when(START, STOPPED)
      .then({ state: 'starting', facts: [BY_DEVICES], commanded: [start('device', 'nic0')] });
  });

  test('START while tracking is answered, and a report that runs goes on', () => {
    tracking.when(START).then({ state: { tracking: 'resting' }, told: [reached('tracking', 'tracking')] });
    tracking
      .when(SYNC)
      .when(START)
      .then({ state: { tracking: 'reporting' }, told: [reached('tracking', 'tracking')] });
  });

  test('SYNC while reporting: reported twice, answered twice', () => {
    const second = tracking.when(SYNC, SYNC, reported(5));
    second.then({
      state: { tracking: 'reporting' },
      commanded: [report('device', 'nic0', 'nic1'), report('device', 'nic0', 'nic1')],
      told: [synced(5)],
    });
    second.when(reported(6)).then({ state: { tracking: 'resting' }, told: [synced(6)] });
  });

  test('SYNC while starting: reported once it tracks', () => {
    starting
      .when(SYNC, STARTED)
      .when(STARTED)
      .then({
        state: { tracking: 'reporting' },
        told: [reached('tracking', 'tracking')],
        commanded: [report('device', 'nic0', 'nic1')],
      });
  });

  test('SYNC while starting, and the start fails: both are answered', () => {
    starting
      .when(SYNC)
      .when(NOT_STARTED)
      .then({
        state: 'off',
        told: [reached('tracking', 'off', 'ENOSPC'), synced(0, 'EINVAL')],
      });
  });

  test('SYNC while stopping: answered by the start that follows, or that there is none', () => {
    stopping
      .when(SYNC)
      .when(STOPPED)
      .then({ state: 'off', told: [reached('off', 'off'), synced(0, 'EINVAL')] });
    stopping
      .when(SYNC, START, STOPPED, STARTED)
      .when(STARTED)
      .then({
        state: { tracking: 'reporting' },
        told: [reached('tracking', 'tracking')],
        commanded: [report('device', 'nic0', 'nic1')],
      });
  });

  test.each([reported(5), NOT_REPORTED])('STOP while reporting: the report is dropped with $type', (answer) => {
    const leaving = tracking.when(SYNC, STOP).when(answer);
    leaving.then({ state: 'stopping', commanded: [stop('device', 'nic0', 'nic1')] });
    leaving.when(STOPPED).then({ state: 'off', told: [reached('off', 'off')] });
  });

  test('START, STOP and SYNC are taken in every state', () => {
    const states: Given[] = [container(two), starting, tracking, tracking.when(SYNC), stopping];
    for (const state of states) for (const order of [START, STOP, SYNC]) expect(() => state.when(order)).not.toThrow();
  });
});

/** hw/vfio/container.c, vfio_log_sync_needed: skipped while a device with x-pre-copy-dirty-page-tracking=off still runs. */
describe('qemu.md trap 17: a container that is collected only when its devices have stopped', () => {
  const starting = () =>
    given(dirtyTracking, {
      tracking: 'c0',
      devices: [device('nic0')],
      iommuTracks: false,
      sections: SECTIONS,
      ranges: 'two',
      pageBytes: 4096,
      collects: 'when-stopped',
    }).when(START);
  const FINAL = { ...SYNC, final: true };

  test('says that nothing is dirty until the final sync, which finds all of it', () => {
    starting()
      .when(STARTED)
      .then({ told: [reached('tracking', 'tracking')] })
      .when(SYNC)
      .then({ told: [synced(0)] })
      .when(SYNC)
      .then({ told: [synced(0)] })
      .when(FINAL)
      .then({ commanded: [report('device', 'nic0')] })
      .when(reported(9))
      .then({ told: [synced(9)] });
  });

  test.each([
    ['a sync that waits for the start is skipped as well', SYNC, [], [synced(0)]],
    ['a final sync that waits for the start is not', FINAL, [report('device', 'nic0')], []],
  ])('%s', (_, sync, commanded, told) => {
    starting()
      .when(sync)
      .when(STARTED)
      .then({ commanded, told: [reached('tracking', 'tracking'), ...told] });
  });
});
