/**
 * Where the values of an axis come from: a list, a range or a distribution, as plain data, with the value at a quantile. Grid
 * points are the values of a list; samples are values at drawn quantiles, so that every way to sample is a way to draw those.
 */
import { type AxisValue, factorOf, quantityOf, type Scale, unitOf } from '../experiment/axis-value.ts';
import { printQuantity, type Quantity, SIZE } from '../scenario/quantity.ts';
import { normalCdf, normalQuantile } from '../statistics/student.ts';

/** One value of an axis: what it is called, and what it puts into the scenario. */
export interface AxisPoint {
  /** In rows and tables. */
  readonly label: string | number | boolean;
  /** By path into the scenario. */
  readonly changes: Readonly<Record<string, unknown>>;
  /** Where the sweep's file says it. */
  readonly place: readonly PropertyKey[];
  /** The value is so many times what stands at a path of the scenario; its changes are to be worked out. */
  readonly share?: { readonly of: string; readonly times: number };
}

/** How a drawn number is written: in which unit, and rounded to what. */
export interface Writing {
  /** Of the unit. */
  readonly like: AxisValue;
  /** In the base unit; null: six digits, and whole pages of a size. */
  readonly multipleOf: number | null;
}

export type Spread =
  | { readonly kind: 'list'; readonly points: readonly AxisPoint[] }
  | {
      readonly kind: 'range';
      readonly from: number;
      readonly to: number;
      readonly scale: Scale;
      readonly writing: Writing;
    }
  | {
      readonly kind: 'normal' | 'lognormal';
      /** Of the number, or of its natural logarithm. */
      readonly mean: number;
      readonly sd: number;
      /** What is outside is not drawn: the distribution between the two, not a heap at its ends. */
      readonly min: number;
      readonly max: number;
      readonly writing: Writing;
    }
  | {
      readonly kind: 'triangular';
      readonly from: number;
      readonly mode: number;
      readonly to: number;
      readonly writing: Writing;
    };

export interface SweepAxis {
  readonly name: string;
  /** Every one of them gets the same value; empty where each point says its own paths. */
  readonly paths: readonly string[];
  readonly spread: Spread;
  /** Where its values stand in the sweep's file. */
  readonly place: readonly PropertyKey[];
}

/** The point at a quantile in [0, 1). */
export function pointAt({ paths, spread, place }: SweepAxis, quantile: number): AxisPoint {
  if (spread.kind === 'list') return spread.points[Math.floor(quantile * spread.points.length)]!;
  return pointOf(paths, writtenValue(valueAt(spread, quantile), spread.writing), place);
}

export function pointOf(paths: readonly string[], value: unknown, place: readonly PropertyKey[]): AxisPoint {
  return { label: labelOf(value), changes: Object.fromEntries(paths.map((path) => [path, value])), place };
}

function labelOf(value: unknown): string | number | boolean {
  const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return plain ? value : JSON.stringify(value);
}

/** The number at a quantile, in the base unit and not rounded. */
export function valueAt(spread: Exclude<Spread, { readonly kind: 'list' }>, quantile: number): number {
  switch (spread.kind) {
    case 'range':
      return between(spread.from, spread.to, quantile, spread.scale);
    case 'normal':
      return cutNormal(spread, spread, quantile);
    case 'lognormal': {
      const inside = { min: Math.log(spread.min), max: Math.log(spread.max) };
      return Math.min(spread.max, Math.max(spread.min, Math.exp(cutNormal(spread, inside, quantile))));
    }
    case 'triangular':
      return triangular(spread, quantile);
    default:
      return spread satisfies never;
  }
}

/** Linearly, or in the logarithm; the ends themselves are exact. */
export function between(from: number, to: number, share: number, scale: Scale): number {
  if (share === 0) return from;
  if (share === 1) return to;
  return scale === 'linear' ? from + share * (to - from) : from * (to / from) ** share;
}

function cutNormal(
  { mean, sd }: { readonly mean: number; readonly sd: number },
  { min, max }: { readonly min: number; readonly max: number },
  quantile: number,
): number {
  const low = normalCdf((min - mean) / sd);
  const high = normalCdf((max - mean) / sd);
  const value = mean + sd * normalQuantile(low + quantile * (high - low));
  return Math.min(max, Math.max(min, value));
}

function triangular(
  { from, mode, to }: { readonly from: number; readonly mode: number; readonly to: number },
  quantile: number,
): number {
  const atMode = (mode - from) / (to - from);
  return quantile < atMode
    ? from + Math.sqrt(quantile * (to - from) * (mode - from))
    : to - Math.sqrt((1 - quantile) * (to - from) * (to - mode));
}

/** A size is a multiple of a page unless something else is said; the smallest page there is: 4 KiB. */
const SIZE_MULTIPLE_BYTES = 4096;
/** Of a number that is written into a scenario: what people still read, and finer than any run's chance. */
const DIGITS = 6;

/** As a scenario takes it: a number, or text in the unit of `like`. */
export function writtenValue(x: number, { like, multipleOf }: Writing): string | number {
  const multiple = multipleOf ?? defaultMultiple(like);
  const rounded = multiple === null ? x : Math.round(x / multiple) * multiple;
  const quantity = quantityOf(like.input);
  if (quantity === SIZE) return sizeText(Math.max(multiple ?? 1, rounded));
  const number = Number((rounded / factorOf(like)).toPrecision(DIGITS));
  return quantity === null ? number : textOf(number, like, quantity);
}

function textOf(number: number, like: AxisValue, { bare }: Quantity): string | number {
  return number === 0 && bare === 'zero only' ? 0 : `${number}${unitOf(like)}`;
}

function sizeText(bytes: number): string | number {
  return printQuantity(SIZE, bytes);
}

function defaultMultiple({ input }: AxisValue): number | null {
  return quantityOf(input) === SIZE ? SIZE_MULTIPLE_BYTES : null;
}
