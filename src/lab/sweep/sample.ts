/**
 * The points of a sweep: all combinations of what the axes list, or so many drawn at random, or a Latin hypercube, which has one
 * point in each of n equal strata of every axis (McKay, Beckman and Conover, "A Comparison of Three Methods for Selecting
 * Values of Input Variables", 1979). The same seed gives the same points; an axis that is added changes no other's draws.
 */
import { createRandom } from '../../hardware/random.ts';
import { type AxisPoint, pointAt, type SweepAxis } from './spread.ts';

export type Sample =
  | { readonly kind: 'grid' }
  | { readonly kind: 'random' | 'latin-hypercube'; readonly n: number; readonly seed: number };

/** For each point a value of each axis, in the order of the axes. Of a grid the last axis varies fastest. */
export function pointsOf(axes: readonly SweepAxis[], sample: Sample): readonly (readonly AxisPoint[])[] {
  if (sample.kind === 'grid') return gridPoints(axes);
  const drawn = axes.map((axis) => quantilesOf(axis.name, sample).map((quantile) => pointAt(axis, quantile)));
  return Array.from({ length: sample.n }, (_, index) => drawn.map((values) => values[index]!));
}

/** Points of a grid, or of a sample; to be asked before they are made. */
export function pointCount(axes: readonly SweepAxis[], sample: Sample): number {
  return sample.kind === 'grid' ? axes.reduce((product, axis) => product * listOf(axis).length, 1) : sample.n;
}

function gridPoints(axes: readonly SweepAxis[]): readonly (readonly AxisPoint[])[] {
  return axes.reduce<readonly (readonly AxisPoint[])[]>(
    (points, axis) => points.flatMap((point) => listOf(axis).map((value) => [...point, value])),
    [[]],
  );
}

function listOf({ name, spread }: SweepAxis): readonly AxisPoint[] {
  if (spread.kind !== 'list') throw new RangeError(`the axis ${name} has no list of values`);
  return spread.points;
}

/** In [0, 1), one for each point. */
export function quantilesOf(
  stream: string,
  { kind, n, seed }: Exclude<Sample, { readonly kind: 'grid' }>,
): readonly number[] {
  const random = createRandom(seed, `sweep/${stream}`);
  if (kind === 'random') return Array.from({ length: n }, () => random.unit());
  const strata = Array.from({ length: n }, (_, index) => index);
  for (let left = n; left > 1; left--) {
    const other = random.below(left);
    [strata[left - 1], strata[other]] = [strata[other]!, strata[left - 1]!];
  }
  // The largest unit() plus a stratum may round up to the next one.
  return strata.map((stratum) => Math.min((stratum + random.unit()) / n, below((stratum + 1) / n)));
}

/** The largest double under a positive one is at most this far from it. */
function below(x: number): number {
  return x * (1 - Number.EPSILON / 2);
}
