/**
 * Loops over words of page bitmaps in plain TypeScript, as fast as V8 makes them: several words a turn, since every turn
 * has checks of its own, and set bits counted by carry-save adders (Harley and Seal), which take one popcount for eight words.
 *
 * What is counted besides being changed goes through one piece of scratch: it stays in the first-level cache,
 * and a piece without a set bit is not counted. Only the sync, the one that a migration waits for, has a loop of its own.
 */
import { popcount32 } from '../bits.ts';

/** Words of a piece: 4 KiB. */
const PIECE_WORDS = 1024;
const PIECE_MASK = PIECE_WORDS - 1;
const piece = new Int32Array(PIECE_WORDS);

/** ORs one array into another of the same length. */
export function orWords(into: Int32Array, from: Int32Array): void {
  let w = 0;
  for (const even = from.length & ~3; w < even; w += 4) {
    into[w]! |= from[w]!;
    into[w + 1]! |= from[w + 1]!;
    into[w + 2]! |= from[w + 2]!;
    into[w + 3]! |= from[w + 3]!;
  }
  for (; w < from.length; w++) into[w]! |= from[w]!;
}

/** ORs so many words of one array, from `fromAt` on, into another's from `at` on; returns how many bits were not set before. */
export function orCountWords(into: Int32Array, at: number, from: Int32Array, fromAt: number, words: number): number {
  let added = 0;
  for (let first = 0; first < words; first += PIECE_WORDS) {
    const end = Math.min(first + PIECE_WORDS, words);
    let any = 0;
    for (let w = first; w < end; w++) {
      const old = into[at + w]!;
      const fresh = from[fromAt + w]! & ~old;
      piece[w & PIECE_MASK] = fresh;
      into[at + w] = old | fresh;
      any |= fresh;
    }
    if (any !== 0) added += countWords(piece, 0, end - first);
  }
  return added;
}

/** Clears in words of one array what is set in another's; returns how many bits were set in both. */
export function clearCountWords(into: Int32Array, at: number, from: Int32Array, fromAt: number, words: number): number {
  let cleared = 0;
  for (let first = 0; first < words; first += PIECE_WORDS) {
    const end = Math.min(first + PIECE_WORDS, words);
    let any = 0;
    for (let w = first; w < end; w++) {
      const old = into[at + w]!;
      const gone = old & from[fromAt + w]!;
      piece[w & PIECE_MASK] = gone;
      into[at + w] = old ^ gone;
      any |= gone;
    }
    if (any !== 0) cleared += countWords(piece, 0, end - first);
  }
  return cleared;
}

/** Number of bits that are set in words of both. */
export function countBothWords(a: Int32Array, at: number, b: Int32Array, bAt: number, words: number): number {
  let ones = 0;
  for (let first = 0; first < words; first += PIECE_WORDS) {
    const end = Math.min(first + PIECE_WORDS, words);
    let any = 0;
    for (let w = first; w < end; w++) {
      const both = a[at + w]! & b[bAt + w]!;
      piece[w & PIECE_MASK] = both;
      any |= both;
    }
    if (any !== 0) ones += countWords(piece, 0, end - first);
  }
  return ones;
}

/**
 * Number of set bits of so many words from `at` on: a bit of the sums that are carried along stands for one, two or four, and what
 * spills over for eight.
 */
