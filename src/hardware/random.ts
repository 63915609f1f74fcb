/**
 * The model's only source of chance: a small, fast generator, one independent stream for each name, all of them fixed by
 * the run's seed. A writer that draws more numbers than before therefore never changes what another one draws.
 *
 * The generator is sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, period at least 2^32, passes PractRand and
 * BigCrush. It is no source of secrets. Distributions are exact up to the 53 bits of a double; nothing here approximates
 * a count by a normal variate.
 */

/** One stream. Programmer errors (a bound that is no whole number, a negative mean) throw a RangeError. */
export interface Random {
  /** Uniform over 0 to 2^32 - 1. */
  nextUint32(): number;
  /** Uniform over [0, 1), in steps of 2^-53. */
  unit(): number;
  /** Uniform over the whole numbers 0 to n - 1, without bias; n from 1 to 2^32. */
  below(n: number): number;
  /** A Poisson count of this mean. */
  poisson(mean: number): number;
  /** Failures before the first success of trials that succeed with probability p; Infinity when p is 0. */
  geometricGap(p: number): number;
}

/** The stream `stream` of the run with seed `seed` (a whole number, any sign). Same arguments, same numbers, for ever. */
export function createRandom(seed: number, stream: string): Random {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed must be a whole number, got ${seed}`);
  return new Sfc32(seed, stream);
}

const TWO_32 = 2 ** 32;

class Sfc32 implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, stream: string) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / TWO_32) | 0;
    this.#c = hash(stream);
    // The author's seeding: 12 rounds until every bit of the seed has reached every bit of the state; 20 for good measure.
    for (let i = 0; i < 20; i++) this.nextUint32();
  }

  nextUint32(): number {
    const out = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + out) | 0;
    return out >>> 0;
  }

  unit(): number {
    return ((this.nextUint32() >>> 5) * 2 ** 26 + (this.nextUint32() >>> 6)) / 2 ** 53;
  }

  /** Lemire's multiplication ("Fast random integer generation in an interval", 2019) with its rejection step. */
  below(n: number): number {
    if (!(n >= 1 && n <= TWO_32) || !Number.isInteger(n)) throw new RangeError(`below: 1 to 2^32, got ${n}`);
    let r = this.nextUint32();
    let low = Math.imul(r, n) >>> 0;
    if (low < n) {
      const rejectBelow = (TWO_32 - n) % n;
      while (low < rejectBelow) {
        r = this.nextUint32();
        low = Math.imul(r, n) >>> 0;
      }
    }
    // r * n may round by less than 2^11; without its known low word it is a multiple of 2^32, so this rounds back exactly.
    return Math.floor((r * n - low) / TWO_32 + 0.5);
  }

  poisson(mean: number): number {
    if (!(mean >= 0 && mean < 2 ** 52)) throw new RangeError(`poisson: mean must be 0 to 2^52, got ${mean}`);
    if (mean === 0) return 0;
    return mean < 10 ? this.#poissonByInversion(mean) : this.#poissonByRejection(mean);
  }

  #poissonByInversion(mean: number): number {
    let u = this.unit();
    let probability = Math.exp(-mean);
    let k = 0;
    while (u >= probability && probability > 0) {
      u -= probability;
      k += 1;
      probability *= mean / k;
    }
    return k;
  }

  /** PTRS: W. Hormann, "The transformed rejection method for generating Poisson random variables", 1993. */
  #poissonByRejection(mean: number): number {
    const logMean = Math.log(mean);
    const b = 0.931 + 2.53 * Math.sqrt(mean);
    const a = -0.059 + 0.02483 * b;
    const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
    const quickAccept = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
      const u = this.unit() - 0.5;
      const v = 1 - this.unit();
      const us = 0.5 - Math.abs(u);
      const k = Math.floor(((2 * a) / us + b) * u + mean + 0.43);
      if (us >= 0.07 && v <= quickAccept) return k;
      if (k < 0 || (us < 0.013 && v > us)) continue;
      if (Math.log((v * inverseAlpha) / (a / (us * us) + b)) <= k * logMean - mean - logFactorial(k)) return k;
    }
  }

  geometricGap(p: number): number {
    if (!(p >= 0 && p <= 1)) throw new RangeError(`geometricGap: p must be 0 to 1, got ${p}`);
    if (p === 0) return Number.POSITIVE_INFINITY;
    if (p === 1) return 0;
    return Math.floor(Math.log(1 - this.unit()) / Math.log1p(-p));
  }
}

/** ln k!: summed while small, else Stirling's series, whose first dropped term is below 10^-12 from k = 16 on. */
function logFactorial(k: number): number {
  if (k < 16) {
    let product = 1;
    for (let i = 2; i <= k; i++) product *= i;
    return Math.log(product);
  }
  const x = k + 1;
  const inverse = 1 / x;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)));
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
}

/** FNV-1a over UTF-16 code units, then the finaliser of MurmurHash3, so that `vcpu:1` and `vcpu:2` share no bits. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
