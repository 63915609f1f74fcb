/**
 * The loops over words of page bitmaps, twice: in WebAssembly with SIMD, and in TypeScript as the reference and for a host
 * without WebAssembly. Both do the same to the last bit, chance included, so that a run's result does not depend on which
 * one it got.
 *
 * Kernels work on arrays of their own memory, which is never copied and never detached: `words` and `list` lend one, `free`
 * takes it back. They are flat bitmaps; what stands above the words of a PageBitmap is its own business.
 */
import type { Lanes } from './lanes.ts';

/** Every array is one that these kernels have lent. A RangeError is thrown for one that is not, or is too short. */
export interface PageKernels {
  readonly kind: 'wasm' | 'typescript';
  /** So many words, all zero. Throws a RangeError when the memory is full. */
  words(count: number): Int32Array;
  /** So many page numbers, all zero. */
  list(count: number): Uint32Array;
  /** Takes an array back: it must not be used any more. */
  free(array: Int32Array | Uint32Array): void;
  /** Sets the first `n` pages of the list. Throws a RangeError for a page at or beyond `pages`. */
  mark(words: Int32Array, pages: number, list: Uint32Array, n: number): void;
  /** As `mark`; returns how many were not set before. */
  markCount(words: Int32Array, pages: number, list: Uint32Array, n: number): number;
  or(into: Int32Array, from: Int32Array): void;
  /** ORs in; returns how many bits were not set before. */
  orCount(into: Int32Array, from: Int32Array): number;
  /** ORs in and clears `from`; returns how many bits were not set in `into` before. */
  sync(into: Int32Array, from: Int32Array): number;
  /** Clears what is set in `from`; returns how many bits were set in both. */
  clearCount(into: Int32Array, from: Int32Array): number;
  /** Number of bits that are set in both. */
  countBoth(a: Int32Array, b: Int32Array): number;
  /** Number of set bits. */
  count(words: Int32Array): number;
  /** Writes the numbers of the set bits from bit `from` on to `out`, in order, until it is full; returns how many. */
  scan(words: Int32Array, from: number, out: Uint32Array): number;
  /**
   * Fills the first `blocks` x 4 words with independent bits that are one with probability p (0 to 1, to 2^-53); returns how
   * many are one. `lanes` goes on where it stood.
   */
  sampleBits(lanes: Lanes, p: number, words: Int32Array, blocks: number): number;
  /**
   * Writes, in order, those of the numbers from `from` up to, without, `to` that were drawn, each with probability p on its
   * own, until `out` is full; returns how many. Gaps have no memory: go on at the last number plus one. Cheaper than
   * `sampleBits` where p is below about 0.01.
   */
  sampleGaps(lanes: Lanes, p: number, from: number, to: number, out: Uint32Array): number;
}
