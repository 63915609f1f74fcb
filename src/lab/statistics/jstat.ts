/** jStat, with types for what is used of it: it is CommonJS and has none of its own. */
import { createRequire } from 'node:module';

interface Distribution {
  /** The quantile at a probability. */
  inv(probability: number, ...parameters: readonly number[]): number;
  cdf(value: number, ...parameters: readonly number[]): number;
}

export const jStat = createRequire(import.meta.url)('jstat') as {
  readonly studentt: Distribution;
  readonly normal: Distribution;
};
