/**
 * A few figures of the same kind, summed up: mean, spread and what is known of the mean. One figure says nothing of how far
 * another would be from it, so it has no spread and no interval; figures that are all the same have both, and they are 0.
 */
import { CONFIDENCE, tOf } from './student.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface Sample {
  readonly n: number;
  readonly mean: number;
  /** With n - 1 in the divisor; null of a single figure. */
  readonly deviation: number | null;
  /** Of the mean, by Student's t; null of a single figure. */
  readonly interval: Interval | null;
  readonly min: number;
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

/** Null of no figures at all. */
export function sampleOf(figures: readonly number[], confidence = CONFIDENCE): Sample | null {
  const n = figures.length;
  if (n === 0) return null;
  const sorted = [...figures].sort((a, b) => a - b);
  const [min, max] = [sorted[0]!, sorted[n - 1]!];
  // Where all are the same the sum may round: the mean of 0.1 three times is 0.1.
  const mean = min === max ? min : sum(sorted) / n;
  const deviation = n === 1 ? null : min === max ? 0 : Math.sqrt(sum(sorted.map((one) => (one - mean) ** 2)) / (n - 1));
  return {
    n,
    mean,
    deviation,
    interval: deviation === null ? null : around(mean, (tOf(confidence, n - 1) * deviation) / Math.sqrt(n)),
    min,
    median: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    max,
  };
}

/**
 * Between the two figures around it, linearly: type 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The
 * American Statistician 50 (1996), which R and NumPy have by default. `sorted` rises and has at least one.
 */
export function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const below = Math.floor(at);
  const [low, high] = [sorted[below]!, sorted[Math.min(below + 1, sorted.length - 1)]!];
  return low + (at - below) * (high - low);
}

function around(middle: number, reach: number): Interval {
  return { low: middle - reach, high: middle + reach };
}

export function sum(figures: readonly number[]): number {
  return figures.reduce((total, one) => total + one, 0);
}
