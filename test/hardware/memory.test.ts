import { describe, expect, test } from 'vitest';
import { GuestMemory, overlapPages } from '../../src/hardware/memory.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';

const slots = [
  { firstPage: 0, pages: 100 },
  { firstPage: 150, pages: 50 },
];
const create = (nonZeroPages = 120) => new GuestMemory({ pageBytes: 4096, slots, nonZeroPages });

test('holes are no RAM', () => {
  const memory = create();
  expect([memory.pages, memory.ramPages]).toEqual([200, 150]);
  expect([0, 99, 100, 149, 150, 199, 200].map((page) => memory.isRam(page))).toEqual([
    true,
    true,
    false,
    false,
    true,
    true,
    false,
  ]);
  const all = new PageBitmap(200);
  expect(memory.setAllRam(all)).toBe(150);
  expect(all.countRange(100, 50)).toBe(0);
});

test('non-zero pages are counted over RAM, from the first one up', () => {
  const memory = create();
  expect(memory.nonZeroPages).toBe(120);
  expect([0, 99, 150, 169, 170, 199].map((page) => memory.isZero(page))).toEqual([
    false,
    false,
    false,
    false,
    true,
    true,
  ]);
});

test('a write makes a page non-zero for good', () => {
  const memory = create(0);
  expect(memory.isZero(7)).toBe(true);
  memory.receive({ fromNs: 0, toNs: 1, source: 'dma:nic0', form: 'list', pages: Uint32Array.of(7) });
  expect(memory.isZero(7)).toBe(false);
  expect(memory.nonZeroPages).toBe(1);
});

test('a range of RAM pages lies around the hole', () => {
  expect(create().ramRanges(90, 30)).toEqual([
    { firstPage: 90, pages: 10 },
    { firstPage: 150, pages: 20 },
  ]);
  expect(create().ramRanges(100, 50)).toEqual([{ firstPage: 150, pages: 50 }]);
  expect(create().ramRanges(0, 0)).toEqual([]);
  expect(create().ramPageAt(100)).toBe(150);
});

test('requireRam names who wants more than there is', () => {
  expect(() => create().requireRam([{ firstPage: 150, pages: 50 }], 'vcpu:0')).not.toThrow();
  expect(() => create().requireRam([{ firstPage: 90, pages: 20 }], 'dma:nic0')).toThrow(/dma:nic0/);
});

describe('refuses', () => {
  test.each([
    ['a page size that no host has', { pageBytes: 2048, slots, nonZeroPages: 0 }],
    ['no slot', { pageBytes: 4096, slots: [], nonZeroPages: 0 }],
    ['slots out of order', { pageBytes: 4096, slots: slots.toReversed(), nonZeroPages: 0 }],
    ['more non-zero pages than RAM', { pageBytes: 4096, slots, nonZeroPages: 151 }],
  ])('%s', (_name, spec) => {
    expect(() => new GuestMemory(spec)).toThrow(RangeError);
  });
});

test.each([
  [0, 10, 10],
  [95, 10, 5],
  [100, 10, 0],
])('pages %i + %i overlap the first 100 in %i', (firstPage, pages, overlap) => {
  expect(overlapPages(slots[0]!, firstPage, pages)).toBe(overlap);
});
