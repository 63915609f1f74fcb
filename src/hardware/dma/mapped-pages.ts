/**
 * The guest pages that a mediated device can reach: a vGPU's global table and its active per-process tables. The host
 * keeps this map on every mediated table write, whether or not anything is logged, so turning logging on loses nothing.
 *
 * The hardware cannot tell which of them it wrote, so a report is: everything mapped now, and what was unmapped since
 * the last report once more (as Intel's vGPU driver was described on its list in 2017). One reader only: a second one
 * would take the first one's unmapped pages.
 */
import type { PageRange } from '../../../machines/words.ts';
import type { DirtyFound } from '../dirty-report.ts';
import { PageBitmap } from '../page-bitmap.ts';

export class MappedPages {
  readonly #mapped: PageBitmap;
  readonly #leftSince: PageBitmap;
  readonly #scratch: PageBitmap;

  constructor(pages: number) {
    this.#mapped = new PageBitmap(pages);
    this.#leftSince = new PageBitmap(pages);
    this.#scratch = new PageBitmap(pages);
  }

  /** The pages mapped now, for reading. */
  get pages(): PageBitmap {
    return this.#mapped;
  }

  map(range: PageRange): void {
    this.#mapped.setRange(range.firstPage, range.pages);
  }

  mapPage(page: number): void {
    this.#mapped.set(page);
  }

  unmap(range: PageRange): void {
    this.#mapped.takeRangeInto(this.#leftSince, range.firstPage, range.pages);
  }

  /**
   * Adds what is mapped in `query`, and what left it since the last report, to `into`. `alreadyNew` pages were added by
   * the same report before (writes that were logged; every writable page is a mapped one, so they are counted once).
   */
  report(into: PageBitmap, query: readonly PageRange[], alreadyNew: number): DirtyFound {
    let newPages = alreadyNew;
    if (this.#leftSince.count === 0) {
      let mapped = 0;
      for (const { firstPage, pages } of query) {
        mapped += this.#mapped.countRange(firstPage, pages);
        newPages += this.#mapped.orRangeInto(into, firstPage, pages);
      }
      return { dirtyPages: mapped, newPages };
    }
    // A page that was unmapped and mapped again is in both sets and counts once.
    for (const { firstPage, pages } of query) {
      this.#mapped.orRangeInto(this.#scratch, firstPage, pages);
      this.#leftSince.takeRangeInto(this.#scratch, firstPage, pages);
    }
    const dirtyPages = this.#scratch.count;
    newPages += this.#scratch.takeInto(into);
    return { dirtyPages, newPages };
  }
}
