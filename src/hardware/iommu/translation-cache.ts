/**
 * How often a device's write finds no translation: a cache of so many leaves of whatever size, from which the oldest leaves
 * first. Few large leaves fit, many small ones do not: that is what forcing 4 KiB maps costs a device.
 *
 * Real IOTLBs have sets, levels and replacement rules that nobody publishes; this one has none.
 */
import { PageBitmap } from '../page-bitmap.ts';

export class TranslationCache {
  readonly #ring: Uint32Array;
  readonly #held: PageBitmap;
  #next = 0;

  /** Leaves are named by their first page, below `pages`. */
  constructor(entries: number, pages: number) {
    if (!(Number.isInteger(entries) && entries >= 1 && entries <= 2 ** 24)) {
      throw new RangeError(`an IOTLB has 1 to 2^24 entries, got ${entries}`);
    }
    this.#ring = new Uint32Array(entries);
    this.#held = new PageBitmap(pages);
  }

  /** Returns whether the leaf had to be fetched. */
  visit(leaf: number): boolean {
    if (!this.#held.set(leaf)) return false;
    if (this.#held.count > this.#ring.length) this.#held.clear(this.#ring[this.#next]!);
    this.#ring[this.#next] = leaf;
    this.#next = (this.#next + 1) % this.#ring.length;
    return true;
  }

  clear(): void {
    this.#held.clearAll();
    this.#next = 0;
  }
}
