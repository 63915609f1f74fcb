/** The same in TypeScript: the reference, and what runs where there is no WebAssembly. */
import { BLOCK_WORDS } from './block.ts';
import type { PageArena } from './page-arena.ts';
import { createScratch, type SampleScratch } from './sample-scratch.ts';
import { TypescriptKernels } from './typescript-kernels.ts';
import { clearCountWords, countBothWords, countWords, orCountWords } from './word-loops.ts';

const FIRST_BLOCKS = 4;

export class TypescriptArena implements PageArena {
  words: Int32Array = new Int32Array(0);
  readonly #free: number[] = [];
  #scratch: SampleScratch | undefined;

  take(): number {
    return this.#free.pop() ?? this.#grow();
  }

  give(block: number): void {
    this.#free.push(block);
  }

  holds(array: Int32Array): boolean {
    return array.buffer === this.words.buffer;
  }

  lend(words: number): Int32Array {
    return new Int32Array(words);
  }

  reset(): void {
    this.#free.length = 0;
    for (let block = this.words.length / BLOCK_WORDS - 1; block > 0; block--) this.#free.push(block * BLOCK_WORDS);
  }

  orCount(into: number, from: number, words: number): number {
    return orCountWords(this.words, into, this.words, from, words);
  }

  clearCount(into: number, from: number, words: number): number {
    return clearCountWords(this.words, into, this.words, from, words);
  }

  countBoth(a: number, b: number, words: number): number {
    return countBothWords(this.words, a, this.words, b, words);
  }

  count(at: number, words: number): number {
    return countWords(this.words, at, words);
  }

  get scratch(): SampleScratch {
    this.#scratch ??= createScratch(new TypescriptKernels(2 ** 17));
    return this.#scratch;
  }

  /** By as much again as there is. The first block is nobody's, because 0 is none. */
  #grow(): number {
    const blocks = this.words.length / BLOCK_WORDS;
    const grown = new Int32Array(Math.max(2 * blocks, FIRST_BLOCKS) * BLOCK_WORDS);
    grown.set(this.words);
    this.words = grown;
    for (let block = grown.length / BLOCK_WORDS - 1; block > Math.max(blocks, 1); block--) {
      this.#free.push(block * BLOCK_WORDS);
    }
    return Math.max(blocks, 1) * BLOCK_WORDS;
  }
}
