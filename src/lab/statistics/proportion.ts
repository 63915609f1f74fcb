/**
 * A share of cases, and what is known of it. Wilson's interval never leaves 0 to 1, and says something where all or none did:
 * Edwin B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of the American
 * Statistical Association 22 (1927).
 */
import type { Interval } from './sample.ts';
import { CONFIDENCE, zOf } from './student.ts';

export interface Proportion {
  readonly count: number;
  readonly of: number;
  readonly share: number;
  readonly interval: Interval;
}

/** `of` is at least 1. */
export function proportionOf(count: number, of: number, confidence = CONFIDENCE): Proportion {
  const z = zOf(confidence);
  const share = count / of;
  const divisor = 1 + z ** 2 / of;
  const middle = (share + z ** 2 / (2 * of)) / divisor;
  const reach = (z / divisor) * Math.sqrt((share * (1 - share)) / of + z ** 2 / (4 * of ** 2));
  const interval = {
    low: count === 0 ? 0 : Math.max(0, middle - reach),
    high: count === of ? 1 : Math.min(1, middle + reach),
  };
  return { count, of, share, interval };
}

/**
 * How likely it is by chance that of two treatments of the same cases the one succeeded `onlyFirst` times where the other did
 * not, and the other `onlyLater` times: McNemar's test, exact. 1 where they never differ.
 */
export function mcnemar(onlyFirst: number, onlyLater: number): number {
  const n = onlyFirst + onlyLater;
  // Half a coin's tail: each term is the one before it times (n - k) / (k + 1). Kept as a logarithm, for 2^-n is no double
  // above 1074 cases.
  let [logTerm, tail] = [-n * Math.LN2, 0];
  for (let k = 0; k <= Math.min(onlyFirst, onlyLater); k++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log((n - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}
