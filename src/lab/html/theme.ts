/**
 * What all plots share: colours, type and axes. Colours are the page's CSS variables, which differ between light, dark and
 * print; the qualitative ones are Okabe and Ito's (Color Universal Design, 2008), darkened or lightened until each has a
 * contrast of 3:1 with its ground, and no plot tells things apart by colour alone.
 */
import { type Scale, titled } from './scale.ts';

export const FONT = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
export const FONT_PX = 13;

export const INK = 'var(--ink)';
export const SOFT = 'var(--soft)';
export const RULE = 'var(--rule)';
export const GROUND = 'var(--ground)';
/** Text on a coloured ground. */
export const ON_COLOUR = 'var(--on-colour)';

export const COLOURS = 8;

/** The nth series; after the last it begins anew. */
export function colour(nth: number): string {
  return `var(--c${1 + (nth % COLOURS)})`;
}

export const BLUE = colour(0);
export const VERMILION = colour(1);
export const GREEN = colour(2);
export const PURPLE = colour(3);
export const AMBER = colour(4);
export const SKY = colour(5);
export const GREY = colour(7);

/** Outlines in a square of 10 by 10, so that colour is not all that tells series apart. */
const SHAPES = [
  'M5 0A5 5 0 1 1 5 10A5 5 0 1 1 5 0Z',
  'M0.5 0.5H9.5V9.5H0.5Z',
  'M5 0L10 9.5H0Z',
  'M5 0L10 5L5 10L0 5Z',
  'M0 0.5H10L5 10Z',
  'M3.5 0H6.5V3.5H10V6.5H6.5V10H3.5V6.5H0V3.5H3.5Z',
  'M2.5 0.5H7.5L10 5L7.5 9.5H2.5L0 5Z',
  'M0 2L2 0L5 3L8 0L10 2L7 5L10 8L8 10L5 7L2 10L0 8L3 5Z',
] as const;

/** The nth series' outline; with its colour no other of the first 64 has both. */
export function shape(nth: number): string {
  return SHAPES[(nth + Math.floor(nth / COLOURS)) % SHAPES.length] as string;
}

/** The same for the library. */
export function symbol(nth: number): string {
  return `path://${shape(nth)}`;
}

/** Width of every plot: as wide as the narrowest page that it has to fit without being scaled. */
export const WIDTH_PX = 720;

export interface AxisOptions {
  readonly name: string;
  readonly scale?: Scale;
  readonly log?: LogBase | undefined;
  readonly min?: number;
  readonly max?: number;
  /** Of points, which need no zero to be measured from: all that they span where they are near each other. */
  readonly points?: readonly number[];
  /** The ends are where the data ends, and no round numbers. */
  readonly ragged?: boolean;
}

const LINE = { lineStyle: { color: RULE, width: 1 } };
const LABEL = { color: SOFT, fontSize: FONT_PX, fontFamily: FONT, hideOverlap: true };
const NAME = { nameLocation: 'middle', nameTextStyle: { color: INK, fontSize: FONT_PX, fontFamily: FONT } };

export function acrossAxis({ name, scale, log, min, max, points, ragged = false }: AxisOptions) {
  return {
    ...(log === undefined ? { type: 'value' } : { type: 'log', logBase: log }),
    name: scale === undefined ? name : titled(name, scale),
    ...NAME,
    nameGap: 30,
    axisLine: { show: true, ...LINE },
    axisTick: { show: true, ...LINE },
    splitLine: { show: false },
    axisLabel: { ...LABEL, formatter: tick, ...(ragged ? { showMinLabel: min === 0, showMaxLabel: false } : {}) },
    ...bounds(min, max),
    ...(points === undefined || log !== undefined ? {} : fitted(points)),
  };
}

export function upAxis({ name, scale, log, min, max, points }: AxisOptions) {
  return {
    ...(log === undefined ? { type: 'value' } : { type: 'log', logBase: log }),
    name: scale === undefined ? name : titled(name, scale),
    ...NAME,
    nameGap: 54,
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { show: true, ...LINE },
    axisLabel: { ...LABEL, formatter: tick },
    ...bounds(min, max),
    ...(points === undefined || log !== undefined ? {} : fitted(points)),
  };
}

/** Names along the bottom. */
export function categoriesAcross(name: string, data: readonly string[]) {
  return {
    type: 'category',
    data,
    name,
    ...NAME,
    nameGap: 30,
    axisLine: { show: true, ...LINE },
    axisTick: { show: false },
    axisLabel: LABEL,
  };
}

/** Names down the side, the first on top; long ones are cut, and the table beside has them whole. */
export function categoriesDown(data: readonly string[], widthPx: number) {
  return {
    type: 'category',
    data,
    inverse: true,
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { show: false },
    axisLabel: { ...LABEL, color: INK, interval: 0, hideOverlap: false, width: widthPx - 16, overflow: 'truncate' },
  };
}

const LETTER_PX = 7.2;
const NAMES_MAX_PX = 230;

/** Room for the longest of these names. */
export function roomFor(names: readonly string[]): number {
  const longest = Math.max(...names.map(({ length }) => length), 4);
  return Math.min(NAMES_MAX_PX, Math.ceil(longest * LETTER_PX) + 20);
}

/** Ticks without a unit, which the title names, and with thousands apart. */
export function tick(value: number): string {
  const [whole = '0', part] = String(Number(value.toPrecision(6))).split('.');
  const apart = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return part === undefined ? apart : `${apart}.${part}`;
}

/** Whether a log axis shows more: all above zero, over more than this factor. */
const LOG_FROM_FACTOR = 10;
/** Over less than this there are too few powers of ten to read by. */
const TENS_FROM_FACTOR = 200;

export function logBase(values: readonly (number | null)[]): LogBase | undefined {
  const known = values.filter((value) => value !== null);
  if (!helpsLog(known)) return undefined;
  return Math.max(...known) / Math.min(...known) > TENS_FROM_FACTOR ? 10 : 2;
}

export type LogBase = 2 | 10;

export function helpsLog(values: readonly (number | null)[]): boolean {
  const known = values.filter((value) => value !== null);
  return (
    known.length > 1 && known.every((value) => value > 0) && Math.max(...known) / Math.min(...known) > LOG_FROM_FACTOR
  );
}

/** Zero is shown where it is no farther from the least than the most is. */
function fitted(points: readonly number[]) {
  return Math.min(...points) * 2 > Math.max(...points) ? { scale: true } : { min: 0 };
}

function bounds(min: number | undefined, max: number | undefined) {
  return { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
}

/** A series that nobody can point at: the page has no script. */
export const STILL = { silent: true, emphasis: { disabled: true }, animation: false } as const;
