/** Blocks in one WebAssembly memory, taken from it by the slab. The instance is made when the first block is taken. */
import { BLOCK_WORDS } from './block.ts';
import type { PageArena } from './page-arena.ts';
import { createScratch, type SampleScratch } from './sample-scratch.ts';
import { WasmKernels } from './wasm-kernels.ts';

/** 64 KiB, the page of WebAssembly. */
const SLAB_BLOCKS = 16;
/** What addresses of 32 bits reach. The bitmaps of a guest of 4 TiB take 128 MiB each at most. */
const MEMORY_BYTES = 2 ** 32;
const INITIAL_BYTES = 2 ** 20;

export class WasmArena implements PageArena {
  #made: WasmKernels | undefined;
  #scratch: SampleScratch | undefined;
  readonly #free: number[] = [];
  readonly #slabs: number[] = [];
  readonly #lent: Int32Array[] = [];
  words: Int32Array = new Int32Array(0);

  take(): number {
    return this.#free.pop() ?? this.#takeSlab();
  }

  give(block: number): void {
    this.#free.push(block);
  }

  holds(array: Int32Array): boolean {
    return this.#made?.holds(array) === true;
  }

  lend(words: number): Int32Array {
    const lent = this.#kernels.words(words);
    this.#lent.push(lent);
    this.#look();
    return lent;
  }

  reset(): void {
    for (const lent of this.#lent.splice(0)) this.#kernels.free(lent);
    this.#free.length = 0;
    for (const slab of this.#slabs) this.#freeFrom(slab, 0);
  }

  orCount(into: number, from: number, words: number): number {
    return this.#kernels.raw.orCount(4 * into, 4 * from, words);
  }

  clearCount(into: number, from: number, words: number): number {
    return this.#kernels.raw.clearCount(4 * into, 4 * from, words);
  }

  countBoth(a: number, b: number, words: number): number {
    return this.#kernels.raw.countBoth(4 * a, 4 * b, words);
  }

  count(at: number, words: number): number {
    return this.#kernels.raw.count(4 * at, words);
  }

  get scratch(): SampleScratch {
    this.#scratch ??= createScratch(this.#kernels);
    this.#look();
    return this.#scratch;
  }

  get #kernels(): WasmKernels {
    this.#made ??= new WasmKernels(MEMORY_BYTES, INITIAL_BYTES);
    return this.#made;
  }

  #takeSlab(): number {
    const slab = this.#kernels.words(SLAB_BLOCKS * BLOCK_WORDS);
    this.#look();
    const first = slab.byteOffset / 4;
    this.#slabs.push(first);
    this.#freeFrom(first, 1);
    return first;
  }

  #freeFrom(slab: number, block: number): void {
    for (let i = SLAB_BLOCKS - 1; i >= block; i--) this.#free.push(slab + i * BLOCK_WORDS);
  }

  /** A memory that has grown has a new buffer over the same bytes. */
  #look(): void {
    const { buffer } = this.#kernels;
    if ((this.words.buffer as object) !== buffer) this.words = new Int32Array(buffer);
  }
}
