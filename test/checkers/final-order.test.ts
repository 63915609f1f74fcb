/**
 * The first half of the final order: vCPUs, the P2P barrier, the last collection. Every rule is broken by an order that is
 * given too early, and the record that gave it is named.
 */
import { describe, expect, test } from 'vitest';
import type { DeviceState } from '../../machines/words.ts';
import { runSmall } from '../simulation/run-small.ts';
import {
  addCommand,
  answeredAt,
  commandOf,
  dropAnswer,
  dropCommand,
  dropFact,
  editCommand,
  expectBroken,
  expectHeld,
  failAnswer,
  issuedAt,
  moveCommand,
  type Run,
  type Which,
} from './planted.ts';

const NAME = 'final-order';
const set = (device: string, target: DeviceState): Which => ({
  name: 'setDeviceState',
  by: `device/${device}`,
  params: { target },
});
const FINAL_SYNC: Which = { name: 'syncBitmap', params: { final: true } };
const completed: Run = runSmall().recorded;
const syncs = completed.flatMap(({ effects }) =>
  effects.filter((effect) => 'name' in effect && effect.name === 'syncBitmap'),
);
const FINAL_LOG: Which = { name: 'getDirtyLog', nth: syncs.length - 1 };
const FINAL_REPORT: Which = { name: 'reportDirty', nth: syncs.length - 1 };

test('given a completed run, it holds', () => expectHeld(completed, NAME));

describe('given the stop of the vCPUs', () => {
  test.each(['PRE_COPY_P2P', 'STOP_COPY'] as const)(
    'when a device is ordered to %s before it was answered, that order broke it',
    (target) => {
      const position = issuedAt(completed, { name: 'stopVcpus' });
      const run = moveCommand(completed, set('nic0', target), position);
      expectBroken(run, NAME, position, new RegExp(`device/nic0 to ${target} comes before the vCPUs have stopped`));
    },
  );

  test('when a device that was running is ordered to RUNNING_P2P before it was answered, that order broke it', () => {
    const run = runSmall({ plan: { containers: [running(3)] } }).recorded;
    const position = issuedAt(run, { name: 'stopVcpus' });
    const moved = moveCommand(run, set('nic1', 'RUNNING_P2P'), position);
    expectBroken(moved, NAME, position, /device\/nic1 to RUNNING_P2P comes before the vCPUs have stopped/);
  });

  test.each([
    ['never given', dropCommand(completed, { name: 'stopVcpus' })],
    ['never answered', dropAnswer(completed, { name: 'stopVcpus' })],
    ['refused', failAnswer(completed, { name: 'stopVcpus' }, 'EIO')],
  ])('when it was %s, the first order to a device broke it', (_, run) => {
    expectBroken(run, NAME, issuedAt(completed, set('nic0', 'PRE_COPY_P2P')), /before the vCPUs have stopped/);
  });

  test('when the vCPUs are resumed in between, before the devices run, that order broke it', () => {
    const at = answeredAt(completed, set('nic0', 'PRE_COPY_P2P'));
    const run = addCommand(completed, at, { name: 'resumeVcpus', by: 'guest' });
    expectBroken(run, NAME, at, /resumeVcpus comes before device\/nic0, .*runs/);
  });
});

describe('given the P2P barrier', () => {
  test('when one device is stopped before the other is quiet, that order broke it', () => {
    const position = answeredAt(completed, set('nic0', 'PRE_COPY_P2P'));
    expectBroken(
      moveCommand(completed, set('nic0', 'STOP_COPY'), position),
      NAME,
      position,
      /comes before device\/nic1 is in a P2P state/,
    );
  });

  test('when a device to be stopped skipped its own P2P state, the other may still write to it', () => {
    const run = dropAnswer(completed, set('nic0', 'PRE_COPY_P2P'));
    const position = issuedAt(completed, set('nic0', 'STOP_COPY'));
    expectBroken(run, NAME, position, /comes before device\/nic0 is in a P2P state/);
  });

  test('when the order to be quiet failed and nobody read back, the device may still write', () => {
    const run = failAnswer(completed, set('nic1', 'PRE_COPY_P2P'), 'EIO');
    expectBroken(
      run,
      NAME,
      issuedAt(completed, set('nic0', 'STOP_COPY')),
      /comes before device\/nic1 is in a P2P state/,
    );
  });

  test('when running devices are stopped before they are quiet, the same', () => {
    const run = runSmall({ plan: { containers: [running(3)] } }).recorded;
    const position = answeredAt(run, set('nic0', 'RUNNING_P2P'));
    expectBroken(
      moveCommand(run, set('nic0', 'STOP'), position),
      NAME,
      position,
      /comes before device\/nic1 is in a P2P state/,
    );
  });

  test('when there is one device alone, there is nobody to write to', () => {
    const one: Run = runSmall({
      plan: { loop: 'qemu-8.0', containers: [{ ...running(1), devices: [device(1, 'nic0')] }] },
    }).recorded;
    expect(() => commandOf(one, set('nic0', 'RUNNING_P2P'))).toThrow();
    expectHeld(one, NAME);
  });
});

