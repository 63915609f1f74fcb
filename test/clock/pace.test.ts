import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type PaceEnd, pace } from '../../src/clock/pace.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { hostTime } from '../../src/clock/wall-clock.ts';
import { FakeHost } from './fake-host.ts';

const MS = 1_000_000;

/** The end of a pacing, if it has come by the time all microtasks have run. */
async function endOf(pacing: Promise<PaceEnd>): Promise<PaceEnd | 'still going'> {
  const later = new Promise<'still going'>((resolve) => setTimeout(() => resolve('still going'), 0));
  return Promise.race([pacing, later]);
}

describe('at a factor', () => {
  test.each([
    { factor: 1, wallMs: [100, 250, 251] },
    { factor: 10, wallMs: [10, 25, 26] },
    { factor: 0.5, wallMs: [200, 500, 502] },
  ])('$factor entries fire when the wall says so', async ({ factor, wallMs }) => {
    const host = new FakeHost(1_000);
    const clock = new VirtualClock();
    const firedMs: number[] = [];
    for (const dueMs of [250, 100, 251]) clock.at(dueMs * MS, () => firedMs.push(host.now() - 1_000));
    const pacing = pace(clock, { factor, host });
    host.advance(1_000);
    expect(firedMs).toEqual(wallMs);
    expect(await pacing).toBe('drained');
  });

  test('it sleeps between entries: a second of waiting costs no more wake-ups than refreshes', async () => {
    const host = new FakeHost();
    const clock = new VirtualClock();
    const shownMs: number[] = [];
    clock.at(1_000 * MS, () => {});
    const pacing = pace(clock, { factor: 1, host, refreshMs: 100, onRefresh: (nowNs) => shownMs.push(nowNs / MS) });
    host.advance(999);
    expect(shownMs).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900]);
    expect(host.wakeUps).toBeLessThanOrEqual(12);
    expect(await endOf(pacing)).toBe('still going');
    host.advance(1);
    expect(await pacing).toBe('drained');
    expect(shownMs.at(-1)).toBe(1_000);
  });

  test('a slow model is late, skips nothing, and catches up', async () => {
    const host = new FakeHost();
    const clock = new VirtualClock();
    const fired: string[] = [];
    for (const dueMs of [10, 20, 30, 500]) {
      clock.at(dueMs * MS, () => {
        fired.push(`${clock.nowNs / MS}@${host.now()}`);
        host.spend(dueMs < 100 ? 50 : 0);
      });
    }
    const pacing = pace(clock, { factor: 1, host });
    host.advance(1_000);
    expect(fired).toEqual(['10@10', '20@60', '30@110', '500@500']);
    expect(await pacing).toBe('drained');
  });

  test('what is asked for from outside while it sleeps fires in order, no later than a refresh', async () => {
    const host = new FakeHost();
    const clock = new VirtualClock();
    const fired: string[] = [];
    clock.at(1_000 * MS, () => fired.push('planned'));
    const pacing = pace(clock, { factor: 1, host, refreshMs: 100 });
    host.advance(450);
    clock.at(clock.nowNs, () => fired.push('cancel'));
    host.advance(100);
    expect(fired).toEqual(['cancel']);
    host.advance(1_000);
    expect(fired).toEqual(['cancel', 'planned']);
    expect(await pacing).toBe('drained');
  });

  test.each([0, -1, Number.NaN, Infinity])('%d is refused', (factor) => {
    expect(() => pace(new VirtualClock(), { factor })).toThrow(RangeError);
  });
});

describe('at max', () => {
  test('never waits, and gives the event loop a turn each so many entries', async () => {
    const host = new FakeHost();
    const clock = new VirtualClock();
    let fired = 0;
    for (let index = 0; index < 1_000; index++) clock.at(index * 3_600_000 * MS, () => fired++);
    const pacing = pace(clock, { factor: 'max', host, entriesPerTurn: 100 });
    host.advance(0);
    expect(fired).toBe(1_000);
    expect(host.wakeUps).toBe(11);
    expect(host.now()).toBe(0);
    expect(await pacing).toBe('drained');
  });

  test('a turn ends after 20 ms even if few entries fired, and the display is fed', async () => {
    const host = new FakeHost();
    const clock = new VirtualClock();
    const shown: number[] = [];
    for (let index = 1; index <= 100; index++) clock.at(index, () => host.spend(5));
    const pacing = pace(clock, { factor: 'max', host, refreshMs: 50, onRefresh: (nowNs) => shown.push(nowNs) });
    host.advance(1_000);
    expect(await pacing).toBe('drained');
    expect(host.wakeUps).toBe(26);
    expect(shown).toEqual([12, 24, 36, 48, 60, 72, 84, 96, 100]);
  });

  test('with the real host other timers get their turn meanwhile', async () => {
    const clock = new VirtualClock();
    let heard = false;
    const again = () => void clock.at(clock.nowNs + 1, again);
    clock.at(1, again);
    hostTime.setTimeout(() => (heard = true), 5);
    expect(await pace(clock, { factor: 'max', done: () => heard })).toBe('done');
  });
});

