/**
 * Axes as a file has them, made into lists, ranges and distributions of numbers; what does not fit together is told with its place.
 * A range with steps is a list; without, it can only be drawn from.
 */
import { type AxisValue, quantityOf } from '../experiment/axis-value.ts';
import { isPath } from '../experiment/path.ts';
import type { Problem } from '../experiment/written.ts';
import { COLUMNS } from '../trial/row.ts';
import type { Sample } from './sample.ts';
import { POINTS_MAX, type ReadAxis, type ReadDistribution, type ReadRange } from './schema.ts';
import { type AxisPoint, between, pointOf, type Spread, type SweepAxis, type Writing, writtenValue } from './spread.ts';

/** Columns that a row has before those of the axes and of the trial. */
export const ROW_KEYS = ['trial', 'point'] as const;
/** The last column of a finished row. */
export const PARETO_COLUMN = 'pareto';

type Made<T> = { readonly value: T } | { readonly problem: Problem };
type At = readonly PropertyKey[];

export interface Axes {
  readonly axes: readonly SweepAxis[];
  readonly problems: readonly Problem[];
}

export function axesOf(read: readonly ReadAxis[], sample: Sample): Axes {
  const axes: SweepAxis[] = [];
  const problems: Problem[] = [];
  for (const [index, one] of read.entries()) {
    const at = ['sweep', 'axes', index];
    const made = axisOf(one, at, sample);
    if ('problem' in made) problems.push(made.problem);
    else {
      const clash = nameClash(made.value.name, axes);
      if (clash === null) axes.push(made.value);
      else problems.push({ path: [...at, ...(one.name === undefined ? [] : ['name'])], message: clash });
    }
  }
  return { axes, problems };
}

/** Names are columns of the rows. */
function nameClash(name: string, axes: readonly SweepAxis[]): string | null {
  const taken: readonly string[] = [...ROW_KEYS, ...COLUMNS, PARETO_COLUMN];
  if (taken.includes(name)) return `${name} is a column that every row has already; call the axis something else`;
  return axes.some((axis) => axis.name === name) ? `another axis is called ${name}` : null;
}

function axisOf({ name, path, values, of, choices }: ReadAxis, at: At, sample: Sample): Made<SweepAxis> {
  if (choices !== undefined) {
    if (path !== undefined || values !== undefined || of !== undefined)
      return refuse([...at, 'choices'], 'choices say their own paths; leave path, values and of out');
    if (name === undefined) return refuse(at, 'an axis of choices needs a name');
    return choicesOf(name, choices, at);
  }
  if (path === undefined || values === undefined) return refuse(at, 'expected path and values, or choices');
  const paths = [path].flat();
  const wrong = paths.find((one) => one.includes('[]'));
  if (wrong !== undefined) return refuse([...at, 'path'], `expected a path to one place of the scenario, got ${wrong}`);
  const place = [...at, 'values'];
  const spread = spreadOf(paths, values, place, sample);
  if ('problem' in spread) return spread;
  const axis = { name: name ?? paths[0]!, paths, spread: spread.value, place };
  return of === undefined ? { value: axis } : sharesOf(axis, of, at);
}

/** Each value a multiple of what stands at a path. */
function sharesOf(axis: SweepAxis, of: string, at: At): Made<SweepAxis> {
  if (of.includes('[]')) return refuse([...at, 'of'], `expected a path to one place of the scenario, got ${of}`);
  if (axis.paths.includes(of)) return refuse([...at, 'of'], 'an axis cannot be a share of itself');
  if (axis.spread.kind !== 'list')
    return refuse([...at, 'values'], 'shares are listed, or a range with steps: they cannot be drawn');
  const points: AxisPoint[] = [];
  for (const point of axis.spread.points) {
    const times = point.label;
    if (typeof times !== 'number' || !(times > 0))
      return refuse(point.place, `with of: expected a number above 0 such as 0.9, got ${times}`);
    points.push({ ...point, share: { of, times } });
  }
  return { value: { ...axis, spread: { kind: 'list', points } } };
}

