/**
 * The pages of a type1 container that drivers have pinned, each with a count, as the kernel keeps them in its mappings
 * whoever pinned them (drivers/vfio/vfio_iommu_type1.c, vfio_pfn.ref_count). A page is pinned until its last pin goes.
 */
import type { PageRange } from '../../../machines/words.ts';
import { PageBitmap } from '../page-bitmap.ts';

export class Pins {
  readonly #pinned: PageBitmap;
  /** Pins beyond the first one. */
  readonly #extra = new Map<number, number>();

  constructor(pages: number) {
    this.#pinned = new PageBitmap(pages);
  }

  /** The pages pinned now, for reading. */
  get pages(): PageBitmap {
    return this.#pinned;
  }

  pin(range: PageRange): void {
    for (let page = this.#pinned.next(range.firstPage); isIn(page, range); page = this.#pinned.next(page + 1)) {
      this.#extra.set(page, (this.#extra.get(page) ?? 0) + 1);
    }
    this.#pinned.setRange(range.firstPage, range.pages);
  }

  /** Pages that are not pinned stay so. */
  unpin(range: PageRange): void {
    const kept: number[] = [];
    if (this.#extra.size > 0) {
      for (let page = this.#pinned.next(range.firstPage); isIn(page, range); page = this.#pinned.next(page + 1)) {
        const extra = this.#extra.get(page);
        if (extra === undefined) continue;
        kept.push(page);
        if (extra === 1) this.#extra.delete(page);
        else this.#extra.set(page, extra - 1);
      }
    }
    this.#pinned.clearRange(range.firstPage, range.pages);
    for (const page of kept) this.#pinned.set(page);
  }
}

function isIn(page: number, { firstPage, pages }: PageRange): boolean {
  return page !== -1 && page < firstPage + pages;
}
