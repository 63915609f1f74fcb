import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PageSet } from '../../src/hardware/page-set.ts';

const ranges = [
  { firstPage: 100, pages: 10 },
  { firstPage: 5, pages: 3 },
  { firstPage: 200, pages: 20 },
];
const set = new PageSet(ranges);
const inOrder = ranges.flatMap(({ firstPage, pages }) => Array.from({ length: pages }, (_, i) => firstPage + i));

test('indices follow the ranges in their order', () => {
  expect(set.pages).toBe(33);
  expect(inOrder.map((_, i) => set.pageAt(i))).toEqual(inOrder);
  const indices = Uint32Array.from(inOrder.keys());
  set.toPages(indices);
  expect([...indices]).toEqual(inOrder);
});

test('extents of any run of indices name its pages', () => {
  const run = fc
    .integer({ min: 0, max: 33 })
    .chain((first) => fc.tuple(fc.constant(first), fc.integer({ min: 0, max: 33 - first })));
  fc.assert(
    fc.property(run, ([first, count]) => {
      const pairs = new Uint32Array(6);
      const end = set.extentsInto(pairs, 0, first, count);
      const pages: number[] = [];
      for (let i = 0; i < end; i += 2) for (let k = 0; k < pairs[i + 1]!; k++) pages.push(pairs[i]! + k);
      expect(pages).toEqual(inOrder.slice(first, first + count));
    }),
  );
});

describe('refuses', () => {
  test.each([
    ['an empty range', [{ firstPage: 0, pages: 0 }]],
    ['a negative page', [{ firstPage: -1, pages: 2 }]],
    ['half a page', [{ firstPage: 0, pages: 1.5 }]],
    [
      'an overlap, whatever the order',
      [
        { firstPage: 10, pages: 5 },
        { firstPage: 8, pages: 3 },
      ],
    ],
  ])('%s', (_name, bad) => {
    expect(() => new PageSet(bad)).toThrow(RangeError);
  });

  test('an index outside', () => {
    expect(() => set.pageAt(33)).toThrow(RangeError);
    expect(() => set.pageAt(-1)).toThrow(RangeError);
  });
});
