/**
 * A sweep's rows as a grid to conclude from: cells (a point under a policy, its runs in the order of the seeds) and axes whose
 * values either follow one another, because they are numbers or quantities, or just differ. Points that are no full grid,
 * because they were drawn, have no places that words could name.
 */
import { quantityOf, readAxisValue } from '../../experiment/axis-value.ts';
import type { SweepRow } from '../sweep.ts';

export type Label = string | number | boolean;

export interface GridAxis {
  readonly name: string;
  /** Rising where they follow one another, else in the order in which the points have them. */
  readonly values: readonly Label[];
  /** They are numbers, or quantities of one kind. */
  readonly ordered: boolean;
}

/** Points, each a value of every axis by number. */
export interface Grid {
  readonly axes: readonly GridAxis[];
  /** In the order of the points. */
  readonly places: readonly (readonly number[])[];
  /** Every combination is there, once. */
  readonly full: boolean;
}

export interface Cell {
  readonly point: number;
  readonly policy: string;
  /** In the order of the seeds. */
  readonly rows: readonly SweepRow[];
  /** Every run of it completed. */
  readonly whole: boolean;
}

export function gridOf(names: readonly string[], labels: readonly (readonly Label[])[]): Grid {
  const axes = names.map((name, index) => {
    const values = [...new Set(labels.map((point) => point[index]!))];
    const risen = rising(values);
    return { name, values: risen ?? values, ordered: risen !== null };
  });
  const places = labels.map((point) => point.map((label, index) => axes[index]!.values.indexOf(label)));
  const all = axes.reduce((product, { values }) => product * values.length, 1);
  const full = places.length === all && new Set(places.map((place) => place.join())).size === all;
  return { axes, places, full };
}

/** `rows` are in the order of the trials; a setting has `runs` of them. */
export function cellsOf(rows: readonly SweepRow[], runs: number): readonly Cell[] {
  return Array.from({ length: rows.length / runs }, (_, index) => {
    const own = rows.slice(index * runs, (index + 1) * runs);
    const [{ point, policy }] = own as unknown as readonly [SweepRow];
    return { point, policy, rows: own, whole: own.every(({ outcome }) => outcome === 'completed') };
  });
}

/** Without one axis: the points at one of its values. `points` are their numbers in the grid that it comes from. */
export function slice(
  { axes, places, full }: Grid,
  axis: number,
  value: number,
): { readonly grid: Grid; readonly points: readonly number[] } {
  const points = places.flatMap((place, point) => (place[axis] === value ? [point] : []));
  const without = <T>(list: readonly T[]) => list.filter((_, index) => index !== axis);
  return { grid: { axes: without(axes), places: points.map((point) => without(places[point]!)), full }, points };
}

/** Rising, where all of them are numbers or quantities of one kind; null where they just differ. */
function rising(values: readonly Label[]): readonly Label[] | null {
  const placed = values.map((value) => {
    const read = readAxisValue(value);
    return 'value' in read ? { value, x: read.value.x } : null;
  });
  const known = placed.filter((one) => one !== null);
  const alike = new Set(values.map(quantityOf)).size === 1;
  return alike && known.length === values.length ? known.sort((a, b) => a.x - b.x).map(({ value }) => value) : null;
}
