/**
 * How many migrations two threads of the pool do for one's, and beside it what two processes do that share nothing: two cores
 * of a machine share its memory, its caches and its heat, and of some machines their very arithmetic. Wall time, in turns.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openPool, type Pool } from '../lab/pool/pool.ts';
import type { AloneArguments } from './bench-alone.ts';
import { benchInput } from './bench-scenarios.ts';

export type Scaling =
  | {
      readonly migrations: number;
      readonly oneMs: number;
      readonly twoMs: number;
      /** How many times as many two threads do. */
      readonly ratio: number;
      /** How many times as many two processes do that share nothing: what this machine has to give. */
      readonly processesRatio: number;
    }
  | { readonly because: string };

/** Long enough that what a thread costs to begin with does not count. */
const MIGRATIONS = 1200;
const TURNS = 4;
/** Of each process, timed; it does as many before. */
const OF_A_PROCESS = 500;

const ALONE = fileURLToPath(new URL('./bench-alone.js', import.meta.url));

/** `name`: a migration of bench-scenarios.ts. From built code only: from source every job is done in this thread. */
export async function scalingOf(name: string): Promise<Scaling> {
  const pools = { one: openPool(1), two: openPool(2) };
  try {
    if (pools.two.workers < 2) return { because: 'threads need built code: npm run build, and bench again with it' };
    const scenario = benchInput(name);
    const jobs = Array.from({ length: MIGRATIONS }, (_, seed) => ({ scenario, seed }));
    const timeMs = async (pool: Pool) => {
      const beganMs = performance.now();
      await pool.run('trial', jobs);
      return performance.now() - beganMs;
    };
    // Once each to begin with: threads start, and code gets warm.
    await timeMs(pools.one);
    await timeMs(pools.two);
    const least = { one: Number.POSITIVE_INFINITY, two: Number.POSITIVE_INFINITY };
    const processes = { ...least };
    for (let turn = 0; turn < TURNS; turn++) {
      least.one = Math.min(least.one, await timeMs(pools.one));
      least.two = Math.min(least.two, await timeMs(pools.two));
      processes.one = Math.min(processes.one, await aloneMs(name));
      processes.two = Math.min(processes.two, Math.max(...(await Promise.all([aloneMs(name), aloneMs(name)]))));
    }
    const { one: oneMs, two: twoMs } = least;
    const processesRatio = (2 * processes.one) / processes.two;
    return { migrations: MIGRATIONS, oneMs, twoMs, ratio: oneMs / twoMs, processesRatio };
  } finally {
    await pools.two.close();
  }
}

async function aloneMs(name: string): Promise<number> {
  const told: AloneArguments = [name, String(OF_A_PROCESS)];
  const { stdout } = await promisify(execFile)(process.execPath, [ALONE, ...told]);
  return Number(stdout);
}
