/**
 * Zipf's law over ranks 0 to n - 1: rank r is written in proportion to (r + 1)^-skew. Skew 0 is uniform; about 1 is what
 * key-value stores and page caches are described with (YCSB's default is 0.99: Cooper et al., "Benchmarking Cloud Serving
 * Systems with YCSB", 2010).
 *
 * Ranks are grouped so that within a group the first is at most a quarter likelier than the last. Both samplers propose by
 * the group's first rank and thin by the true ratio, so both are exact, and reject a fifth at most; their cost follows what
 * is touched, not n.
 */
import type { Random } from '../random.ts';

/** First over last probability of a group. This project's own: fewer groups reject more. */
const GROUP_RATIO = 1.25;
/** Terms summed one by one; from there on the Euler-Maclaurin series, whose first dropped term is below 10^-15 there. */
const SUMMED_TERMS = 1000;

export class ZipfLaw {
  readonly ranks: number;
  readonly skew: number;
  /** First rank of each group, and at the end the number of ranks. */
  readonly #starts: Float64Array;
  /** Upper bound of the weight of all groups up to, with, this one. */
  readonly #boundSums: Float64Array;
  readonly #weightSum: number;

  /** Throws a RangeError unless there is a rank and the skew is from 0 to 10. */
  constructor(ranks: number, skew: number) {
    if (!(Number.isInteger(ranks) && ranks >= 1)) throw new RangeError(`a Zipf law has ranks, not ${ranks}`);
    if (!(skew >= 0 && skew <= 10)) throw new RangeError(`a Zipf law's skew is from 0 to 10, not ${skew}`);
    this.ranks = ranks;
    this.skew = skew;
    this.#starts = groupStarts(ranks, skew);
    this.#boundSums = new Float64Array(this.groups);
    let sum = 0;
    for (let g = 0; g < this.groups; g++) {
      sum += (this.#starts[g + 1]! - this.#starts[g]!) * this.#weight(this.#starts[g]!);
      this.#boundSums[g] = sum;
    }
    this.#weightSum = zipfWeightSum(ranks, skew);
  }

  get groups(): number {
    return this.#starts.length - 1;
  }

  /** Share of all writes that goes to this rank. */
  share(rank: number): number {
    return this.#weight(rank) / this.#weightSum;
  }

  /** One write's rank. */
  draw(random: Random): number {
    const bounds = this.#boundSums;
    for (;;) {
      const at = random.unit() * bounds[bounds.length - 1]!;
      let [low, high] = [0, bounds.length - 1];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (bounds[middle]! > at) high = middle;
        else low = middle + 1;
      }
      const start = this.#starts[low]!;
      const rank = start + random.below(this.#starts[low + 1]! - start);
      if (rank === start || random.unit() * this.#weight(start) < this.#weight(rank)) return rank;
    }
  }

  /** About how many ranks `writes` writes touch, from above by at most a quarter. */
  touchedAtMost(writes: number): number {
    let touched = 0;
    for (let g = 0; g < this.groups; g++) {
      touched += (this.#starts[g + 1]! - this.#starts[g]!) * this.#touches(writes, this.#starts[g]!);
    }
    return Math.min(touched, writes);
  }

  /** Visits, ascending, each rank that a Poisson number of writes, `writes` on average, touches. */
  forEachTouched(random: Random, writes: number, visit: (rank: number) => void): void {
    for (let g = 0; g < this.groups; g++) {
      const start = this.#starts[g]!;
      const end = this.#starts[g + 1]!;
      const proposed = this.#touches(writes, start);
      if (proposed === 0) continue;
      for (let rank = start + random.geometricGap(proposed); rank < end; rank += 1 + random.geometricGap(proposed)) {
        if (rank === start || random.unit() * proposed < this.#touches(writes, rank)) visit(rank);
      }
    }
  }

  /** Writes that arrive as a Poisson process make ranks independent: each is touched with 1 - exp(-its writes). */
  #touches(writes: number, rank: number): number {
    return -Math.expm1(-writes * this.share(rank));
  }

  #weight(rank: number): number {
    return (rank + 1) ** -this.skew;
  }
}

function groupStarts(ranks: number, skew: number): Float64Array {
  const widening = skew === 0 ? Number.POSITIVE_INFINITY : GROUP_RATIO ** (1 / skew);
  const starts = [0];
  for (let next = 0; next < ranks; ) {
    next = Math.min(ranks, Math.max(next + 1, Math.floor((next + 1) * widening) - 1));
    starts.push(next);
  }
  return Float64Array.from(starts);
}

/** Sum of r^-skew for r from 1 to n. */
export function zipfWeightSum(n: number, skew: number): number {
  let sum = 0;
  const summed = Math.min(n, SUMMED_TERMS);
  for (let r = summed; r >= 1; r--) sum += r ** -skew;
  if (n === summed) return sum;
  const [a, b, s] = [summed, n, skew];
  const integral = Math.abs(s - 1) < 1e-9 ? Math.log(b / a) : (b ** (1 - s) - a ** (1 - s)) / (1 - s);
  const ends = (b ** -s - a ** -s) / 2;
  const slopes = (s / 12) * (a ** (-s - 1) - b ** (-s - 1));
  const thirds = ((s * (s + 1) * (s + 2)) / 720) * (a ** (-s - 3) - b ** (-s - 3));
  return sum + integral + ends + slopes - thirds;
}
