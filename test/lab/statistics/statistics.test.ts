/** The statistics against published tables and examples, and what they say where there is little to say. */
import { describe, expect, test } from 'vitest';
import { holm } from '../../../src/lab/statistics/holm.ts';
import { differenceOf } from '../../../src/lab/statistics/paired.ts';
import { mcnemar, proportionOf } from '../../../src/lab/statistics/proportion.ts';
import { quantile, sampleOf } from '../../../src/lab/statistics/sample.ts';
import { tOf, twoSided, zOf } from '../../../src/lab/statistics/student.ts';

// NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, the columns 0.975 and 0.995.
test.each([
  [1, 12.706, 63.657],
  [2, 4.303, 9.925],
  [4, 2.776, 4.604],
  [9, 2.262, 3.25],
  [19, 2.093, 2.861],
  [30, 2.042, 2.75],
  [100, 1.984, 2.626],
])('t of %i degrees of freedom', (degrees, at95, at99) => {
  expect(tOf(0.95, degrees)).toBeCloseTo(at95, 3);
  expect(tOf(0.99, degrees)).toBeCloseTo(at99, 3);
  expect(twoSided(-at95, degrees)).toBeCloseTo(0.05, 3);
});

test('the normal quantile', () => {
  expect(zOf(0.95)).toBeCloseTo(1.959964, 6);
});

describe('a sample', () => {
  test('has its mean, its spread and an interval', () => {
    const sample = sampleOf([4, 2, 5, 8, 6])!;
    expect(sample).toMatchObject({ n: 5, mean: 5, min: 2, median: 5, max: 8 });
    expect(sample.deviation).toBeCloseTo(Math.sqrt(5), 12);
    // 2.776 * sqrt(5) / sqrt(5)
    expect(sample.interval?.low).toBeCloseTo(5 - 2.776, 3);
    expect(sample.interval?.high).toBeCloseTo(5 + 2.776, 3);
  });
  test('of one figure has neither spread nor interval, of none there is none', () => {
    expect(sampleOf([7])).toMatchObject({ n: 1, mean: 7, deviation: null, interval: null, p95: 7 });
    expect(sampleOf([])).toBeNull();
  });
  test('of equal figures has an interval of no width, without rounding', () => {
    expect(sampleOf([0.1, 0.1, 0.1])).toMatchObject({ mean: 0.1, deviation: 0, interval: { low: 0.1, high: 0.1 } });
  });
  test('quantiles are of type 7, as in R', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(quantile([1, 2, 3, 4], 0.95)).toBeCloseTo(3.85, 12);
    expect(quantile([1, 2, 3, 4], 1)).toBe(4);
  });
});

describe('paired differences', () => {
  // Cushny and Peebles' data on two soporifics in Student, "The Probable Error of a Mean", Biometrika 6 (1908); the test's
  // figures are those of R's t.test on its data set `sleep`.
  const first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
  const second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
  test("Student's own example", () => {
    const difference = differenceOf(first, second)!;
    expect(difference.mean).toBeCloseTo(1.58, 12);
    expect(difference.p).toBeCloseTo(0.002833, 6);
    expect(difference.interval?.low).toBeCloseTo(0.7001142, 6);
    expect(difference.interval?.high).toBeCloseTo(2.4598858, 6);
  });
  test('are of those cases that both have', () => {
    expect(differenceOf([1, null, 3, 4], [2, 9, null, 6])).toMatchObject({ n: 2, mean: 1.5 });
    expect(differenceOf([1, null], [null, 2])).toBeNull();
  });
  test('of one pair say nothing of chance; all the same are none, or sure', () => {
    expect(differenceOf([1], [5])).toMatchObject({ n: 1, mean: 4, p: null });
    expect(differenceOf([1, 2], [1, 2])).toMatchObject({ mean: 0, p: 1 });
    expect(differenceOf([1, 2], [2, 3])).toMatchObject({ mean: 1, p: 0 });
  });
});

test("Holm's correction keeps the order, and never gets less likely down the list", () => {
  const corrected = holm([0.01, 0.04, null, 0.03, 0.005]);
  expect(corrected.map((p) => (p === null ? null : Number(p.toFixed(12))))).toEqual([0.03, 0.06, null, 0.06, 0.02]);
  expect(holm([0.9, 0.8])).toEqual([1, 1]);
});

// Robert G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998), table I,
// the score method without correction.
test.each([
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
])("Wilson's interval of %i in %i", (count, of, low, high) => {
  const { interval } = proportionOf(count, of);
  expect(interval.low).toBeCloseTo(low, 4);
  expect(interval.high).toBeCloseTo(high, 4);
  const others = proportionOf(of - count, of).interval;
  expect(others.low).toBeCloseTo(1 - interval.high, 12);
});

