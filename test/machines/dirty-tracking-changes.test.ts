/**
 * A container's tracker when a device comes or goes while it tracks: chosen anew; the new start first, then the last report of
 * the old, then their stop. What nobody can have seen makes the next sync say that everything is dirty.
 */
import { describe, expect, test } from 'vitest';
import { dirtyTracking, type TrackingInput } from '../../machines/dirty-tracking.ts';
import { given } from './given.ts';

const logs = (id: string) => ({ id, logsDma: true });
const cannot = (id: string) => ({ id, logsDma: false });
const container = (devices: TrackingInput['devices'], iommuTracks = true, more: Partial<TrackingInput> = {}) =>
  given(dirtyTracking, {
    tracking: 'c0',
    devices,
    iommuTracks,
    sections: [{ of: 'ram', firstPage: 0, pages: 256 }],
    ranges: 'two',
    pageBytes: 4096,
    ...more,
  });

const LOG = 'dirty-log';
const START = { type: 'START', from: LOG };
const STOP = { type: 'STOP', from: LOG };
const SYNC = { type: 'SYNC', final: false, from: LOG };
const STARTED = { type: 'DONE.startTracking' };
const STOPPED = { type: 'DONE.stopTracking' };
const REPORTED = { type: 'DONE.reportDirty', dirtyPages: 5 };
const came = (devices: TrackingInput['devices'], collects = 'always') => ({
  type: 'DEVICES_CHANGED',
  from: 'hot-plug',
  devices,
  collects,
  joined: true,
  news: 'x was plugged',
});
const went = (devices: TrackingInput['devices']) => ({ ...came(devices), joined: false, news: 'x was unplugged' });

const start = (tracker: string, of: string) =>
  ({ command: 'startTracking', tracker, of, ranges: [{ firstPage: 0, pages: 256 }] }) as const;
const report = (tracker: string, ...of: string[]) => ({ command: 'reportDirty', tracker, of }) as const;
const stop = (tracker: string, ...of: string[]) => ({ command: 'stopTracking', tracker, of }) as const;
const chosen = (tracker: string, because: string) =>
  ({ type: 'TRACKER_CHOSEN', tracking: 'c0', tracker, because, again: true }) as const;
const changed = (state = 'tracking', errno?: string) => ({
  to: 'hot-plug',
  type: 'TRACKING_CHANGED',
  tracking: 'c0',
  state,
  errno,
});
const synced = (more: object = {}) => ({
  to: LOG,
  type: 'TRACKING_SYNCED',
  tracking: 'c0',
  dirtyPages: 5,
  ...more,
});

describe('the order', () => {
  const tracking = container([logs('nic0'), logs('nic1')]).when(START, STARTED, STARTED);

  test('from device logs to the IOMMU: it starts, they report, they stop', () => {
    const starting = tracking.when(came([logs('nic0'), logs('nic1'), cannot('x')]));
    starting.then({
      state: 'starting',
      facts: [chosen('iommu', 'x was plugged: x cannot log DMA, the IOMMU tracks')],
      commanded: [start('iommu', 'iommu')],
    });
    const retiring = starting.when(STARTED);
    retiring.then({ state: 'retiring', commanded: [report('device', 'nic0', 'nic1')] });
    const dismissing = retiring.when(REPORTED);
    dismissing.then({ state: 'dismissing', commanded: [stop('device', 'nic0', 'nic1')] });
    dismissing.when(STOPPED).then({ state: { tracking: 'resting' }, told: [changed()] });
  });

  test('back to device logs: each starts before the IOMMU is read and stopped', () => {
    const iommu = container([logs('nic0'), logs('nic1'), cannot('x')]).when(START, STARTED);
    iommu.when(went([logs('nic0'), logs('nic1')]), STARTED, STARTED, REPORTED, STOPPED).then({
      state: { tracking: 'resting' },
      facts: [chosen('device', 'x was unplugged: every device of the container logs its DMA')],
      commanded: [start('device', 'nic0'), start('device', 'nic1'), report('iommu', 'iommu'), stop('iommu', 'iommu')],
      told: [changed()],
    });
  });

  test('of one more that logs: the others go on untouched', () => {
    tracking.when(came([logs('nic0'), logs('nic1'), logs('x')]), STARTED).then({
      state: { tracking: 'resting' },
      facts: [chosen('device', 'x was plugged: every device of the container logs its DMA')],
      commanded: [start('device', 'x')],
      told: [changed()],
    });
  });

  test('of one that logs and goes: it alone is read and stopped', () => {
    tracking.when(went([logs('nic1')]), REPORTED, STOPPED).then({
      state: { tracking: 'resting' },
      facts: [chosen('device', 'x was unplugged: every device of the container logs its DMA')],
      commanded: [report('device', 'nic0'), stop('device', 'nic0')],
      told: [changed()],
    });
  });

  test('from perpetual tracking nobody is read, because nobody knows anything', () => {
    const perpetual = container([cannot('nic0'), logs('nic1')], false).when(START);
    perpetual.when(went([logs('nic1')]), STARTED).then({
      state: { tracking: 'resting' },
      facts: [chosen('device', 'x was unplugged: every device of the container logs its DMA')],
      commanded: [start('device', 'nic1')],
      told: [changed()],
    });
  });

  test('of each device that can log, and the IOMMU for the others: the logs stay', () => {
    const each = container([logs('nic0')], true, { choice: 'per-device' }).when(START, STARTED);
    each.when(came([logs('nic0'), cannot('x')]), STARTED).then({
      state: { tracking: 'resting' },
      facts: [
        chosen('per-device', 'x was plugged: x cannot log DMA: the IOMMU tracks for them, the others log their own'),
      ],
      commanded: [start('per-device', 'iommu')],
      told: [changed()],
    });
  });
});

