/**
 * The page kernels in WebAssembly. The module is compiled once a process, at first use, and an instance with a memory of its
 * own takes a fraction of a millisecond: whoever does little work does it without (`switchover bench` tells both).
 */
import { checkBlocks, checkMarks, checkProbability, checkSamePart, pageOutside } from './kernel-checks.ts';
import { FOUR_WORDS, type Lanes } from './lanes.ts';
import { PAGE_KERNELS_BASE64 } from './page-kernels.generated.ts';
import type { PageKernels } from './page-kernels.ts';
import { webAssembly } from './web-assembly.ts';
import { WordMemory } from './word-memory.ts';

/** page-kernels.as. Pointers are byte offsets. */
export interface RawKernels {
  mark(words: number, pages: number, list: number, n: number): number;
  markCount(words: number, pages: number, list: number, n: number): number;
  or(into: number, from: number, words: number): void;
  orCount(into: number, from: number, words: number): number;
  sync(into: number, from: number, words: number): number;
  clearCount(into: number, from: number, words: number): number;
  countBoth(a: number, b: number, words: number): number;
  count(words: number, n: number): number;
  scan(words: number, n: number, from: number, out: number, max: number): number;
  sampleBits(state: number, p: number, words: number, blocks: number): number;
  sampleGaps(state: number, inverseLog: number, from: number, to: number, out: number, max: number): number;
}

const WASM_PAGE_BYTES = 65_536;
/** The generators' 32 words; below them nothing. */
const STATE_AT = 1024;
const RESERVED_BYTES = 2048;

let compiled: object | undefined;

export function wasmIsThere(): boolean {
  return webAssembly() !== undefined;
}

function compiledModule(): object {
  const api = webAssembly();
  if (api === undefined) throw new Error('this host has no WebAssembly with shared memories');
  compiled ??= new api.Module(Uint8Array.from(atob(PAGE_KERNELS_BASE64), (character) => character.charCodeAt(0)));
  return compiled;
}

export class WasmKernels implements PageKernels {
  readonly kind = 'wasm';
  /** The module's own functions: positions are bytes, and nothing is checked. */
  readonly raw: RawKernels;
  readonly #memory: WordMemory;
  readonly #state: Int32Array;

  /** `initialBytes` are there from the start: each growth is a system call. */
  constructor(memoryBytes: number, initialBytes = WASM_PAGE_BYTES) {
    const module = compiledModule();
    const { Instance, Memory } = webAssembly()!;
    const pages = Math.min(Math.max(Math.ceil(memoryBytes / WASM_PAGE_BYTES), 1), 65_536);
    const initial = Math.min(Math.ceil(initialBytes / WASM_PAGE_BYTES), pages);
    const memory = new Memory({ initial, maximum: pages, shared: true });
    this.raw = new Instance(module, { env: { memory } }).exports as RawKernels;
    this.#memory = new WordMemory(memory, initial * WASM_PAGE_BYTES, pages * WASM_PAGE_BYTES, RESERVED_BYTES);
    this.#state = new Int32Array(memory.buffer, STATE_AT, 2 * FOUR_WORDS);
  }

  /** All of the memory, as large as it is now. */
  get buffer(): SharedArrayBuffer {
    return this.#memory.buffer;
  }

  /** Whether an array lies in its memory. */
  holds(array: Int32Array): boolean {
    return this.#memory.holds(array);
  }

  words(count: number): Int32Array {
    return this.#memory.lend(count);
  }

  list(count: number): Uint32Array {
    const words = this.#memory.lend(count);
    return new Uint32Array(words.buffer, words.byteOffset, count);
  }

  free(array: Int32Array | Uint32Array): void {
    this.#memory.free(array);
  }

  mark(words: Int32Array, pages: number, list: Uint32Array, n: number): void {
    checkMarks(words, pages, list, n);
    const done = this.raw.mark(this.#memory.offsetOf(words), pages, this.#memory.offsetOf(list), n);
    if (done < n) throw pageOutside(list[done]!, pages);
  }

  markCount(words: Int32Array, pages: number, list: Uint32Array, n: number): number {
    checkMarks(words, pages, list, n);
    const added = this.raw.markCount(this.#memory.offsetOf(words), pages, this.#memory.offsetOf(list), n);
    if (added < 0) throw pageOutside(list[-1 - added]!, pages);
    return added;
  }

  or(into: Int32Array, from: Int32Array): void {
    checkSamePart(into, from);
    this.raw.or(this.#memory.offsetOf(into), this.#memory.offsetOf(from), from.length);
  }

  orCount(into: Int32Array, from: Int32Array): number {
    checkSamePart(into, from);
    return this.raw.orCount(this.#memory.offsetOf(into), this.#memory.offsetOf(from), from.length);
  }

  sync(into: Int32Array, from: Int32Array): number {
    checkSamePart(into, from);
    return this.raw.sync(this.#memory.offsetOf(into), this.#memory.offsetOf(from), from.length);
  }

  clearCount(into: Int32Array, from: Int32Array): number {
    checkSamePart(into, from);
    return this.raw.clearCount(this.#memory.offsetOf(into), this.#memory.offsetOf(from), from.length);
  }

  countBoth(a: Int32Array, b: Int32Array): number {
    checkSamePart(a, b);
    return this.raw.countBoth(this.#memory.offsetOf(a), this.#memory.offsetOf(b), a.length);
  }

  count(words: Int32Array): number {
    return this.raw.count(this.#memory.offsetOf(words), words.length);
  }

  scan(words: Int32Array, from: number, out: Uint32Array): number {
    return this.raw.scan(this.#memory.offsetOf(words), words.length, from, this.#memory.offsetOf(out), out.length);
  }

  sampleBits(lanes: Lanes, p: number, words: Int32Array, blocks: number): number {
    checkProbability(p);
    checkBlocks(words, blocks);
    if (p === 1) {
      words.fill(-1, 0, 4 * blocks);
      return 128 * blocks;
    }
    this.#state.set(lanes);
    const ones = this.raw.sampleBits(STATE_AT, p, this.#memory.offsetOf(words), blocks);
    lanes.set(this.#state);
    return ones;
  }

  sampleGaps(lanes: Lanes, p: number, from: number, to: number, out: Uint32Array): number {
    checkProbability(p);
    if (p === 0 || out.length === 0) return 0;
    this.#state.set(lanes);
    const at = this.#memory.offsetOf(out);
    const found = this.raw.sampleGaps(STATE_AT, 1 / Math.log1p(-p), from, to, at, out.length);
    lanes.set(this.#state);
    return found;
  }
}
