/**
 * A piece of a check's work, done in one go by whoever has time: some seeds, or some of an exhaustive check's cases. What it
 * comes to is plain data and depends on nothing but the job, so that any number of workers finds the same.
 */
import { BranchError } from '../branch/error.ts';
import { ScenarioError } from '../scenario/error.ts';
import { scenarioFrom } from '../scenario/read.ts';
import type { Case } from './case.ts';
import { Coverage, judgesOf, type Tally } from './coverage.ts';
import { drawCase } from './draw/case.ts';
import { exhaustiveCase } from './exhaustive.ts';
import { type RunOptions, runCase } from './run-case.ts';
import { type Broken, judge } from './verdict.ts';

export type Job =
  | { readonly kind: 'seeds'; readonly first: number; readonly count: number }
  | { readonly kind: 'exhaustive'; readonly subject: string; readonly first: number; readonly count: number };

export interface Failure {
  readonly one: Case;
  readonly broken: Broken;
}

export interface JobDone {
  readonly job: Job;
  readonly redraws: number;
  readonly tally: Tally;
  readonly failures: readonly Failure[];
}

export async function doJob(job: Job, options: Omit<RunOptions, 'charts'> = {}): Promise<JobDone> {
  const coverage = new Coverage();
  const failures: Failure[] = [];
  let redraws = 0;
  for (let nth = 0; nth < job.count; nth++) {
    const drawn = job.kind === 'seeds' ? drawCase(job.first + nth) : await exhaustiveCase(job.subject, job.first + nth);
    redraws += drawn.redraws;
    const { one, scenario } = drawn;
    const run = await runCase(one, scenario, { ...options, charts: coverage.charts(judgesOf(one, scenario)) });
    coverage.see(run);
    const broken = judge(run);
    if (broken !== undefined) failures.push({ one, broken });
  }
  return { job, redraws, tally: coverage.tally(), failures };
}

/** What one case breaks; undefined for a legal end, and for a scenario that its own rules refuse. */
export async function verdictOf(
  one: Case,
  coverage: Coverage,
  options: Omit<RunOptions, 'charts'> = {},
): Promise<Broken | undefined> {
  try {
    const scenario = scenarioFrom(one.input);
    return judge(await runCase(one, scenario, { ...options, charts: coverage.charts(judgesOf(one, scenario)) }));
  } catch (error) {
    if (error instanceof ScenarioError || error instanceof BranchError) return undefined;
    throw error;
  }
}
