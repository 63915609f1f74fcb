/**
 * A few threads that share lists of jobs. From built code each is a thread of its own, kept by piscina; from source, where no
 * thread can load TypeScript, the jobs are done here, one after the other. Either way every job is done, and what comes back
 * is in the order of the list, whoever was faster.
 *
 * A thread takes about as long to start as some dozens of migrations do, so a pool is kept for as long as there are lists to
 * come, and starts its threads with the first list that is worth it. Jobs are handed out in batches: a migration can be
 * shorter than two threads take to say a sentence to each other.
 */
import { availableParallelism } from 'node:os';
import type { Piscina } from 'piscina';
import { type DoneOf, type JobOf, loadTask, type TaskName } from './tasks.ts';
import type { Batch, doBatch } from './worker.ts';

/** Beside this file: as it was written, or built. */
const BUILT = import.meta.url.endsWith('.js');
const ENTRY: { readonly file: string; readonly name: string } = {
  file: new URL('./worker.js', import.meta.url).href,
  name: 'doBatch' satisfies (typeof doBatch)['name'],
};

/** What a thread takes at once is to last about so long: what is done is heard of several times a second. This project's own. */
const BATCH_MS = 150;
/** Jobs that a thread takes at once, at most. This project's own. */
const BATCH_MAX = 64;

/** Of each thread, MiB; measured, this project's own. */
const YOUNG_MB = 192;

/** Cores, at most 8: beyond that the machine belongs to others as well. This project's own. */
export function workersByDefault(): number {
  return Math.min(8, availableParallelism());
}

export interface ListOptions<Done> {
  /** Called after each job with its place in the list, in the order in which they are done. */
  readonly onDone?: ((done: Done, index: number) => void) | undefined;
  /** No more jobs are begun once it is true; those that never began are left out of what comes back. */
  readonly enough?: (() => boolean) | undefined;
  /** Jobs that a thread takes at once; chosen by how long they take unless given. */
  readonly batch?: number | undefined;
}

export interface RunJobsOptions<T extends TaskName> extends ListOptions<DoneOf<T>> {
  readonly task: T;
  /** At least 1; in one's own thread when it is 1. As many as there are cores, at most 8, unless given. */
  readonly workers?: number | undefined;
}

export interface Pool {
  /** Threads that it has, or will have; 1 where all is done in one's own. */
  readonly workers: number;
  /** Rejects with what a job throws: a mistake of this program, or of what it was given. */
  run<T extends TaskName>(
    task: T,
    jobs: readonly JobOf<T>[],
    options?: ListOptions<DoneOf<T>>,
  ): Promise<readonly DoneOf<T>[]>;
  /** Ends its threads, with whatever they are doing. */
  close(): Promise<void>;
}

/** One list of jobs, in threads of its own. Results are in the order of the list. */
export async function runJobs<T extends TaskName>(
  jobs: readonly JobOf<T>[],
  { task, workers, ...options }: RunJobsOptions<T>,
): Promise<readonly DoneOf<T>[]> {
  const pool = openPool(workers);
  try {
    return await pool.run(task, jobs, options);
  } finally {
    await pool.close();
  }
}

/** For several lists. Close it, or the program does not end. */
export function openPool(wanted: number = workersByDefault()): Pool {
  const workers = BUILT ? Math.max(1, wanted) : 1;
  let threads: Promise<Piscina> | undefined;
  return {
    workers,
    async run(task, jobs, options = {}) {
      if (workers === 1 || jobs.length < 2) return inTurn(task, jobs, options);
      threads ??= startThreads(Math.min(workers, jobs.length), workers);
      return inThreads(await threads, task, jobs, options);
    },
    async close() {
      await (await threads)?.destroy();
      threads = undefined;
    },
  };
}

async function startThreads(atOnce: number, max: number): Promise<Piscina> {
  const { Piscina } = await import('piscina');
  return new Piscina({
    filename: ENTRY.file,
    name: ENTRY.name,
    minThreads: atOnce,
    maxThreads: max,
    // Until the pool is closed: what comes between two lists is the caller's thinking.
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
    // Records and snapshots die young: room for them saves one collection in four.
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
}

async function inTurn<T extends TaskName>(
  task: T,
  jobs: readonly JobOf<T>[],
  { onDone, enough }: ListOptions<DoneOf<T>>,
): Promise<readonly DoneOf<T>[]> {
  const doJob = await loadTask(task);
  const results: DoneOf<T>[] = [];
  for (const [index, job] of jobs.entries()) {
    if (enough?.() === true) break;
    const done = await doJob(job);
    results.push(done);
    onDone?.(done, index);
    // A turn of the event loop for whoever paints a bar, or wants to interrupt.
    await new Promise(setImmediate);
  }
  return results;
}

async function inThreads<T extends TaskName>(
  threads: Piscina,
  task: T,
  jobs: readonly JobOf<T>[],
  { onDone, enough, batch }: ListOptions<DoneOf<T>>,
): Promise<readonly DoneOf<T>[]> {
  const { maxThreads } = threads.options;
  const results: (DoneOf<T> | undefined)[] = new Array(jobs.length).fill(undefined);
  let next = 0;
  let failed = false;
  // One batch out for each thread: what is not handed out yet need not be, and no thread waits for another.
  const work = async () => {
    let taken = 1;
    while (next < jobs.length && !failed && enough?.() !== true) {
      const first = next;
      next += batch ?? Math.min(taken, Math.ceil((jobs.length - next) / (2 * maxThreads)));
      const handed: Batch<T> = { task, jobs: jobs.slice(first, next) };
      const beganMs = performance.now();
      const done: DoneOf<T>[] = await threads.run(handed);
      taken = nextBatch(done.length, performance.now() - beganMs);
      for (const [nth, one] of done.entries()) {
        results[first + nth] = one;
        onDone?.(one, first + nth);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: maxThreads }, work));
  } catch (error) {
    failed = true;
    throw error;
  }
  return results.filter((one) => one !== undefined);
}

/** The next batch by how long the last one took; no more than four times as many. */
function nextBatch(jobs: number, tookMs: number): number {
  const fitting = Math.floor((jobs * BATCH_MS) / Math.max(1, tookMs));
  return Math.max(1, Math.min(fitting, 4 * jobs, BATCH_MAX));
}
