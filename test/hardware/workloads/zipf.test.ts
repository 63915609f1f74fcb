/** Zipf's law, held to sums and shares computed term by term, and both ways of sampling to the law. */
import { describe, expect, test } from 'vitest';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { createRandom } from '../../../src/hardware/random.ts';
import { type ZipfMethod, ZipfWriter } from '../../../src/hardware/workloads/zipf.ts';
import { ZipfLaw, zipfWeightSum } from '../../../src/hardware/workloads/zipf-law.ts';
import { forEachPage, type PageWrites } from '../../../src/streams/page-writes.ts';

const W = 3000;
const set = [
  { firstPage: 37, pages: 1000 },
  { firstPage: 2000, pages: W - 1000 },
];
const PAGES = 2000 + W;

/** Shares of all ranks, by the definition. */
function shares(n: number, skew: number): number[] {
  const weights = Array.from({ length: n }, (_, r) => 1 / (r + 1) ** skew);
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

function writer(skew: number, writesPerSecond: number, method: ZipfMethod | undefined, stream = 'x') {
  const spec = { kind: 'zipf', set, skew, rate: { writesPerSecond } } as const;
  return new ZipfWriter(spec, 'vcpu:0', 4096, createRandom(21, stream), method);
}

describe('the law', () => {
  test.each([
    [10, 0.5],
    [1000, 1],
    [1001, 1],
    [50_000, 0],
    [200_000, 0.99],
    [200_000, 1],
    [200_000, 1.3],
    [200_000, 4],
  ])('the sum over %i ranks at skew %d is the sum of its terms', (n, skew) => {
    let sum = 0;
    for (let r = n; r >= 1; r--) sum += 1 / r ** skew;
    expect(zipfWeightSum(n, skew) / sum).toBeCloseTo(1, 12);
  });

  test.each([0, 0.8, 1, 2.5])('skew %d: shares are in proportion and come to one', (skew) => {
    const law = new ZipfLaw(W, skew);
    const expected = shares(W, skew);
    for (const rank of [0, 1, 2, 17, 999, W - 1]) expect(law.share(rank) / expected[rank]!).toBeCloseTo(1, 10);
  });

  test('a law over the pages of 1 TiB is made at once', () => {
    const law = new ZipfLaw(2 ** 28, 0.99);
    expect(law.groups).toBeLessThan(120);
    expect(law.share(0)).toBeGreaterThan(0.04);
  });

  test.each([
    [0, 1],
    [10, -1],
    [10, 11],
  ])('%i ranks of skew %d are refused', (ranks, skew) => {
    expect(() => new ZipfLaw(ranks, skew)).toThrow(RangeError);
  });
});

/** How far the pages that `one` touches are from the law of `skew`, in standard deviations of Pearson's statistic. */
function distance(one: ZipfWriter, skew: number, perSpan: number): number {
  const spans = 400;
  const touched = new Map<number, number>();
  const dirty = new PageBitmap(PAGES);
  for (let i = 0; i < spans; i++) {
    one.advance(i * 1e8, (i + 1) * 1e8, 100, (batch) => dirty.applyWrites(batch));
    dirty.forEach((page) => {
      touched.set(page, (touched.get(page) ?? 0) + 1);
    });
    dirty.clearAll();
  }
  const share = shares(W, skew);
  // Ranks one by one; cold ones together until 20 touches are expected.
  let [statistic, cells, observed, expected, variance] = [0, 0, 0, 0, 0];
  for (let rank = 0; rank < W; rank++) {
    const p = 1 - Math.exp(-perSpan * share[rank]!);
    observed += touched.get(one.pageOf(rank)) ?? 0;
    expected += spans * p;
    variance += spans * p * (1 - p);
    if (expected < 20 || variance < 5) continue;
    statistic += (observed - expected) ** 2 / variance;
    cells += 1;
    [observed, expected, variance] = [0, 0, 0];
  }
  expect(cells).toBeGreaterThan(5);
  return Math.abs(statistic - cells) / Math.sqrt(2 * cells);
}

describe.each(['draws', 'ranks'] as const)('by %s', (method) => {
  test.each([0, 0.8, 1, 2])('skew %d: each rank is touched in its share of spans', (skew) => {
    const one = writer(skew, 9000, method, `${method} ${skew}`);
    expect(distance(one, skew, 900)).toBeLessThan(4.5);
  });

  test.each([
    [0.85, 0.8, 900],
    [1, 1.05, 900],
    [1, 1, 1000],
  ])('a writer of skew %d is told from skew %d at %i writes a span', (skew, judged, perSpan) => {
    expect(distance(writer(skew, 9000, method, 'mutant'), judged, perSpan)).toBeGreaterThan(6);
  });

  test('never writes outside its set, and the hottest page is written in every span', () => {
    const one = writer(1, 1e6, method);
    const dirty = new PageBitmap(PAGES);
    one.advance(0, 1e9, 100, (batch) => dirty.applyWrites(batch));
    expect(dirty.get(one.pageOf(0))).toBe(true);
    expect(set.reduce((sum, { firstPage, pages }) => sum + dirty.countRange(firstPage, pages), 0)).toBe(dirty.count);
  });

  test('stopped or without a rate it writes nothing', () => {
    const batches: PageWrites[] = [];
    writer(1, 1e6, method).advance(0, 1e9, 0, (batch) => batches.push(batch));
    writer(1, 0, method).advance(0, 1e9, 100, (batch) => batches.push(batch));
    expect(batches).toEqual([]);
  });
});

test('draws count as many writes as the rate says', () => {
  let writes = 0;
  writer(1, 20_000, 'draws').advance(0, 1e9, 50, (batch) => {
    if (batch.form === 'list') writes += batch.pages.length;
    else forEachPage(batch, () => (writes += 1));
  });
  // A dense span names a page once; sparse ones are lists.
  let sparse = 0;
  const one = writer(1, 20_000, 'draws', 'sparse');
  for (let i = 0; i < 1000; i++) {
    one.advance(i * 1e6, (i + 1) * 1e6, 50, (batch) => (sparse += batch.form === 'list' ? batch.pages.length : 0));
  }
  expect(writes).toBeLessThan(sparse);
  expect(Math.abs((sparse - 10_000) / Math.sqrt(10_000))).toBeLessThan(4);
});

test('the hot pages lie by the seed, or in address order', () => {
  const spec = { kind: 'zipf', set, skew: 1, rate: { writesPerSecond: 1 } } as const;
  const at = (seed: number, order: 'address' | 'scattered') => {
    const one = new ZipfWriter({ ...spec, order }, 'vcpu:0', 4096, createRandom(seed, 'x'));
    return Array.from({ length: W }, (_, rank) => one.pageOf(rank));
  };
  const pages = set.flatMap(({ firstPage, pages: n }) => Array.from({ length: n }, (_, i) => firstPage + i));
  expect(at(1, 'address')).toEqual(pages);
  expect(at(1, 'scattered')).toEqual(at(1, 'scattered'));
  expect(at(1, 'scattered')).not.toEqual(at(2, 'scattered'));
  expect(at(1, 'scattered').sort((a, b) => a - b)).toEqual(pages);
});
