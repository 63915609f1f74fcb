/**
 * Guest memory as a migration sees it: which page numbers are RAM (slots, with holes between them) and which of those
 * pages are still zero and travel as a marker of a few bytes. There are no contents: whether the destination has the
 * latest version of a page is the business of `truth.ts`.
 *
 * A write makes a page non-zero for good; a guest that clears a page again is not modelled, so the model never sends
 * less than a real sender would.
 */
import type { PageRange } from '../../machines/words.ts';
import type { PageWrites } from '../streams/page-writes.ts';
import { createArena, type PageArena } from './kernels/page-arena.ts';
import { PageBitmap } from './page-bitmap.ts';
import { checkRanges, PageSet } from './page-set.ts';

export interface MemorySpec {
  /** 4096, 16384 or 65536. */
  readonly pageBytes: number;
  /** RAM, by ascending page number. What lies between two slots is a hole and never written, tracked or sent. */
  readonly slots: readonly PageRange[];
  /** How many RAM pages are non-zero at the start, counted from the first one up. */
  readonly nonZeroPages: number;
}

export class GuestMemory {
  readonly pageBytes: number;
  readonly slots: readonly PageRange[];
  /** One more than the highest page number of RAM: the size of every bitmap over this memory. */
  readonly pages: number;
  /** Pages that are RAM: `pages` less the holes. */
  readonly ramPages: number;
  /** Where every set of its pages has its words. */
  readonly arena: PageArena;
  readonly #ram: PageSet;
  readonly #nonZero: PageBitmap;

  /** Throws a RangeError for a page size that no host has, slots out of order or overlapping, or too many non-zero pages. */
  constructor(spec: MemorySpec, arena: PageArena = createArena()) {
    if (![4096, 16384, 65536].includes(spec.pageBytes)) {
      throw new RangeError(`pageBytes must be 4096, 16384 or 65536, got ${spec.pageBytes}`);
    }
    checkRanges(spec.slots);
    const last = spec.slots.at(-1);
    if (last === undefined) throw new RangeError('a guest needs a slot of memory');
    for (let i = 1; i < spec.slots.length; i++) {
      if (spec.slots[i]!.firstPage < spec.slots[i - 1]!.firstPage) throw new RangeError('slots must ascend');
    }
    this.pageBytes = spec.pageBytes;
    this.arena = arena;
    this.slots = spec.slots;
    this.pages = last.firstPage + last.pages;
    this.#ram = new PageSet(spec.slots);
    this.ramPages = this.#ram.pages;
    this.#nonZero = this.emptySet();
    for (const { firstPage, pages } of this.ramRanges(0, spec.nonZeroPages)) this.#nonZero.setRange(firstPage, pages);
  }

  /** A set of its pages, empty, that is merged fast with the others. */
  emptySet(): PageBitmap {
    return new PageBitmap(this.pages, this.arena);
  }

  /** The ranges of `pages` pages of RAM from the `firstRamPage`-th on, holes left out: lays a set out around them. */
  ramRanges(firstRamPage: number, pages: number): PageRange[] {
    if (!(firstRamPage >= 0 && pages >= 0 && firstRamPage + pages <= this.ramPages)) {
      throw new RangeError(`RAM has ${this.ramPages} pages; ${pages} from ${firstRamPage} on do not fit`);
    }
    const pairs = new Uint32Array(2 * this.slots.length);
    const end = this.#ram.extentsInto(pairs, 0, firstRamPage, pages);
    const ranges: PageRange[] = [];
    for (let i = 0; i < end; i += 2) ranges.push({ firstPage: pairs[i]!, pages: pairs[i + 1]! });
    return ranges;
  }

  /** Page number of the `index`-th page of RAM. */
  ramPageAt(index: number): number {
    return this.#ram.pageAt(index);
  }

  isRam(page: number): boolean {
    return this.slots.some((slot) => page >= slot.firstPage && page < slot.firstPage + slot.pages);
  }

  /** Throws a RangeError naming `who` unless every page of the ranges is RAM. */
  requireRam(ranges: readonly PageRange[], who: string): void {
    for (const { firstPage, pages } of ranges) {
      const inRam = this.slots.reduce((sum, slot) => sum + overlapPages(slot, firstPage, pages), 0);
      if (inRam !== pages)
        throw new RangeError(`${who}: pages ${firstPage} to ${firstPage + pages - 1} are not all RAM`);
    }
  }

  /** Sets every page of RAM; returns how many were not set before. */
  setAllRam(into: PageBitmap): number {
    return this.slots.reduce((added, slot) => added + into.setRange(slot.firstPage, slot.pages), 0);
  }

  /** Whether the page has never been written: it travels as a marker. */
  isZero(page: number): boolean {
    return !this.#nonZero.get(page);
  }

  /** Number of RAM pages that are non-zero now. */
  get nonZeroPages(): number {
    return this.#nonZero.count;
  }

  /** The non-zero pages, for reading: a sender counts zero pages of a whole range at once. */
  get nonZero(): PageBitmap {
    return this.#nonZero;
  }

  receive(batch: PageWrites): void {
    // Nothing turns zero again: a guest whose memory is all in use has nothing left to learn from a write.
    if (this.#nonZero.count < this.ramPages) this.#nonZero.applyWrites(batch);
  }
}

/** How many of `pages` pages from `firstPage` on lie in `range`. */
export function overlapPages(range: PageRange, firstPage: number, pages: number): number {
  const from = Math.max(range.firstPage, firstPage);
  const to = Math.min(range.firstPage + range.pages, firstPage + pages);
  return Math.max(0, to - from);
}
