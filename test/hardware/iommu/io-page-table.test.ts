/**
 * The page table against a slow one that holds a dirty flag for each page's leaf and loops over pages: marks in every form of
 * batch, splits, collapses, reads that clear and reads that do not, over areas that are aligned to nothing.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IoPageTable } from '../../../src/hardware/iommu/io-page-table.ts';
import { GuestMemory } from '../../../src/hardware/memory.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { forEachPage, type PageWrites } from '../../../src/streams/page-writes.ts';

const PAGES = 1200;
const SLOTS = [
  { firstPage: 3, pages: 500 },
  { firstPage: 503, pages: 100 },
  { firstPage: 700, pages: 500 },
];
const memory = new GuestMemory({ pageBytes: 4096, slots: SLOTS, nonZeroPages: 0 });

/** One mapped area per slot; a leaf is named `area:index`, and a page of a split one `page`. */
class SlowTable {
  readonly dirty = new Set<string>();
  readonly split = new Set<string>();
  readonly leafPages: number;

  constructor(leafPages: number) {
    this.leafPages = leafPages;
  }

  areaOf(page: number): number {
    return SLOTS.findIndex(({ firstPage, pages }) => page >= firstPage && page < firstPage + pages);
  }

  leafOf(page: number): string {
    return `${this.areaOf(page)}:${Math.floor(page / this.leafPages)}`;
  }

  keyOf(page: number): string {
    const leaf = this.leafOf(page);
    return this.leafPages === 1 || this.split.has(leaf) ? `${page}` : leaf;
  }

  mark(batch: PageWrites): void {
    forEachPage(batch, (page) => {
      if (this.areaOf(page) !== -1) this.dirty.add(this.keyOf(page));
    });
  }

  splitLeaf(page: number): void {
    if (this.areaOf(page) === -1 || this.leafPages === 1 || this.split.has(this.leafOf(page))) return;
    const leaf = this.leafOf(page);
    const dirty = this.dirty.delete(leaf);
    this.split.add(leaf);
    for (let p = 0; dirty && p < PAGES; p++)
      if (this.areaOf(p) !== -1 && this.leafOf(p) === leaf) this.dirty.add(`${p}`);
  }

  collapse(): void {
    for (let p = 0; p < PAGES; p++) {
      if (this.areaOf(p) === -1 || !this.split.has(this.leafOf(p))) continue;
      if (this.dirty.delete(`${p}`)) this.dirty.add(this.leafOf(p));
    }
    this.split.clear();
  }

  read(first: number, pages: number, clear: boolean): number[] {
    const found: number[] = [];
    const seen = new Set<string>();
    for (let p = first; p < first + pages && this.areaOf(p) !== -1; p++) {
      if (!this.dirty.has(this.keyOf(p))) continue;
      found.push(p);
      seen.add(this.keyOf(p));
    }
    if (clear) for (const key of seen) this.dirty.delete(key);
    return found;
  }
}

type Step =
  | { readonly do: 'write'; readonly batch: PageWrites }
  | { readonly do: 'split'; readonly page: number }
  | { readonly do: 'collapse' | 'splitAll' }
  | { readonly do: 'read'; readonly firstPage: number; readonly pages: number; readonly clear: boolean };

const page = fc.nat(PAGES - 1);
const head = { fromNs: 0, toNs: 1, source: 'dma:a' } as const;
const batch: fc.Arbitrary<PageWrites> = fc.oneof(
  fc
    .array(page, { maxLength: 20 })
    .map((pages) => ({ ...head, form: 'list' as const, pages: Uint32Array.from(pages) })),
  fc
    .array(fc.tuple(page, fc.nat(150)), { maxLength: 4 })
    .map((pairs) => pairs.flatMap(([first, pages]) => [first, Math.min(pages, PAGES - first)]))
    .map((pairs) => ({ ...head, form: 'extents' as const, pairs: Uint32Array.from(pairs) })),
  fc.tuple(fc.nat(30), fc.array(fc.integer(), { minLength: 1, maxLength: 6 })).map(([word, words]) => {
    const count = words.reduce((sum, bits) => sum + (bits >>> 0).toString(2).replaceAll('0', '').length, 0);
    return { ...head, form: 'bitmap' as const, firstPage: word * 32, words: Int32Array.from(words), count };
  }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: batch.map((made) => ({ do: 'write' as const, batch: made })) },
  { weight: 2, arbitrary: page.map((one) => ({ do: 'split' as const, page: one })) },
  { weight: 1, arbitrary: fc.constantFrom('collapse' as const, 'splitAll' as const).map((what) => ({ do: what })) },
  {
    weight: 3,
    arbitrary: fc.tuple(page, fc.integer({ min: 1, max: PAGES }), fc.boolean()).map(([firstPage, pages, clear]) => ({
      do: 'read' as const,
      firstPage,
      pages: Math.min(pages, PAGES - firstPage),
      clear,
    })),
  },
);

