/**
 * Every rule of the final order is broken once, by an order given too early, and the record that gave it is named.
 * What may come in another order on the way back, or in a run that does not complete, is not called a mistake.
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
  editCommand,
  editFact,
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
const ACQUIRE: Which = { name: 'acquireStorage', params: { host: 'destination' } };
const START: Which = { name: 'startDestination' };
const completed: Run = runSmall().recorded;
const syncs = completed.flatMap(({ effects }) =>
  effects.filter((effect) => 'name' in effect && effect.name === 'syncBitmap'),
);
const FINAL_LOG: Which = { name: 'getDirtyLog', nth: syncs.length - 1 };
const FINAL_REPORT: Which = { name: 'reportDirty', nth: syncs.length - 1 };

/** The order is given where another one is given, before it. */
const withIt = (which: Which, other: Which) => moveCommand(completed, which, issuedAt(completed, other), 'first');

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

  test('when the vCPUs are resumed in between, the next order to a device broke it', () => {
    const at = answeredAt(completed, set('nic0', 'PRE_COPY_P2P'));
    const run = addCommand(completed, at, { name: 'resumeVcpus', by: 'guest' });
    expectBroken(run, NAME, issuedAt(completed, set('nic0', 'STOP_COPY')), /before the vCPUs have stopped/);
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

  test('when a log failed and the merge takes everything for dirty, it holds', () => {
    expectHeld(editCommand(failAnswer(completed, FINAL_REPORT, 'EIO'), FINAL_SYNC, { everything: true }), NAME);
  });
});

describe('given the last copy', () => {
  test('when it is ordered before the final sync was answered, that order broke it', () => {
    expectBroken(
      withIt({ name: 'sendRemaining' }, FINAL_SYNC),
      NAME,
      issuedAt(completed, FINAL_SYNC),
      /sendRemaining comes before the final sync/,
    );
  });

  test('when the final sync failed, the copy broke it', () => {
    const run = failAnswer(completed, FINAL_SYNC, 'EIO');
    expectBroken(run, NAME, issuedAt(completed, { name: 'sendRemaining' }), /comes before the final sync/);
  });

  test('when it copies another set, it broke it', () => {
    const run = editCommand(completed, { name: 'sendRemaining' }, { dirtySet: 2 });
    expectBroken(
      run,
      NAME,
      issuedAt(completed, { name: 'sendRemaining' }),
      /names set 2, and the final sync made set \d+/,
    );
  });

  test('when a device is read before it is in STOP_COPY, that order broke it', () => {
    const position = issuedAt(completed, set('nic0', 'STOP_COPY'));
    const run = moveCommand(completed, { name: 'sendDeviceState', params: { device: 'nic0' } }, position);
    expectBroken(run, NAME, position, /sendDeviceState reads nic0 before it is in STOP_COPY/);
  });

  test('when a device rests in STOP, it cannot be read', () => {
    const plan = { containers: [running(3)] };
    const run: Run = runSmall({ plan }).recorded;
    const position = issuedAt(run, set('nic1', 'STOP_COPY'));
    const moved = moveCommand(run, { name: 'sendDeviceState', params: { device: 'nic1' } }, position);
    expectBroken(moved, NAME, position, /reads nic1 before it is in STOP_COPY/);
  });
});

describe('given the hand-over', () => {
  const RELEASE: Which = { name: 'releaseStorage' };

  test('when the storage is released before memory was sent, that order broke it', () => {
    const position = issuedAt(completed, { name: 'sendRemaining' });
    expectBroken(
      moveCommand(completed, RELEASE, position),
      NAME,
      position,
      /releaseStorage comes before the last copy of memory was sent/,
    );
  });

  test('when the storage is released before a device was sent, that order broke it', () => {
    const position = answeredAt(completed, { name: 'sendDeviceState' });
    expectBroken(
      moveCommand(completed, RELEASE, position),
      NAME,
      position,
      /releaseStorage comes before the state of nic1 was sent/,
    );
  });

  test('when a device was never sent, the release broke it', () => {
    const run = failAnswer(completed, { name: 'sendDeviceState' }, 'EIO');
    expectBroken(run, NAME, issuedAt(completed, RELEASE), /before the state of nic0 was sent/);
  });

  test('when the destination acquires before the source has released, that order broke it', () => {
    expectBroken(
      withIt(ACQUIRE, RELEASE),
      NAME,
      issuedAt(completed, RELEASE),
      /on the destination comes before the source has released it/,
    );
    expectBroken(
      failAnswer(completed, RELEASE, 'EIO'),
      NAME,
      issuedAt(completed, ACQUIRE),
      /before the source has released it/,
    );
  });

  test('when the source acquired it again in between, the order to the destination broke it', () => {
    const at = answeredAt(completed, RELEASE);
    const run = addCommand(
      completed,
      at,
      { name: 'acquireStorage', by: 'roll-back', params: { host: 'source' } },
      'first',
    );
    expectBroken(run, NAME, at, /before the source has released it/);
  });

  test('when the destination starts before it has acquired, that order broke it', () => {
    expectBroken(
      withIt(START, ACQUIRE),
      NAME,
      issuedAt(completed, ACQUIRE),
      /startDestination comes before the destination has acquired/,
    );
    expectBroken(
      failAnswer(completed, ACQUIRE, 'EBUSY'),
      NAME,
      issuedAt(completed, START),
      /before the destination has acquired/,
    );
  });

  test.each(['stopDirtyLog', 'stopTracking'] as const)(
    'when %s comes before the final sync and the run completes, that order broke it',
    (name) => {
      const position = issuedAt(completed, { name: 'stopVcpus' });
      const run = moveCommand(completed, { name }, position);
      expectBroken(run, NAME, position, new RegExp(`${name} of .* comes before the final sync`));
    },
  );

  test('when the final sync was not answered yet, it is too early as well', () => {
    const position = issuedAt(completed, FINAL_SYNC);
    expectBroken(
      moveCommand(completed, { name: 'stopDirtyLog' }, position),
      NAME,
      position,
      /comes before the final sync/,
    );
  });

  test('when the run does not complete, logs may be stopped at any time', () => {
    const run = moveCommand(completed, { name: 'stopDirtyLog' }, issuedAt(completed, { name: 'stopVcpus' }));
    expectHeld(editFact(run, 'ENDED', {}, { outcome: 'failed' }), NAME);
  });

  test('when the logs were started again after an early stop, it holds', () => {
    const at = answeredAt(completed, { name: 'prepareDestination' });
    expectHeld(addCommand(completed, at, { name: 'stopDirtyLog', by: 'dirty-log' }), NAME);
  });
});

