/**
 * What two treatments of the same cases differ by: each case is its own measure, so that what varies between cases does not
 * blur the difference. A case in which one of the two has no figure is no pair.
 */
import { type Sample, sampleOf } from './sample.ts';
import { CONFIDENCE, twoSided } from './student.ts';

export interface Difference extends Sample {
  /** How likely a difference like this, either way, is where there is none: Student's t of the differences. Null of one pair. */
  readonly p: number | null;
}

/** `later` minus `first`, pair by pair; null without any pair. Both are in the order of the same cases. */
export function differenceOf(
  first: readonly (number | null)[],
  later: readonly (number | null)[],
  confidence = CONFIDENCE,
): Difference | null {
  const differences = later.flatMap((one, index) => {
    const other = first[index] ?? null;
    return one === null || other === null ? [] : [one - other];
  });
  const sample = sampleOf(differences, confidence);
  return sample === null ? null : { ...sample, p: chanceOf(sample) };
}

/** Differences that are all the same leave nothing to chance: none at all, or a sure one. */
function chanceOf({ n, mean, deviation }: Sample): number | null {
  if (deviation === null) return null;
  if (deviation === 0) return mean === 0 ? 1 : 0;
  return twoSided((mean / deviation) * Math.sqrt(n), n - 1);
}
