/**
 * The parameters of a published chart as keys of a scenario: `pollMs` is written `poll: 500ms`, `downtimeStepsCount` is
 * `downtimeSteps: 10`, `stallPercent` is `stall: 4%`, `paceMaxBytesPerSecond` is `paceMax: 500Mbit/s`, a list of `...Ms` is a
 * list of durations. A list that is empty by default may be one number too. Managers and rules of vmms are both described like
 * that.
 */
import { z } from 'zod';
import { leaf, quantity, truth, word } from './leaf.ts';
import { DATA_RATE, type DataRateText, LINK_RATE, PERCENT, type PercentText } from './quantity.ts';
import { duration, printDuration, printText } from './values.ts';

export type Value = number | boolean | string | readonly number[];

/** What a chart's entry says of its parameters. */
export interface Described {
  readonly defaults: object;
  readonly parameters?: object;
  readonly words?: object;
}

/** `pollMs` -> `poll`. */
export function keyOf(parameter: string): string {
  return parameter.replace(/(Ms|Percent|Count|BytesPerSecond)$/, '');
}

const number = (description: string) =>
  leaf<number, number>({
    expected: 'a number',
    example: '10',
    json: { type: 'number', minimum: 0 },
    description,
    read: (input) =>
      typeof input === 'number' && Number.isFinite(input) && input >= 0 ? { value: input } : { hint: null },
  });

const of = <T>(table: object | undefined, parameter: string) => (table as Readonly<Record<string, T>>)?.[parameter];

export function leafOf({ defaults, parameters, words }: Described, parameter: string) {
  const value = of<Value>(defaults, parameter) as Value;
  const description = `${of<string>(parameters, parameter)} Default ${typeof value === 'object' && value.length === 0 ? 'none' : printed(parameter, value)}.`;
  if (typeof value === 'boolean') return truth(description);
  if (typeof value === 'string') return word(of<readonly string[]>(words, parameter) ?? [], description);
  if (typeof value === 'object' && value.length === 0) {
    return z.union([number('One number.'), z.array<z.ZodType>(number('A number.'))]).describe(description);
  }
  if (typeof value === 'object') {
    const one = parameter.endsWith('Ms') ? duration('A downtime limit.') : number('A number.');
    return z.array<z.ZodType>(one).min(1).describe(description);
  }
  if (parameter.endsWith('Percent')) return quantity<PercentText>(PERCENT, description);
  if (parameter.endsWith('BytesPerSecond')) return quantity<DataRateText>(LINK_RATE, description);
  return parameter.endsWith('Ms') ? duration(description) : number(description);
}

/** A key for each parameter, none of which has to be there. */
export function keysOf(described: Described): Readonly<Record<string, z.ZodType>> {
  const parameters = Object.keys(described.defaults);
  return Object.fromEntries(parameters.map((parameter) => [keyOf(parameter), leafOf(described, parameter).optional()]));
}

/** All parameters, with what was said. */
export function readParameters(
  { defaults }: Described,
  said: Readonly<Record<string, unknown>>,
): Readonly<Record<string, Value>> {
  const parameters = Object.entries(defaults).map(([parameter, value]: [string, Value]) => {
    const one = said[keyOf(parameter)];
    if (one === undefined) return [parameter, value];
    return [parameter, inUnit(parameter, typeof value === 'object' ? listed(one as Value) : (one as Value))];
  });
  return Object.fromEntries(parameters);
}

/** One number in the place of a list is one thing of that size, and 0 is none. */
function listed(value: Value): Value {
  if (typeof value !== 'number') return value;
  return value === 0 ? [] : [value];
}

/** Durations are read in ns. */
function inUnit(parameter: string, value: Value): Value {
  if (!parameter.endsWith('Ms')) return value;
  return typeof value === 'object' ? value.map((ns) => ns / 1e6) : (value as number) / 1e6;
}

/** Only what is not the default, so that a printed scenario says what is particular. */
export function printParameters(
  { defaults }: Described,
  parameters: Readonly<Record<string, Value>>,
): Readonly<Record<string, unknown>> {
  const keys = Object.entries(parameters)
    .filter(([parameter, value]) => JSON.stringify(value) !== JSON.stringify(of(defaults, parameter)))
    .map(([parameter, value]) => [keyOf(parameter), printed(parameter, value)]);
  return Object.fromEntries(keys);
}

export function printed(parameter: string, value: Value): unknown {
  if (typeof value === 'object') {
    return parameter.endsWith('Ms') ? value.map((ms) => printDuration(Math.round(ms * 1e6))) : value;
  }
  if (typeof value !== 'number') return value;
  if (parameter.endsWith('Percent')) return `${value}%`;
  if (parameter.endsWith('BytesPerSecond')) return printText(DATA_RATE, value);
  return parameter.endsWith('Ms') ? printDuration(Math.round(value * 1e6)) : value;
}
