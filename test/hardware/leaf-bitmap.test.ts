import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LeafBitmap } from '../../src/hardware/leaf-bitmap.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import type { PageWrites } from '../../src/streams/page-writes.ts';

const PAGES = 1000;
const whole = [{ firstPage: 0, pages: PAGES }];
const span = { fromNs: 0, toNs: 1, source: 'dma:nic0' } as const;

function inEachForm(pages: readonly number[]): PageWrites[] {
  const bitmap = new PageBitmap(PAGES);
  for (const page of pages) bitmap.set(page);
  return [
    { ...span, form: 'list', pages: Uint32Array.from(pages) },
    { ...span, form: 'extents', pairs: Uint32Array.from(pages.flatMap((page) => [page, 1])) },
    { ...span, form: 'bitmap', firstPage: 0, words: bitmap.toWords(), count: bitmap.count },
  ];
}

test('a report is the union of the written pages’ leaves, whatever the form of the batch', () => {
  const pages = fc.array(fc.integer({ min: 0, max: PAGES - 1 }), { maxLength: 30 });
  fc.assert(
    fc.property(fc.constantFrom(1, 2, 8, 32, 64, 512), pages, (leafPages, writes) => {
      const expected = new Set<number>();
      for (const page of writes) {
        const first = page - (page % leafPages);
        for (let p = first; p < Math.min(first + leafPages, PAGES); p++) expected.add(p);
      }
      for (const batch of inEachForm(writes)) {
        const log = new LeafBitmap(PAGES, leafPages);
        log.applyWrites(batch);
        const into = new PageBitmap(PAGES);
        expect(log.report(into, whole, whole, 'covered').dirtyPages).toBe(expected.size);
        const found: number[] = [];
        for (let p = into.next(0); p !== -1; p = into.next(p + 1)) found.push(p);
        expect(found).toEqual([...expected].sort((a, b) => a - b));
        expect(log.dirtyLeaves).toBe(0);
      }
    }),
  );
});

test('an extent over several leaves marks each of them', () => {
  const log = new LeafBitmap(PAGES, 64);
  log.applyWrites({ ...span, form: 'extents', pairs: Uint32Array.of(60, 70, 5, 0) });
  expect(log.dirtyLeaves).toBe(3);
});

describe('a query that cuts a leaf', () => {
  const half = [{ firstPage: 0, pages: 32 }];
  const written = () => {
    const log = new LeafBitmap(PAGES, 64);
    log.applyWrites({ ...span, form: 'list', pages: Uint32Array.of(50) });
    return log;
  };
  test.each([
    ['touched', 0],
    ['covered', 1],
    ['none', 1],
  ] as const)('rule %s leaves %i dirty leaves', (rule, left) => {
    const log = written();
    expect(log.report(new PageBitmap(PAGES), half, whole, rule)).toEqual({ dirtyPages: 32, newPages: 32 });
    expect(log.dirtyLeaves).toBe(left);
  });

  test('a leaf is covered when all of it that is watched was reported', () => {
    const log = written();
    log.report(new PageBitmap(PAGES), half, half, 'covered');
    expect(log.dirtyLeaves).toBe(0);
  });

  test('a leaf outside the query stays', () => {
    const log = written();
    expect(log.report(new PageBitmap(PAGES), [{ firstPage: 64, pages: 64 }], whole, 'touched').dirtyPages).toBe(0);
    expect(log.dirtyLeaves).toBe(1);
  });
});

test('pages already in the set are reported, and not new', () => {
  for (const leafPages of [1, 4]) {
    const log = new LeafBitmap(PAGES, leafPages);
    const into = new PageBitmap(PAGES);
    into.set(4);
    log.applyWrites({ ...span, form: 'list', pages: Uint32Array.of(4, 5, 6, 7) });
    expect(log.report(into, whole, whole, 'covered')).toEqual({ dirtyPages: 4, newPages: 3 });
  }
});

test.each([0, 3, 1.5, -2])('a leaf of %d pages is refused', (leafPages) => {
  expect(() => new LeafBitmap(PAGES, leafPages)).toThrow(RangeError);
});