describe('given the last collection', () => {
  test('when it begins before a device has stopped, that order broke it', () => {
    const position = answeredAt(completed, set('nic0', 'STOP_COPY'));
    expectBroken(
      moveCommand(completed, FINAL_LOG, position),
      NAME,
      position,
      /getDirtyLog collects for the last time before device\/nic1 has stopped/,
    );
  });

  test('when it begins before the vCPUs have stopped, that order broke it', () => {
    const position = issuedAt(completed, { name: 'stopVcpus' });
    expectBroken(moveCommand(completed, FINAL_LOG, position), NAME, position, /before the vCPUs have stopped/);
  });

  test('when nothing announced a switchover, a merge that calls itself final broke it', () => {
    const early = { name: 'syncBitmap', nth: syncs.length - 2 } as const;
    const run = editCommand(completed, early, { final: true });
    const because = /is final, and its logs were asked for while something still ran/;
    expectBroken(run, NAME, issuedAt(completed, early), because);
  });

  test('when a final merge takes everything for dirty, it must still come after the stop', () => {
    const at = { name: 'syncBitmap', nth: syncs.length - 2 } as const;
    const run = editCommand(completed, at, { final: true, everything: true });
    expectBroken(run, NAME, issuedAt(completed, at), /is final/);
    expectHeld(editCommand(completed, FINAL_SYNC, { everything: true }), NAME);
  });

  test("when a container reports before KVM's log has answered, that order broke it", () => {
    const position = issuedAt(completed, FINAL_LOG);
    const run = moveCommand(completed, FINAL_REPORT, position);
    expectBroken(run, NAME, position, /reportDirty of tracking\/0 comes before KVM's log has answered/);
  });

  test("when KVM's log was never asked for, the report broke it", () => {
    expectBroken(
      dropCommand(completed, FINAL_LOG),
      NAME,
      issuedAt(completed, FINAL_REPORT),
      /before KVM's log has answered/,
    );
  });

  test('when the merge comes before the container has reported, it broke it', () => {
    const position = issuedAt(completed, FINAL_REPORT);
    const run = moveCommand(completed, FINAL_SYNC, position);
    expectBroken(run, NAME, position, /syncBitmap merges and tracking\/0 has not reported/);
  });

  test("when the merge comes before KVM's log has answered, it broke it", () => {
    const position = issuedAt(completed, FINAL_LOG);
    const run = dropCommand(moveCommand(completed, FINAL_SYNC, position), FINAL_REPORT);
    expectBroken(run, NAME, position, /syncBitmap merges and KVM's log has not answered/);
  });

  test('when a merge comes with no collection at all, it broke it', () => {
    const run = dropCommand(dropCommand(completed, FINAL_LOG), FINAL_REPORT);
    expectBroken(run, NAME, issuedAt(completed, FINAL_SYNC), /merges and no log has been asked for/);
  });

  test('when the second of two containers has not reported, the merge broke it', () => {
    const two: Run = runSmall({
      plan: { containers: [running(7), { ...running(3), id: '1', devices: [device(3, 'x0')] }] },
    }).recorded;
    const run = dropAnswer(two, { ...FINAL_REPORT, nth: 0, by: 'tracking/1' });
    expectHeld(two, NAME);
    expectBroken(run, NAME, issuedAt(two, { name: 'syncBitmap' }), /merges and tracking\/1 has not reported/);
  });

  test('when it began with devices that still run, and nothing announced it, the final merge broke it', () => {
    const unsaid = dropFact(completed, 'SWITCHOVER_PHASE_ENTERED');
    const run = moveCommand(unsaid, FINAL_LOG, answeredAt(completed, { name: 'stopVcpus' }));
    expectBroken(
      run,
      NAME,
      issuedAt(completed, FINAL_SYNC),
      /is final, and its logs were asked for while something still ran/,
    );
  });

  test("when KVM's log failed and the merge takes everything for dirty, it holds", () => {
    expectHeld(editCommand(failAnswer(completed, FINAL_LOG, 'EIO'), FINAL_SYNC, { everything: true }), NAME);
  });

  test('when a log failed and the merge takes everything for dirty, it holds', () => {
    expectHeld(editCommand(failAnswer(completed, FINAL_REPORT, 'EIO'), FINAL_SYNC, { everything: true }), NAME);
    const uncollected = dropCommand(dropCommand(completed, FINAL_LOG), FINAL_REPORT);
    expectHeld(editCommand(uncollected, FINAL_SYNC, { everything: true }), NAME);
  });
});

function device(features: 1 | 3 | 7, id: string) {
  return { id, features, logsDma: true } as const;
}

function running(features: 1 | 3 | 7) {
  return { id: '0', iommuTracks: true, devices: [device(features, 'nic0'), device(features, 'nic1')] };
}
