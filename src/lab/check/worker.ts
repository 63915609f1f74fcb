/** A thread that does jobs one after the other: a job in, what it came to out. Only started by workers.ts, from built code. */
import { parentPort } from 'node:worker_threads';
import { doJob, type Job } from './job.ts';

parentPort?.on('message', (job: Job) => {
  doJob(job).then(
    (done) => parentPort?.postMessage(done),
    // Thrown outside of the promise it ends the thread, and the pool hears of it.
    (error) =>
      setImmediate(() => {
        throw error;
      }),
  );
});
