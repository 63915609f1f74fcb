/**
 * A value on an axis: a number, or a quantity as people write it, with the text that goes into the scenario and the number
 * that a crossover is interpolated on. A number in between is written in the unit of its neighbour.
 */
import {
  DATA_RATE,
  DURATION,
  PERCENT,
  type Quantity,
  type Reading,
  readQuantity,
  SIZE,
  WRITE_RATE,
} from '../scenario/quantity.ts';

export type Scale = 'linear' | 'log';

export interface AxisValue {
  /** As the scenario takes it. */
  readonly input: string | number;
  /** In the base unit of its quantity: bytes, bytes/s, writes/s, ns, percent; or the bare number. */
  readonly x: number;
}

const QUANTITIES: readonly Quantity[] = [SIZE, DATA_RATE, WRITE_RATE, DURATION, PERCENT];

export function readAxisValue(input: unknown): Reading<AxisValue> {
  if (typeof input === 'number' && Number.isFinite(input)) return { value: { input, x: input } };
  const quantity = quantityOf(input);
  if (quantity === null) return { hint: null };
  const reading = readQuantity(quantity, input);
  return 'value' in reading ? { value: { input: input as string, x: reading.value } } : reading;
}

/** Which quantity a text is; null for a number, which may be anything, and for what is none. */
export function quantityOf(input: unknown): Quantity | null {
  if (typeof input !== 'string') return null;
  return QUANTITIES.find((quantity) => 'value' in readQuantity(quantity, input)) ?? null;
}

/** `x` with three digits, in the unit of the value above it, or of the one below it where that would be less than one. */
export function axisText(x: number, above: AxisValue, below: AxisValue = above): string {
  const number = x / factorOf(above);
  const near = number < 1 && x >= factorOf(below) ? below : above;
  const shown = x / factorOf(near);
  return `${shown >= 100 ? Math.round(shown) : Number(shown.toPrecision(3))}${unitOf(near)}`;
}

/** As it was written: `k/s`; empty for a number. */
export function unitOf({ input }: AxisValue): string {
  return typeof input === 'number' ? '' : input.replace(/^[\d.e+]+\s*/, '');
}

/** What the unit stands for in the base unit. */
export function factorOf({ input, x }: AxisValue): number {
  return typeof input === 'number' || x === 0 ? 1 : x / Number.parseFloat(input);
}
