/** What a thread of the pool runs: a batch of jobs of one task in, what each came to out, in order. Only loaded by the pool. */
import { loadTask, type TaskName, type Tasks } from './tasks.ts';

export interface Batch<T extends TaskName> {
  readonly task: T;
  readonly jobs: readonly Tasks[T]['job'][];
}

/** Rejects with what a job throws. */
export async function doBatch<T extends TaskName>({ task, jobs }: Batch<T>): Promise<Tasks[T]['done'][]> {
  const doJob = await loadTask(task);
  const done: Tasks[T]['done'][] = [];
  for (const job of jobs) done.push(await doJob(job));
  return done;
}
