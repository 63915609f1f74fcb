/**
 * Who tracks for a container, by rule and by what its devices and its IOMMU can. QEMU's column is hw/vfio/container.c; the
 * other two are what can be asked for instead.
 */
import { describe, expect, test } from 'vitest';
import { dirtyTracking, type TrackingInput } from '../../machines/dirty-tracking.ts';
import type { Tracker, TrackerChoice } from '../../machines/words.ts';
import { given } from './given.ts';

const input = (logs: readonly boolean[], iommuTracks: boolean, choice?: TrackerChoice): TrackingInput => ({
  tracking: '0',
  devices: logs.map((logsDma, i) => ({ id: `nic${i}`, logsDma })),
  iommuTracks,
  ...(choice === undefined ? {} : { choice }),
  sections: [{ of: 'ram', firstPage: 0, pages: 64 }],
  ranges: 'exact',
  pageBytes: 4096,
});

/** Starts it, lets each member start, and says who tracks and who was started. */
function start(of: TrackingInput): { readonly tracker: Tracker; readonly started: readonly string[] } {
  let chart = given(dirtyTracking, of).when({ type: 'START', from: 'dirty-log' });
  const tracker = chart.facts.find(({ type }) => type === 'TRACKER_CHOSEN')?.tracker as Tracker;
  const started: string[] = [];
  for (let asked = chart.commanded[0]; asked !== undefined; asked = chart.commanded[0]) {
    started.push(asked.of as string);
    chart = chart.when({ type: 'DONE.startTracking' });
  }
  expect(chart.told).toContainEqual(expect.objectContaining({ type: 'TRACKING_REACHED', state: 'tracking' }));
  return { tracker, started };
}

const YES = [true, true];
const MIX = [true, false];
const NO = [false, false];

describe('the tracker that is chosen', () => {
  test.each([
    { choice: 'qemu', logs: YES, iommu: true, tracker: 'device', started: ['nic0', 'nic1'] },
    { choice: 'qemu', logs: MIX, iommu: true, tracker: 'iommu', started: ['iommu'] },
    { choice: 'qemu', logs: MIX, iommu: false, tracker: 'perpetual', started: [] },
    { choice: 'iommu-first', logs: YES, iommu: true, tracker: 'iommu', started: ['iommu'] },
    { choice: 'iommu-first', logs: YES, iommu: false, tracker: 'device', started: ['nic0', 'nic1'] },
    { choice: 'iommu-first', logs: NO, iommu: false, tracker: 'perpetual', started: [] },
    { choice: 'per-device', logs: YES, iommu: true, tracker: 'device', started: ['nic0', 'nic1'] },
    { choice: 'per-device', logs: MIX, iommu: true, tracker: 'per-device', started: ['nic0', 'iommu'] },
    { choice: 'per-device', logs: NO, iommu: true, tracker: 'iommu', started: ['iommu'] },
    { choice: 'per-device', logs: MIX, iommu: false, tracker: 'perpetual', started: [] },
  ] as const)(
    '$choice, devices log: $logs, IOMMU tracks: $iommu: $tracker',
    ({ choice, logs, iommu, tracker, started }) => {
      expect(start(input(logs, iommu, choice))).toEqual({ tracker, started });
    },
  );

  test('said nothing, it is the rule of QEMU', () => {
    for (const logs of [YES, MIX, NO]) {
      for (const iommu of [true, false]) expect(start(input(logs, iommu))).toEqual(start(input(logs, iommu, 'qemu')));
    }
  });

  test('T26: one device that logs and one that does not: each is asked for what it knows, at every sync', () => {
    const chart = given(dirtyTracking, input(MIX, true, 'per-device'))
      .when({ type: 'START', from: 'dirty-log' }, { type: 'DONE.startTracking' }, { type: 'DONE.startTracking' })
      .when({ type: 'SYNC', from: 'dirty-log', final: false });
    expect(chart.commanded).toEqual([{ command: 'reportDirty', tracker: 'per-device', of: ['nic0', 'iommu'] }]);
  });
});
