/**
 * The single values of a scenario file as Zod schemas: quantities, words, counts, truth values, and `section` for a
 * mapping that refuses unknown keys. Each says in the issue's `params` what it expected, which phrase.ts puts into a
 * sentence; none writes a sentence itself.
 */
import { z } from 'zod';
import {
  DATA_RATE,
  type DataRateText,
  patternOf,
  printQuantity,
  type Quantity,
  type Reading,
  readQuantity,
  SIZE,
  type SizeText,
  WRITE_RATE,
  type WriteRateText,
} from './quantity.ts';

/** What an issue of a leaf carries. */
export interface LeafParams {
  readonly expected: string;
  readonly example?: string;
  readonly hint?: string | null;
  /** The words that would have been taken. */
  readonly words?: readonly string[];
}

interface LeafOptions<Out> extends LeafParams {
  readonly json: Record<string, unknown>;
  readonly description: string;
  read(input: unknown): Reading<Out>;
}

/** A value that `read` takes or refuses; `undefined` (a missing key) is refused like any other. */
export function leaf<In, Out>({ json, description, read, ...params }: LeafOptions<Out>) {
  return z
    .custom<In>()
    .transform((input: unknown, context): Out => {
      const reading = input === undefined ? { hint: null } : read(input);
      if ('value' in reading) return reading.value;
      context.issues.push({
        code: 'custom',
        input,
        message: params.expected,
        params: { ...params, hint: reading.hint },
      });
      return z.NEVER;
    })
    .meta({ description, ...json });
}

export function quantity<In>(of: Quantity, description: string) {
  const bare = of.bare === 'base unit' ? 'integer' : 'number';
  return leaf<In, number>({
    expected: of.noun,
    example: of.example,
    json: {
      type: ['string', bare],
      pattern: patternOf(of),
      minimum: 0,
      ...(of.bare === 'zero only' ? { maximum: 0 } : {}),
      examples: [of.example],
    },
    description,
    read: (input) => readQuantity(of, input),
  });
}

/** A size out of a few. */
export function sizeAmong<const Bytes extends number>(sizes: readonly Bytes[], description: string) {
  const names = sizes.map((bytes) => printQuantity(SIZE, bytes) as `${number}KiB`);
  return leaf<SizeText, Bytes>({
    expected: oneOf(names),
    json: { enum: [...names, ...sizes] },
    description,
    read: (input) => {
      const reading = readQuantity(SIZE, input);
      const found = 'value' in reading ? sizes.find((bytes) => bytes === reading.value) : undefined;
      return found === undefined ? { hint: null } : { value: found };
    },
  });
}

/** Work of a vCPU: writes per second, or bytes per second of whole pages. */
export function workRate(description: string) {
  type Rate = { readonly writesPerSecond: number } | { readonly bytesPerSecond: number };
  return leaf<WriteRateText | DataRateText, Rate>({
    expected: WRITE_RATE.noun,
    example: WRITE_RATE.example,
    json: {
      type: ['string', 'number'],
      pattern: `${patternOf(WRITE_RATE)}|${patternOf(DATA_RATE)}`,
      minimum: 0,
      maximum: 0,
      examples: ['20k/s', '100MiB/s'],
    },
    description,
    read: (input) => {
      const writes = readQuantity(WRITE_RATE, input);
      if ('value' in writes) return { value: { writesPerSecond: writes.value } };
      const bytes = readQuantity(DATA_RATE, input);
      return 'value' in bytes ? { value: { bytesPerSecond: bytes.value } } : { hint: writes.hint ?? bytes.hint };
    },
  });
}

/** One of a few words. */
export function word<const Word extends string>(words: readonly Word[], description: string) {
  return leaf<Word, Word>({
    expected: oneOf(words),
    words,
    json: { enum: [...words] },
    description,
    read: (input) => {
      const found = words.find((candidate) => candidate === input);
      return found === undefined ? { hint: null } : { value: found };
    },
  });
}

/** A whole number within bounds. */
export function count(min: number, max: number, description: string) {
  return leaf<number, number>({
    expected: `a whole number from ${min} to ${max}`,
    json: { type: 'integer', minimum: min, maximum: max },
    description,
    read: (input) =>
      typeof input === 'number' && Number.isInteger(input) && input >= min && input <= max
        ? { value: input }
        : { hint: null },
  });
}

export function truth(description: string) {
  return leaf<boolean, boolean>({
    expected: 'true or false',
    json: { type: 'boolean' },
    description,
    read: (input) => (typeof input === 'boolean' ? { value: input } : { hint: null }),
  });
}

/** A mapping that refuses unknown keys. The message of that issue is the known keys, for phrase.ts to compare with. */
export function section<const Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : undefined),
  });
}

export function oneOf(words: readonly string[]): string {
  return words.length < 3 ? words.join(' or ') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
