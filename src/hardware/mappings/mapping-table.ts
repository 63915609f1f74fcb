/**
 * What a guest's IOMMU maps for the devices behind it: which guest pages stand behind which I/O pages. Mappings are equally
 * large and begin at multiples of their size, as the buffers of one driver do; two of them may name the same guest page.
 *
 * It knows addresses only. Who keeps dirty bits for them, and in what order a mapping is taken away, is `viommu.ts`.
 */
import type { PageRange } from '../../../machines/words.ts';
import { PageBitmap } from '../page-bitmap.ts';

export interface Mapping {
  /** I/O pages. */
  readonly io: PageRange;
  /** Guest page behind the first of them. */
  readonly firstPage: number;
}

export class MappingTable {
  readonly mappingPages: number;
  readonly #inUse: PageBitmap;
  readonly #firstPages: Uint32Array;

  /** `places` mappings fit; each is `mappingPages` long, which is a power of two. */
  constructor(places: number, mappingPages: number) {
    if (!(mappingPages >= 1 && Number.isInteger(Math.log2(mappingPages)))) {
      throw new RangeError(`a mapping has 1, 2, 4, ... pages, got ${mappingPages}`);
    }
    this.mappingPages = mappingPages;
    this.#inUse = new PageBitmap(places);
    this.#firstPages = new Uint32Array(places);
  }

  /** Mappings that there are now. */
  get count(): number {
    return this.#inUse.count;
  }

  /** I/O pages that can be mapped at all. */
  get aperturePages(): number {
    return this.#inUse.pages * this.mappingPages;
  }

  isMapped(place: number): boolean {
    return this.#inUse.get(place);
  }

  /** The first place at or after `from` where something is mapped, or -1. */
  next(from: number): number {
    return this.#inUse.next(from);
  }

  /** The first place at or after `from` where nothing is mapped, or the number of places: with `next`, walks runs. */
  nextFree(from: number): number {
    return this.#inUse.nextClear(from);
  }

  /** The mapping at a place. Throws a RangeError where there is none: a device's access there is a fault, not a write. */
  at(place: number): Mapping {
    if (!this.#inUse.get(place)) throw new RangeError(`nothing is mapped at place ${place}`);
    return { io: this.ioRange(place), firstPage: this.#firstPages[place]! };
  }

  ioRange(place: number): PageRange {
    return { firstPage: place * this.mappingPages, pages: this.mappingPages };
  }

  /** Throws a RangeError where something is mapped already: VFIO_IOMMU_MAP_DMA says EEXIST. */
  map(place: number, firstPage: number): void {
    if (!this.#inUse.set(place)) throw new RangeError(`place ${place} is mapped already`);
    this.#firstPages[place] = firstPage;
  }

  unmap(place: number): void {
    if (!this.#inUse.clear(place)) throw new RangeError(`nothing is mapped at place ${place}`);
  }

  /** The guest page that stands, or stood last, behind a place: a vmm keeps it until it has asked about the mapping. */
  lastFirstPage(place: number): number {
    return this.#firstPages[place]!;
  }

  /** The guest page behind a mapped I/O page. */
  pageOf(ioPage: number): number {
    const place = Math.floor(ioPage / this.mappingPages);
    if (!this.#inUse.get(place)) throw new RangeError(`I/O page ${ioPage} is not mapped`);
    return this.#firstPages[place]! + (ioPage % this.mappingPages);
  }

  /** Adds the guest page that stands, or stood last, behind each set I/O page to `into`; returns how many were new there. */
  translateInto(into: PageBitmap, dirty: PageBitmap): number {
    let added = 0;
    for (let page = dirty.next(0); page !== -1; page = dirty.next(page + 1)) {
      const offset = page % this.mappingPages;
      if (into.set(this.lastFirstPage((page - offset) / this.mappingPages) + offset)) added += 1;
    }
    return added;
  }
}