test("McNemar's test is a coin's: 2 x (1 + 8) / 2^8 for 1 against 7", () => {
  expect(mcnemar(1, 7)).toBeCloseTo(18 / 256, 12);
  expect(mcnemar(0, 20)).toBeCloseTo(2 ** -19, 12);
  expect([mcnemar(0, 0), mcnemar(3, 3)]).toEqual([1, 1]);
});

/** Each against its definition, computed another way. */
describe('independently', () => {
  /** 2 x P(X <= the fewer) of n fair coins, in whole numbers. */
  function coins(onlyFirst: number, onlyLater: number): number {
    const n = BigInt(onlyFirst + onlyLater);
    let [ways, tail] = [1n, 0n];
    for (let k = 0n; k <= BigInt(Math.min(onlyFirst, onlyLater)); k++) {
      tail += ways;
      ways = (ways * (n - k)) / (k + 1n);
    }
    return Math.min(1, Number((2n * tail * 10n ** 400n) / 2n ** n / 10n ** 380n) / 1e20);
  }

  test.each([
    [3, 9],
    [20, 31],
    [500, 500],
    // More of them than a double has powers of a half.
    [540, 660],
    [1000, 1100],
    [700, 701],
  ])("McNemar's %i against %i", (onlyFirst, onlyLater) => {
    expect(mcnemar(onlyFirst, onlyLater)).toBeCloseTo(coins(onlyFirst, onlyLater), 9);
    expect(mcnemar(onlyLater, onlyFirst)).toBe(mcnemar(onlyFirst, onlyLater));
  });

  test("McNemar's of thousands on one side is next to nothing", () => {
    expect(mcnemar(0, 3000)).toBeLessThan(1e-300);
    expect(mcnemar(600, 600)).toBe(1);
  });

  /** The density of Student's t between 0 and |t| by Simpson's rule; gamma((v+1)/2)/gamma(v/2) by its recurrence. */
  function tails(t: number, v: number): number {
    let ratio = v % 2 === 0 ? Math.sqrt(Math.PI) / 2 : 1 / Math.sqrt(Math.PI);
    for (let one = v % 2 === 0 ? 2 : 1; one < v; one += 2) ratio *= (one + 1) / one;
    const density = (x: number) => (ratio / Math.sqrt(v * Math.PI)) * (1 + x ** 2 / v) ** (-(v + 1) / 2);
    const [steps, width] = [2000, Math.abs(t) / 2000];
    const inner = Array.from({ length: steps - 1 }, (_, i) => (i % 2 === 0 ? 4 : 2) * density((i + 1) * width));
    return 1 - 2 * (width / 3) * (density(0) + density(t) + inner.reduce((total, one) => total + one, 0));
  }

  test.each([
    [0.3, 1],
    [2.5, 4],
    [4.0621, 9],
    [-1.1, 29],
    [3, 200],
  ])("Student's t of %d with %i degrees", (t, degrees) => {
    expect(twoSided(t, degrees)).toBeCloseTo(tails(t, degrees), 9);
  });

  test("Holm's are the closed test of Bonferroni's: the most that any group with it comes to", () => {
    const p = [0.011, 0.02, 0.5, 0.009, 0.02, 0.0004];
    const groups = Array.from({ length: 2 ** p.length - 1 }, (_, bits) => p.map((_, i) => ((bits + 1) >> i) % 2 === 1));
    const closed = p.map((_, i) =>
      Math.max(
        ...groups
          .filter((group) => group[i])
          .map((group) => {
            const members = p.filter((_, at) => group[at]);
            return Math.min(1, members.length * Math.min(...members));
          }),
      ),
    );
    for (const [i, corrected] of holm(p).entries()) expect(corrected).toBeCloseTo(closed[i]!, 12);
  });

  test.each([
    [3, 17],
    [50, 60],
  ])("the ends of Wilson's interval of %i in %i are where the score is z", (count, of) => {
    const { share, interval } = proportionOf(count, of, 0.9);
    for (const end of [interval.low, interval.high]) {
      expect(Math.abs(share - end) / Math.sqrt((end * (1 - end)) / of)).toBeCloseTo(1.6448536, 6);
    }
  });

  test('a quantile of type 7 is where the broken line through (i/(n-1), x_i) is', () => {
    const sorted = [1, 4, 4.5, 9, 20, 21, 50];
    for (let at = 0; at <= 600; at++) {
      const i = Math.min(5, Math.floor(at / 100));
      const part = at / 100 - i;
      expect(quantile(sorted, at / 600)).toBeCloseTo(sorted[i]! * (1 - part) + sorted[i + 1]! * part, 9);
    }
  });
});
