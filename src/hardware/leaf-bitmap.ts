/**
 * A dirty log with one bit for each leaf of several pages: an IOMMU's 2 MiB or 1 GiB page, or a device's tracking page
 * that is coarser than the guest's. One write makes every page of its leaf dirty.
 *
 * The two kinds differ in what a report does to a leaf that it covers only in part: an IOMMU's walk clears the whole leaf
 * and reports the part (the rest is lost: query leaf by leaf), a device's log keeps it until it is covered.
 */
import type { PageRange } from '../../machines/words.ts';
import type { PageWrites } from '../streams/page-writes.ts';
import type { DirtyFound } from './dirty-report.ts';
import type { PageArena } from './kernels/page-arena.ts';
import { overlapPages } from './memory.ts';
import { PageBitmap } from './page-bitmap.ts';

/** `touched`: each leaf reported in part; `covered`: only those whose every mapped page was reported; `none`: a peek. */
export type ClearRule = 'touched' | 'covered' | 'none';

export class LeafBitmap {
  readonly pages: number;
  readonly leafPages: number;
  readonly #shift: number;
  readonly #leaves: PageBitmap;

  /** `leafPages` is a power of two; leaf 0 begins at page 0. `arena`: of the sets that it reports into. */
  constructor(pages: number, leafPages: number, arena?: PageArena) {
    if (!(leafPages >= 1 && leafPages <= 2 ** 30 && Number.isInteger(Math.log2(leafPages)))) {
      throw new RangeError(`a leaf has 1, 2, 4, ... pages, got ${leafPages}`);
    }
    this.pages = pages;
    this.leafPages = leafPages;
    this.#shift = Math.log2(leafPages);
    this.#leaves = new PageBitmap(Math.ceil(pages / leafPages), arena);
  }

  get dirtyLeaves(): number {
    return this.#leaves.count;
  }

  clearAll(): void {
    this.#leaves.clearAll();
  }

  applyWrites(batch: PageWrites): void {
    if (this.#shift === 0) this.#leaves.applyWrites(batch);
    else if (batch.form === 'list') this.#markList(batch.pages);
    else if (batch.form === 'extents') this.#markExtents(batch.pairs);
    else this.#markWords(batch.firstPage, batch.words);
  }

  #markList(pages: Uint32Array): void {
    for (let i = 0; i < pages.length; i++) this.#leaves.set(pages[i]! >>> this.#shift);
  }

  #markExtents(pairs: Uint32Array): void {
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      if (pairs[i + 1] === 0) continue;
      const first = pairs[i]! >>> this.#shift;
      const last = (pairs[i]! + pairs[i + 1]! - 1) >>> this.#shift;
      this.#leaves.setRange(first, last - first + 1);
    }
  }

  #markWords(firstPage: number, words: Int32Array): void {
    const step = Math.min(32, this.leafPages);
    const mask = step === 32 ? -1 : (1 << step) - 1;
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!;
      if (word === 0) continue;
      for (let bit = 0; bit < 32; bit += step) {
        if ((word & (mask << bit)) !== 0) this.#leaves.set((firstPage + i * 32 + bit) >>> this.#shift);
      }
    }
  }

  /**
   * Adds the pages of `query` that lie in dirty leaves to `into` and clears leaves by the rule. `mapped` is what the log
   * watches at all: a leaf's pages outside it are neither reported nor waited for. Ranges within each list are disjoint.
   */
  report(into: PageBitmap, query: readonly PageRange[], mapped: readonly PageRange[], clear: ClearRule): DirtyFound {
    return this.#shift === 0 ? this.#reportPages(into, query, clear) : this.#reportLeaves(into, query, mapped, clear);
  }

  #reportPages(into: PageBitmap, query: readonly PageRange[], clear: ClearRule): DirtyFound {
    let dirtyPages = 0;
    let newPages = 0;
    for (const { firstPage, pages } of query) {
      if (clear === 'none') {
        newPages += this.#leaves.orRangeInto(into, firstPage, pages);
        dirtyPages += this.#leaves.countRange(firstPage, pages);
        continue;
      }
      const { taken, added } = this.#leaves.takeRangeInto(into, firstPage, pages);
      newPages += added;
      dirtyPages += taken;
    }
    return { dirtyPages, newPages };
  }

  #reportLeaves(
    into: PageBitmap,
    query: readonly PageRange[],
    mapped: readonly PageRange[],
    clear: ClearRule,
  ): DirtyFound {
    let dirtyPages = 0;
    let newPages = 0;
    for (let leaf = this.#leaves.next(0); leaf !== -1; leaf = this.#leaves.next(leaf + 1)) {
      const first = leaf * this.leafPages;
      let reported = 0;
      for (const range of query) {
        const pages = overlapPages(range, first, this.leafPages);
        if (pages === 0) continue;
        reported += pages;
        newPages += into.setRange(Math.max(first, range.firstPage), pages);
      }
      dirtyPages += reported;
      if (clear === 'none' || reported === 0) continue;
      const watched = mapped.reduce((sum, range) => sum + overlapPages(range, first, this.leafPages), 0);
      if (clear === 'touched' || reported >= watched) this.#leaves.clear(leaf);
    }
    return { dirtyPages, newPages };
  }
}
