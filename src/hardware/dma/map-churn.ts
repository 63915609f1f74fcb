/**
 * A guest that changes what is mapped while it runs: each page that it unmaps, the longest mapped first, makes room for
 * another one. The number of mapped pages stays; over time every page of memory has its turn.
 */
import type { PageRange } from '../../../machines/words.ts';
import { type GuestMemory, overlapPages } from '../memory.ts';
import { PageSet } from '../page-set.ts';
import { ExactRate } from '../workloads/rate.ts';
import type { MappedPages } from './mapped-pages.ts';

export interface ChurnSpec {
  readonly pagesPerSecond: number;
}

export class MapChurn {
  readonly #mapped: MappedPages;
  readonly #total: number;
  readonly #pageAt: (index: number) => number;
  readonly #window: number;
  readonly #rate: ExactRate;
  #first = 0;

  /** Memory in the order in which it is mapped, `total` pages of which the first ones are mapped now. */
  constructor(mapped: MappedPages, total: number, pageAt: (index: number) => number, { pagesPerSecond }: ChurnSpec) {
    this.#mapped = mapped;
    this.#total = total;
    this.#pageAt = pageAt;
    this.#window = mapped.pages.count;
    this.#rate = new ExactRate(pagesPerSecond);
  }

  /** The mapped ranges first, then the rest of RAM by address. */
  static byAddress(mapped: MappedPages, memory: GuestMemory, ranges: readonly PageRange[], spec: ChurnSpec): MapChurn {
    const order = new PageSet([...ranges, ...restOf(memory.slots, ranges)]);
    return new MapChurn(mapped, order.pages, (index) => order.pageAt(index), spec);
  }

  advance(fromNs: number, toNs: number, speedPercent: number): void {
    const due = this.#rate.due(toNs - fromNs, speedPercent);
    if (this.#window === 0) return;
    for (let i = 0; i < due; i++) {
      this.#mapped.unmapPage(this.#pageAt(this.#first));
      this.#mapped.mapPage(this.#pageAt((this.#first + this.#window) % this.#total));
      this.#first = (this.#first + 1) % this.#total;
    }
  }
}

/** What of `slots` no range covers. */
function restOf(slots: readonly PageRange[], ranges: readonly PageRange[]): readonly PageRange[] {
  const sorted = [...ranges].sort((a, b) => a.firstPage - b.firstPage);
  const rest: PageRange[] = [];
  for (const slot of slots) {
    const end = slot.firstPage + slot.pages;
    let from = slot.firstPage;
    for (const range of sorted) {
      if (overlapPages(slot, range.firstPage, range.pages) === 0) continue;
      if (range.firstPage > from) rest.push({ firstPage: from, pages: range.firstPage - from });
      from = range.firstPage + range.pages;
    }
    if (from < end) rest.push({ firstPage: from, pages: end - from });
  }
  return rest;
}