describe('given pre-copy', () => {
  const FIRST: Which = { name: 'sendRound' };
  const first = issuedAt(completed, FIRST);

  test("when KVM's log was not started before the first pass, that pass broke it", () => {
    expectBroken(
      dropAnswer(completed, { name: 'startDirtyLog' }),
      NAME,
      first,
      /sendRound copies before KVM's log was started/,
    );
    expectBroken(failAnswer(completed, { name: 'startDirtyLog' }, 'EIO'), NAME, first, /before KVM's log was started/);
  });

  test('when a pass begins before the log has answered, it broke it', () => {
    const position = issuedAt(completed, { name: 'startDirtyLog' });
    expectBroken(moveCommand(completed, FIRST, position), NAME, position, /before KVM's log was started/);
  });

  test.each(['nic0', 'nic1'])('when %s was not tracked before the first pass, that pass broke it', (of) => {
    const which = { name: 'startTracking', params: { of } } as const;
    const because = new RegExp(`copies before tracking/0 ${of} was started`);
    expectBroken(dropCommand(completed, which), NAME, first, because);
    expectBroken(failAnswer(completed, which, 'EIO'), NAME, first, because);
  });

  test('when the IOMMU tracks and was not started, the first pass broke it', () => {
    const iommu: Run = runSmall({
      plan: { containers: [{ ...running(7), devices: [{ ...device(7, 'nic0'), logsDma: false }] }] },
    }).recorded;
    expectHeld(iommu, NAME);
    const run = dropCommand(iommu, { name: 'startTracking' });
    expectBroken(run, NAME, issuedAt(iommu, FIRST), /copies before tracking\/0 iommu was started/);
  });

  test.each(['stopTracking', 'stopDirtyLog'] as const)(
    'when %s comes between two passes, the next pass broke it',
    (name) => {
      const run = moveCommand(completed, { name }, answeredAt(completed, FIRST));
      const second = issuedAt(completed, { ...FIRST, nth: 1 });
      expectBroken(editFact(run, 'ENDED', {}, { outcome: 'failed' }), NAME, second, /copies before/);
    },
  );

  test('when a pass comes before any sync was answered, it broke it', () => {
    const position = issuedAt(completed, { name: 'syncBitmap' });
    expectBroken(moveCommand(completed, FIRST, position), NAME, position, /names set 1, and the last sync made none/);
  });

  test('when a pass copies the set of an older sync, it broke it', () => {
    const second = { ...FIRST, nth: 1 };
    const run = editCommand(completed, second, { dirtySet: 1 });
    expectBroken(run, NAME, issuedAt(completed, second), /names set 1, and the last sync made set 2/);
  });
});

describe('given a run that goes back', () => {
  // The stop of the vCPUs has not been answered: on the way forward no device could be touched.
  const cancelled: Run = dropAnswer(runSmall({ cancelAfter: issuedAt(completed, { name: 'stopVcpus' }) }).recorded, {
    name: 'stopVcpus',
  });
  const quieted = set('nic0', 'RUNNING_P2P');
  const unsaid = editFact(cancelled, 'STATUS_CHANGED', { status: 'cancelling' }, { status: 'busy' });

  test('when its devices are quieted while the vCPUs may run, it holds', () => {
    commandOf(cancelled, quieted);
    expectHeld(cancelled, NAME);
  });

  test('when it never says that it goes back but gives the destination up, it goes back all the same', () => {
    expectHeld(unsaid, NAME);
  });

  test('when nothing shows that it goes back, its devices are quieted too early', () => {
    const signs: readonly Which[] = [{ name: 'haltRound' }, { name: 'quitDestination' }, { name: 'acquireStorage' }];
    const forward = signs.reduce(dropCommand, unsaid);
    expectBroken(
      forward,
      NAME,
      issuedAt(cancelled, quieted),
      /device\/nic0 to RUNNING_P2P comes before the vCPUs have stopped/,
    );
    for (const sign of signs) expectHeld(signs.filter((one) => one !== sign).reduce(dropCommand, unsaid), NAME);
  });
});

function device(features: 1 | 3 | 7, id: string) {
  return { id, features, logsDma: true } as const;
}

function running(features: 1 | 3 | 7) {
  return { id: '0', iommuTracks: true, devices: [device(features, 'nic0'), device(features, 'nic1')] };
}
