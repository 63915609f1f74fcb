/**
 * Who is ahead where, and where that changes: pure arithmetic on curves over one axis. A crossover lies between two points
 * of the grid and is interpolated on the difference of the two curves, linearly on a linear axis and in the logarithm on a
 * logarithmic one. A side without a value at a point (its runs did not get that far) is behind everybody who has one, and
 * there is nothing to interpolate.
 */
import type { Scale } from './axis-value.ts';

export interface Curve {
  readonly side: string;
  /** One for each point of the axis; null: there is none. */
  readonly values: readonly (number | null)[];
}

export interface Ranking {
  readonly better: 'lower' | 'higher';
  /** Two values are equal if they are no farther apart than this share of the larger. */
  readonly marginPercent: number;
  readonly scale: Scale;
}

/** Points in a row over which the same sides are ahead, or no farther behind than the margin. */
export interface Reign {
  /** In the order of the curves. Empty: nobody has a value here. */
  readonly leaders: readonly string[];
  /** Indices of its first and its last point. */
  readonly from: number;
  readonly to: number;
  /** Indices of points within it at which somebody else was level. */
  readonly level: readonly number[];
}

export interface Crossover {
  /** Ahead before it, and after it. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Indices of the points that it lies between: the last at which one is clearly ahead, the first for the other. */
  readonly between: readonly [number, number];
  /** Interpolated, in units of the axis; null where one of the two curves has no value. */
  readonly at: number | null;
}

export interface Race {
  readonly reigns: readonly Reign[];
  readonly crossovers: readonly Crossover[];
}

/** `xs` rise strictly; each curve has as many values. Throws a RangeError otherwise, and for a log axis that begins at 0. */
export function race(xs: readonly number[], curves: readonly Curve[], ranking: Ranking): Race {
  requireAxis(xs, curves, ranking.scale);
  const leaders = xs.map((_, index) => leadersAt(index, curves, ranking));
  const reigns = reignsOf(leaders);
  const crossovers = reigns.slice(1).flatMap((after, index) => {
    const before = reigns[index]!;
    if (before.leaders.length === 0 || after.leaders.length === 0) return [];
    const clear = (reign: Reign) => (point: number) => !reign.level.includes(point);
    const left = pointsOf(before).findLast(clear(before)) ?? before.to;
    const right = pointsOf(after).find(clear(after)) ?? after.from;
    const at = meeting(xs, curveOf(curves, before), curveOf(curves, after), [left, right], ranking.scale);
    return [{ before: before.leaders, after: after.leaders, between: [left, right] as const, at }];
  });
  return { reigns, crossovers };
}

function leadersAt(index: number, curves: readonly Curve[], { better, marginPercent }: Ranking): readonly string[] {
  const there = curves.flatMap(({ side, values }) => {
    const value = values[index] ?? null;
    return value === null ? [] : [{ side, value }];
  });
  if (there.length === 0) return [];
  const values = there.map(({ value }) => value);
  const best = better === 'lower' ? Math.min(...values) : Math.max(...values);
  const near = (value: number) =>
    Math.abs(value - best) <= (marginPercent / 100) * Math.max(Math.abs(value), Math.abs(best));
  return there.filter(({ value }) => near(value)).map(({ side }) => side);
}

/** A reign lasts as long as one of those who are ahead stays ahead; who fell behind meanwhile has only been level. */
function reignsOf(leaders: readonly (readonly string[])[]): readonly Reign[] {
  const reigns: { leaders: readonly string[]; from: number; to: number }[] = [];
  for (const [index, ahead] of leaders.entries()) {
    const last = reigns.at(-1);
    const common = last?.leaders.filter((side) => ahead.includes(side)) ?? [];
    const goesOn = last !== undefined && (common.length > 0 || (last.leaders.length === 0 && ahead.length === 0));
    if (goesOn) Object.assign(last, { leaders: common, to: index });
    else reigns.push({ leaders: ahead, from: index, to: index });
  }
  return reigns.map((reign) => ({
    ...reign,
    level: pointsOf(reign).filter((index) => leaders[index]!.length > reign.leaders.length),
  }));
}

function pointsOf({ from, to }: { readonly from: number; readonly to: number }): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function curveOf(curves: readonly Curve[], { leaders }: Reign): Curve {
  return curves.find(({ side }) => side === leaders[0])!;
}

/** Where the difference of two curves goes through 0 between two points, which may have others between them. */
function meeting(
  xs: readonly number[],
  before: Curve,
  after: Curve,
  [left, right]: readonly [number, number],
  scale: Scale,
): number | null {
  const gap = (index: number) => {
    const [a, b] = [before.values[index] ?? null, after.values[index] ?? null];
    return a === null || b === null ? null : a - b;
  };
  const sign = Math.sign(gap(left) ?? 0);
  for (let index = left; index < right; index++) {
    const [here, next] = [gap(index), gap(index + 1)];
    if (here === null || next === null) return null;
    if (Math.sign(next) !== sign) return between(xs[index]!, xs[index + 1]!, here / (here - next), scale);
  }
  return null;
}

function between(low: number, high: number, share: number, scale: Scale): number {
  return scale === 'linear'
    ? low + share * (high - low)
    : Math.exp(between(Math.log(low), Math.log(high), share, 'linear'));
}

function requireAxis(xs: readonly number[], curves: readonly Curve[], scale: Scale): void {
  if (xs.some((x, index) => index > 0 && !(x > xs[index - 1]!)))
    throw new RangeError('the axis does not rise strictly');
  if (scale === 'log' && xs.some((x) => !(x > 0))) throw new RangeError('a logarithmic axis is above 0');
  if (curves.some(({ values }) => values.length !== xs.length))
    throw new RangeError('a curve has a value for each point');
}
