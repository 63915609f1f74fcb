/**
 * A check that finds nothing means something only if it finds what is there: each mutant must be found within 1,000 seeds, and
 * the sound product must have nothing against the same cases. How many seeds each took is printed.
 */
import { afterAll, expect, test } from 'vitest';
import { type Hunt, Hunter } from './mutants/hunt.ts';
import { MUTANTS } from './mutations.ts';

const SEEDS_MAX = 1000;

const hunter = new Hunter();
const hunts: Hunt[] = [];

test('there are many mutants, each with a name of its own', () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(24);
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});

test.each(MUTANTS)('is found: $name', async (mutant) => {
  const hunt = await hunter.hunt(mutant, SEEDS_MAX);
  hunts.push(hunt);
  expect(hunt.unsound, 'the sound product fails in the same case').toBeUndefined();
  expect(hunt.broken?.law, `not found in ${SEEDS_MAX} seeds, of which ${hunt.runs} were run`).toBeDefined();
});

afterAll(() => {
  const found = hunts.filter(({ broken }) => broken !== undefined);
  const lines = found.map(
    ({ mutant, seed, runs, broken }) =>
      `${String(seed).padStart(5)} ${String(runs).padStart(5)}  ${mutant.name}: ${broken?.law} (${checkerOf(broken?.because)})`,
  );
  const median = found.map(({ seed = 0 }) => seed).sort((a, b) => a - b)[found.length >> 1];
  const head = 'seeds   run  mutant: the law that it broke';
  process.stderr.write(`\n${[head, ...lines].join('\n')}\nmedian: ${median} seeds, of ${found.length} mutants\n`);
});

/** As much of the reason as fits on a line. */
function checkerOf(because = ''): string {
  return because.length <= 60 ? because : `${because.slice(0, 57)}...`;
}
