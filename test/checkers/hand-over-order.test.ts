/**
 * The second half of the final order: last copy, device states, storage, the guest on the other side. What may come in
 * another order on the way back, or in a run that does not complete, is not called a mistake.
 */
import { describe, test } from 'vitest';
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
const LOAD: Which = { name: 'loadDestination' };
const START: Which = { name: 'startDestination' };
const completed: Run = runSmall().recorded;

/** The order is given where another one is given, before it. */
const withIt = (which: Which, other: Which) => moveCommand(completed, which, issuedAt(completed, other), 'first');

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
    const plan = { containers: [p2pContainer()] };
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

  test('when a device was never sent, the load broke it', () => {
    const run = failAnswer(completed, { name: 'sendDeviceState' }, 'EIO');
    expectBroken(run, NAME, issuedAt(completed, LOAD), /loadDestination comes before the state of nic0 was sent/);
  });

  test('when the destination loads before everything was sent, that order broke it', () => {
    const last = issuedAt(completed, { name: 'sendRemaining' });
    expectBroken(moveCommand(completed, LOAD, last), NAME, last, /loadDestination comes before the last copy/);
    const device = answeredAt(completed, { name: 'sendDeviceState' });
    expectBroken(moveCommand(completed, LOAD, device), NAME, device, /loadDestination comes before the state of nic1/);
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

  test('when the destination tries again to acquire, it holds', () => {
    const again = { name: 'acquireStorage', by: 'destination', params: { host: 'destination' } } as const;
    expectHeld(addCommand(completed, answeredAt(completed, ACQUIRE), again, 'first'), NAME);
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
    expectHeld(signs.reduce(dropCommand, cancelled), NAME);
    for (const sign of signs) expectHeld(signs.filter((one) => one !== sign).reduce(dropCommand, unsaid), NAME);
  });
});

function p2pContainer() {
  const device = (id: string) => ({ id, features: 3, logsDma: true }) as const;
  return { id: '0', iommuTracks: true, devices: [device('nic0'), device('nic1')] };
}
