/**
 * Where a writer's sample is drawn before it is emitted: kernels with room for one batch. Kept between runs, because an
 * instance costs more than a small run may; lent to one writer at a time, so that a subscriber that starts another run in
 * the middle of a batch finds the batch as it was. Nothing in it outlives the loan.
 */
import { createKernels } from './create-kernels.ts';
import type { PageKernels } from './page-kernels.ts';

/** One list or bitmap at most: 32 KiB of numbers, 16 KiB of bits; both stay in the first-level cache. */
const LIST_PAGES = 8192;
const BITMAP_WORDS = 4096;
const MEMORY_BYTES = 2 ** 17;

export interface SampleScratch {
  readonly kernels: PageKernels;
  readonly list: Uint32Array;
  readonly words: Int32Array;
}

const idle: SampleScratch[] = [];

/** Calls `draw` with a scratch that is its own until it returns. */
export function withSampleScratch(draw: (scratch: SampleScratch) => void): void {
  const scratch = idle.pop() ?? newScratch();
  try {
    draw(scratch);
  } finally {
    idle.push(scratch);
  }
}

function newScratch(): SampleScratch {
  const kernels = createKernels({ memoryBytes: MEMORY_BYTES });
  return { kernels, list: kernels.list(LIST_PAGES), words: kernels.words(BITMAP_WORDS) };
}
