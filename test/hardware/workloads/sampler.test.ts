import { describe, expect, test } from 'vitest';
import { popcount32 } from '../../../src/hardware/bits.ts';
import { createRandom } from '../../../src/hardware/random.ts';
import { binaryDigits, sampleBits, sampleGaps } from '../../../src/hardware/workloads/sampler.ts';

const W = 2048;
const SAMPLES = 1500;

/** z of the mean and of the variance of `counts` against a binomial of W trials. */
function expectBinomial(counts: readonly number[], p: number): void {
  const n = counts.length;
  const mean = counts.reduce((a, b) => a + b, 0) / n;
  const variance = counts.reduce((sum, c) => sum + (c - mean) ** 2, 0) / (n - 1);
  const expected = W * p * (1 - p);
  expect(Math.abs((mean - W * p) / Math.sqrt(expected / n))).toBeLessThan(4);
  const fourthMoment = expected * (1 + (3 * W - 6) * p * (1 - p));
  const sd = Math.sqrt((fourthMoment - (expected * expected * (n - 3)) / (n - 1)) / n);
  expect(Math.abs((variance - expected) / sd)).toBeLessThan(4);
}

const probabilities = [0.001, 0.02, 0.1, 0.25, 1 / 3, 0.5, 0.7, 0.96875, 0.999];

describe.each(probabilities)('p = %d', (p) => {
  test('bit by bit: the count has mean W p and variance W p (1 - p)', () => {
    const random = createRandom(11, `bits ${p}`);
    const words = new Int32Array(W / 32);
    const counts = Array.from({ length: SAMPLES }, () => sampleBits(random, p, words, 0, W));
    expectBinomial(counts, p);
  });

  test('by gaps: the count has mean W p and variance W p (1 - p)', () => {
    const random = createRandom(12, `gaps ${p}`);
    const out = new Uint32Array(W + 1);
    const counts = Array.from({ length: SAMPLES }, () => sampleGaps(random, p, 0, W, out));
    expectBinomial(counts, p);
  });

  test('bit by bit: every lane of a word has the same chance', () => {
    const random = createRandom(13, `lanes ${p}`);
    const words = new Int32Array(2000);
    sampleBits(random, p, words, 0, 64_000);
    for (let lane = 0; lane < 32; lane++) {
      const ones = words.reduce((sum, word) => sum + ((word >>> lane) & 1), 0);
      expect(Math.abs((ones - 2000 * p) / Math.sqrt(2000 * p * (1 - p)))).toBeLessThan(4.5);
    }
  });

  test('bit by bit: neighbouring lanes are independent', () => {
    const random = createRandom(14, `pairs ${p}`);
    const words = new Int32Array(2000);
    sampleBits(random, p, words, 0, 64_000);
    const both = words.reduce((sum, word) => sum + popcount32(word & (word >>> 1) & 0x55555555), 0);
    const pairs = 2000 * 16;
    const q = p * p;
    expect(Math.abs(both - pairs * q)).toBeLessThan(4 * Math.sqrt(pairs * q * (1 - q)) + 1);
  });
});

describe('edges', () => {
  test('p = 0 and p = 1 are certain', () => {
    const random = createRandom(1, 'edge');
    const words = new Int32Array(4).fill(-1);
    expect(sampleBits(random, 0, words, 0, 128)).toBe(0);
    expect([...words]).toEqual([0, 0, 0, 0]);
    expect(sampleBits(random, 1, words, 0, 128)).toBe(128);
    expect(sampleGaps(random, 0, 0, 100, new Uint32Array(8))).toBe(0);
    const all = new Uint32Array(8);
    expect(sampleGaps(random, 1, 3, 7, all)).toBe(4);
    expect([...all.subarray(0, 4)]).toEqual([3, 4, 5, 6]);
  });

  test.each([
    [5, 6],
    [31, 33],
    [0, 96],
    [33, 95],
    [64, 64],
  ])('bits %i to %i: nothing outside is set, and the count is what is set', (from, to) => {
    const words = new Int32Array(4).fill(-1);
    expect(sampleBits(createRandom(1, 'edge'), 1, words, from, to)).toBe(to - from);
    const set = Array.from({ length: 128 }, (_, bit) => bit).filter((bit) => (words[bit >>> 5]! >>> bit) & 1);
    expect(set).toEqual(Array.from({ length: to - from }, (_, i) => from + i));
  });

  test('gaps continue where a full list ended', () => {
    const small = new Uint32Array(16);
    const random = createRandom(2, 'continue');
    const counts = Array.from({ length: SAMPLES }, () => {
      let count = 0;
      for (let from = 0; from < W; ) {
        const n = sampleGaps(random, 0.1, from, W, small);
        count += n;
        from = n < small.length ? W : small[n - 1]! + 1;
      }
      return count;
    });
    expectBinomial(counts, 0.1);
  });

  test.each([0.5, 0.625, 1 / 3, 2 ** -53, 0.999])('the digits of %d add up to it', (p) => {
    expect([...binaryDigits(p)].reduce((sum, digit, i) => sum - digit * 2 ** -(i + 1), 0)).toBeCloseTo(p, 15);
  });
});
