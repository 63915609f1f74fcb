/**
 * One batch of a device's writes on its way through the guest's IOMMU: as the device addresses it, and as memory gets it.
 *
 * A device behind a vIOMMU is laid out over a window of mappings, numbered from 0: its ring does not know where in I/O
 * space its buffers are mapped today. Both results are extents; they are lent for the length of the call.
 */
import type { PageWrites } from '../../streams/page-writes.ts';

/** Where the `n`-th mapping of the window is now. */
export interface WindowSlots {
  readonly mappingPages: number;
  ioPageOf(slot: number): number;
  firstPageOf(slot: number): number;
}

type Extents = Extract<PageWrites, { form: 'extents' }>;

export interface Translated {
  /** Page numbers are I/O pages: what the IOMMU and the device's own log see. */
  readonly io: Extents;
  /** Page numbers are guest pages: what memory sees. */
  readonly memory: Extents;
}

export class Translation {
  readonly #slots: WindowSlots;
  #io = new Uint32Array(64);
  #memory = new Uint32Array(64);
  #used = 0;

  constructor(slots: WindowSlots) {
    this.#slots = slots;
  }

  of(batch: PageWrites): Translated {
    this.#used = 0;
    switch (batch.form) {
      case 'list':
        for (let i = 0; i < batch.pages.length; i++) this.#add(batch.pages[i]!, 1);
        break;
      case 'extents':
        for (let i = 0; i + 1 < batch.pairs.length; i += 2) this.#add(batch.pairs[i]!, batch.pairs[i + 1]!);
        break;
      case 'bitmap':
        for (let w = 0; w < batch.words.length; w++) {
          for (let word = batch.words[w]!; word !== 0; word &= word - 1) {
            this.#add(batch.firstPage + 32 * w + 31 - Math.clz32(word & -word), 1);
          }
        }
        break;
      default:
        batch satisfies never;
    }
    const { fromNs, toNs, source } = batch;
    const extents = (pairs: Uint32Array): Extents => {
      return { fromNs, toNs, source, form: 'extents', pairs: pairs.subarray(0, this.#used) };
    };
    return { io: extents(this.#io), memory: extents(this.#memory) };
  }

  /** A run of window pages, cut where a mapping ends. */
  #add(firstPage: number, pages: number): void {
    const { mappingPages } = this.#slots;
    const endPage = firstPage + pages;
    for (let at = firstPage; at < endPage; ) {
      const slot = Math.floor(at / mappingPages);
      const offset = at - slot * mappingPages;
      const run = Math.min(endPage - at, mappingPages - offset);
      this.#push(this.#slots.ioPageOf(slot) + offset, this.#slots.firstPageOf(slot) + offset, run);
      at += run;
    }
  }

  #push(ioPage: number, page: number, pages: number): void {
    if (this.#used === this.#io.length) {
      this.#io = grown(this.#io);
      this.#memory = grown(this.#memory);
    }
    this.#io.set([ioPage, pages], this.#used);
    this.#memory.set([page, pages], this.#used);
    this.#used += 2;
  }
}

function grown(pairs: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(pairs.length * 2);
  larger.set(pairs);
  return larger;
}
