/**
 * The page kernels in TypeScript, with the results of page-kernels.as to the last bit: the reference, and what runs where
 * there is no WebAssembly. Words are an Int32Array, which V8 handles faster than the unsigned one or 64 bits at a time.
 */
import { popcount32 } from '../bits.ts';
import { binaryDigits } from '../workloads/sampler.ts';
import { checkBlocks, checkMarks, checkProbability, checkSamePart, pageOutside } from './kernel-checks.ts';
import { FOUR_WORDS, type Lanes, stepLane } from './lanes.ts';
import type { PageKernels } from './page-kernels.ts';
import { clearCountWords, countBothWords, countWords, orCountWords, orWords, syncWords } from './word-loops.ts';

/** Where a double is taken apart. */
const floatBits = new DataView(new ArrayBuffer(8));

export class TypescriptKernels implements PageKernels {
  readonly kind = 'typescript';
  readonly #memoryBytes: number;
  #usedBytes = 0;
  readonly #lent = new WeakSet<object>();

  constructor(memoryBytes: number) {
    this.#memoryBytes = memoryBytes;
  }

  words(count: number): Int32Array {
    return this.#lend(new Int32Array(this.#take(count)));
  }

  list(count: number): Uint32Array {
    return this.#lend(new Uint32Array(this.#take(count)));
  }

  free(array: Int32Array | Uint32Array): void {
    if (!this.#lent.delete(array)) throw new RangeError('this array was not lent here, or was given back before');
    this.#usedBytes -= array.byteLength;
  }

  mark(words: Int32Array, pages: number, list: Uint32Array, n: number): void {
    checkMarks(words, pages, list, n);
    const outside = firstOutside(pages);
    let i = 0;
    for (const even = n & ~1; i < even; i += 2) {
      const a = list[i]!;
      const b = list[i + 1]!;
      if (a >= outside || b >= outside) break;
      words[a >>> 5]! |= 1 << a;
      words[b >>> 5]! |= 1 << b;
    }
    for (; i < n; i++) {
      const page = list[i]!;
      if (page >= pages) throw pageOutside(page, pages);
      words[page >>> 5]! |= 1 << page;
    }
  }

  markCount(words: Int32Array, pages: number, list: Uint32Array, n: number): number {
    checkMarks(words, pages, list, n);
    const outside = firstOutside(pages);
    let found = 0;
    let i = 0;
    for (const even = n & ~1; i < even; i += 2) {
      const a = list[i]!;
      const b = list[i + 1]!;
      if (a >= outside || b >= outside) break;
      // One after the other: both may be in one word, or the same page.
      const x = words[a >>> 5]!;
      words[a >>> 5] = x | (1 << a);
      const y = words[b >>> 5]!;
      words[b >>> 5] = y | (1 << b);
      found += ((x >>> a) & 1) + ((y >>> b) & 1);
    }
    for (; i < n; i++) {
      const page = list[i]!;
      if (page >= pages) throw pageOutside(page, pages);
      const old = words[page >>> 5]!;
      words[page >>> 5] = old | (1 << page);
      found += (old >>> page) & 1;
    }
    return n - found;
  }

  or(into: Int32Array, from: Int32Array): void {
    checkSamePart(into, from);
    orWords(into, from);
  }

  orCount(into: Int32Array, from: Int32Array): number {
    checkSamePart(into, from);
    return orCountWords(into, 0, from, 0, from.length);
  }

  sync(into: Int32Array, from: Int32Array): number {
    checkSamePart(into, from);
    return syncWords(into, from);
  }

  clearCount(into: Int32Array, from: Int32Array): number {
    checkSamePart(into, from);
    return clearCountWords(into, 0, from, 0, from.length);
  }

  countBoth(a: Int32Array, b: Int32Array): number {
    checkSamePart(a, b);
    return countBothWords(a, 0, b, 0, a.length);
  }

  count(words: Int32Array): number {
    return countWords(words, 0, words.length);
  }

  scan(words: Int32Array, from: number, out: Uint32Array): number {
    let found = 0;
    let mask = -1 << (from & 31);
    for (let w = from >>> 5; w < words.length && found < out.length; w++, mask = -1) {
      for (let word = words[w]! & mask; word !== 0 && found < out.length; word &= word - 1) {
        out[found++] = w * 32 + 31 - Math.clz32(word & -word);
      }
    }
    return found;
  }

  sampleBits(lanes: Lanes, p: number, words: Int32Array, blocks: number): number {
    checkProbability(p);
    checkBlocks(words, blocks);
    if (p === 1) {
      words.fill(-1, 0, 4 * blocks);
      return 128 * blocks;
    }
    const digits = binaryDigits(p);
    let ones = 0;
    let k = 0;
    for (; k + 1 < blocks; k += 2) ones += sampleTwo(lanes, digits, words, 4 * k);
    if (k < blocks) ones += sampleBlock(lanes, digits, words, 4 * k);
    return ones;
  }

  sampleGaps(lanes: Lanes, p: number, from: number, to: number, out: Uint32Array): number {
    checkProbability(p);
    if (p === 0 || out.length === 0) return 0;
    const inverseLog = 1 / Math.log1p(-p);
    let found = 0;
    let at = from;
    for (;;) {
      const drawn = [stepLane(lanes, 0), stepLane(lanes, 1), stepLane(lanes, 2), stepLane(lanes, 3)] as const;
      for (const half of [0, 2] as const) {
        const unit = ((drawn[half] >>> 5) * 2 ** 26 + (drawn[half + 1]! >>> 6)) / 2 ** 53;
        at += Math.floor(ln(1 - unit) * inverseLog);
        if (!(at < to)) return found;
        out[found++] = at;
        if (found === out.length) return found;
        at += 1;
      }
    }
  }

  #take(count: number): number {
    const bytes = 4 * count;
    if (this.#usedBytes + bytes > this.#memoryBytes) {
      throw new RangeError(
        `${bytes} bytes more than the ${this.#memoryBytes} of these kernels, of which ${this.#usedBytes} are lent`,
      );
    }
    this.#usedBytes += bytes;
    return count;
  }

