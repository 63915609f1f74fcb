/**
 * The memory of the page bitmaps of one world, in blocks of 1024 words, and the loops over words in it. Bitmaps take a block
 * where a stretch of theirs is neither empty nor full, and give it back when it is one of the two.
 *
 * In WebAssembly where the host has it: all of one world's bitmaps lie in one memory, so that two of them can be merged by
 * one call. An instance takes some 20 us, and is garbage with the world. A block is named by its first word; 0 is none.
 */
import type { SampleScratch } from './sample-scratch.ts';
import { TypescriptArena } from './typescript-arena.ts';
import { WasmArena } from './wasm-arena.ts';
import { wasmIsThere } from './wasm-kernels.ts';

/** All positions and lengths are in words. What is outside a block that was taken is somebody else's: nothing checks. */
export interface PageArena {
  /** Everything, as it is now: another array once the memory has grown, so that it is read again after `take`. */
  readonly words: Int32Array;
  /** A block, with whatever was in it before. Throws a RangeError when the memory is full. */
  take(): number;
  give(block: number): void;
  /** Whether an array's words lie here, so that their places are places of `words`. */
  holds(array: Int32Array): boolean;
  /** So many zeroed words in one piece, until `reset`. Throws a RangeError when the memory is full. */
  lend(words: number): Int32Array;
  /** Takes everything back: of a world that nobody looks at any more. */
  reset(): void;
  /** ORs in; returns how many bits were not set before. */
  orCount(into: number, from: number, words: number): number;
  /** Clears what is set in `from`; returns how many bits were set in both. */
  clearCount(into: number, from: number, words: number): number;
  /** Number of bits that are set in both. */
  countBoth(a: number, b: number, words: number): number;
  /** Number of set bits. */
  count(at: number, words: number): number;
  /** The same at each call: whoever draws has emitted before the next one draws. */
  readonly scratch: SampleScratch;
}

/** `kind` where one of the two is wanted; else WebAssembly where the host has it. Takes memory when it is first asked for some. */
export function createArena(kind?: 'wasm' | 'typescript'): PageArena {
  const wasm = kind === undefined ? wasmIsThere() : kind === 'wasm';
  return wasm ? new WasmArena() : new TypescriptArena();
}
