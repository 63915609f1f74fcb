/**
 * A whole check: many seeds, or every case of the exhaustive subjects, shared among workers; what was reached; and for each law
 * that was broken the case with the lowest number, made small. Nothing here depends on how many workers there are, or on
 * which was faster, but the time that it took.
 */
import { runJobs } from '../pool/pool.ts';
import type { Case } from './case.ts';
import { addTallies, Coverage, EMPTY_TALLY, type Tally } from './coverage.ts';
import { exhaustiveCount } from './exhaustive.ts';
import { EXHAUSTIVE_SUBJECTS } from './exhaustive-subjects.ts';
import { type Failure, type Job, type JobDone, verdictOf } from './job.ts';
import { type Shrunk, shrink } from './shrink.ts';
import type { Law } from './verdict.ts';

/** Cases in a job: enough that handing one over costs nothing beside it. This project's own. */
const CASES_PER_JOB = 50;
/** Beyond so many failures nobody reads on, and no more seeds are begun. */
const FAILURES_MAX = 200;

export interface CheckOptions {
  /** The first seed; the others follow it. */
  readonly seed: number;
  readonly seeds: number;
  /** Every case of the exhaustive subjects as well; `pairs`: the pairs, too. */
  readonly exhaustive: 'no' | 'singles' | 'pairs';
  readonly workers: number;
  /** Called after each job with the cases done and those that there are. */
  readonly onProgress?: ((done: number, all: number, failures: number) => void) | undefined;
}

export interface Found extends Failure {
  readonly shrunk: Shrunk;
  /** The seed, or the subject and number of an exhaustive case. */
  readonly job: Job['kind'];
  readonly subject: string | undefined;
}

export interface Checked {
  readonly seed: number;
  readonly seeds: number;
  /** Of the exhaustive part, by subject. */
  readonly exhaustive: Readonly<Record<string, { readonly singles: number; readonly pairs: number }>>;
  readonly runs: number;
  readonly redraws: number;
  readonly tookMs: number;
  readonly tally: Tally;
  /** Runs that broke each law. */
  readonly broken: Readonly<Partial<Record<Law, number>>>;
  /** Of each broken law the case with the lowest number, made small. */
  readonly found: readonly Found[];
}

export async function check(options: CheckOptions): Promise<Checked> {
  const { seed, seeds, workers, onProgress } = options;
  const beganMs = performance.now();
  const counts = await subjectsOf(options.exhaustive);
  const jobs = [
    ...jobsOf(seeds, (first, count) => ({ kind: 'seeds', first: seed + first, count })),
    ...Object.entries(counts).flatMap(([subject, { singles, pairs }]) =>
      jobsOf(singles + pairs, (first, count) => ({ kind: 'exhaustive', subject, first, count })),
    ),
  ];
  const all = jobs.reduce((sum, { count }) => sum + count, 0);
  let [runs, failures] = [0, 0];
  const done = await runJobs(jobs, {
    task: 'check',
    workers,
    batch: 1,
    enough: () => failures >= FAILURES_MAX,
    onDone: ({ job, failures: more }) => {
      runs += job.count;
      failures += more.length;
      onProgress?.(runs, all, failures);
    },
  });
  const tally = done.reduce((sum, one) => addTallies(sum, one.tally), EMPTY_TALLY);
  const tookMs = performance.now() - beganMs;
  return {
    seed,
    seeds,
    exhaustive: counts,
    runs,
    redraws: done.reduce((sum, { redraws }) => sum + redraws, 0),
    tookMs,
    tally,
    broken: countBroken(done),
    found: await shrunkOf(done),
  };
}

async function subjectsOf(exhaustive: CheckOptions['exhaustive']): Promise<Checked['exhaustive']> {
  if (exhaustive === 'no') return {};
  const counted = Object.keys(EXHAUSTIVE_SUBJECTS).map(async (name) => {
    const { singles, pairs } = await exhaustiveCount(name);
    return [name, { singles, pairs: exhaustive === 'pairs' ? pairs : 0 }] as const;
  });
  return Object.fromEntries(await Promise.all(counted));
}

function jobsOf(cases: number, job: (first: number, count: number) => Job): readonly Job[] {
  const jobs: Job[] = [];
  for (let first = 0; first < cases; first += CASES_PER_JOB) {
    jobs.push(job(first, Math.min(CASES_PER_JOB, cases - first)));
  }
  return jobs;
}

function countBroken(done: readonly JobDone[]): Checked['broken'] {
  const counts: Partial<Record<Law, number>> = {};
  for (const { failures } of done)
    for (const { broken } of failures) counts[broken.law] = (counts[broken.law] ?? 0) + 1;
  return counts;
}

/** Jobs are in the order of their cases, and failures in a job as well: the first of a law is the lowest. */
async function shrunkOf(done: readonly JobDone[]): Promise<readonly Found[]> {
  const firsts = new Map<Law, Failure & { readonly job: Job }>();
  for (const { job, failures } of done) {
    for (const failure of failures) {
      if (!firsts.has(failure.broken.law)) firsts.set(failure.broken.law, { ...failure, job });
    }
  }
  const found: Found[] = [];
  const coverage = new Coverage();
  for (const { one, broken, job } of firsts.values()) {
    const shrunk = await shrink(one, broken, (smaller: Case) => verdictOf(smaller, coverage));
    found.push({ one, broken, shrunk, job: job.kind, subject: job.kind === 'exhaustive' ? job.subject : undefined });
  }
  return found;
}
