/**
 * Values of an axis that are said as multiples of something else in the scenario: a dirty rate as 0.9 of the link's. They are
 * worked out for each point, after everything that the point says outright, so that whoever swaps the link keeps the
 * question, and whoever sweeps it keeps the multiple. To hold the guest fixed instead, the axis says rates and no `of`.
 */
import { readAxisValue } from '../experiment/axis-value.ts';
import { partsOf, put } from '../experiment/path.ts';
import type { Mapping } from '../experiment/schema.ts';
import type { Problem } from '../experiment/written.ts';
import { type AxisPoint, type SweepAxis, writtenValue } from './spread.ts';
import type { Shares } from './sweep.ts';

type Points = readonly (readonly AxisPoint[])[];

/** Every point with its multiples worked out on this scenario. */
export function sharesResolved(
  points: Points,
  scenario: unknown,
): { readonly points: Points } | { readonly problem: Problem } {
  const resolved: (readonly AxisPoint[])[] = [];
  for (const values of points) {
    const outright = values
      .filter(({ share }) => share === undefined)
      .flatMap(({ changes }) => Object.entries(changes));
    const around = written(scenario, outright);
    const point: AxisPoint[] = [];
    for (const value of values) {
      const found = value.share === undefined ? value : resolvedValue(value, value.share, around);
      if ('problem' in found) return found;
      point.push(found);
    }
    resolved.push(point);
  }
  return { points: resolved };
}

/** What the multiples came to, for whoever reads the results. `points` have a value of each axis, worked out. */
export function sharesOf(axes: readonly SweepAxis[], points: Points): readonly Shares[] {
  return axes.flatMap((axis, index) => {
    const own = points.map((values) => values[index]!);
    const of = own[0]?.share?.of;
    if (of === undefined) return [];
    const times = [...new Set(own.flatMap(({ share }) => share?.times ?? []))];
    const are = (wanted: number) => [
      ...new Set(own.filter(({ share }) => share?.times === wanted).map(({ changes }) => Object.values(changes)[0])),
    ];
    return [
      { axis: axis.name, of, values: times.map((one) => ({ times: one, are: are(one) as (string | number)[] })) },
    ];
  });
}

function resolvedValue(
  point: AxisPoint,
  { of, times }: NonNullable<AxisPoint['share']>,
  scenario: unknown,
): AxisPoint | { readonly problem: Problem } {
  const found = valueAt(scenario, of);
  const read = readAxisValue(found);
  if (!('value' in read)) {
    const got = found === undefined ? 'nothing' : JSON.stringify(found);
    const message = `of: expected one quantity at ${of} to take a share of, such as 10Gbit/s; there is ${got}`;
    return { problem: { path: point.place, message } };
  }
  const value = writtenValue(times * read.value.x, { like: read.value, multipleOf: null });
  return { ...point, changes: Object.fromEntries(Object.keys(point.changes).map((path) => [path, value])) };
}

/** What leads nowhere is left out here: it is told when the point is read. */
function written(scenario: unknown, changes: readonly (readonly [string, unknown])[]): unknown {
  let input = scenario;
  for (const [path, value] of changes) {
    const next = put(input as Mapping, partsOf(path), value);
    if ('value' in next) input = next.value;
  }
  return input;
}

function valueAt(scenario: unknown, path: string): unknown {
  return partsOf(path).reduce<unknown>(
    (found, part) =>
      typeof found === 'object' && found !== null ? (found as Record<PropertyKey, unknown>)[part] : undefined,
    scenario,
  );
}
