/**
 * QEMU's quantum, transcribed from system/cpu-throttle.c: each tick of 10 ms / (1 - p) begins with a sleep of
 * 10 ms x p / (1 - p). 99 % is 990 ms in a second.
 */
import { describe, expect, test } from 'vitest';
import { CpuThrottle } from '../../src/hardware/cpu-throttle.ts';
import { Vcpus } from '../../src/hardware/vcpus.ts';
import { pagesIn } from '../../src/streams/page-writes.ts';

const MS = 1e6;
const throttled = (percent: number, windowNs?: number) => {
  const one = new CpuThrottle(windowNs);
  one.set(percent);
  return one;
};

describe('a tick', () => {
  test.each([
    [20, 2.5, 12.5],
    [50, 10, 20],
    [75, 30, 40],
    [90, 90, 100],
    [99, 990, 1000],
  ])('of %i %% sleeps %f ms of %f', (percent, sleepMs, wholeMs) => {
    const one = throttled(percent);
    expect(one.runsIn(0, 2 * wholeMs * MS)).toEqual([
      [sleepMs * MS, wholeMs * MS],
      [(wholeMs + sleepMs) * MS, 2 * wholeMs * MS],
    ]);
    expect(one.takeSleptNs()).toBe(2 * sleepMs * MS);
    expect(one.takeSleptNs()).toBe(0);
  });

  test('is the same however the time is cut', () => {
    const whole = throttled(90).runsIn(0, 1000 * MS);
    const one = throttled(90);
    const cut = Array.from({ length: 1000 }, (_, ms) => one.runsIn(ms * MS, (ms + 1) * MS)).flat();
    const sum = (spans: readonly (readonly [number, number])[]) => spans.reduce((ns, [from, to]) => ns + to - from, 0);
    expect(sum(cut)).toBe(sum(whole));
    expect(cut.every(([from]) => whole.some(([begins, ends]) => begins <= from && from < ends))).toBe(true);
  });

  test('goes on to its end with the percentage that it began with', () => {
    const one = throttled(50);
    expect(one.runsIn(0, 5 * MS)).toEqual([]);
    one.set(90);
    expect(one.runsIn(5 * MS, 120 * MS)).toEqual([
      [10 * MS, 20 * MS],
      [110 * MS, 120 * MS],
    ]);
  });

  test('ends at once when the throttle does', () => {
    const one = throttled(99);
    expect(one.runsIn(0, MS)).toEqual([]);
    one.set(0);
    expect(one.runsIn(MS, 2 * MS)).toEqual([[MS, 2 * MS]]);
  });

  test('of a window of its own sleeps for the share of that', () => {
    expect(throttled(30, 100 * MS).runsIn(0, 200 * MS)).toEqual([
      [30 * MS, 100 * MS],
      [130 * MS, 200 * MS],
    ]);
    expect(() => new CpuThrottle(0)).toThrow(RangeError);
  });
});

test('every writer writes in the run and not in the sleep', () => {
  const set = [{ firstPage: 0, pages: 4096 }];
  const vcpus = new Vcpus([{ vcpus: '0', kind: 'cycle', set, rate: { writesPerSecond: 100_000 } }], 4096, 1);
  vcpus.throttle(50);
  const spans: (readonly [number, number, number])[] = [];
  vcpus.advance(0, 40 * MS, (batch) => spans.push([batch.fromNs, batch.toNs, pagesIn(batch)]));
  const pages = (from: number, to: number) =>
    spans.filter(([begins, ends]) => begins >= from && ends <= to).reduce((sum, [, , n]) => sum + n, 0);
  expect([pages(10 * MS, 20 * MS), pages(30 * MS, 40 * MS), pages(0, 40 * MS)]).toEqual([1000, 1000, 2000]);
});

test('what is owed is what would have been written: a random writer at 75 % touches as many pages either way', () => {
  const set = [{ firstPage: 0, pages: 100_000 }];
  const touched = (mayOwe: boolean) => {
    const vcpus = new Vcpus([{ vcpus: '0', kind: 'random', set, rate: { writesPerSecond: 400_000 } }], 4096, 7);
    vcpus.throttle(75);
    const seen = new Set<number>();
    const emit: Parameters<Vcpus['advance']>[2] = (batch) => {
      if (batch.form === 'list') for (const page of batch.pages) seen.add(page);
      else if (batch.form === 'bitmap')
        batch.words.forEach((word, w) => {
          for (let bit = 0; bit < 32; bit++) if ((word >>> bit) & 1) seen.add(batch.firstPage + 32 * w + bit);
        });
    };
    for (let at = 0; at < 1000; at += 50) vcpus.advance(at * MS, (at + 50) * MS, emit, mayOwe);
    vcpus.settle(0, 100_000, emit);
    return seen.size;
  };
  // 250 ms of 400,000/s: 100,000 writes into 100,000 pages touch 1 - 1/e of them, 63,212; standard deviation 154 x 0.64.
  for (const pages of [touched(true), touched(false)]) expect(Math.abs(pages - 63_212)).toBeLessThan(500);
});