export function countWords(of: Int32Array, at: number, words: number): number {
  let ones = 0;
  let twos = 0;
  let fours = 0;
  let spilt = 0;
  let w = at;
  const end = at + words;
  for (const even = at + (words & ~7); w < even; w += 8) {
    let a = of[w]!;
    let b = of[w + 1]!;
    let odd = ones ^ a;
    const twosA = (ones & a) | (odd & b);
    ones = odd ^ b;
    a = of[w + 2]!;
    b = of[w + 3]!;
    odd = ones ^ a;
    const twosB = (ones & a) | (odd & b);
    ones = odd ^ b;
    odd = twos ^ twosA;
    const foursA = (twos & twosA) | (odd & twosB);
    twos = odd ^ twosB;
    a = of[w + 4]!;
    b = of[w + 5]!;
    odd = ones ^ a;
    const twosC = (ones & a) | (odd & b);
    ones = odd ^ b;
    a = of[w + 6]!;
    b = of[w + 7]!;
    odd = ones ^ a;
    const twosD = (ones & a) | (odd & b);
    ones = odd ^ b;
    odd = twos ^ twosC;
    const foursB = (twos & twosC) | (odd & twosD);
    twos = odd ^ twosD;
    odd = fours ^ foursA;
    spilt += popcount32((fours & foursA) | (odd & foursB));
    fours = odd ^ foursB;
  }
  let rest = 0;
  for (; w < end; w++) rest += popcount32(of[w]!);
  return 8 * spilt + 4 * popcount32(fours) + 2 * popcount32(twos) + popcount32(ones) + rest;
}

/** ORs all of one array into another and clears it; returns how many bits were not set before. Counts as `countWords` does. */
export function syncWords(into: Int32Array, from: Int32Array): number {
  let ones = 0;
  let twos = 0;
  let fours = 0;
  let spilt = 0;
  let w = 0;
  for (const even = from.length & ~7; w < even; w += 8) {
    const x0 = from[w]!;
    const x1 = from[w + 1]!;
    const x2 = from[w + 2]!;
    const x3 = from[w + 3]!;
    const x4 = from[w + 4]!;
    const x5 = from[w + 5]!;
    const x6 = from[w + 6]!;
    const x7 = from[w + 7]!;
    if ((x0 | x1 | x2 | x3 | x4 | x5 | x6 | x7) === 0) continue;
    const y0 = into[w]!;
    const y1 = into[w + 1]!;
    const y2 = into[w + 2]!;
    const y3 = into[w + 3]!;
    const y4 = into[w + 4]!;
    const y5 = into[w + 5]!;
    const y6 = into[w + 6]!;
    const y7 = into[w + 7]!;
    let a = x0 & ~y0;
    let b = x1 & ~y1;
    let odd = ones ^ a;
    const twosA = (ones & a) | (odd & b);
    ones = odd ^ b;
    a = x2 & ~y2;
    b = x3 & ~y3;
    odd = ones ^ a;
    const twosB = (ones & a) | (odd & b);
    ones = odd ^ b;
    odd = twos ^ twosA;
    const foursA = (twos & twosA) | (odd & twosB);
    twos = odd ^ twosB;
    a = x4 & ~y4;
    b = x5 & ~y5;
    odd = ones ^ a;
    const twosC = (ones & a) | (odd & b);
    ones = odd ^ b;
    a = x6 & ~y6;
    b = x7 & ~y7;
    odd = ones ^ a;
    const twosD = (ones & a) | (odd & b);
    ones = odd ^ b;
    odd = twos ^ twosC;
    const foursB = (twos & twosC) | (odd & twosD);
    twos = odd ^ twosD;
    odd = fours ^ foursA;
    spilt += popcount32((fours & foursA) | (odd & foursB));
    fours = odd ^ foursB;
    into[w] = x0 | y0;
    into[w + 1] = x1 | y1;
    into[w + 2] = x2 | y2;
    into[w + 3] = x3 | y3;
    into[w + 4] = x4 | y4;
    into[w + 5] = x5 | y5;
    into[w + 6] = x6 | y6;
    into[w + 7] = x7 | y7;
    from[w] = 0;
    from[w + 1] = 0;
    from[w + 2] = 0;
    from[w + 3] = 0;
    from[w + 4] = 0;
    from[w + 5] = 0;
    from[w + 6] = 0;
    from[w + 7] = 0;
  }
  let rest = 0;
  for (; w < from.length; w++) {
    const old = into[w]!;
    rest += popcount32(from[w]! & ~old);
    into[w] = old | from[w]!;
    from[w] = 0;
  }
  return 8 * spilt + 4 * popcount32(fours) + 2 * popcount32(twos) + popcount32(ones) + rest;
}
