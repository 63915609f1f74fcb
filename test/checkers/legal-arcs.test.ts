/** A device that goes where no arc leads, or is read back where it cannot be, is found by the record that says so. */
import { describe, expect, test } from 'vitest';
import type { DeviceState } from '../../machines/words.ts';
import { runSmall } from '../simulation/run-small.ts';
import {
  addAnswer,
  addCommand,
  addRecord,
  answeredAt,
  check,
  editAnswer,
  editCommand,
  expectBroken,
  expectHeld,
  failAnswer,
  issuedAt,
  type Run,
  timeOut,
  type Which,
} from './planted.ts';

const NAME = 'legal-arcs';
const NIC0 = 'device/nic0';
const set = (target: DeviceState, by = NIC0): Which => ({ name: 'setDeviceState', by, params: { target } });
const completed: Run = runSmall().recorded;
const commands = runSmall().commands;

/** A run in which the nth SET fails: it is read back, and the device brought home. */
function runWithFailedSet(nth: number): Run {
  const positions = commands.flatMap((name, index) => (name === 'setDeviceState' ? [index + 1] : []));
  return runSmall({ error: positions[nth] as number }).recorded;
}

test('given a completed run, every device went from RUNNING over pre-copy to STOP_COPY and STOP', () => {
  for (const target of ['PRE_COPY', 'PRE_COPY_P2P', 'STOP_COPY', 'STOP'] as const) issuedAt(completed, set(target));
  expectHeld(completed, NAME);
});

describe('given an order', () => {
  test('when it leads from STOP_COPY back into pre-copy, it broke it', () => {
    for (const target of ['PRE_COPY', 'PRE_COPY_P2P'] as const) {
      const run = editCommand(completed, set('STOP'), { target });
      expectBroken(
        run,
        NAME,
        issuedAt(completed, set('STOP')),
        new RegExp(`${NIC0} is ordered from STOP_COPY back to ${target}`),
      );
    }
  });

  test('when the device may be in STOP_COPY, because nobody heard, an order into pre-copy broke it as well', () => {
    const failed = failAnswer(completed, set('STOP_COPY'), 'ETIMEDOUT');
    const run = editCommand(failed, set('STOP'), { target: 'PRE_COPY' });
    expectBroken(run, NAME, issuedAt(completed, set('STOP')), /from STOP_COPY back to PRE_COPY/);
  });

  test('when it asks for a state that the device does not have, it broke it', () => {
    const plain: Run = runSmall({
      plan: { containers: [{ id: '0', iommuTracks: true, devices: [{ id: 'nic0', features: 1, logsDma: true }] }] },
    }).recorded;
    const first = set('STOP');
    const run = editCommand(plain, first, { target: 'RUNNING_P2P' });
    expectBroken(run, NAME, issuedAt(plain, first), /from RUNNING to RUNNING_P2P: there is no way \(features 1\)/);
  });

  test('when it asks for ERROR, it broke it', () => {
    const run = editCommand(completed, set('PRE_COPY'), { target: 'ERROR' });
    expectBroken(run, NAME, issuedAt(completed, set('PRE_COPY')), /to ERROR: there is no way/);
  });

  test('when the device is in ERROR for certain, any order but a reset broke it', () => {
    const failed = runWithFailedSet(2);
    const read = { name: 'getDeviceState' } as const;
    const position = answeredAt(failed, read);
    const inError = editAnswer(failed, read, { state: 'ERROR' });
    const by = deviceOf(failed, read);
    const run = addCommand(inError, position, { name: 'setDeviceState', by, params: { target: 'STOP' } });
    expectBroken(run, NAME, position, /from ERROR to STOP: there is no way/);
  });

  test('when it goes to a device that was never planned, it broke it', () => {
    const run = addCommand(completed, 5, { name: 'setDeviceState', by: 'device/nic7', params: { target: 'STOP' } });
    expectBroken(run, NAME, 5, /device\/nic7 is ordered to STOP, and no such device/);
    const which = { name: 'setDeviceState', by: 'device/nic7' } as const;
    for (const type of ['DONE.setDeviceState', 'FAILED.setDeviceState']) {
      expectBroken(addAnswer(run, 5, which, { type, state: 'STOP' }), NAME, 5, /no such device/);
    }
  });
});

describe('given an answer', () => {
  test('when a success says another state than was asked for, it broke it', () => {
    const run = editAnswer(completed, set('STOP_COPY'), { state: 'PRE_COPY_P2P' });
    expectBroken(
      run,
      NAME,
      answeredAt(completed, set('STOP_COPY')),
      /was to go to STOP_COPY, and a success says PRE_COPY_P2P/,
    );
  });

  test('when the order before it had no way, the order broke it first', () => {
    const run = editAnswer(
      editCommand(completed, set('STOP'), { target: 'PRE_COPY' }),
      { ...set('PRE_COPY'), nth: 1 },
      { state: 'PRE_COPY' },
    );
    expectBroken(run, NAME, issuedAt(completed, set('STOP')), /back to PRE_COPY/);
  });

  test('when a device that nobody moved is read back elsewhere, it broke it', () => {
    const order = set('PRE_COPY_P2P');
    const asked = addCommand(completed, issuedAt(completed, order), { name: 'getDeviceState', by: NIC0 });
    const lied = addAnswer(
      asked,
      issuedAt(completed, order),
      { name: 'getDeviceState' },
      { type: 'DONE.getDeviceState', state: 'STOP_COPY' },
    );
    expectBroken(
      lied,
      NAME,
      issuedAt(completed, order) + 1,
      /is read back in STOP_COPY, and could only be in PRE_COPY$/,
    );
  });

  test('when a reset gives anything but RUNNING, it broke it', () => {
    const failed = failingToError();
    const reset = { name: 'resetDevice' } as const;
    expectHeld(failed, NAME);
    expectBroken(
      editAnswer(failed, reset, { state: 'STOP' }),
      NAME,
      answeredAt(failed, reset),
      /was reset and is in STOP instead of RUNNING/,
    );
  });

  test('when it comes late, it says nothing about now', () => {
    const order = set('PRE_COPY_P2P');
    const timedOut = timeOut(completed, order);
    const last = completed.length - 1;
    expectHeld(addAnswer(timedOut, last, order, { type: 'DONE.setDeviceState', state: 'PRE_COPY_P2P' }), NAME);
  });
});

