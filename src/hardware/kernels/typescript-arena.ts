/** The same in TypeScript: the reference, and what runs where there is no WebAssembly. */
import { popcount32 } from '../bits.ts';
import { BLOCK_WORDS } from './block.ts';
import type { PageArena } from './page-arena.ts';
import { createScratch, type SampleScratch } from './sample-scratch.ts';
import { TypescriptKernels } from './typescript-kernels.ts';

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

  lend(words: number): Int32Array {
    return new Int32Array(words);
  }

  reset(): void {
    this.#free.length = 0;
    for (let block = this.words.length / BLOCK_WORDS - 1; block > 0; block--) this.#free.push(block * BLOCK_WORDS);
  }

  orCount(into: number, from: number, words: number): number {
    return orWords(this.words, into, this.words, from, words);
  }

  clearCount(into: number, from: number, words: number): number {
    return clearWords(this.words, into, this.words, from, words);
  }

  countBoth(a: number, b: number, words: number): number {
    return countBothWords(this.words, a, this.words, b, words);
  }

  count(at: number, words: number): number {
    const all = this.words;
    let ones = 0;
    for (let w = at; w < at + words; w++) {
      const word = all[w]!;
      if (word !== 0) ones += word === -1 ? 32 : popcount32(word);
    }
    return ones;
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

/** ORs words of one array into another's; returns how many bits were not set before. */
export function orWords(into: Int32Array, at: number, from: Int32Array, fromAt: number, words: number): number {
  let added = 0;
  for (let w = 0; w < words; w++) {
    const word = from[fromAt + w]!;
    if (word === 0) continue;
    const old = into[at + w]!;
    const fresh = word & ~old;
    if (fresh === 0) continue;
    added += popcount32(fresh);
    into[at + w] = old | fresh;
  }
  return added;
}

/** Clears in one array what is set in another; returns how many bits were set in both. */
export function clearWords(into: Int32Array, at: number, from: Int32Array, fromAt: number, words: number): number {
  let cleared = 0;
  for (let w = 0; w < words; w++) {
    const old = into[at + w]!;
    const gone = old & from[fromAt + w]!;
    if (gone === 0) continue;
    cleared += popcount32(gone);
    into[at + w] = old ^ gone;
  }
  return cleared;
}

/** Number of bits that are set in both. */
export function countBothWords(a: Int32Array, at: number, b: Int32Array, bAt: number, words: number): number {
  let ones = 0;
  for (let w = 0; w < words; w++) {
    const both = a[at + w]! & b[bAt + w]!;
    if (both !== 0) ones += popcount32(both);
  }
  return ones;
}
