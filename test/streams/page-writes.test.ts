import { expect, test } from 'vitest';
import { forEachPage, type PageWrites, pagesIn } from '../../src/streams/page-writes.ts';

const span = { fromNs: 0, toNs: 1, source: 'vcpu:0' } as const;
const batches: [PageWrites, number][] = [
  [{ ...span, form: 'list', pages: Uint32Array.of(7, 8, 7) }, 3],
  [{ ...span, form: 'extents', pairs: Uint32Array.of(5, 10, 100, 3) }, 13],
  [{ ...span, form: 'bitmap', firstPage: 32, words: Int32Array.of(-1, 1), count: 33 }, 33],
];

test.each(batches)('pagesIn counts what $form carries', (batch, pages) => {
  expect(pagesIn(batch)).toBe(pages);
});

test.each([
  [batches[0]![0], [7, 8, 7]],
  [batches[1]![0], [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 100, 101, 102]],
  [batches[2]![0], [...Array.from({ length: 32 }, (_, i) => 32 + i), 64]],
] as const)('forEachPage names what $form carries', (batch, pages) => {
  const seen: number[] = [];
  forEachPage(batch, (page) => seen.push(page));
  expect(seen).toEqual(pages);
});