function agree(leafPages: number, steps: readonly Step[]): void {
  const table = new IoPageTable({ dirtyTracking: true, leafPages }, memory);
  const slow = new SlowTable(leafPages);
  for (const one of steps) {
    switch (one.do) {
      case 'write':
        table.applyWrites(one.batch);
        slow.mark(one.batch);
        break;
      case 'split':
        table.split(one.page);
        slow.splitLeaf(one.page);
        break;
      case 'splitAll':
        table.splitAll();
        for (let p = 0; p < PAGES; p++) slow.splitLeaf(p);
        break;
      case 'collapse':
        table.collapse();
        slow.collapse();
        break;
      case 'read': {
        const into = new PageBitmap(PAGES);
        const found = table.read(into, one, one.clear ? () => {} : undefined);
        const expected = slow.read(one.firstPage, one.pages, one.clear);
        const list: number[] = [];
        into.forEach((p) => void list.push(p));
        expect(list).toEqual(expected);
        expect(found).toEqual({ dirtyPages: expected.length, newPages: expected.length });
        break;
      }
      default:
        one satisfies never;
    }
  }
}

test.each([1, 2, 16, 32, 64, 512])('agrees with a slow table, leaves of %i pages', (leafPages) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => agree(leafPages, steps)),
    { numRuns: 60 },
  );
});

test('a leaf of several entries: any of them carries the bit, and all are read and cleared', () => {
  // 64 KiB on AMD: sixteen entries of 4 KiB.
  const table = new IoPageTable({ dirtyTracking: true, leafPages: 16, hardware: 'amd' }, memory);
  const [area] = table.areas;
  table.mark(16 + 5);
  table.mark(16 + 9);
  expect(area!.dirtyEntries).toBe(2);
  expect(area!.isMarked(16)).toBe(false);
  const into = new PageBitmap(PAGES);
  expect(table.read(into, { firstPage: 16, pages: 16 }, () => {})).toEqual({ dirtyPages: 16, newPages: 16 });
  expect(area!.dirtyEntries).toBe(0);
});

test('areas may have leaves of their own sizes', () => {
  const areas = [
    { firstPage: 64, pages: 128, leafPages: 64 },
    { firstPage: 800, pages: 100, leafPages: 1 },
  ];
  const table = new IoPageTable({ dirtyTracking: true, leafPages: 1, areas }, memory);
  for (const one of [70, 801, 1000]) table.mark(one);
  expect(table.leaves).toBe(2 + 100);
  const into = new PageBitmap(PAGES);
  for (const range of table.ranges) table.read(into, range);
  // 1000 is RAM and not mapped.
  expect([into.count, into.get(64), into.get(127), into.get(801), into.get(1000)]).toEqual([
    65,
    true,
    true,
    true,
    false,
  ]);
});

test('what the walk passes is computed: entries, those of split leaves included', () => {
  const one = new GuestMemory({ pageBytes: 4096, slots: [{ firstPage: 0, pages: 2 ** 20 }], nonZeroPages: 0 });
  const all = { firstPage: 0, pages: 2 ** 20 };
  const large = new IoPageTable({ dirtyTracking: true, leafPages: 512 }, one);
  expect([large.entriesIn(all), large.unsplitEntries, large.leaves]).toEqual([2048, 2 ** 20, 2048]);
  expect(large.split(700)).toBe(512);
  expect(large.split(701)).toBe(0);
  expect([large.entriesIn(all), large.leaves]).toEqual([2047 + 512, 2047 + 512]);
  const replicated = new IoPageTable({ dirtyTracking: true, leafPages: 1024 }, one);
  expect(replicated.entriesIn(all)).toBe(2048);
  expect(new IoPageTable({ dirtyTracking: true, leafPages: 1 }, one).entriesIn(all)).toBe(2 ** 20);
});
