/**
 * The I/O page table of one container: its mapped areas with their dirty bits, and the walk over them. DMA to what is not
 * mapped marks nothing.
 *
 * The walk is the kernel's: from the first address of a range over areas that touch each other, and no further than the first
 * hole, without a word (drivers/iommu/iommufd/io_pagetable.c, iopt_for_each_contig_area; its result is not looked at).
 */
import type { PageRange } from '../../../machines/words.ts';
import { forEachPage, type PageWrites } from '../../streams/page-writes.ts';
import type { DirtyFound } from '../dirty-report.ts';
import { type GuestMemory, overlapPages } from '../memory.ts';
import type { PageBitmap } from '../page-bitmap.ts';
import { checkRanges } from '../page-set.ts';
import { AreaLeaves, type LeafVisit } from './area-leaves.ts';
import { entriesPerLeaf } from './iommu-hardware.ts';
import type { IommuSpec } from './iommu-spec.ts';

export class IoPageTable {
  readonly areas: readonly AreaLeaves[];
  readonly pages: number;
  /** Dirty bits of the leaves that are one page. */
  readonly fine: PageBitmap;
  readonly #entriesPerPage: number;
  #latest: AreaLeaves | undefined;

  /** Throws a RangeError for a leaf that the hardware does not have, and for areas outside RAM or overlapping. */
  constructor(spec: IommuSpec, memory: GuestMemory) {
    const { hardware = 'amd', leafPages } = spec;
    const { pageBytes } = memory;
    const areas = spec.areas ?? memory.slots.map((slot) => ({ ...slot, leafPages }));
    checkRanges(areas);
    memory.requireRam(areas, 'iommu');
    this.pages = memory.pages;
    this.fine = memory.emptySet();
    this.#entriesPerPage = entriesPerLeaf(hardware, pageBytes, pageBytes) ?? 1;
    this.areas = [...areas]
      .sort((a, b) => a.firstPage - b.firstPage)
      .map((area) => {
        const entries = entriesPerLeaf(hardware, area.leafPages * pageBytes, pageBytes);
        if (entries === undefined || !Number.isInteger(Math.log2(area.leafPages))) {
          throw new RangeError(`${hardware} maps no leaf of ${area.leafPages} pages of ${pageBytes} bytes`);
        }
        return new AreaLeaves(area, area.leafPages, entries, this.fine);
      });
  }

  get ranges(): readonly PageRange[] {
    return this.areas.map(({ area }) => area);
  }

  /** Leaves of every area as they are now. */
  get leaves(): number {
    return this.areas.reduce((sum, area) => sum + area.presentLeaves, 0);
  }

  /** Every leaf is one page. */
  get allFine(): boolean {
    return this.areas.every((area) => area.allFine);
  }