function choicesOf(name: string, choices: NonNullable<ReadAxis['choices']>, at: At): Made<SweepAxis> {
  for (const [label, changes] of Object.entries(choices)) {
    const wrong = Object.keys(changes).find((key) => !isPath(key) || key.includes('[]'));
    if (wrong !== undefined) {
      const message = 'expected a path into the scenario such as vm.workloads[0].rate';
      return { problem: { path: [...at, 'choices', label, wrong], at: 'key', message } };
    }
  }
  const place = [...at, 'choices'];
  const points: readonly AxisPoint[] = Object.entries(choices).map(([label, changes]) => ({
    label,
    changes,
    place: [...place, label],
  }));
  return { value: { name, paths: [], spread: { kind: 'list', points }, place } };
}

function spreadOf(
  paths: readonly string[],
  values: NonNullable<ReadAxis['values']>,
  at: At,
  { kind }: Sample,
): Made<Spread> {
  if (Array.isArray(values)) return listOf(paths, values, at);
  const form = values as ReadRange | ReadDistribution;
  if (kind === 'grid' && 'distribution' in form)
    return refuse(at, 'a distribution can only be drawn from; say sample: { kind: latin-hypercube, n: 100 }');
  if ('distribution' in form) return distributionOf(form, at);
  const range = rangeOf(form, form.scale, at);
  if ('problem' in range) return range;
  if (form.steps === undefined && form.step === undefined) {
    if (kind === 'grid') return refuse(at, 'a grid needs values: say steps: 5, or draw them (sample)');
    return range;
  }
  return stepsOf(paths, form, range.value, at);
}

function listOf(paths: readonly string[], values: readonly unknown[], at: At): Made<Spread> {
  const points = values.map((value, index) => pointOf(paths, value, [...at, index]));
  const twice = points.findIndex(({ label }, index) => points.findIndex((other) => other.label === label) < index);
  if (twice >= 0) return refuse([...at, twice], `${points[twice]!.label} stands in the list twice`);
  return { value: { kind: 'list', points } };
}

type Range = Extract<Spread, { readonly kind: 'range' }>;

function rangeOf(
  { from, to, multipleOf }: Pick<ReadRange, 'from' | 'to' | 'multipleOf'>,
  scale: Range['scale'],
  at: At,
): Made<Range> {
  const writing = writingOf({ from, to }, multipleOf, at);
  if ('problem' in writing) return writing;
  if (!(to.x > from.x)) return refuse([...at, 'to'], `expected more than ${from.input}, got ${to.input}`);
  if (scale === 'log' && !(from.x > 0)) return refuse([...at, 'from'], 'a logarithmic scale begins above 0');
  return { value: { kind: 'range', from: from.x, to: to.x, scale, writing: writing.value } };
}

function stepsOf(paths: readonly string[], { steps, step }: ReadRange, range: Range, at: At): Made<Spread> {
  if (steps !== undefined && step !== undefined) return refuse([...at, 'step'], 'expected steps or step, not both');
  const shares = step === undefined ? evenly(steps!) : sharesBy(step, range, at);
  if (!Array.isArray(shares)) return shares as { readonly problem: Problem };
  const xs = (shares as readonly number[]).map((share) => between(range.from, range.to, share, range.scale));
  const points = xs.map((x) => pointOf(paths, writtenValue(x, range.writing), at));
  const same = points.findIndex(({ label }, index) => index > 0 && label === points[index - 1]!.label);
  if (same > 0) return refuse(at, `so many steps are not apart: ${points[same]!.label} comes twice`);
  return { value: { kind: 'list', points } };
}

function evenly(steps: number): readonly number[] {
  return Array.from({ length: steps }, (_, index) => index / (steps - 1));
}

