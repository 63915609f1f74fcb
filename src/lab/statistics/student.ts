/** Student's t and the normal distribution, as far as intervals and tests need them. */
import { jStat } from './jstat.ts';

/** What an interval covers unless somebody says otherwise. */
export const CONFIDENCE = 0.95;

/** The t that a two-sided interval of this confidence reaches to. */
export function tOf(confidence: number, degrees: number): number {
  return jStat.studentt.inv(1 - (1 - confidence) / 2, degrees);
}

/** The normal distribution's. */
export function zOf(confidence: number): number {
  return jStat.normal.inv(1 - (1 - confidence) / 2, 0, 1);
}

/** How likely a t at least so far from 0, on either side, is by chance. */
export function twoSided(t: number, degrees: number): number {
  return Math.min(1, 2 * jStat.studentt.cdf(-Math.abs(t), degrees));
}

/** The share of the standard normal distribution below z. */
export function normalCdf(z: number): number {
  if (!Number.isFinite(z)) return z > 0 ? 1 : 0;
  return jStat.normal.cdf(z, 0, 1);
}

/** The z below which this share of it is. */
export function normalQuantile(share: number): number {
  if (share <= 0) return Number.NEGATIVE_INFINITY;
  return share >= 1 ? Number.POSITIVE_INFINITY : jStat.normal.inv(share, 0, 1);
}
