/**
 * How a doubt about the destination may end, as the checkers see it: by its own answer, by the end of its process, or by an
 * operator's word that a host is fenced; and by nothing else. Mistakes planted in runs whose order to run was not answered.
 */
import { describe, expect, test } from 'vitest';
import type { Errno } from '../../machines/words.ts';
import { runSmall } from '../simulation/run-small.ts';
import {
  addCommand,
  addRecord,
  answeredAt,
  check,
  expectBroken,
  expectHeld,
  failAnswer,
  issuedAt,
  type Line,
  type Run,
} from './planted.ts';

const START = { name: 'startDestination' } as const;
const RESUME = { name: 'resumeVcpus', by: 'guest' } as const;
const END = { name: 'quitDestination', by: 'destination' } as const;
const SYNC = { name: 'sendMissing', by: 'post-copy', params: {} } as const;
const ASK = { name: 'queryDestination', by: 'in-doubt' } as const;

const completed: Run = runSmall().recorded;

/** Up to the order to run, which is answered by this failure. */
function doubtful(errno: Errno = 'ETIMEDOUT'): Run {
  const run = failAnswer(completed, START, errno);
  const position = answeredAt(run, START);
  return run
    .filter(({ record }) => record.position <= position)
    .map((line): Line => (line.record.position === position ? { ...line, effects: [] } : line));
}

const lastOf = (run: Run) => (run.at(-1) as Line).record.position;
/** One more record at the end, without consequences. */
const told = (run: Run, type: string) =>
  addRecord(run, lastOf(run), { to: 'migration', by: 'operator', event: { type } });
/** One more order, by the last record. */
const orders = (
  run: Run,
  command: { name: typeof RESUME.name | typeof END.name | typeof SYNC.name | typeof ASK.name; by: string },
) => addCommand(run, lastOf(run), command);
/** The last order of this kind is answered. */
function answers(run: Run, command: { name: string; by: string }, event: Record<string, unknown>): Run {
  const id = run
    .flatMap(({ effects }) => effects)
    .findLast((one) => one.kind === 'command' && one.name === command.name)?.id;
  return addRecord(run, lastOf(run), {
    to: command.by,
    by: 'driver',
    event: { type: `DONE.${command.name}`, ...event },
    ...(id === undefined ? {} : { answers: id }),
  });
}
const asked = (state: string) => answers(orders(doubtful(), ASK), ASK, { state });
/** The outcome, announced by one more record. */
const ended = (run: Run, outcome: string) => {
  const end = told(run, 'TAKE_UP');
  const fact = { kind: 'fact', id: `${lastOf(end)}:0`, by: 'migration', event: { type: 'ENDED', outcome } } as const;
  return end.map((line): Line => (line.record.position === lastOf(end) ? { ...line, effects: [fact] } : line));
};
const resumed = (run: Run) => answers(orders(run, RESUME), RESUME, {});

describe('one-guest, when the order to run was not answered', () => {
  test.each<[string, Run]>([
    ['the destination is gone by its own answer, and the source goes on', ended(resumed(asked('gone')), 'failed')],
    ['it had only loaded, and was ended', ended(resumed(answers(orders(asked('loaded'), END), END, {})), 'failed')],
    [
      'the destination is fenced, and the source goes on',
      ended(resumed(told(doubtful(), 'DESTINATION_FENCED')), 'failed'),
    ],
    ['it says that it runs', ended(asked('running'), 'completed')],
    ['the source is fenced, and nobody runs', ended(told(asked('incoming'), 'SOURCE_FENCED'), 'failed')],
    ['nobody knows, and the run says so', ended(doubtful(), 'in-doubt')],
  ])('%s: it holds', (_, run) => expectHeld(run, 'one-guest'));

  test.each<[string, Run, RegExp]>([
    ['the source goes on all the same', orders(doubtful(), RESUME), /resumeVcpus\) after the destination was/],
    [
      'the source goes on after a broken connection',
      orders(doubtful('ECONNRESET'), RESUME),
      /after the destination was/,
    ],
    ['the source goes on though it is starting there', orders(asked('starting'), RESUME), /after the destination was/],
    ['the source goes on though it runs there', orders(asked('running'), RESUME), /after the destination was/],
    [
      'the source goes on before what has loaded was ended',
      orders(asked('loaded'), RESUME),
      /after the destination was/,
    ],
    [
      'the source goes on though it is the one that is fenced',
      orders(told(doubtful(), 'SOURCE_FENCED'), RESUME),
      /after the destination was/,
    ],
    ['the destination is ended in the dark', orders(doubtful(), END), /ended \(quitDestination\) while it may run/],
    ['the destination is ended though it is starting', orders(asked('starting'), END), /while it may run/],
    ['the destination is ended though it runs', orders(asked('running'), END), /while it runs/],
    ['it ends as failed, and nobody was asked', ended(doubtful(), 'failed'), /destination: maybe/],
    ['it ends as completed, and nobody was asked', ended(doubtful(), 'completed'), /destination: maybe/],
    [
      'the source is fenced, and the destination may still run',
      ended(told(doubtful(), 'SOURCE_FENCED'), 'failed'),
      /destination: maybe/,
    ],
    ['nobody runs, and no host is fenced', ended(asked('gone'), 'failed'), /source: no, destination: no/],
  ])('%s: it is broken', (_, run, because) => expectBroken(run, 'one-guest', lastOf(run), because));
});

describe('final-order, when the order to run was not answered', () => {
  test('nothing is sent to a guest of which nobody knows whether it runs', () => {
    const run = orders(doubtful(), SYNC);
    expectBroken(run, 'final-order', lastOf(run), /sendMissing comes before the guest runs/);
    const loaded = orders(asked('loaded'), SYNC);
    expectBroken(loaded, 'final-order', lastOf(loaded), /sendMissing comes before the guest runs/);
  });

  test('once it has said that it runs, what it misses is sent', () => {
    expect(check(orders(asked('running'), SYNC), 'final-order').held).toBe(true);
  });

  test('the sound run behind all of this gives the order once', () =>
    expect(issuedAt(completed, START)).toBeGreaterThan(0));
});
