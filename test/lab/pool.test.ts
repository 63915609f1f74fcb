/**
 * The pool of threads: the order of the list, whoever is faster; an end when enough is enough; what a job throws; and from built
 * code the same in threads as in one's own.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { openPool, runJobs } from '../../src/lab/pool/pool.ts';
import type { TrialRow } from '../../src/lab/trial/row.ts';
import type { Trial } from '../../src/lab/trial/trial.ts';
import { smallInput } from './small-scenario.ts';

const scenario = smallInput();
const trials = (count: number): Trial[] => Array.from({ length: count }, (_, nth) => ({ scenario, seed: 1 + nth }));

test('what comes back is in the order of the list, and told of one by one', async () => {
  const told: number[] = [];
  const rows = await runJobs(trials(5), {
    task: 'trial',
    workers: 2,
    onDone: ({ seed }, index) => told.push(seed - index),
  });
  expect(rows.map(({ seed }) => seed)).toEqual([1, 2, 3, 4, 5]);
  expect(told).toEqual([1, 1, 1, 1, 1]);
});

test('no more jobs are begun once it is enough', async () => {
  let done = 0;
  const rows = await runJobs(trials(5), { task: 'trial', enough: () => done >= 2, onDone: () => done++ });
  expect(rows.map(({ seed }) => seed)).toEqual([1, 2]);
});

test('what a job throws comes out, and the pool goes on', async () => {
  const pool = openPool(2);
  const wrong = { ...trials(1)[0]!, policy: 'nobody' };
  await expect(pool.run('trial', [wrong, wrong])).rejects.toThrow(/no policy "nobody"/);
  expect(await pool.run('trial', trials(2))).toHaveLength(2);
  await pool.close();
});

const BUILT = fileURLToPath(new URL('../../dist/src/lab/pool/pool.js', import.meta.url));

/** Prints two lists of rows from threads, how many threads there were, and what a wrong job says. */
const PROGRAM = `
const { openPool } = await import(process.argv[1]);
const trials = JSON.parse(process.argv[2]);
const pool = openPool(2);
const lists = [await pool.run('trial', trials), await pool.run('trial', trials, { batch: 3 })];
const refused = await pool.run('trial', [{ ...trials[0], policy: 'nobody' }, trials[0]]).catch(({ message }) => message);
await pool.close();
process.stdout.write(JSON.stringify({ workers: pool.workers, lists, refused }));
`;

test('threads give the same as one, list after list', async () => {
  const args = ['--input-type=module', '-e', PROGRAM, BUILT, JSON.stringify(trials(7))];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 50_000 });
  const threads = JSON.parse(stdout) as { workers: number; lists: TrialRow[][]; refused: string };
  const here = await runJobs(trials(7), { task: 'trial', workers: 1 });
  expect(threads.workers).toBe(2);
  expect(threads.lists).toEqual([here, here]);
  expect(threads.refused).toMatch(/no policy "nobody"/);
});
