/**
 * A message about a failure names the command, the device, the errno, what was done about it, and where the guest runs now:
 * for every command, in every situation, failing or not answering. Held as structure and as the text that a person reads.
 */
import { describe, expect, test } from 'vitest';
import { COMMANDS, type CommandName } from '../../../machines/words.ts';
import { formatMs } from '../../../src/lab/report/format.ts';
import type { Report } from '../../../src/lab/report/report.ts';
import { reportText } from '../../../src/lab/report/text.ts';
import { type FaultInput, runFaulty } from '../../simulation/run-faulty.ts';
import { nameOf, PROVOCATIONS, type Provocation, provoke } from '../provocations.ts';
import { smallInput } from '../small-scenario.ts';

const KINDS = ['error', 'time-out'] as const;
const all = PROVOCATIONS.flatMap((provocation) =>
  KINDS.map((kind) => ({ name: nameOf(provocation), kind, provocation })),
);

/** All that a person is told of the failure. */
function told({ sentence, warnings }: Report): string {
  return [sentence, ...warnings].join('\n');
}

function howItFailed(kind: (typeof KINDS)[number], command: CommandName): string {
  return kind === 'error'
    ? 'failed with EIO'
    : `was not answered within ${formatMs(COMMANDS[command].deadlineMs)} (ETIMEDOUT)`;
}

/** A source that was told to run and never answered may run all the same. */
function placeOf({ command, guest }: Provocation, kind: (typeof KINDS)[number]): Report['guestRunsOn'] {
  return command === 'resumeVcpus' && guest === 'nobody' && kind === 'time-out' ? 'unknown' : guest;
}

const PLACES: Readonly<Record<Report['guestRunsOn'], string>> = {
  source: 'the guest runs on the source',
  destination: 'the guest runs on the destination',
  nobody: 'nobody runs the guest: ',
  unknown: 'it is not known where the guest runs: ',
};

describe.each(all)('$name, $kind', ({ kind, provocation }) => {
  const { report } = provoke(provocation, kind === 'error' ? { kind: 'error', errno: 'EIO' } : { kind: 'hang' });
  const { command, named, remedy } = provocation;
  const place = placeOf(provocation, kind);

  test('says where the guest runs', () => {
    expect(report.guestRunsOn).toBe(place);
    expect(report.guestRunsOnBecause).not.toBe('');
    expect(report.checks.filter(({ held }) => !held)).toEqual([]);
  });

  test('names the command, what it was about, the errno, the remedy and the place in one text', () => {
    const message = told(report);
    expect(message).toContain(`${named} ${howItFailed(kind, command)}`);
    expect(message).toMatch(remedy);
    expect(message).toContain(PLACES[place]);
    expect(reportText(report)).toContain(report.sentence);
  });

  test('reads as sentences', () => {
    for (const text of [report.sentence, ...report.warnings]) {
      expect(text).not.toMatch(/undefined|null|NaN|\bunknown errno\b|\.\.|;;|, and and| {2}/);
    }
    expect(report.sentence).toMatch(/^[A-Z].*\.$/);
  });

  test('says the same as structure', () => {
    const { failure, aftermath = [], outcome } = report;
    if (outcome === 'failed' || outcome === 'in-doubt') expect(failure).toBeDefined();
    if (outcome === 'completed') expect([failure, report.aftermath]).toEqual([undefined, undefined]);
    const errno = kind === 'error' ? 'EIO' : 'ETIMEDOUT';
    const limit = kind === 'error' ? {} : { deadlineMs: COMMANDS[command].deadlineMs };
    const found = [failure, ...aftermath].find((one) => one?.command === command && one.errno !== undefined);
    if (outcome === 'completed') return;
    expect(found).toMatchObject({ command, errno, ...limit });
    const positions = aftermath.map(({ position }) => position);
    expect(positions).toEqual([...positions].sort((one, other) => one - other));
    for (const { text } of aftermath) expect(reportText(report)).toContain(text);
  });
});

describe('of two failures', () => {
  const EIO = { kind: 'error', errno: 'EIO' } as const;
  const provoked = (struck: Provocation['struck']) =>
    provoke({ command: 'sendRemaining', struck, named: '', remedy: '', guest: 'source' }, EIO).report;

  test('the one that turned the migration back is the failure, and the other is told of what followed', () => {
    const { failure, aftermath } = provoked([
      { name: 'sendRemaining', nth: 1 },
      { name: 'quitDestination', nth: 1 },
    ]);
    expect(failure).toMatchObject({
      command: 'sendRemaining',
      host: 'source',
      during: 'copying the memory that was left',
    });
    expect(aftermath?.filter(({ done }) => !done).map(({ command }) => command)).toEqual(['quitDestination']);
  });

  test('one that the migration had got over is none', () => {
    const { failure, outcome } = provoked([
      { name: 'setDeviceState', of: 'nic0', nth: 4 },
      { name: 'stopTracking', nth: 1 },
    ]);
    expect({ failure, outcome }).toEqual({ failure: undefined, outcome: 'completed' });
  });

  test('of two devices at one barrier each is named', () => {
    const report = provoked([
      { name: 'setDeviceState', of: 'nic0', nth: 3 },
      { name: 'setDeviceState', of: 'nic1', nth: 3 },
    ]);
    expect(report.failure).toMatchObject({ device: 'nic0', target: 'STOP_COPY' });
    expect(report.sentence).toContain('setDeviceState of nic1 to STOP_COPY failed with EIO');
  });
});

test('a device that rests in ERROR is read back as that, and reset', () => {
  const struck = [{ name: 'setDeviceState', of: 'nic0', nth: 3 }] as const;
  const provocation: Provocation = { command: 'setDeviceState', struck, named: '', remedy: '', guest: 'source' };
  const { report } = provoke(provocation, { kind: 'midway', errno: 'EIO', restsIn: 'ERROR' });
  expect(report.sentence).toMatch(
    /^Failed after \S+ ms: setDeviceState of nic0 to STOP_COPY failed with EIO while quiescing and stopping the devices; nic0 was read back as ERROR, the destination was given up, nic0 was reset and the vCPUs were resumed; the guest runs on the source\.$/,
  );
});

test('a run that completes says nothing of failures', () => {
  const provocation: Provocation = { command: 'stopVcpus', struck: [], named: '', remedy: '', guest: 'destination' };
  const { report } = provoke(provocation, { kind: 'hang' });
  for (const key of ['failure', 'aftermath', 'cancels', 'doubtfulHost']) expect(report).not.toHaveProperty(key);
  expect(report).toMatchObject({ outcome: 'completed', guestRunsOn: 'destination', warnings: [] });
});

describe('a source that answers nothing more', () => {
  test('may be dead, and nobody says that the guest runs there', () => {
    const { report } = runFaulty(smallInput(), [{ at: '300ms', happens: 'source-dies' }]);
    expect(report).toMatchObject({
      outcome: 'failed',
      guestRunsOn: 'unknown',
      guestRunsOnBecause: expect.stringMatching(/^its vCPUs were never stopped, and the source has let \d+ orders run/),
    });
    for (const text of [report.sentence, ...report.warnings]) expect(text).not.toContain(PLACES.source);
  });

  test('has answered again: it is not', () => {
    const faults: readonly FaultInput[] = [
      { command: 'startTracking', hangs: true },
      { command: 'stopTracking', hangs: true },
    ];
    const { report } = runFaulty(smallInput(), faults);
    expect(report).toMatchObject({ outcome: 'failed', guestRunsOn: 'source' });
  });
});
