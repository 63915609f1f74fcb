/**
 * The page table of one mapped area: a dirty bit in each entry, set by the hardware and never cleared by it. The area is
 * mapped by leaves of one size; each of them may be split into leaves of one page, and become whole again.
 *
 * A leaf may be several entries that repeat it (AMD, sizes between two levels): hardware marks the one it walked through, so
 * that a reader takes the OR of all of them and clears all of them. A leaf that the area's edge cuts covers what lies inside.
 */
import type { PageRange } from '../../../machines/words.ts';
import { overlapPages } from '../memory.ts';
import { PageBitmap } from '../page-bitmap.ts';

export type LeafVisit = (firstPage: number, pages: number) => void;

export class AreaLeaves {
  readonly area: PageRange;
  readonly leafPages: number;
  readonly leaves: number;
  readonly #endPage: number;
  readonly #entryShift: number;
  readonly #leafShift: number;
  readonly #entriesPerLeaf: number;
  readonly #firstLeaf: number;
  /** Dirty bits of the entries of whole leaves, from the first leaf's first entry on. */
  readonly #entries: PageBitmap;
  /** Dirty bits of leaves of one page, by page number; one set for all areas. */
  readonly #fine: PageBitmap;
  readonly #split: PageBitmap;

  /** `leafPages` and `entriesPerLeaf` are powers of two. */
  constructor(area: PageRange, leafPages: number, entriesPerLeaf: number, fine: PageBitmap) {
    this.area = area;
    this.leafPages = leafPages;
    this.#fine = fine;
    // Entries smaller than a page are marked together with it: nobody can tell them apart.
    this.#entriesPerLeaf = Math.min(entriesPerLeaf, leafPages);
    this.#leafShift = Math.log2(leafPages);
    this.#entryShift = Math.log2(leafPages / this.#entriesPerLeaf);
    this.#endPage = area.firstPage + area.pages;
    this.#firstLeaf = Math.floor(area.firstPage / leafPages);
    this.leaves = Math.ceil(this.#endPage / leafPages) - this.#firstLeaf;
    this.#entries = new PageBitmap(leafPages === 1 ? 0 : this.leaves * this.#entriesPerLeaf);
    this.#split = new PageBitmap(leafPages === 1 ? 0 : this.leaves);
  }

  /** Every leaf is one page. */
  get allFine(): boolean {
    return this.leafPages === 1 || this.#split.count === this.leaves;
  }

  get splitLeaves(): number {
    return this.#split.count;
  }

  /** Entries with their dirty bit set, of whole leaves. */
  get dirtyEntries(): number {
    return this.#entries.count;
  }

  /** Leaves that the area consists of now. */
  get presentLeaves(): number {
    if (this.leafPages === 1) return this.area.pages;
    return this.leaves - this.#split.count + this.#split.count * this.leafPages;
  }

  /** Entries that map the area now, when a leaf of one page takes `perPage` of them. */
  entries(perPage: number): number {
    if (this.leafPages === 1) return this.area.pages * perPage;
    return (this.leaves - this.#split.count) * this.#entriesPerLeaf + this.#split.count * this.leafPages * perPage;
  }

  contains(page: number): boolean {
    return page >= this.area.firstPage && page < this.#endPage;
  }

  isSplit(page: number): boolean {
    return this.leafPages === 1 || this.#split.get((page >>> this.#leafShift) - this.#firstLeaf);
  }

  /** First page of the leaf that maps this page now. */
  leafOf(page: number): number {
    return this.isSplit(page) ? page : (page >>> this.#leafShift) * this.leafPages;
  }

  /** Whether the bit that a write to this page would set is set: of the very entry that maps it. */
  isMarked(page: number): boolean {
    return this.isSplit(page) ? this.#fine.get(page) : this.#entries.get(this.#entryOf(page));
  }

  /** Returns whether the entry was clean. */
  mark(page: number): boolean {
    return this.isSplit(page) ? this.#fine.set(page) : this.#entries.set(this.#entryOf(page));
  }

  /** A range inside the area; returns how many entries were clean. */
  markRange(firstPage: number, pages: number): number {
    if (this.allFine) return this.#fine.setRange(firstPage, pages);
    if (this.#split.count === 0) {
      const first = this.#entryOf(firstPage);
      return this.#entries.setRange(first, this.#entryOf(firstPage + pages - 1) - first + 1);
    }
    let fresh = 0;
    this.#eachLeaf(firstPage, pages, (first, count) => {
      if (this.isSplit(first)) fresh += this.#fine.setRange(first, count);
      else {
        const entry = this.#entryOf(first);
        fresh += this.#entries.setRange(entry, this.#entryOf(first + count - 1) - entry + 1);
      }
    });
    return fresh;
  }

  /** Whether one leaf holds all 32 pages from `firstPage` on: then a word of them needs no look at each. */
  holdsWord(firstPage: number): boolean {
    return (
      this.#entryShift >= 5 && this.contains(firstPage) && this.contains(firstPage + 31) && !this.isSplit(firstPage)
    );
  }

  clearAll(): void {
    this.#entries.clearAll();
    this.#fine.clearRange(this.area.firstPage, this.area.pages);
  }

  /**
   * Adds the dirty pages of the range, which lies inside the area, to `into`. With `taken`, every leaf of which a part was
   * reported is cleared, whole, and told: its part outside the range is gone.
   */
  read(into: PageBitmap, range: PageRange, taken?: LeafVisit): { dirtyPages: number; newPages: number } {
    const whole = this.#readWhole(into, range, taken);
    if (this.leafPages > 1 && this.#split.count === 0) return whole;
    const { firstPage, pages } = range;
    if (taken === undefined) {
      const dirtyPages = this.#fine.countRange(firstPage, pages);
      return {
        dirtyPages: whole.dirtyPages + dirtyPages,
        newPages: whole.newPages + this.#fine.orRangeInto(into, firstPage, pages),
      };
    }
    const fine = this.#fine.takeRangeInto(into, firstPage, pages);
    return { dirtyPages: whole.dirtyPages + fine.taken, newPages: whole.newPages + fine.added };
  }

  /** Makes this leaf leaves of one page, each as dirty as it was; false when it is so already. */
  split(page: number): boolean {
    if (this.isSplit(page)) return false;
    const leaf = (page >>> this.#leafShift) - this.#firstLeaf;
    const entry = leaf * this.#entriesPerLeaf;
    const wasDirty = this.#entries.clearRange(entry, this.#entriesPerLeaf) > 0;
    this.#split.set(leaf);
    const first = (leaf + this.#firstLeaf) * this.leafPages;
    const from = Math.max(first, this.area.firstPage);
    if (wasDirty) this.#fine.setRange(from, overlapPages(this.area, first, this.leafPages));
    return true;
  }

  /** Returns how many leaves were split. */
  splitAll(): number {
    if (this.leafPages === 1) return 0;
    const before = this.#split.count;
    for (let leaf = this.#split.nextClear(0); leaf < this.leaves; leaf = this.#split.nextClear(leaf + 1)) {
      this.split((this.#firstLeaf + leaf) * this.leafPages);
    }
    return this.leaves - before;
  }

  /** Every leaf is whole again, and dirty when a page of it was; returns how many were split. */
  collapse(): number {
    const { count } = this.#split;
    for (let leaf = this.#split.next(0); leaf !== -1; leaf = this.#split.next(leaf + 1)) {
      this.#split.clear(leaf);
      const first = (leaf + this.#firstLeaf) * this.leafPages;
      const from = Math.max(first, this.area.firstPage);
      const dirty = this.#fine.clearRange(from, overlapPages(this.area, first, this.leafPages));
      if (dirty > 0) this.#entries.set(leaf * this.#entriesPerLeaf);
    }
    return count;
  }

  #readWhole(into: PageBitmap, { firstPage, pages }: PageRange, taken: LeafVisit | undefined) {
    let dirtyPages = 0;
    let newPages = 0;
    if (this.#entries.count === 0) return { dirtyPages, newPages };
    const per = this.#entriesPerLeaf;
    const endLeaf = ((firstPage + pages - 1) >>> this.#leafShift) - this.#firstLeaf + 1;
    let entry = this.#entries.next(((firstPage >>> this.#leafShift) - this.#firstLeaf) * per);
    while (entry !== -1 && entry < endLeaf * per) {
      const leaf = Math.floor(entry / per);
      const first = (leaf + this.#firstLeaf) * this.leafPages;
      const from = Math.max(first, firstPage);
      const reported = overlapPages({ firstPage, pages }, first, this.leafPages);
      dirtyPages += reported;
      newPages += into.setRange(from, reported);
      if (taken !== undefined) {
        this.#entries.clearRange(leaf * per, per);
        const mapped = Math.max(first, this.area.firstPage);
        taken(mapped, overlapPages(this.area, first, this.leafPages));
      }
      entry = this.#entries.next((leaf + 1) * per);
    }
    return { dirtyPages, newPages };
  }

  #entryOf(page: number): number {
    return (page >>> this.#entryShift) - (this.#firstLeaf << (this.#leafShift - this.#entryShift));
  }

  #eachLeaf(firstPage: number, pages: number, visit: LeafVisit): void {
    const end = firstPage + pages;
    for (let page = firstPage; page < end; ) {
      const next = Math.min(((page >>> this.#leafShift) + 1) * this.leafPages, end);
      visit(page, next - page);
      page = next;
    }
  }
}
