/**
 * VDSM's exponential steps, second by second, with a look every 10 s.
 *
 * The tables are transcribed from VDSM d8ff8959d^, lib/vdsm/virt/migration.py (exponential_downtime, DowntimeThread,
 * MonitorThread.monitor_migration) and config.py.in: 500 ms, 5 steps, 100 s per GiB, 60 s at most for a step, 64 s per GiB in
 * all, 240 s without progress. The limits were computed with Python's int().
 */
import { describe, expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { managers } from '../../../machines/index.ts';
import { type Given, given } from '../given.ts';

const GIB = 2 ** 30;
const PATH = 'manager-vdsm-exponential.migrating';
const POLL = { type: `xstate.after.poll.${PATH}.look.watching` };
const STEP = { type: `xstate.after.nextStep.${PATH}.limit.holding` };

const started = (ramBytes = 2 * GIB, parameters: object = {}) => {
  const { machine, defaults } = managers['vdsm-exponential'];
  const input = {
    parameters: { ...defaults, ...parameters },
    vm: { ramBytes, vfio: false, postCopy: false, downtimeLimitMs: 300 },
  };
  return given(machine as AnyStateMachine, input).when({ type: 'MIGRATION_ACTIVE' });
};
const answer = (atMs: number, remainingBytes: number) => ({
  type: 'DONE.queryMigrate',
  status: 'active',
  totalTimeMs: atMs,
  downtimeLimitMs: 300,
  ram: { totalBytes: GIB, transferredBytes: 0, remainingBytes, dirtySyncCount: 1, dirtyPagesPerSecond: 0, mbps: 8000 },
});
const looked = (chart: Given, atMs: number, remainingBytes: number) =>
  chart.when(POLL).when(answer(atMs, remainingBytes));
const limitOf = ({ told }: Given) => told[0]?.downtimeLimitMs;

describe('the steps', () => {
  test.each([
    [500, 5, [101, 104, 120, 189, 500]],
    // int() cuts: 20 + (80^(1/4))^4 is a little less than 100.
    [100, 5, [21, 22, 28, 46, 99]],
    [200, 5, [41, 43, 52, 84, 199]],
    [1000, 10, [101, 102, 104, 109, 120, 143, 193, 298, 522, 1000]],
    [800, 3, [267, 289, 800]],
    [100, 2, [51, 100]],
  ] as const)('%i ms in %i', (downtimeMs, stepsCount, limits) => {
    let chart = started(2 * GIB, { downtimeMs, stepsCount });
    const seen = [limitOf(chart)];
    chart = looked(looked(chart, 10_000, 7), 20_000, 8);
    seen.push(limitOf(chart));
    for (let step = 2; step < stepsCount; step++) {
      chart = chart.when(STEP);
      seen.push(limitOf(chart));
    }
    expect(seen).toEqual(limits);
    expect(chart.snapshot.value).toEqual({ migrating: { limit: 'atMost', look: 'watching' } });
  });

  // 100 s x GiB / 5 in whole seconds, 60 s at most: 64 MiB are 1.25 s, 2.5 GiB 50 s.
  test.each([
    [64 * 2 ** 20, 1000],
    [GIB, 20_000],
    [2 * GIB, 40_000],
    [2.5 * GIB, 50_000],
    [3 * GIB, 60_000],
    [64 * GIB, 60_000],
  ] as const)('of %i bytes wait %i ms for each other, and a look is 10 s', (ramBytes, waitMs) => {
    const chart = started(ramBytes, { maxTimePerGibMs: 0 });
    expect(chart.timers).toEqual([10_000]);
    const grown = looked(looked(chart, 10_000, 7), 20_000, 8);
    expect([...grown.timers].sort()).toEqual([10_000, waitMs].sort());
    expect(grown.when(STEP).timers).toEqual(expect.arrayContaining([waitMs]));
  });

  test('wait for what remains to grow from one look to the next', () => {
    let chart = started(64 * GIB);
    for (const [i, bytes] of [9, 8, 8, 5, 5].entries()) {
      chart = looked(chart, 10_000 * (i + 1), bytes);
      expect(chart.told).toEqual([]);
    }
    chart = looked(chart, 60_000, 6);
    expect(limitOf(chart)).toBe(104);
    expect(looked(chart, 70_000, 7).told).toEqual([]);
  });
});

describe('the aborts', () => {
  const abortAt = (ramBytes: number, bytesOf: (atMs: number) => number, parameters: object = {}) => {
    let chart = started(ramBytes, parameters);
    for (let atMs = 10_000; atMs <= 1_000_000; atMs += 10_000) {
      chart = looked(chart, atMs, bytesOf(atMs));
      if (chart.told.some(({ type }) => type === 'CANCEL')) return [atMs, chart.told.at(-1)?.because];
    }
    return undefined;
  };
  const shrinking = (atMs: number) => 2e9 - atMs;
  const name = 'aborted by vdsm-exponential';

  test.each([
    // 64 s per GiB, in seconds that have begun: 10.6 GiB are 678.4 s.
    ['1 GiB', GIB, shrinking, {}, [70_000, `${name}: not over after 64 s`]],
    ['10.6 GiB', 10.6 * GIB, shrinking, {}, [680_000, `${name}: not over after 679 s`]],
    [
      'more than it, not as much',
      GIB,
      shrinking,
      { maxTimePerGibMs: 70_000 },
      [80_000, `${name}: not over after 70 s`],
    ],
    ['never', GIB, shrinking, { maxTimePerGibMs: 0 }, undefined],
    ['stuck from the first look on', 64 * GIB, () => 5, {}, [260_000, `${name}: no progress for 240 s`]],
    // Progress is less than ever before, not than at the look before.
    ['a saw', 64 * GIB, (atMs: number) => 5 + ((atMs / 10_000) % 3), {}, [280_000, `${name}: no progress for 240 s`]],
  ] as const)('%s', (_, ramBytes, bytesOf, parameters, expected) => {
    expect(abortAt(ramBytes, bytesOf, parameters)).toEqual(expected);
  });

  test('end the steps, with the numbers', () => {
    const late = looked(looked(looked(started(GIB), 10_000, 7), 20_000, 8), 70_000, 6);
    late.then({ state: 'abortingLate', told: late.told, facts: late.facts, timers: ['cleared'] });
    expect(late.facts.at(-1)?.because).toEqual({
      elapsedMs: 70_000,
      remainingBytes: 6,
      downtimeLimitMs: 300,
      maxTimeMs: 64_000,
      sinceProgressMs: 0,
    });
  });
});

test('a look that fails ends the steps and the looks', () => {
  const grown = looked(looked(started(), 10_000, 7), 20_000, 8).when(POLL);
  grown.when({ type: 'FAILED.queryMigrate', errno: 'EIO' }).then({ state: 'unwatched', timers: ['cleared'] });
});

test('once dismissed it does nothing', () => {
  started()
    .when({ type: 'DISMISS' })
    .then({ state: 'dismissed', timers: ['cleared'] })
    .when(answer(1, 1));
});
