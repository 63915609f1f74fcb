import { describe, expect, test } from 'vitest';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { createRandom } from '../../../src/hardware/random.ts';
import { cheapestMethod, type Method, RandomWriter } from '../../../src/hardware/workloads/random-writer.ts';
import type { PageWrites } from '../../../src/streams/page-writes.ts';

const W = 4096;
/** Around a hole, and on no word boundary. */
const set = [
  { firstPage: 37, pages: 1000 },
  { firstPage: 2000, pages: W - 1000 },
];
const PAGES = 2000 + W - 1000;

function writer(writesPerSecond: number, method: Method | undefined, stream: string): RandomWriter {
  const spec = { kind: 'random', set, rate: { writesPerSecond } } as const;
  return new RandomWriter(spec, 'vcpu:0', 4096, createRandom(21, stream), undefined, method);
}

/** Distinct pages after `spans` spans of 100 ms each. */
function dirtyAfter(one: RandomWriter, spans: number, dirty: PageBitmap): number {
  dirty.clearAll();
  for (let i = 0; i < spans; i++) one.advance(i * 1e8, (i + 1) * 1e8, 100, (batch) => dirty.applyWrites(batch));
  return dirty.count;
}

describe.each(['draws', 'gaps', 'bits'] as const)('by %s', (method) => {
  test.each([
    [0.02, 1],
    [0.5, 1],
    [0.5, 3],
    [3, 2],
  ])('saturates as W (1 - exp(-w t / W)), variance W p (1 - p): %d writes a page in %i spans', (perPage, spans) => {
    const one = writer((perPage * W * 10) / spans, method, `${method} ${perPage} ${spans}`);
    const dirty = new PageBitmap(PAGES);
    const n = 400;
    const counts = Array.from({ length: n }, () => dirtyAfter(one, spans, dirty));
    const p = 1 - Math.exp(-perPage);
    const expected = W * p * (1 - p);
    const mean = counts.reduce((a, b) => a + b, 0) / n;
    expect(Math.abs((mean - W * p) / Math.sqrt(expected / n))).toBeLessThan(4);
    const variance = counts.reduce((sum, c) => sum + (c - mean) ** 2, 0) / (n - 1);
    expect(Math.abs((variance - expected) / (expected * Math.sqrt(2 / (n - 1))))).toBeLessThan(4);
  });

  test('never writes outside its set, and reaches both ends of each range', () => {
    const dirty = new PageBitmap(PAGES);
    dirtyAfter(writer(W * 300, method, method), 1, dirty);
    expect(dirty.count).toBe(W);
    for (const { firstPage, pages } of set) expect(dirty.countRange(firstPage, pages)).toBe(pages);
  });

  test('a throttled writer is slower in proportion', () => {
    const dirty = new PageBitmap(PAGES);
    const one = writer(W * 10, method, `throttled ${method}`);
    let total = 0;
    for (let i = 0; i < 300; i++) {
      dirty.clearAll();
      one.advance(0, 1e8, 25, (batch) => dirty.applyWrites(batch));
      total += dirty.count;
    }
    const p = 1 - Math.exp(-0.25);
    expect(Math.abs((total - 300 * W * p) / Math.sqrt(300 * W * p * (1 - p)))).toBeLessThan(4);
  });

  test('stopped or without a rate it writes nothing', () => {
    const batches: PageWrites[] = [];
    writer(1e6, method, 'x').advance(0, 1e9, 0, (batch) => batches.push(batch));
    writer(0, method, 'x').advance(0, 1e9, 100, (batch) => batches.push(batch));
    expect(batches).toEqual([]);
  });
});

test('every batch has the span and the source', () => {
  for (const method of ['draws', 'gaps', 'bits'] as const) {
    writer(1e6, method, 'x').advance(5, 1e8, 100, ({ fromNs, toNs, source }) => {
      expect({ fromNs, toNs, source }).toEqual({ fromNs: 5, toNs: 1e8, source: 'vcpu:0' });
    });
  }
});

test('bytes a second are pages of that many bytes', () => {
  const spec = {
    kind: 'random',
    set: [{ firstPage: 0, pages: 1 << 20 }],
    rate: { bytesPerSecond: 800 * 2 ** 20 },
  } as const;
  let pages = 0;
  const one = new RandomWriter(spec, 'vcpu:0', 4096, createRandom(1, 'bytes'), undefined, 'draws');
  one.advance(0, 1e9, 100, (batch) => (pages += batch.form === 'list' ? batch.pages.length : 0));
  // 800 MiB/s of 4 KiB pages.
  expect(Math.abs((pages - 204_800) / Math.sqrt(204_800))).toBeLessThan(4);
});

test.each([
  [100, 2 ** 19, 'draws'],
  [2 ** 20, 2 ** 19, 'bits'],
  [2 ** 20, 2 ** 28, 'gaps'],
] as const)('%i writes over %i pages are found by %s', (writes, pages, method) => {
  expect(cheapestMethod(writes, pages)).toBe(method);
});
