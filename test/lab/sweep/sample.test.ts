/** Points of a sweep: every combination, or drawn; a Latin hypercube has each stratum of each axis once, whatever n and seed. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pointsOf, quantilesOf } from '../../../src/lab/sweep/sample.ts';
import { pointAt, type Spread, type SweepAxis, valueAt, writtenValue } from '../../../src/lab/sweep/spread.ts';

const list = (name: string, values: readonly (string | number)[]): SweepAxis => ({
  name,
  paths: [name],
  spread: { kind: 'list', points: values.map((label) => ({ label, changes: { [name]: label }, place: [] })) },
  place: [],
});

test('a grid has every combination once, the last axis fastest', () => {
  const points = pointsOf([list('a', [1, 2]), list('b', ['x', 'y', 'z'])], { kind: 'grid' });
  expect(points.map((point) => point.map(({ label }) => label).join(''))).toEqual(
    [1, 2].flatMap((a) => ['x', 'y', 'z'].map((b) => `${a}${b}`)),
  );
  expect(pointsOf([], { kind: 'grid' })).toEqual([[]]);
});

test('a Latin hypercube has one quantile in each of n strata', () => {
  const axes = fc.string({ minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(axes, fc.integer({ min: 1, max: 500 }), fc.nat(2 ** 32 - 1), (stream, n, seed) => {
      const quantiles = quantilesOf(stream, { kind: 'latin-hypercube', n, seed });
      const strata = quantiles.map((quantile) => Math.floor(quantile * n)).sort((a, b) => a - b);
      return strata.every((stratum, index) => stratum === index) && quantiles.every((q) => q >= 0 && q < 1);
    }),
  );
});

test('so a list of k values comes up equally often where k divides n', () => {
  const axis = list('a', ['w', 'x', 'y', 'z']);
  const points = pointsOf([axis, list('b', [1, 2])], { kind: 'latin-hypercube', n: 40, seed: 3 });
  for (const label of ['w', 'x', 'y', 'z']) expect(points.filter(([a]) => a?.label === label)).toHaveLength(10);
  for (const label of [1, 2]) expect(points.filter(([, b]) => b?.label === label)).toHaveLength(20);
});

test('the same seed draws the same points, and an axis more changes no other', () => {
  const sample = { kind: 'random', n: 20, seed: 9 } as const;
  const range: SweepAxis = { ...list('r', []), spread: rangeSpread('linear') };
  const alone = pointsOf([range], sample);
  expect(pointsOf([list('a', [1, 2]), range], sample).map(([, r]) => [r])).toEqual(alone);
  expect(pointsOf([range], { ...sample, seed: 10 })).not.toEqual(alone);
});

const like = { input: '1k/s', x: 1000 };
function rangeSpread(scale: 'linear' | 'log'): Extract<Spread, { kind: 'range' }> {
  return { kind: 'range', from: 1000, to: 100_000, scale, writing: { like, multipleOf: null } };
}

test.each([
  ['a linear range', rangeSpread('linear'), 50_500],
  ['a logarithmic range', rangeSpread('log'), 10_000],
  ['a normal distribution', bell('normal', 20_000, 5000, Number.NEGATIVE_INFINITY), 20_000],
  ['a lognormal distribution', bell('lognormal', Math.log(20_000), 0.7), 20_000],
  // By hand: half of the area of a right-angled triangle is under 1 - 1/sqrt 2 of its base.
  ['a triangle', triangle(0, 0, 1000), 1000 * (1 - Math.SQRT1_2)],
] as const)('the median of %s', (_, spread, median) => {
  expect(valueAt(spread, 0.5)).toBeCloseTo(median, 4);
});

test('one standard deviation above the mean is where the tables say: 0.8413', () => {
  expect(valueAt(bell('normal', 20_000, 5000, Number.NEGATIVE_INFINITY), 0.841_344_746)).toBeCloseTo(25_000, 2);
});

test('whatever is drawn rises with its quantile and stays inside', () => {
  const spreads = [
    rangeSpread('linear'),
    rangeSpread('log'),
    triangle(1000, 4000, 100_000),
    { ...bell('normal', 20_000, 90_000), min: 1000, max: 100_000 },
    { ...bell('lognormal', Math.log(20_000), 3), min: 1000, max: 100_000 },
  ] as const;
  const quantile = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.constantFrom(...spreads), quantile, quantile, (spread, a, b) => {
      const [low, high] = [valueAt(spread, Math.min(a, b)), valueAt(spread, Math.max(a, b))];
      return low >= 1000 && high <= 100_000.000_001 && low <= high;
    }),
  );
});

test('a drawn number is written as a scenario takes it', () => {
  expect(writtenValue(12_345.678_9, { like, multipleOf: null })).toBe('12.3457k/s');
  expect(writtenValue(12_345, { like, multipleOf: 500 })).toBe('12.5k/s');
  expect(writtenValue(3e9 + 5, { like: { input: '1GiB', x: 2 ** 30 }, multipleOf: null })).toBe('2929688KiB');
  expect(writtenValue(3.4, { like: { input: 2, x: 2 }, multipleOf: 1 })).toBe(3);
  expect(writtenValue(0, { like: { input: '1ms', x: 1e6 }, multipleOf: null })).toBe(0);
  const axis: SweepAxis = { name: 'x', paths: ['a', 'b'], spread: rangeSpread('log'), place: [] };
  expect(pointAt(axis, 0.5)).toMatchObject({ label: '10k/s', changes: { a: '10k/s', b: '10k/s' } });
});

function bell(
  kind: 'normal' | 'lognormal',
  mean: number,
  sd: number,
  min = 0,
): Extract<Spread, { kind: 'normal' | 'lognormal' }> {
  return { kind, mean, sd, min, max: Number.POSITIVE_INFINITY, writing: { like, multipleOf: null } };
}

function triangle(from: number, mode: number, to: number): Extract<Spread, { kind: 'triangular' }> {
  return { kind: 'triangular', from, mode, to, writing: { like, multipleOf: null } };
}
