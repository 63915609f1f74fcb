/** `switchover bench`: its closed form against the figures that were published for it, and the whole command once. */
import { describe, expect, test } from 'vitest';
import { benchKernels } from '../../src/cli/bench-kernels.ts';
import { benchParts } from '../../src/cli/bench-parts.ts';
import { analyticOf, benchScenarios } from '../../src/cli/bench-scenarios.ts';
import { scalingOf } from '../../src/cli/bench-workers.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import { expectMistake, inProcess } from './switchover.ts';

test('the closed form: 16 GiB at 10 Gb/s under a million writes a second over 2 GiB, 30 rounds', () => {
  const { totalMs, downtimeMs, rounds } = analyticOf({
    memoryGib: 16,
    setGib: 2,
    writesPerSecond: 1e6,
    gbitPerSecond: 10,
    stopAfterRounds: 30,
  });
  expect(rounds).toBe(30);
  // Computed independently of this program, in double precision.
  expect(totalMs).toBeCloseTo(63_125.99, 1);
  expect(downtimeMs).toBeCloseTo(1643.19, 2);
});

describe('whole migrations', () => {
  const times = benchScenarios(1, 0);

  test.each(times.filter(({ analytic }) => analytic !== undefined))(
    '$name comes out as the closed form says',
    (time) => {
      const { analytic, outcome, lostWritesChecked, rounds, totalMs, downtimeMs } = time;
      expect({ outcome, lostWritesChecked, rounds }).toEqual({
        outcome: 'completed',
        lostWritesChecked: true,
        rounds: analytic!.rounds,
      });
      expect(Math.abs(totalMs / analytic!.totalMs - 1)).toBeLessThan(0.001);
      // One draw of a random set: a few hundred pages of some ten thousand.
      expect(Math.abs(downtimeMs! / analytic!.downtimeMs - 1)).toBeLessThan(0.01);
    },
  );

  test('their records and deliveries are counted', () => {
    for (const { records, deliveries, rounds } of times) {
      expect(records).toBeGreaterThan(2 * rounds);
      expect(deliveries).toBeGreaterThan(records);
    }
  });
});

test('a migration in its parts: each is part of the next, and what is compared is', async () => {
  const small = (memory: `${number}MiB`): ScenarioInput => ({
    name: 'small',
    vm: { memory, workloads: [{ kind: 'random', set: '16MiB', rate: '4k/s' }] },
    link: { bandwidth: '1Gbit/s' },
    vmm: { loop: 'textbook', maxBandwidth: 'unlimited' },
  });
  const { records, deliveries, migrationsPerSecond, ...parts } = benchParts(small('64MiB'), small('256MiB'), 1, 0);
  expect(deliveries).toBeGreaterThan(records);
  expect(migrationsPerSecond.charts).toBeGreaterThan(migrationsPerSecond.whole);
  expect(parts.replayRecordsPerSecond).toBeGreaterThan(0);
  expect(parts.subscribers.rounds).toBeGreaterThan(0);
  expect(parts.subscribers.batches).toBeGreaterThan(parts.subscribers.rounds);
  expect(parts.largerGuest.ratio).toBeGreaterThan(0);
});

test('two workers are timed from built code, and tests run from source', async () => {
  expect(await scalingOf('S2')).toEqual({ because: expect.stringContaining('built code') });
});

test('every kernel is timed in both forms', () => {
  const { times } = benchKernels([2 ** 14], { rounds: 1, roundBytes: 2 ** 19 });
  expect(times.length).toBeGreaterThanOrEqual(9);
  for (const { wasm, typescript, ratio } of times) {
    expect(Math.min(wasm, typescript, ratio)).toBeGreaterThan(0);
    expect(Math.max(wasm, typescript, ratio)).toBeLessThan(Number.POSITIVE_INFINITY);
  }
});

test('a number of migrations that is none is a mistake', async () => {
  expectMistake(await inProcess(['bench', '--migrations', 'many']), 'expected a whole number from 1 to 10000');
});
