/**
 * The page kernels in TypeScript, statement by statement those of page-kernels.as: the reference, and what runs where there
 * is no WebAssembly. Words are an Int32Array, which V8 handles faster than the unsigned one or 64 bits at a time.
 */
import { popcount32 } from '../page-groups.ts';
import { binaryDigits } from '../workloads/sampler.ts';
import { checkBlocks, checkMarks, checkProbability, checkSamePart, pageOutside } from './kernel-checks.ts';
import { type Lanes, stepLane } from './lanes.ts';
import type { PageKernels } from './page-kernels.ts';

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
    for (let i = 0; i < n; i++) {
      const page = list[i]!;
      if (page >= pages) throw pageOutside(page, pages);
      words[page >>> 5]! |= 1 << page;
    }
  }

  markCount(words: Int32Array, pages: number, list: Uint32Array, n: number): number {
    checkMarks(words, pages, list, n);
    let added = 0;
    for (let i = 0; i < n; i++) {
      const page = list[i]!;
      if (page >= pages) throw pageOutside(page, pages);
      const w = page >>> 5;
      const old = words[w]!;
      added += 1 - ((old >>> page) & 1);
      words[w] = old | (1 << page);
    }
    return added;
  }

  or(into: Int32Array, from: Int32Array): void {
    checkSamePart(into, from);
    for (let w = 0; w < from.length; w++) into[w]! |= from[w]!;
  }

  orCount(into: Int32Array, from: Int32Array): number {
    checkSamePart(into, from);
    let added = 0;
    for (let w = 0; w < from.length; w++) {
      const old = into[w]!;
      const fresh = from[w]! & ~old;
      if (fresh === 0) continue;
      added += popcount32(fresh);
      into[w] = old | fresh;
    }
    return added;
  }

  sync(into: Int32Array, from: Int32Array): number {
    checkSamePart(into, from);
    let added = 0;
    for (let w = 0; w < from.length; w++) {
      const word = from[w]!;
      if (word === 0) continue;
      const old = into[w]!;
      added += popcount32(word & ~old);
      into[w] = old | word;
      from[w] = 0;
    }
    return added;
  }

  count(words: Int32Array): number {
    let ones = 0;
    for (let w = 0; w < words.length; w++) ones += popcount32(words[w]!);
    return ones;
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
    for (let k = 0; k < 4 * blocks; k += 4) {
      ones += sampleBlock(lanes, digits, words, k);
    }
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

/** 128 lanes, until the last of them has differed from p in some digit; returns how many came out as one. */
function sampleBlock(lanes: Lanes, digits: Int32Array, words: Int32Array, at: number): number {
  let [below0, below1, below2, below3] = [0, 0, 0, 0];
  let [open0, open1, open2, open3] = [-1, -1, -1, -1];
  for (let i = 0; i < digits.length; i++) {
    const digit = digits[i]!;
    const drawn0 = stepLane(lanes, 0);
    const drawn1 = stepLane(lanes, 1);
    const drawn2 = stepLane(lanes, 2);
    const drawn3 = stepLane(lanes, 3);
    below0 |= open0 & digit & ~drawn0;
    below1 |= open1 & digit & ~drawn1;
    below2 |= open2 & digit & ~drawn2;
    below3 |= open3 & digit & ~drawn3;
    open0 &= ~(drawn0 ^ digit);
    open1 &= ~(drawn1 ^ digit);
    open2 &= ~(drawn2 ^ digit);
    open3 &= ~(drawn3 ^ digit);
    if ((open0 | open1 | open2 | open3) === 0) break;
  }
  words[at] = below0;
  words[at + 1] = below1;
  words[at + 2] = below2;
  words[at + 3] = below3;
  return popcount32(below0) + popcount32(below1) + popcount32(below2) + popcount32(below3);
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
