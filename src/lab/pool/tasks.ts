/**
 * What a thread of the pool can be asked to do, by name. A task is a function from a job to what it came to, both plain data,
 * and depends on nothing but its job; its module is loaded by the thread that first does one.
 */
import type { JobDone as CheckDone, Job as CheckJob } from '../check/job.ts';
import type { TrialRow } from '../trial/row.ts';
import type { Trial } from '../trial/trial.ts';

/** Jobs and what they come to, by task. */
export interface Tasks {
  /** Some seeds of a check, or some of its exhaustive cases. */
  readonly check: { readonly job: CheckJob; readonly done: CheckDone };
  /** One modelled migration, and its figures. */
  readonly trial: { readonly job: Trial; readonly done: TrialRow };
}

export type TaskName = keyof Tasks;
export type JobOf<T extends TaskName> = Tasks[T]['job'];
export type DoneOf<T extends TaskName> = Tasks[T]['done'];

type Task<T extends TaskName> = (job: JobOf<T>) => DoneOf<T> | Promise<DoneOf<T>>;

const LOADERS: { readonly [T in TaskName]: () => Promise<Task<T>> } = {
  check: async () => {
    const { doJob } = await import('../check/job.ts');
    return (job) => doJob(job);
  },
  trial: async () => (await import('../trial/run.ts')).runTrial,
};

export function loadTask<T extends TaskName>(name: T): Promise<Task<T>> {
  return LOADERS[name]();
}
