/**
 * What the fixed seeds reach together with the exhaustive subjects that have no pairs: nothing may be found, nearly everything
 * must be reached, and nothing that is said to be out of reach.
 */
import { beforeAll, expect, test } from 'vitest';
import { addTallies, EMPTY_TALLY, type Tally } from '../../../src/lab/check/coverage.ts';
import { exhaustiveCount } from '../../../src/lab/check/exhaustive.ts';
import { EXHAUSTIVE_SUBJECTS } from '../../../src/lab/check/exhaustive-subjects.ts';
import { doJob, type Failure } from '../../../src/lab/check/job.ts';
import { percentOf, type Reached, reachedOf } from '../../../src/lab/check/reached.ts';
import { reachedAllTheSame, reasonsForNothing } from '../../../src/lab/check/unreachable.ts';

const FIXED_SEEDS = 600;
const LIMIT_MS = 300_000;

let tally: Tally = EMPTY_TALLY;
const failures: Failure[] = [];

beforeAll(async () => {
  const alone = Object.entries(EXHAUSTIVE_SUBJECTS).filter(([, { pairs }]) => !pairs);
  const jobs = [
    { kind: 'seeds' as const, first: 1, count: FIXED_SEEDS },
    ...(await Promise.all(
      alone.map(async ([subject]) => {
        const { singles } = await exhaustiveCount(subject);
        return { kind: 'exhaustive' as const, subject, first: 0, count: singles };
      }),
    )),
  ];
  for (const job of jobs) {
    const done = await doJob(job);
    tally = addTallies(tally, done.tally);
    failures.push(...done.failures);
  }
  console.log(
    `${tally.runs} runs: ${text('transitions')}, ${text('rules')}, ${text('errnos')}, ${text('statuses')}, ${text('faults')}; ${JSON.stringify(tally.outcomes)}`,
  );
}, LIMIT_MS);

type Kind = 'transitions' | 'rules' | 'errnos' | 'statuses' | 'faults';

const text = (kind: Kind) => `${kind} ${percentOf(reachedOf(tally)[kind]).toFixed(1)} %`;
const open = ({ missing }: Reached) => missing.flatMap(({ what, because }) => (because === undefined ? [what] : []));

test('nothing is found', () => {
  expect(failures.map(({ one, broken }) => `${broken.law}: ${broken.because} ${JSON.stringify(one)}`)).toEqual([]);
});

test.each<readonly [Kind, number]>([
  // So few seeds have not all of what throttles do while the guest is being stopped, nor of what managers do when they time out.
  ['transitions', 93],
  ['rules', 70],
  ['errnos', 95],
  ['statuses', 95],
  ['faults', 100],
])('%s are reached', (kind, atLeast) => {
  const reached = reachedOf(tally)[kind];
  expect(percentOf(reached), `not reached: ${open(reached).join(', ')}`).toBeGreaterThanOrEqual(atLeast);
});

test('nothing is reached that is said to be out of reach', () => {
  expect(reachedAllTheSame({ ...tally.transitions, ...tally.errnos })).toEqual([]);
});

test('no reason has outlived what it was for', () => {
  const { transitions, rules, errnos } = reachedOf({ ...tally, transitions: {}, errnos: {} });
  expect(
    reasonsForNothing([...transitions.missing, ...rules.missing, ...errnos.missing].map(({ what }) => what)),
  ).toEqual([]);
});

test('every end, and everybody who may interfere', () => {
  for (const outcome of ['completed', 'cancelled', 'failed', 'unconverged', 'blocked', 'in-doubt']) {
    expect(tally.outcomes[outcome], outcome).toBeGreaterThan(10);
  }
  for (const one of ['cancel', 'crash, effects sent', 'crash, effects unsent', 'doubt asked', 'doubt source-fenced']) {
    expect(tally.disturbances[one], one).toBeGreaterThan(10);
  }
});
