/** Comparing policies: what is paired with what, what is sure, and what is said where runs end differently. */
import { describe, expect, test } from 'vitest';
import { comparisonOf } from '../../../src/lab/compare/comparison.ts';
import { comparisonCsv } from '../../../src/lab/compare/csv.ts';
import { comparePolicies } from '../../../src/lab/compare/run.ts';
import { comparisonSentences } from '../../../src/lab/compare/sentence.ts';
import { comparisonText } from '../../../src/lab/compare/text.ts';
import type { TrialRow } from '../../../src/lab/trial/row.ts';
import { smallInput } from '../small-scenario.ts';
import { trialRow } from '../trial/trial-row.ts';

const row = (policy: string, seed: number, changes: Partial<TrialRow> = {}) =>
  trialRow(policy, seed, {
    serviceDowntimeMs: null,
    totalMs: 5000,
    bytesTotal: 1e9,
    bytesWasted: 1e8,
    slowdownPercent: 2,
    ...changes,
  });

const seeds = (count: number) => Array.from({ length: count }, (_, nth) => 1 + nth);

describe('a comparison', () => {
  const rows = seeds(10).flatMap((seed) => [
    row('a', seed),
    // What varies from seed to seed is far more than the difference, which is sure all the same.
    row('b', seed, { downtimeMs: 100 + seed + 0.5 + 0.01 * (seed % 3) }),
    row('c', seed),
    row(
      'd',
      seed,
      seed % 2 === 0 ? {} : { outcome: 'unconverged', reason: 'gave up', downtimeMs: null, totalMs: 9000 },
    ),
    row('e', seed, { outcome: 'cancelled', reason: 'too long', downtimeMs: null }),
  ]);
  const comparison = comparisonOf(rows);
  const [a, b, c, d, e] = comparison.policies;

  test('pairs by seed, against the first', () => {
    expect(comparison).toMatchObject({ reference: 'a', seeds: seeds(10) });
    expect(a?.against).toBeNull();
    expect(b?.against?.figures.downtimeMs).toMatchObject({ n: 10, significant: true });
    expect(b?.against?.figures.downtimeMs?.mean).toBeCloseTo(0.51, 10);
    expect(b?.against?.figures.totalMs).toMatchObject({ mean: 0, p: 1, significant: false });
    expect(b?.figures.downtimeMs?.deviation).toBeGreaterThan(3);
    expect(c?.sameAs).toBe('a');
  });
  test('corrects for all that it looks at', () => {
    // Of b, c and d each six figures and who completes; of e only the latter, and the service nobody has.
    expect(comparison.tests).toBe(3 * 7 + 1);
    const found = b?.against?.figures.downtimeMs;
    expect(found?.corrected).toBeGreaterThan(found?.p ?? 1);
  });
  test('has figures of runs that completed, and pairs of which both did', () => {
    expect(d?.completed).toMatchObject({ count: 5, of: 10 });
    expect(d?.figures.totalMs).toMatchObject({ n: 5, mean: 5000 });
    expect(d?.against?.figures.downtimeMs).toMatchObject({ n: 5, mean: 0 });
    expect(d?.unfinished?.totalMs.mean).toBe(9000);
    expect(d?.against?.completed).toMatchObject({ p: 2 / 32, significant: false });
    expect(e?.figures.downtimeMs).toBeNull();
    expect(e?.against?.completed.p).toBeCloseTo(2 ** -9, 12);
    expect(e?.outcomes.cancelled?.interval.low).toBeCloseTo(0.7225, 3);
  });
  test('says so in words', () => {
    const said = comparisonSentences(comparison).join('\n');
    expect(said).toMatch(
      /^Of those that complete in all 10 runs, the guest stands for the shortest time with a \(106 ms\), then b/,
    );
    expect(said).toMatch(/Against a, b stops the guest for 0\.51 ms \(±.*us\) more\./);
    expect(said).toContain('c makes no difference here: every run is as with a.');
    expect(said).toContain('No difference is sure between a and d; more seeds may show one.');
    expect(said).toMatch(/d: 5 of 10 unconverged \(gave up\), after 9000 ms/);
    expect(said).toMatch(/e: 10 of 10 cancelled \(too long\).*; at most 28 % of runs would complete\./);
  });
});

test('one seed says nothing of another', () => {
  const one = comparisonOf([row('a', 1), row('b', 1, { downtimeMs: 50 })]);
  const [, b] = one.policies;
  expect(b?.figures.downtimeMs).toMatchObject({ n: 1, deviation: null, interval: null });
  expect(b?.against?.figures.downtimeMs).toMatchObject({ mean: -51, p: null, corrected: null, significant: false });
  expect(comparisonSentences(one)).toHaveLength(1);
});

test('a run that broke a law makes it void', () => {
  const rows = [row('a', 1, { broken: 'no-lost-write: 3 pages differ' }), row('b', 1)];
  expect(comparisonOf(rows).policies[0]?.broken).toEqual(['seed 1: no-lost-write: 3 pages differ']);
});

test('policies run with the same seeds, the table fits a terminal, and the CSV has every run', async () => {
  const told: number[] = [];
  const result = await comparePolicies(smallInput({ rest: { giveUpAfter: '5s' } }), {
    policies: ['qemu', 'no-progress', 'kubevirt-downtime-tuning', 'stop-and-copy'],
    seeds: 2,
    seed: 5,
    onProgress: (done, all) => told.push(done / all),
  });
  expect(result.rows.map(({ policy, seed }) => `${policy} ${seed}`)).toEqual(
    [5, 6].flatMap((seed) => result.policies.map(({ policy }) => `${policy} ${seed}`)),
  );
  expect(told.at(-1)).toBe(1);
  expect(result.policies.map(({ completed }) => completed.count)).toEqual([2, 2, 2, 2]);
  const stopped = result.policies.find(({ policy }) => policy === 'stop-and-copy');
  expect(stopped?.figures).toMatchObject({ rounds: { mean: 0 }, bytesWasted: { mean: 0 } });
  expect(stopped?.against?.figures.downtimeMs?.mean).toBeGreaterThan(100);
  const text = comparisonText(result);
  for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
  expect(text).toMatch(/kubevirt-downtime-\s+2\/2/);
  const csv = (await comparisonCsv(result)).trimEnd().split('\n');
  expect(csv).toHaveLength(1 + 8);
  expect(csv[0]).toMatch(/^policy,loop,.*,broken,serviceDowntimeMs\.nic0,serviceDowntimeMs\.nic1$/);
});