/** Shares of the way from one end to the other, a step apart. */
function sharesBy(
  step: AxisValue,
  { from, to, scale, writing }: Range,
  at: At,
): readonly number[] | { readonly problem: Problem } {
  if (scale === 'log' && !(typeof step.input === 'number' && step.x > 1))
    return refuse([...at, 'step'], `of a logarithmic scale it is a factor above 1 such as 2, got ${step.input}`);
  if (scale === 'linear' && (quantityOf(step.input) !== quantityOf(writing.like.input) || !(step.x > 0)))
    return refuse([...at, 'step'], `expected a quantity like ${writing.like.input}, got ${step.input}`);
  const whole = scale === 'log' ? Math.log(to / from) / Math.log(step.x) : (to - from) / step.x;
  if (whole >= POINTS_MAX) return refuse([...at, 'step'], `expected at most ${POINTS_MAX} steps`);
  // A step that ends at the other end up to rounding ends there.
  const count = Math.floor(whole * (1 + 1e-9));
  return Array.from({ length: count + 1 }, (_, index) => Math.min(1, index / whole));
}

function distributionOf(read: ReadDistribution, at: At): Made<Spread> {
  switch (read.distribution) {
    case 'uniform':
      return rangeOf(read, 'linear', at);
    case 'log-uniform':
      return rangeOf(read, 'log', at);
    case 'triangular': {
      const range = rangeOf(read, 'linear', at);
      if ('problem' in range) return range;
      const { from, to, writing } = range.value;
      const alike = writingOf({ from: read.from, mode: read.mode }, undefined, at);
      if ('problem' in alike) return alike;
      const mode = read.mode.x;
      if (mode < from || mode > to) return refuse([...at, 'mode'], 'expected a value between from and to');
      return { value: { kind: 'triangular', from, mode, to, writing } };
    }
    case 'normal':
    case 'lognormal':
      return bellOf(read, at);
    default:
      return read satisfies never;
  }
}

type Bell = Extract<ReadDistribution, { readonly distribution: 'normal' | 'lognormal' }>;

/** Nothing that a scenario takes is negative, so a normal distribution is cut at 0 unless it is cut above. */
function bellOf(read: Bell, at: At): Made<Spread> {
  const { min, max, multipleOf } = read;
  const middle = read.distribution === 'normal' ? { mean: read.mean, sd: read.sd } : { median: read.median };
  const cuts = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
  const writing = writingOf({ ...middle, ...cuts }, multipleOf, at);
  if ('problem' in writing) return writing;
  const inside = { min: min?.x ?? 0, max: max?.x ?? Number.POSITIVE_INFINITY };
  if (!(inside.max > inside.min)) return refuse([...at, 'max'], 'expected more than min');
  if (read.distribution === 'normal') {
    if (!(read.sd.x > 0)) return refuse([...at, 'sd'], 'expected more than 0');
    const mean = read.mean.x;
    return { value: { kind: 'normal', mean, sd: read.sd.x, ...inside, writing: writing.value } };
  }
  if (!(read.median.x > 0)) return refuse([...at, 'median'], 'expected more than 0');
  const mean = Math.log(read.median.x);
  return { value: { kind: 'lognormal', mean, sd: read.sigma, ...inside, writing: writing.value } };
}

/** All of them are of one quantity, and a number is written in the unit of the first that has one; 0 needs none. */
function writingOf(
  values: Readonly<Record<string, AxisValue>>,
  multipleOf: AxisValue | undefined,
  at: At,
): Made<Writing> {
  const all = { ...values, ...(multipleOf === undefined ? {} : { multipleOf }) };
  const like = Object.values(values).find(({ input }) => typeof input === 'string') ?? Object.values(values)[0]!;
  const quantity = quantityOf(like.input);
  for (const [key, { input, x }] of Object.entries(all)) {
    const bareZero = x === 0 && typeof input === 'number';
    if (!bareZero && quantityOf(input) !== quantity)
      return refuse([...at, key], `expected a quantity like ${like.input}, got ${input}`);
  }
  if (multipleOf !== undefined && !(multipleOf.x > 0)) return refuse([...at, 'multipleOf'], 'expected more than 0');
  const whole = quantity === null && Object.values(values).every(({ x }) => Number.isInteger(x));
  return { value: { like, multipleOf: multipleOf?.x ?? (whole ? 1 : null) } };
}

function refuse(path: At, message: string): { readonly problem: Problem } {
  return { problem: { path, message } };
}