describe('the next sync takes everything for dirty', () => {
  const everything = synced({ everything: true });
  const rows: readonly (readonly [string, ReturnType<typeof container>, readonly object[], boolean])[] = [
    [
      'after a device came that logs for itself',
      container([logs('nic0')])
        .when(START, STARTED)
        .when(came([logs('nic0'), logs('x')]), STARTED),
      [everything],
      true,
    ],
    [
      'after a device came and the IOMMU began to track',
      container([logs('nic0')])
        .when(START, STARTED)
        .when(came([logs('nic0'), cannot('x')]), STARTED, REPORTED, STOPPED),
      [everything],
      true,
    ],
    [
      'not where the IOMMU saw the device from its first write on',
      container([cannot('nic0')])
        .when(START, STARTED)
        .when(came([cannot('nic0'), cannot('x')])),
      [synced()],
      false,
    ],
    [
      'not after a device went',
      container([logs('nic0'), cannot('x')])
        .when(START, STARTED)
        .when(went([logs('nic0')]), STARTED, REPORTED, STOPPED),
      [synced()],
      false,
    ],
    [
      'after perpetual tracking: nobody watched before',
      container([logs('nic0'), cannot('x')], false)
        .when(START)
        .when(went([logs('nic0')]), STARTED),
      [everything],
      true,
    ],
  ];
  test.each(rows)('%s', (_, of, told, once) => {
    const after = of.when(SYNC, REPORTED);
    expect(after.told).toEqual(told);
    // Once only: from then on its tracker knows.
    if (once) expect(after.when(SYNC, REPORTED).told).toEqual([synced()]);
  });
});

describe('what goes wrong', () => {
  const tracking = container([logs('nic0')]).when(START, STARTED);
  const starting = tracking.when(came([logs('nic0'), cannot('x')]));

  test('a start that fails stops the old ones as well, and nobody tracks', () => {
    const stopping = starting.when({ type: 'FAILED.startTracking', errno: 'EINVAL' });
    stopping.then({ state: 'stopping', commanded: [stop('iommu', 'nic0')] });
    stopping.when(STOPPED).then({ state: 'off', told: [changed('off', 'EINVAL')] });
  });

  test('a last report that fails fails the next sync', () => {
    const after = starting.when(STARTED, { type: 'FAILED.reportDirty', errno: 'EIO' }, STOPPED);
    after.then({
      state: { tracking: 'resting' },
      commanded: [report('device', 'nic0'), stop('device', 'nic0')],
      told: [changed()],
    });
    expect(after.when(SYNC, REPORTED).told).toEqual([synced({ errno: 'EIO', everything: true })]);
  });

  test('a stop that fails is only worth a warning', () => {
    starting.when(STARTED, REPORTED, { type: 'FAILED.stopTracking', errno: 'EIO' }).then({
      state: { tracking: 'resting' },
      commanded: [report('device', 'nic0'), stop('device', 'nic0')],
      facts: [{ type: 'WARNED', of: 'stopTracking c0', errno: 'EIO' }],
      told: [changed()],
    });
  });

  test('an order to stop comes through in the middle of it', () => {
    const off = { to: LOG, type: 'TRACKING_REACHED', tracking: 'c0', asked: 'off', state: 'off', errno: undefined };
    starting.when(STOP, STARTED).then({ state: 'stopping', commanded: [stop('iommu', 'nic0', 'iommu')] });
    starting.when(STARTED, STOP, REPORTED, STOPPED).then({
      state: 'stopping',
      commanded: [report('device', 'nic0'), stop('device', 'nic0'), stop('iommu', 'iommu')],
    });
    starting.when(STOP, STARTED, STOPPED).then({
      state: 'off',
      commanded: [stop('iommu', 'nic0', 'iommu')],
      told: [off],
    });
  });

  test('a change that comes during another waits, and both are seen to', () => {
    const both = starting.when(came([logs('nic0'), cannot('x'), logs('y')]), STARTED, REPORTED, STOPPED);
    both.then({
      state: { tracking: 'resting' },
      facts: [chosen('iommu', 'x was plugged: x cannot log DMA, the IOMMU tracks')],
      commanded: [report('device', 'nic0'), stop('device', 'nic0')],
      told: [changed(), changed()],
    });
  });

  test('a sync that is asked for during a change is made after it', () => {
    const after = starting.when(SYNC, STARTED, REPORTED, STOPPED);
    expect(after.commanded.map(({ command, of }) => [command, of])).toEqual([
      ['reportDirty', ['nic0']],
      ['stopTracking', ['nic0']],
      ['reportDirty', ['iommu']],
    ]);
  });

  test('with no tracker on it is noted, and the next start chooses for the new ones', () => {
    const off = container([logs('nic0')]).when(came([logs('nic0'), cannot('x')]));
    off.then({ state: 'off', told: [changed('off')] });
    expect(off.when(START).commanded).toEqual([start('iommu', 'iommu')]);
  });
});
