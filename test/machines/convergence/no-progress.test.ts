/**
 * The vGPU practice of 2017 (Kevin Tian, qemu-devel, June 2017): about three rounds: all; vGPU and CPU; the same again, then stop.
 * A set that shrank by less than a share of the one before is no progress; one that shrank by exactly that share is.
 */
import { describe, expect, test } from 'vitest';
import { noProgress, noProgressPolicy } from '../../../machines/convergence/no-progress.ts';
import type { Observation } from '../../../machines/words.ts';
import { given } from '../given.ts';

const observe = (remainingPages: number): Observation => ({
  cause: 'round',
  round: 1,
  remainingBytes: remainingPages * 4096,
  remainingPages,
  dirtyPagesBySource: {},
  bandwidthBytesPerSecond: 1_000_000,
  downtimeLimitMs: 300,
  throttlePercent: 0,
});
const assess = (pages: number) => ({ type: 'ASSESS', from: 'pre-copy', observation: observe(pages) });
const policy = (shrinkPercent: number) => given(noProgress, { parameters: { shrinkPercent } });
const S = 'switchover';
const C = 'continue';

type Row = readonly [
  name: string,
  shrinkPercent: number,
  sets: readonly number[],
  verdicts: readonly (typeof S | typeof C)[],
];
const ROWS: readonly Row[] = [
  ['the seed: all, vGPU and CPU, the same again', 5, [1_048_576, 131_072, 131_072], [C, C, S]],
  ['shrank by exactly 5 %', 5, [1000, 950], [C, C]],
  ['shrank by a page less than 5 %', 5, [1000, 951], [C, S]],
  ['shrank by a page more than 5 %', 5, [1000, 949], [C, C]],
  ['each set is compared with the one before, not with the first', 5, [1000, 950, 903, 858], [C, C, S, S]],
  ['grew', 5, [100, 101], [C, S]],
  ['nothing left at the first set', 5, [0], [S]],
  ['nothing left later', 5, [10, 0], [C, S]],
  ['came back after nothing was left', 5, [0, 7], [S, S]],
  ['50 %: exactly', 50, [100, 50, 25], [C, C, C]],
  ['50 %: a page too many', 50, [100, 51], [C, S]],
  ['0 %: the same again is enough', 0, [100, 100, 100], [C, C, C]],
  ['0 %: but not more', 0, [100, 101], [C, S]],
  ['100 %: only an empty set', 100, [100, 1, 0], [C, S, S]],
];

test.each(ROWS)('%s', (_, shrinkPercent, sets, verdicts) => {
  const told = policy(shrinkPercent).when(...sets.map(assess)).told;
  expect(told.map(({ verdict }) => verdict)).toEqual(verdicts);
});

describe('the reason', () => {
  const measured = { bandwidthBytesPerSecond: 1_000_000, thresholdBytes: 300_000 };

  test('of a first set has nothing to compare with', () => {
    policy(5)
      .when(assess(1000))
      .then({
        state: 'shrinking',
        told: [
          {
            to: 'pre-copy',
            type: 'VERDICT',
            verdict: C,
            because: { ...measured, remainingBytes: 4_096_000, dirtyPages: 1000 },
          },
        ],
      });
  });

  test.each([
    [1000, 951, 'noProgress', S, 4.9],
    [1000, 900, 'shrinking', C, 10],
    [1000, 0, 'drained', S, 100],
    [3, 2, 'shrinking', C, 33.333],
    [100, 150, 'noProgress', S, -50],
  ] as const)('%i pages, then %i', (before, after, state, verdict, shrankPercent) => {
    policy(5)
      .when(assess(before))
      .when(assess(after))
      .then({
        state,
        told: [
          {
            to: 'pre-copy',
            type: 'VERDICT',
            verdict,
            because: {
              ...measured,
              remainingBytes: after * 4096,
              dirtyPages: after,
              previousDirtyPages: before,
              shrankPercent,
              neededPercent: 5,
            },
          },
        ],
      });
  });
});

test('the entry names the chart and its share of 5 %', () => {
  expect(noProgressPolicy).toMatchObject({
    name: 'no-progress',
    role: 'vmm',
    machine: noProgress,
    defaults: { shrinkPercent: 5 },
  });
});
