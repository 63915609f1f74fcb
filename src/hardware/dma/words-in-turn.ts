/**
 * The pages of a set as words, with how many pages lie before each, kept for as long as the set stays the same: a device that
 * writes the same mapped pages for ever finds where a turn ends by that, and its writes travel as the words themselves.
 *
 * A set that changes at every look is not worth the copy: one is made when the set was the same at two looks in a row.
 */
import { lowestBit, popcount32 } from '../bits.ts';
import type { PageArena } from '../kernels/page-arena.ts';
import type { PageBitmap } from '../page-bitmap.ts';

/** Pages in order, from one to another. */
export interface Stretch {
  readonly firstWord: number;
  /** Lent until the call of `take` returns. */
  readonly words: Int32Array;
  readonly count: number;
  readonly lastPage: number;
}

export class WordsInTurn {
  readonly #arena: PageArena;
  #words: Int32Array | undefined;
  /** Pages in the words before each, and at its end all of them. */
  #before: Uint32Array | undefined;
  #made = false;
  #changes = -1;

  constructor(arena: PageArena) {
    this.#arena = arena;
  }

  /** False where a copy of `set`, whose `changes` rise whenever it changes, is not worth its making. */
  holds(set: PageBitmap, changes: number): boolean {
    if (changes !== this.#changes) {
      this.#changes = changes;
      this.#made = false;
      return false;
    }
    if (!this.#made) this.#copy(set);
    return true;
  }

  /** Calls `take` with the next pages at or after `fromPage`, at most so many; returns how many there were. */
  next(fromPage: number, pages: number, take: (stretch: Stretch) => void): number {
    const [words, before] = [this.#words!, this.#before!];
    const firstWord = fromPage >>> 5;
    if (firstWord >= words.length) return 0;
    const passed = before[firstWord]! + popcount32(words[firstWord]! & ~(-1 << (fromPage & 31)));
    const count = Math.min(pages, before[words.length]! - passed);
    if (count === 0) return 0;
    const last = this.#wordOf(passed + count);
    const lastBit = bitAt(words[last]!, passed + count - before[last]!);
    // What lies outside is taken out of the two words at the ends for as long as somebody looks.
    const [head, tail] = [words[firstWord]!, words[last]!];
    words[last] = tail & (-1 >>> (31 - lastBit));
    words[firstWord]! &= -1 << (fromPage & 31);
    try {
      take({ firstWord, words: words.subarray(firstWord, last + 1), count, lastPage: last * 32 + lastBit });
    } finally {
      words[last] = tail;
      words[firstWord] = head;
    }
    return count;
  }

  /** The word of the page with so many before it and itself. */
  #wordOf(rank: number): number {
    const before = this.#before!;
    let [low, high] = [0, before.length - 2];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (before[middle + 1]! < rank) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #copy(set: PageBitmap): void {
    const size = Math.ceil(set.pages / 32);
    this.#words ??= this.#arena.lend(size);
    this.#before ??= new Uint32Array(size + 1);
    for (let w = 0; w < size; w++) {
      const word = set.wordAt(w);
      this.#words[w] = word;
      this.#before[w + 1] = this.#before[w]! + popcount32(word);
    }
    this.#made = true;
  }
}

/** Place of the n-th set bit, from 1 on. */
function bitAt(word: number, n: number): number {
  let rest = word;
  for (let i = 1; i < n; i++) rest &= rest - 1;
  return lowestBit(rest);
}
