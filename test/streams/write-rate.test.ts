import { from, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { PageWrites, WriteSource } from '../../src/streams/page-writes.ts';
import { type WriteRate, writeRate } from '../../src/streams/write-rate.ts';

const list = (source: WriteSource, fromNs: number, toNs: number, ...pages: number[]): PageWrites => ({
  fromNs,
  toNs,
  source,
  form: 'list',
  pages: Uint32Array.from(pages),
});

describe('writeRate', () => {
  const rates = (...batches: PageWrites[]) => {
    const seen: WriteRate[] = [];
    from(batches)
      .pipe(writeRate())
      .subscribe((rate) => seen.push(rate));
    return seen.map(({ fromNs, toNs, pagesPerSecond }) => [fromNs, toNs, Object.fromEntries(pagesPerSecond)]);
  };

  test('one value a span, all of its batches together', () => {
    expect(
      rates(
        list('vcpu:0', 0, 1e9, 1, 2),
        list('vcpu:0', 0, 1e9, 3),
        list('dma:nic0', 0, 1e9, 9),
        list('vcpu:0', 1e9, 1.5e9, 1),
      ),
    ).toEqual([
      [0, 1e9, { 'vcpu:0': 3, 'dma:nic0': 1 }],
      [1e9, 1.5e9, { 'vcpu:0': 2 }],
    ]);
  });

  const span = { fromNs: 0, toNs: 1e9, source: 'vcpu:0' } as const;
  test('extents and bitmaps count their pages', () => {
    expect(
      rates(
        { ...span, form: 'extents', pairs: Uint32Array.of(5, 10, 100, 3) },
        { ...span, form: 'bitmap', firstPage: 32, words: Int32Array.of(-1, 1), count: 33 },
      ),
    ).toEqual([[0, 1e9, { 'vcpu:0': 46 }]]);
  });

  test('a write at an instant has no rate', () => {
    expect(rates(list('host:vhost', 5, 5, 1))).toEqual([]);
  });

  test('fails with its source', () => {
    const batches$ = new Subject<PageWrites>();
    let failed: unknown;
    batches$.pipe(writeRate()).subscribe({ error: (error) => (failed = error) });
    batches$.error('lost');
    expect(failed).toBe('lost');
  });
});
