/** Time that no phase owns, a phase that is entered twice, and a byte that nobody told of are found. */
import { describe, expect, test } from 'vitest';
import { runSmall } from '../simulation/run-small.ts';
import {
  addCommand,
  announcedAt,
  answeredAt,
  check,
  dropAnswer,
  dropCommand,
  dropFact,
  editAnswer,
  editFact,
  expectBroken,
  expectHeld,
  failAnswer,
  moveCommand,
  type Run,
  withTime,
} from './planted.ts';

const NAME = 'accounted';
const PHASE = 'SWITCHOVER_PHASE_ENTERED';
const completed: Run = runSmall().recorded;
const started = answeredAt(completed, { name: 'startDestination' });

describe('given the downtime of a completed run', () => {
  test('its phases sum to it', () => expectHeld(completed, NAME));

  test.each(['stop-vcpus', 'quiesce', 'final-sync', 'memory', 'device-state', 'load', 'resume'])(
    'when no time is accounted to %s, the end of the downtime broke it',
    (phase) => {
      expectBroken(
        dropFact(completed, PHASE, { phase }),
        NAME,
        started,
        new RegExp(`no time is accounted to ${phase}$`),
      );
    },
  );

  test('when a phase is entered twice, the second one broke it', () => {
    const run = editFact(completed, PHASE, { phase: 'load' }, { phase: 'memory' });
    expectBroken(
      run,
      NAME,
      announcedAt(completed, PHASE, { phase: 'load' }),
      /phase memory .* entered after device-state/,
    );
  });

  test('when a phase is entered that nobody knows, it broke it', () => {
    const run = editFact(completed, PHASE, { phase: 'load' }, { phase: 'tea' });
    expectBroken(run, NAME, announcedAt(completed, PHASE, { phase: 'load' }), /phase tea/);
  });

  test('when the vCPUs are ordered to stop before the first phase, that time belongs to none', () => {
    const run = moveCommand(
      completed,
      { name: 'stopVcpus' },
      announcedAt(completed, PHASE, { phase: 'stop-vcpus' }) - 1,
    );
    expectBroken(run, NAME, started, /^the phases sum to \d+ ns of a downtime of \d+ ns$/);
  });

  test('when the vCPUs were never ordered to stop, the downtime is unknown', () => {
    expectBroken(dropCommand(completed, { name: 'stopVcpus' }), NAME, started, /downtime of unknown ns/);
  });

  test('when time runs backwards in a phase, the next phase broke it', () => {
    const position = announcedAt(completed, PHASE, { phase: 'memory' });
    const { atNs } = (completed[position] as Run[number]).record;
    expectBroken(
      withTime(completed, position, atNs - 1_000_000_000),
      NAME,
      position,
      /phase final-sync of the downtime lasts -\d+ ns/,
    );
  });
});

test('given a pause before the switchover, its time is accounted for', () => {
  const paused: Run = runSmall({ plan: { pauseBeforeSwitchover: true } }).recorded;
  expectHeld(paused, NAME);
});

test('given vCPUs that were stopped and resumed before, the downtime begins anew', () => {
  const again = { name: 'stopVcpus', by: 'guest' } as const;
  const stopped = addCommand(completed, 13, again).map((line) => {
    const fact = {
      kind: 'fact',
      id: '13:998',
      by: 'stop-and-copy',
      event: { type: PHASE, phase: 'stop-vcpus' },
    } as const;
    return line.record.position === 13 ? { ...line, effects: [...line.effects, fact] } : line;
  });
  expectHeld(addCommand(stopped, 14, { name: 'resumeVcpus', by: 'guest' }), NAME);
  expectBroken(
    stopped,
    NAME,
    announcedAt(completed, PHASE, { phase: 'stop-vcpus' }),
    /phase stop-vcpus .* entered after stop-vcpus/,
  );
});

describe('given the bytes of a run', () => {
  const passes = answersOf(completed, 'DONE.sendRound') + answersOf(completed, 'DONE.sendRemaining');
  const states = answersOf(completed, 'DONE.sendDeviceState');
  // The scripted driver sends 64 KiB a pass and 4 KiB of state a device.
  const wireBytes = passes * 65536 + states * 4096;
  const lastSent = answeredAt(completed, { name: 'sendDeviceState', nth: states - 1 });

  test('when the link carried what was told, it holds', () => {
    expect([passes > 2, states]).toEqual([true, 2]);
    expectHeld(completed, NAME, { wireBytes });
  });

  test('when the link carried a byte more, or less, the last send broke it', () => {
    expectBroken(completed, NAME, lastSent, /were told as sent/, { wireBytes: wireBytes + 1 });
    expectBroken(completed, NAME, lastSent, /were told as sent/, { wireBytes: wireBytes - 1 });
  });

  test.each(['sendRound', 'sendRemaining', 'sendDeviceState'] as const)(
    'when a %s tells a byte too few, the sum says so',
    (name) => {
      const told = name === 'sendDeviceState' ? 4095 : 65535;
      expectBroken(editAnswer(completed, { name }, { sentBytes: told }), NAME, lastSent, /were told as sent/, {
        wireBytes,
      });
    },
  );

  test.each(['sendRound', 'sendRemaining', 'sendDeviceState'] as const)(
    'when a %s failed, the link may have carried more than was told',
    (name) => {
      const run = failAnswer(completed, { name }, 'EIO');
      expectHeld(run, NAME, { wireBytes });
      expectBroken(run, NAME, lastSent === answeredAt(completed, { name }) ? lastSent - 1 : lastSent, /were told/, {
        wireBytes: 4096,
      });
    },
  );

  test('when the run has only just begun, the first pass broke it', () => {
    const position = answeredAt(completed, { name: 'sendRound' });
    expectBroken(completed.slice(0, position + 1), NAME, position, /were told/, { wireBytes: 1 });
  });

  test('while a send is under way, the link may have carried more than was told, and never less', () => {
    const position = answeredAt(completed, { name: 'sendRemaining' });
    const begun = completed.slice(0, position);
    expectHeld(begun, NAME, { wireBytes: Number.MAX_SAFE_INTEGER });
    expect(check(begun, NAME, { wireBytes: 0 }).because).toMatch(/were told as sent and 0 went over the link/);
  });

  test('when an answer is lost, its bytes are missed', () => {
    expectBroken(dropAnswer(completed, { name: 'sendRound' }), NAME, lastSent, /were told/, { wireBytes });
  });

  test.each([-1, 65537])('when %i of 65536 bytes were device state, that answer broke it', (deviceBytes) => {
    const run = editAnswer(completed, { name: 'sendRound' }, { deviceBytes });
    expectBroken(run, NAME, answeredAt(run, { name: 'sendRound' }), /were device state/);
  });
});

function answersOf(run: Run, type: string): number {
  return run.filter(({ record }) => record.kind === 'input' && record.event.type === type).length;
}