describe('it ends', () => {
  test('when the caller says that it is done, with entries left', async () => {
    const host = new FakeHost();
    const clock = new VirtualClock();
    let ticks = 0;
    const tick = () => {
      ticks++;
      clock.at(clock.nowNs + 10 * MS, tick);
    };
    clock.at(10 * MS, tick);
    const pacing = pace(clock, { factor: 'max', host, done: () => ticks === 3 });
    host.advance(0);
    expect(await pacing).toBe('done');
    expect([ticks, clock.waitingEntries, host.armedTimers]).toEqual([3, 1, 0]);
  });

  test('at once when aborted while asleep', async () => {
    const host = new FakeHost();
    const clock = new VirtualClock();
    const abort = new AbortController();
    clock.at(1_000 * MS, () => {});
    const pacing = pace(clock, { factor: 1, host, signal: abort.signal });
    host.advance(50);
    abort.abort();
    expect(await pacing).toBe('aborted');
    expect(host.armedTimers).toBe(0);
    expect(clock.waitingEntries).toBe(1);
  });

  test('after the entry that aborts', async () => {
    const host = new FakeHost();
    const clock = new VirtualClock();
    const abort = new AbortController();
    const fired: string[] = [];
    const shown: number[] = [];
    clock.at(1, () => {
      fired.push('one');
      abort.abort();
    });
    clock.at(2, () => fired.push('two'));
    const pacing = pace(clock, { factor: 'max', host, signal: abort.signal, onRefresh: (nowNs) => shown.push(nowNs) });
    host.advance(0);
    expect(await pacing).toBe('aborted');
    expect(fired).toEqual(['one']);
    expect(shown).toEqual([1]);
  });

  test('before the first entry when it was aborted before', async () => {
    const clock = new VirtualClock();
    clock.at(1, () => expect.unreachable());
    expect(await pace(clock, { factor: 'max', signal: AbortSignal.abort() })).toBe('aborted');
  });

  test('with the error of an entry', async () => {
    const host = new FakeHost();
    const clock = new VirtualClock();
    clock.at(1, () => {
      throw new Error('of the entry');
    });
    const pacing = pace(clock, { factor: 'max', host });
    host.advance(0);
    await expect(pacing).rejects.toThrow('of the entry');
    expect(host.armedTimers).toBe(0);
  });
});

test('no pace changes what fires, at which virtual time, in which order', async () => {
  const plan = fc.array(fc.record({ dueNs: fc.nat(50 * MS), thenNs: fc.nat(20 * MS), costMs: fc.nat(30) }), {
    maxLength: 40,
  });
  const factor = fc.constantFrom<number | 'max'>(0.3, 1, 10, 1_000, 'max');
  await fc.assert(
    fc.asyncProperty(plan, factor, fc.integer({ min: 1, max: 5 }), async (entries, factor, entriesPerTurn) => {
      const load = (spend: (ms: number) => void) => {
        const clock = new VirtualClock();
        const log: string[] = [];
        entries.forEach(({ dueNs, thenNs, costMs }, index) => {
          clock.at(dueNs, () => {
            spend(costMs);
            log.push(`${index}@${clock.nowNs}`);
            clock.at(clock.nowNs + thenNs, () => log.push(`after ${index}@${clock.nowNs}`));
          });
        });
        return { clock, log };
      };
      const plain = load(() => {});
      plain.clock.runAll(1_000);
      const host = new FakeHost();
      const paced = load((ms) => host.spend(ms));
      const pacing = pace(paced.clock, { factor, host, entriesPerTurn });
      host.advance(10_000);
      expect(await pacing).toBe('drained');
      expect(paced.log).toEqual(plain.log);
    }),
    { numRuns: 200 },
  );
});
