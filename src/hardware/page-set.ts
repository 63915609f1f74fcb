/**
 * The pages that a writer writes to: ranges in the order in which the writer goes through them, numbered 0 to pages - 1.
 * A set may have several ranges because guest memory has holes (a PC's below 4 GiB), and a 12 GiB set lies around them.
 */
import type { PageRange } from '../../machines/words.ts';

export class PageSet {
  readonly ranges: readonly PageRange[];
  readonly pages: number;
  /** Index of each range's first page. */
  readonly #starts: readonly number[];

  /** Throws a RangeError when the ranges are not whole numbers, empty or overlapping. An empty set is legal. */
  constructor(ranges: readonly PageRange[]) {
    checkRanges(ranges);
    const starts: number[] = [];
    let pages = 0;
    for (const range of ranges) {
      starts.push(pages);
      pages += range.pages;
    }
    this.ranges = ranges;
    this.pages = pages;
    this.#starts = starts;
  }

  /** The page with this index. */
  pageAt(index: number): number {
    if (!(index >= 0 && index < this.pages)) throw new RangeError(`index ${index} is outside 0 to ${this.pages - 1}`);
    const r = this.#rangeOf(index);
    return this.ranges[r]!.firstPage + (index - this.#starts[r]!);
  }

  /** Replaces indices by pages, in place. */
  toPages(indices: Uint32Array): void {
    if (this.ranges.length === 1) {
      const { firstPage } = this.ranges[0]!;
      if (firstPage !== 0) for (let i = 0; i < indices.length; i++) indices[i]! += firstPage;
      return;
    }
    for (let i = 0; i < indices.length; i++) indices[i] = this.pageAt(indices[i]!);
  }

  /** Writes the extents (first page, pages) of `count` indices from `first` on into `pairs` at `at`; returns the new end. */
  extentsInto(pairs: Uint32Array, at: number, first: number, count: number): number {
    let end = at;
    let index = first;
    for (let left = count; left > 0; ) {
      const r = this.#rangeOf(index);
      const range = this.ranges[r]!;
      const offset = index - this.#starts[r]!;
      const pages = Math.min(left, range.pages - offset);
      pairs[end++] = range.firstPage + offset;
      pairs[end++] = pages;
      index += pages;
      left -= pages;
    }
    return end;
  }

  #rangeOf(index: number): number {
    let r = this.#starts.length - 1;
    while (r > 0 && this.#starts[r]! > index) r -= 1;
    return r;
  }
}

/** Throws a RangeError unless every range is whole numbers of at least one page and no two overlap. */
export function checkRanges(ranges: readonly PageRange[]): void {
  for (const { firstPage, pages } of ranges) {
    if (!Number.isInteger(firstPage) || !Number.isInteger(pages) || firstPage < 0 || pages < 1) {
      throw new RangeError(`no range of pages: first ${firstPage}, ${pages} pages`);
    }
  }
  const sorted = [...ranges].sort((a, b) => a.firstPage - b.firstPage);
  for (let i = 1; i < sorted.length; i++) {
    const before = sorted[i - 1]!;
    if (before.firstPage + before.pages > sorted[i]!.firstPage) {
      throw new RangeError(`ranges overlap at page ${sorted[i]!.firstPage}`);
    }
  }
}
