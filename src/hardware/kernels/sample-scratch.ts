/**
 * Where a writer's sample is drawn before it is emitted: kernels with room for one batch, in the memory of the bitmaps that
 * are going to take it. A world has one and its writers draw one after the other; a subscriber that starts another run in
 * the middle of a batch starts another world.
 */
import type { PageKernels } from './page-kernels.ts';

/** One list or bitmap at most: 32 KiB of numbers, 16 KiB of bits; both stay in the first-level cache. */
const LIST_PAGES = 8192;
const BITMAP_WORDS = 4096;

export interface SampleScratch {
  readonly kernels: PageKernels;
  readonly list: Uint32Array;
  readonly words: Int32Array;
  /** The first so many of the words: the same view each time, because making one costs as much as drawing into it. */
  firstWords(count: number): Int32Array;
}

export function createScratch(kernels: PageKernels): SampleScratch {
  const words = kernels.words(BITMAP_WORDS);
  const views = new Map<number, Int32Array>();
  return {
    kernels,
    list: kernels.list(LIST_PAGES),
    words,
    firstWords(count) {
      let view = views.get(count);
      if (view === undefined) views.set(count, (view = words.subarray(0, count)));
      return view;
    },
  };
}
