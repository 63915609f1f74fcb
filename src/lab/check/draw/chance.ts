/**
 * What draws are made of: choices, amounts and odds over one stream of a seeded generator. A concern has a stream of its own
 * (`chanceOf(seed, 'devices')`), so that one that draws more numbers than before changes nothing for the others.
 */
import { createRandom } from '../../../hardware/random.ts';

export interface Chance {
  /** A whole number, both ends included. */
  between(least: number, most: number): number;
  /** One of them, each as likely; a value that stands twice is twice as likely. Throws a RangeError for an empty list. */
  pick<const One>(from: readonly One[]): One;
  /** True in so many of a hundred cases. */
  percent(odds: number): boolean;
  /** The object in so many of a hundred cases, else nothing: to be spread into another. */
  perhaps<Keys extends object>(odds: number, keys: () => Keys): Keys | Record<never, never>;
}

export function chanceOf(seed: number, concern: string): Chance {
  const random = createRandom(seed, `check/${concern}`);
  const percent = (odds: number) => random.unit() * 100 < odds;
  return {
    between: (least, most) => least + random.below(most - least + 1),
    pick(from) {
      if (from.length === 0) throw new RangeError('nothing to pick from');
      return from[random.below(from.length)] as (typeof from)[number];
    },
    percent,
    perhaps: (odds, keys) => (percent(odds) ? keys() : {}),
  };
}
