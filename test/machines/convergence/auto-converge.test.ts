/**
 * QEMU's auto-converge, held to its published rule: a table transcribed from migration/ram.c (migration_bitmap_sync,
 * migration_trigger_throttle, mig_throttle_guest_down) by hand, not from the chart. 4096 bytes a page; defaults 20, 10, 99, 50.
 */
import { describe, expect, test } from 'vitest';
import { AUTO_CONVERGE_DEFAULTS, autoConverge } from '../../../machines/convergence/auto-converge.ts';
import { type Given, given } from '../given.ts';

const chart = (changes: object = {}): Given =>
  given(autoConverge, { ...AUTO_CONVERGE_DEFAULTS, periodOverMs: 1000, syncTickMs: 0, ...changes });
/** Of `percent` of what was sent, 100 pages, so many have been dirtied. */
const synced = (atMs: number, newDirtyPages: number, sentPages = 100, round = 2) => ({
  type: 'SYNCED',
  from: 'pre-copy',
  atNs: atMs * 1e6,
  round,
  newDirtyPages,
  sentBytes: sentPages * 4096,
});
const FIRST = synced(0, 0, 0, 0);
const throttle = (percent: number) => [
  { to: 'guest', type: 'THROTTLE', percent },
  { to: 'pre-copy', type: 'THROTTLED', percent },
];
const context = (one: Given) => one.snapshot.context as { throttlePercent: number; rate: { hits: number } };

/** Every sync two seconds after the one before: what the throttle is after each. */
function ladder(start: Given, dirtyPages: readonly number[]): readonly number[] {
  let one = start.when(FIRST);
  return dirtyPages.map((pages, i) => {
    one = one.when(synced(2000 * (i + 1), pages));
    return context(one).throttlePercent;
  });
}

describe('the ladder', () => {
  test('begins at the second bad period and rises by the increment at every second one, up to the maximum', () => {
    expect(ladder(chart(), Array(22).fill(51))).toEqual([
      0, 20, 20, 30, 30, 40, 40, 50, 50, 60, 60, 70, 70, 80, 80, 90, 90, 99, 99, 99, 99, 99,
    ]);
  });

  test('is told to the guest and to who reports it', () => {
    const hit = chart()
      .when(FIRST, synced(2000, 51))
      .then({ state: { watching: 'waitingForSync' } });
    hit.when(synced(4000, 51)).then({ told: throttle(20) });
  });

  test('has its parameters', () => {
    const own = chart({ initialPercent: 5, incrementPercent: 40, maxPercent: 60, triggerThresholdPercent: 10 });
    expect(ladder(own, Array(8).fill(11))).toEqual([0, 5, 5, 45, 45, 60, 60, 60]);
    expect(ladder(own, Array(8).fill(10))).toEqual(Array(8).fill(0));
  });
});

describe('a period', () => {
  test.each([
    ['at half of what was sent is good', [50, 50, 50, 50], [0, 0, 0, 0]],
    ['above it is bad', [51, 51, 51, 51], [0, 20, 20, 30]],
    ['that is good takes no hit away', [51, 0, 0, 51, 0, 51, 51], [0, 0, 0, 20, 20, 20, 30]],
  ])('%s', (_, pages, expected) => {
    expect(ladder(chart(), pages)).toEqual(expected);
  });

  test('is over after more than a second: until then syncs add up', () => {
    const once = chart().when(FIRST, synced(1000, 51));
    expect(context(once).rate.hits).toBe(0);
    expect(context(once.when(synced(1001, 0, 0))).rate.hits).toBe(1);
    // 40 + 40 of 100 + 100 is good, 40 + 61 is not.
    expect(context(chart().when(FIRST, synced(900, 40), synced(1800, 40))).rate.hits).toBe(0);
    expect(context(chart().when(FIRST, synced(900, 40), synced(1800, 61))).rate.hits).toBe(1);
  });

  test('begins with the first sync, at which everything is dirty by definition', () => {
    const one = chart().when(synced(0, 1000, 0, 0), synced(1001, 50));
    expect(context(one).rate.hits).toBe(0);
  });

  test('in which nothing was sent is bad when anything was dirtied, and good otherwise', () => {
    expect(ladder(chart(), [])).toEqual([]);
    expect(context(chart().when(FIRST, synced(2000, 1, 0))).rate.hits).toBe(1);
    expect(context(chart().when(FIRST, synced(2000, 0, 0))).rate.hits).toBe(0);
  });
});