describe('given a SET that failed', () => {
  const read = { name: 'getDeviceState' } as const;

  // The last SET before the copy is PRE_COPY_P2P to STOP_COPY: it may rest at either end, or in ERROR.
  const nth =
    commands.filter((name, index) => name === 'setDeviceState' && index < commands.indexOf('sendRemaining')).length - 1;
  const failed = runWithFailedSet(nth);
  const position = answeredAt(failed, read);

  test.each(['PRE_COPY_P2P', 'STOP_COPY', 'ERROR'] as const)(
    'when it is read back in %s, that lies on the path',
    (state) => {
      expect(check(editAnswer(failed, read, { state }), NAME).position).not.toBe(position);
    },
  );

  test.each(['RUNNING', 'STOP', 'RESUMING', 'PRE_COPY', 'RUNNING_P2P'] as const)(
    'when it is read back in %s, that broke it',
    (state) => {
      const run = editAnswer(failed, read, { state });
      expectBroken(
        run,
        NAME,
        position,
        new RegExp(`is read back in ${state}, and could only be in PRE_COPY_P2P or STOP_COPY or ERROR`),
      );
    },
  );

  test('when the reset failed as well, RUNNING is possible again', () => {
    const run = failAnswer(failingToError(), { name: 'resetDevice' }, 'EIO');
    const by = deviceOf(run, { name: 'resetDevice' });
    const at = answeredAt(run, { name: 'resetDevice' });
    const again = addCommand(run, at, { name: 'setDeviceState', by, params: { target: 'STOP' } });
    expect(check(again, NAME).held).toBe(true);
  });
});

describe('given a SET that was abandoned', () => {
  const order = set('STOP_COPY');
  const at = issuedAt(completed, order);
  const run = completed.map((line) => {
    const found = line.effects.find(
      (effect) => effect.kind === 'command' && effect.by === NIC0 && line.record.position === at,
    );
    if (found === undefined) return line;
    const read = {
      kind: 'command',
      id: `${at}:99`,
      by: NIC0,
      name: 'getDeviceState',
      params: {},
      deadlineNs: 0,
    } as const;
    return {
      ...line,
      effects: [...line.effects, { kind: 'abandon' as const, id: `${at}:98` as const, of: found.id }, read],
    };
  });

  test.each([
    ['PRE_COPY_P2P', true],
    ['STOP_COPY', true],
    ['RUNNING', false],
  ] as const)('when it is read back in %s, held: %s', (state, held) => {
    const answered = addAnswer(run, at, { name: 'getDeviceState' }, { type: 'DONE.getDeviceState', state });
    const result = check(answered.slice(0, at + 2), NAME);
    expect(result.held).toBe(held);
    expect(result.position).toBe(held ? undefined : at + 1);
  });
});

test('given a guest that resets its device by itself, when the device is read back in RUNNING, it holds', () => {
  const at = answeredAt(completed, set('PRE_COPY'));
  const reset = { to: 'vfio/nic0', by: 'driver', event: { type: 'RESET' } } as const;
  const order = {
    kind: 'command',
    id: `${at + 1}:0`,
    by: NIC0,
    name: 'getDeviceState',
    params: {},
    deadlineNs: 0,
  } as const;
  const reads = (run: Run) =>
    addAnswer(run, at + 1, { name: 'getDeviceState' }, { type: 'DONE.getDeviceState', state: 'RUNNING' }).slice(
      0,
      at + 3,
    );
  expectHeld(reads(addRecord(completed, at, reset, [order])), NAME);
  const nothing = { ...reset, event: { type: 'NOTHING' } };
  expectBroken(
    reads(addRecord(completed, at, nothing, [order])),
    NAME,
    at + 2,
    /read back in RUNNING, and could only be in PRE_COPY/,
  );
});

/** The first SET of the switchover (after RESUMING and PRE_COPY, two each) fails, the read-back says ERROR, a reset follows. */
function failingToError(): Run {
  const failed = runWithFailedSet(4);
  const read = { name: 'getDeviceState' } as const;
  const by = deviceOf(failed, read);
  const at = answeredAt(failed, read);
  const inError = editAnswer(failed, read, { state: 'ERROR' }).slice(0, at + 1);
  const reset = addCommand(inError, at, { name: 'resetDevice', by });
  return addAnswer(reset, at, { name: 'resetDevice' }, { type: 'DONE.resetDevice', state: 'RUNNING' });
}

function deviceOf(run: Run, which: Which): string {
  for (const { effects } of run) {
    for (const effect of effects) if (effect.kind === 'command' && effect.name === which.name) return effect.by;
  }
  throw new Error(`no ${which.name} in this run`);
}