  /** The area that maps the page. */
  areaOf(page: number): AreaLeaves | undefined {
    if (this.#latest?.contains(page)) return this.#latest;
    const found = this.areas.find((area) => area.contains(page));
    if (found !== undefined) this.#latest = found;
    return found;
  }

  /** First page of the leaf that maps this page; undefined where nothing is mapped. */
  leafOf(page: number): number | undefined {
    return this.areaOf(page)?.leafOf(page);
  }

  /** Marks the page's entry; returns whether it was clean. */
  mark(page: number): boolean {
    return this.areaOf(page)?.mark(page) ?? false;
  }

  /** Marks the entry of every page that the batch names; returns how many entries were clean. */
  applyWrites(batch: PageWrites): number {
    switch (batch.form) {
      case 'list': {
        let fresh = 0;
        for (let i = 0; i < batch.pages.length; i++) if (this.mark(batch.pages[i]!)) fresh += 1;
        return fresh;
      }
      case 'extents': {
        let fresh = 0;
        const { pairs } = batch;
        for (let i = 0; i + 1 < pairs.length; i += 2) fresh += this.#markExtent(pairs[i]!, pairs[i + 1]!);
        return fresh;
      }
      case 'bitmap':
        return this.#markWords(batch);
      default:
        return batch satisfies never;
    }
  }

  /**
   * Adds what is dirty in the range to `into`, up to the first hole. With `taken`, leaves are cleared and told, whole; leaves
   * of one page are told by the caller, from `fine`, before.
   */
  read(into: PageBitmap, range: PageRange, taken?: LeafVisit): DirtyFound {
    let [dirtyPages, newPages] = [0, 0];
    for (const { area, part } of this.#contiguous(range)) {
      const found = area.read(into, part, taken);
      dirtyPages += found.dirtyPages;
      newPages += found.newPages;
    }
    return { dirtyPages, newPages };
  }

  /** The parts of the range that a walk reaches. */
  reached(range: PageRange): readonly PageRange[] {
    return this.#contiguous(range).map(({ part }) => part);
  }

  /** Entries that a walk over the range passes: computed, not counted. */
  entriesIn(range: PageRange): number {
    let entries = 0;
    for (const { area, part } of this.#contiguous(range)) {
      // Split leaves lie anywhere: a part of an area passes its share of them.
      entries += (area.entries(this.#entriesPerPage) * part.pages) / area.area.pages;
    }
    return Math.ceil(entries);
  }

  /** New entries that it takes to split every leaf that is still whole. */
  get unsplitEntries(): number {
    return this.areas.reduce((sum, { leafPages, leaves, splitLeaves }) => {
      return leafPages === 1 ? sum : sum + (leaves - splitLeaves) * leafPages * this.#entriesPerPage;
    }, 0);
  }

  /** Splits the leaf that maps the page; returns the entries that this made, 0 when it was split already. */
  split(page: number): number {
    const area = this.areaOf(page);
    return area?.split(page) ? area.leafPages * this.#entriesPerPage : 0;
  }

  splitAll(): void {
    for (const area of this.areas) area.splitAll();
  }

  collapse(): void {
    for (const area of this.areas) area.collapse();
  }

  clearAll(): void {
    for (const area of this.areas) area.clearAll();
  }

  #contiguous(range: PageRange): readonly { readonly area: AreaLeaves; readonly part: PageRange }[] {
    const parts: { area: AreaLeaves; part: PageRange }[] = [];
    const end = range.firstPage + range.pages;
    for (let page = range.firstPage; page < end; ) {
      const area = this.areaOf(page);
      if (area === undefined) break;
      const pages = overlapPages(area.area, page, end - page);
      parts.push({ area, part: { firstPage: page, pages } });
      page += pages;
    }
    return parts;
  }

  #markExtent(firstPage: number, pages: number): number {
    let fresh = 0;
    for (const area of this.areas) {
      const inside = overlapPages(area.area, firstPage, pages);
      if (inside > 0) fresh += area.markRange(Math.max(firstPage, area.area.firstPage), inside);
    }
    return fresh;
  }

  #markWords(batch: Extract<PageWrites, { form: 'bitmap' }>): number {
    const { firstPage, words } = batch;
    // Where every leaf is a page and all that is named is mapped, the bits are the dirty bits.
    if (this.allFine && this.#mapsAll(firstPage, words.length * 32)) return this.fine.applyWrites(batch);
    let fresh = 0;
    for (let w = 0; w < words.length; w++) {
      if (words[w] === 0) continue;
      const page = firstPage + w * 32;
      const area = this.areaOf(page);
      if (area?.holdsWord(page)) {
        if (area.mark(page)) fresh += 1;
        continue;
      }
      const word = { ...batch, firstPage: page, words: words.subarray(w, w + 1) };
      forEachPage(word, (one) => {
        if (this.mark(one)) fresh += 1;
      });
    }
    return fresh;
  }

  #mapsAll(firstPage: number, pages: number): boolean {
    const within = Math.min(pages, this.pages - firstPage);
    return this.areas.reduce((sum, { area }) => sum + overlapPages(area, firstPage, within), 0) === within;
  }
}
