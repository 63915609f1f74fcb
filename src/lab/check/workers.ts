/**
 * A few threads that share a list of jobs. From built code each is a thread of its own; from source, where no thread can load
 * TypeScript, the jobs are done here, one after the other. Either way every job is done, and what comes back is in the order
 * of the list, whoever was faster.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { doJob, type Job, type JobDone } from './job.ts';

/** Beside this file: as it was written, or built. */
const BUILT = import.meta.url.endsWith('.js');
const ENTRY = new URL(BUILT ? './worker.js' : './worker.ts', import.meta.url);

/** Cores, at most 8: beyond that the machine belongs to others as well. This project's own. */
export function workersByDefault(): number {
  return Math.min(8, availableParallelism());
}

export interface WorkOptions {
  /** At least 1; in one's own thread when it is 1. */
  readonly workers: number;
  /** Called after each job. */
  readonly onDone?: ((done: JobDone) => void) | undefined;
  /** No more jobs are begun once it is true. */
  readonly enough?: (() => boolean) | undefined;
}

/** Rejects with what a job throws: a mistake of this program, not of a migration. */
export async function doAll(jobs: readonly Job[], options: WorkOptions): Promise<readonly JobDone[]> {
  const done =
    BUILT && options.workers > 1 && jobs.length > 1 ? await inThreads(jobs, options) : await inTurn(jobs, options);
  return done.filter((one) => one !== undefined);
}

async function inTurn(jobs: readonly Job[], { onDone, enough }: WorkOptions): Promise<(JobDone | undefined)[]> {
  const results: JobDone[] = [];
  for (const job of jobs) {
    if (enough?.() === true) break;
    const done = await doJob(job);
    results.push(done);
    onDone?.(done);
    // A turn of the event loop for whoever paints a bar, or wants to interrupt.
    await new Promise(setImmediate);
  }
  return results;
}

async function inThreads(
  jobs: readonly Job[],
  { workers, onDone, enough }: WorkOptions,
): Promise<(JobDone | undefined)[]> {
  const results: (JobDone | undefined)[] = new Array(jobs.length).fill(undefined);
  let next = 0;
  const threads = Array.from({ length: Math.min(workers, jobs.length) }, () => new Worker(ENTRY));
  const work = (thread: Worker) =>
    new Promise<void>((resolve, reject) => {
      let current = -1;
      const take = () => {
        if (next >= jobs.length || enough?.() === true) {
          resolve();
          return;
        }
        current = next++;
        thread.postMessage(jobs[current]);
      };
      thread.on('message', (done: JobDone) => {
        results[current] = done;
        onDone?.(done);
        take();
      });
      thread.on('error', reject);
      thread.on('exit', (code) => reject(new Error(`a worker ended with code ${code}`)));
      take();
    });
  try {
    await Promise.all(threads.map(work));
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
  return results;
}
