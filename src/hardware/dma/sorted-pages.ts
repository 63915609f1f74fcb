/**
 * The pages of a set as one sorted list, kept for as long as the set stays the same: a device that writes the same mapped
 * pages for ever would search the same bitmap for ever, and in a sparse one the search costs more than the writes.
 *
 * A set that changes at every look is not worth a list: one is made when the set was the same at two looks in a row.
 */
import type { PageBitmap } from '../page-bitmap.ts';

export class SortedPages {
  #list: Uint32Array | undefined;
  #changes = -1;

  /** The pages of `set`, whose `changes` rise whenever it changes; undefined where a list is not worth its making. */
  of(set: PageBitmap, changes: number): Uint32Array | undefined {
    if (changes !== this.#changes) {
      this.#changes = changes;
      this.#list = undefined;
      return undefined;
    }
    if (this.#list === undefined) {
      this.#list = new Uint32Array(set.count);
      set.listInto(this.#list);
    }
    return this.#list;
  }
}

/** Index of the first entry of a sorted list that is not below `page`; the list's length when there is none. */
export function firstNotBelow(sorted: Uint32Array, page: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < page) low = middle + 1;
    else high = middle;
  }
  return low;
}
