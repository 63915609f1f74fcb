/**
 * Which pages a random writer has touched, without drawing its writes. Writes that arrive as a Poisson process and pick
 * their page uniformly make pages independent: each is touched with p = 1 - exp(-writes / pages), and a set drawn so has
 * the same distribution as one drawn write by write (variance and all; the count is binomial).
 *
 * Two exact ways: 32 pages at a time, bit by bit of p, which costs about six random words whatever p is; or the gaps
 * between touched pages, which costs what is touched. Both resolve p to 2^-53.
 */
import { popcount32 } from '../bits.ts';
import type { Random } from '../random.ts';

/** The binary digits of p after the point, each as -1 (one) or 0, without trailing zeros. */
export function binaryDigits(p: number): Int32Array {
  return digits.slice(0, digitsInto(digits, p));
}

/** A double has no more digits that the generator could tell from zero. */
const DIGITS_MAX = 53;
const digits = new Int32Array(DIGITS_MAX);

/** Writes those digits to `into`, at most 53 of them; returns how many. */
function digitsInto(into: Int32Array, p: number): number {
  if (!(p >= 0 && p < 1)) throw new RangeError(`digits of a p from 0 to below 1, got ${p}`);
  let rest = p;
  let n = 0;
  while (rest > 0 && n < DIGITS_MAX) {
    rest *= 2;
    const one = rest >= 1;
    into[n++] = one ? -1 : 0;
    if (one) rest -= 1;
  }
  return n;
}

/**
 * Fills `words` with independent bits that are one with probability p, from bit `fromBit` up to, without, `toBit`; the
 * bits outside are zero. Returns how many are one.
 *
 * In each lane a uniform number is compared with p, one binary digit at a time; a word is done when the last of its 32
 * lanes differs from p in some digit.
 */
export function sampleBits(random: Random, p: number, words: Int32Array, fromBit: number, toBit: number): number {
  words.fill(0);
  if (p <= 0 || fromBit >= toBit) return 0;
  const digitsOfP = p >= 1 ? undefined : binaryDigits(p);
  const firstWord = fromBit >>> 5;
  const lastWord = (toBit - 1) >>> 5;
  let ones = 0;
  for (let w = firstWord; w <= lastWord; w++) {
    let word = digitsOfP === undefined ? -1 : sampleWord(random, digitsOfP);
    if (w === firstWord) word &= -1 << (fromBit & 31);
    if (w === lastWord) word &= -1 >>> (31 - ((toBit - 1) & 31));
    words[w] = word;
    ones += popcount32(word);
  }
  return ones;
}

function sampleWord(random: Random, digits: Int32Array): number {
  let below = 0;
  let undecided = -1;
  for (let i = 0; i < digits.length && undecided !== 0; i++) {
    const drawn = random.nextUint32() | 0;
    const digit = digits[i]!;
    below |= undecided & digit & ~drawn;
    undecided &= ~(drawn ^ digit);
  }
  return below;
}

/**
 * Writes, in order, those of the numbers from `from` up to, without, `to` into `out` that were drawn, each with
 * probability p on its own; stops when `out` is full. Returns how many. Gaps have no memory, so a caller whose `out` was
 * filled goes on at the last number plus one.
 */
export function sampleGaps(random: Random, p: number, from: number, to: number, out: Uint32Array): number {
  let n = 0;
  let at = from + random.geometricGap(p);
  while (at < to) {
    out[n++] = at;
    if (n === out.length) break;
    at += 1 + random.geometricGap(p);
  }
  return n;
}