  #lend<A extends Int32Array | Uint32Array>(array: A): A {
    this.#lent.add(array);
    return array;
  }
}

/** The first page that there is not, as an unsigned word, which V8 compares without a detour over doubles. */
function firstOutside(pages: number): number {
  return Math.min(pages, 2 ** 32 - 1) >>> 0;
}

/** Two blocks of 128 lanes, each with its own four generators, until the last of all has differed from p in some digit. */
function sampleTwo(lanes: Lanes, digits: Int32Array, words: Int32Array, at: number): number {
  const below = new Int32Array(8);
  const open = new Int32Array(8).fill(-1);
  for (let i = 0, left = -1; i < digits.length && left !== 0; i++) {
    const digit = digits[i]!;
    left = 0;
    for (let lane = 0; lane < 8; lane++) {
      const drawn = stepLane(lanes, lane < 4 ? lane : FOUR_WORDS + lane - 4);
      below[lane]! |= open[lane]! & digit & ~drawn;
      open[lane]! &= ~(drawn ^ digit);
      left |= open[lane]!;
    }
  }
  words.set(below, at);
  return below.reduce((ones, word) => ones + popcount32(word), 0);
}

/** 128 lanes, until the last of them has differed from p in some digit; returns how many came out as one. */
function sampleBlock(lanes: Lanes, digits: Int32Array, words: Int32Array, at: number): number {
  let ones = 0;
  const below = [0, 0, 0, 0];
  const open = [-1, -1, -1, -1];
  for (let i = 0, left = -1; i < digits.length && left !== 0; i++) {
    const digit = digits[i]!;
    left = 0;
    for (let lane = 0; lane < 4; lane++) {
      const drawn = stepLane(lanes, lane);
      below[lane]! |= open[lane]! & digit & ~drawn;
      open[lane]! &= ~(drawn ^ digit);
      left |= open[lane]!;
    }
  }
  for (let lane = 0; lane < 4; lane++) {
    words[at + lane] = below[lane]!;
    ones += popcount32(below[lane]!);
  }
  return ones;
}

/** The natural logarithm of 2^-53 to 1 from arithmetic alone: page-kernels.as says why and how. */
function ln(x: number): number {
  floatBits.setFloat64(0, x);
  const high = floatBits.getUint32(0);
  let exponent = (high >>> 20) - 1023;
  floatBits.setUint32(0, (high & 0x000f_ffff) | 0x3ff0_0000);
  let m = floatBits.getFloat64(0);
  if (m > Math.SQRT2) {
    m /= 2;
    exponent += 1;
  }
  const s = (m - 1) / (m + 1);
  const z = s * s;
  let sum = 1 / 21;
  for (let odd = 19; odd >= 1; odd -= 2) sum = sum * z + 1 / odd;
  return exponent * Math.LN2 + 2 * s * sum;
}