describe('tailslow', () => {
  /** now = 100 - pct; ideal = now x allowed / dirty, cut off; step = min(now - ideal, increment). */
  test.each([
    // 20 %: 80 x 50/51 = 78.4 -> 78, so by 2.
    [51, 22],
    // 80 x 50/56 = 71.4 -> 71, by 9.
    [56, 29],
    // 80 x 50/58 = 68.9 -> 68, by 12: no more than the increment.
    [58, 30],
    [100, 30],
  ])('%i pages dirtied of 100 sent make 20 %% into %i %%', (pages, percent) => {
    expect(ladder(chart({ tailslow: true }), [51, 51, pages, pages]).at(-1)).toBe(percent);
  });
});

describe('from 9.2 on, a long pass', () => {
  const ticking = chart({ syncTickMs: 5000 }).when(FIRST);
  const tick = { type: 'xstate.after.untilNextTick.auto-converge.watching.waitingForTick' };

  test('is looked at every five seconds from the first sync on; the first pass never', () => {
    ticking.then({ timers: [5000], state: { watching: 'waitingForTick' } });
    const again = ['cleared', 5000] as const;
    ticking.when(tick).then({ timers: again }).when(tick).then({ timers: again });
  });

  test('is synced when none came since the last tick', () => {
    const second = ticking.when(tick, synced(7000, 0));
    // The tick at 10 s only sees that a sync has come.
    const seen = second.when(tick).then({ timers: ['cleared', 5000] });
    const asked = seen.when(tick).then({ timers: ['cleared', 5000], told: [{ to: 'pre-copy', type: 'SYNC_NOW' }] });
    asked.when(synced(15_001, 0)).then({ timers: ['cleared', 4999] });
  });

  test('is synced at every tick for as long as it lasts: the sync that was asked for ends no pass', () => {
    let long = ticking.when(tick, synced(7000, 0), tick);
    for (let atMs = 15_000; atMs <= 60_000; atMs += 5000) {
      long = long.when(tick).then({ timers: ['cleared', 5000], told: [{ to: 'pre-copy', type: 'SYNC_NOW' }] });
      long = long.when(synced(atMs + 1, 0)).then({ timers: ['cleared', 4999] });
    }
    // The pass ends: the tick after that is content.
    long
      .when(synced(62_000, 0))
      .then({ timers: ['cleared', 3000] })
      .when(tick)
      .then({ timers: ['cleared', 5000] });
  });

  test('ticks on at its own pace, whatever is synced', () => {
    ticking.when(synced(1500, 0)).then({ timers: ['cleared', 3500] });
  });

  test('is synced no more once pre-copy is over', () => {
    ticking.when({ type: 'PRECOPY_ENDED', from: 'migration' }).then({ state: 'keeping', timers: ['cleared'] });
  });
});

describe('the end', () => {
  const RELEASE = { type: 'RELEASE', from: 'migration' };
  const ENDED = { type: 'PRECOPY_ENDED', from: 'migration' };
  const throttling = chart().when(FIRST, synced(2000, 51), synced(4000, 51));

  test('takes the throttle away, after the guest has stopped or on the way back', () => {
    throttling
      .when(ENDED)
      .then({ state: 'keeping' })
      .when(RELEASE)
      .then({
        state: 'released',
        told: [{ to: 'guest', type: 'THROTTLE', percent: 0 }],
      });
    throttling.when(RELEASE).then({ state: 'released', told: [{ to: 'guest', type: 'THROTTLE', percent: 0 }] });
  });

  test('tells the guest nothing that has not been throttled', () => {
    chart().when(FIRST, RELEASE).then({ state: 'released' });
    throttling.when(RELEASE).when(RELEASE).then({ state: 'released' });
  });
});
