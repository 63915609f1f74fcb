/**
 * The IOTLB, by the one property that loses writes: a cached translation remembers that its entry is dirty, and a write
 * through it does not set the bit again. After a clear without a flush such writes are seen by nobody.
 *
 * It is the worst one that the specifications allow: every entry that was dirty is cached, and nothing is ever evicted, so
 * whatever was cleared stays hidden until a flush. (What misses cost is elsewhere: translation-cache.ts does evict.)
 */
import type { PageRange } from '../../../machines/words.ts';
import { PageBitmap } from '../page-bitmap.ts';

export class Iotlb {
  /** Pages of leaves that were cleared and not flushed. */
  readonly #hiding: PageBitmap;
  #flushes = 0;

  constructor(pages: number) {
    this.#hiding = new PageBitmap(pages);
  }

  /** Invalidations so far, of whatever scope. */
  get flushes(): number {
    return this.#flushes;
  }

  get hiddenPages(): number {
    return this.#hiding.count;
  }

  hides(page: number): boolean {
    return this.#hiding.get(page);
  }

  /** The entry of this leaf was dirty and has been cleared. */
  cleared(firstPage: number, pages: number): void {
    this.#hiding.setRange(firstPage, pages);
  }

  /** The same of every page of `dirty` in the range. */
  clearedPages(dirty: PageBitmap, { firstPage, pages }: PageRange): void {
    dirty.orRangeInto(this.#hiding, firstPage, pages);
  }

  /** Everything is fetched anew. `invalidations`: how many it took. */
  flush(invalidations = 1): void {
    this.#flushes += invalidations;
    this.#hiding.clearAll();
  }

  /** The counter begins again: what came before was the VM's life before the run. */
  forgetCount(): void {
    this.#flushes = 0;
  }
}
