/** Fresh seeds: drawn from the clock here, and printed when they fail. Nothing may be found. */
import { expect, test } from 'vitest';
import { check } from '../../../src/lab/check/check.ts';

const FRESH_SEEDS = 60;
const LIMIT_MS = 120_000;

test(
  'fresh seeds',
  async () => {
    const seed = Date.now() % 2 ** 31;
    const { found, runs } = await check({ seed, seeds: FRESH_SEEDS, exhaustive: 'no', workers: 1 });
    const words = found.map(
      ({ one, broken, shrunk }) =>
        `${one.seed}: ${broken.law}: ${broken.because}; made small: ${JSON.stringify(shrunk.one)}`,
    );
    expect(words, `switchover check --seed ${seed} --seeds ${FRESH_SEEDS}`).toEqual([]);
    expect(runs).toBe(FRESH_SEEDS);
  },
  LIMIT_MS,
);
