/**
 * Quantities as people write them: `16GiB`, `350MB`, `10Gbit/s`, `200k/s`, `300ms`, `20%`, and back.
 *
 * A unit is never guessed: only a size may stand without one (bytes), and only zero needs none. Decimal and binary
 * prefixes differ (1 GB is 10^9 bytes, 1 GiB is 2^30), and so do bits and bytes, so `16G` and `10Gb/s` are refused with
 * both readings. The parsed form is a plain number in the unit that the caller's name ends with.
 */

/** Bytes in each unit of size: IEC 80000-13 for the binary prefixes, SI for the decimal ones. */
const SIZE_UNITS = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  PB: 1e15,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  PiB: 2 ** 50,
} as const;

/** Bytes per second in each unit of a data rate; links are named in bits, everything else in bytes. */
const DATA_RATE_UNITS = {
  'bit/s': 0.125,
  'kbit/s': 125,
  'Kbit/s': 125,
  'Mbit/s': 125e3,
  'Gbit/s': 125e6,
  'Tbit/s': 125e9,
  'B/s': 1,
  'kB/s': 1e3,
  'KB/s': 1e3,
  'MB/s': 1e6,
  'GB/s': 1e9,
  'TB/s': 1e12,
  'KiB/s': 2 ** 10,
  'MiB/s': 2 ** 20,
  'GiB/s': 2 ** 30,
  'TiB/s': 2 ** 40,
} as const;

const WRITE_RATE_UNITS = {
  '/s': 1,
  'k/s': 1e3,
  'M/s': 1e6,
  'G/s': 1e9,
  'writes/s': 1,
  'k writes/s': 1e3,
  'M writes/s': 1e6,
} as const;

/** Nanoseconds in each unit of time. */
const DURATION_UNITS = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, min: 60e9, h: 3600e9 } as const;

type Spaced<Unit extends string> = `${number}${Unit}` | `${number} ${Unit}`;

/** Bytes, or text with a unit: `4096`, `'16GiB'`, `'350MB'`. */
export type SizeText = number | Spaced<keyof typeof SIZE_UNITS>;
/** `'1GiB/s'`, `'10Gbit/s'`; only zero may stand without a unit. */
export type DataRateText = 0 | Spaced<keyof typeof DATA_RATE_UNITS>;
/** `'200k/s'`, `'20k writes/s'`; only zero may stand without a unit. */
export type WriteRateText = 0 | Spaced<keyof typeof WRITE_RATE_UNITS>;
/** `'300ms'`, `'50us'`, `'1h'`; only zero may stand without a unit. */
export type DurationText = 0 | Spaced<keyof typeof DURATION_UNITS>;
/** `'20%'`. */
export type PercentText = Spaced<'%'>;
/** One vCPU, or a set: `2`, `'0-3,6'`, `[0, 1, '4-7']`. */
export type VcpuSetText = number | string | readonly (number | string)[];

/** Why a text is not the quantity; `hint` is added to the message when there is something to say. */
export interface Refusal {
  readonly hint: string | null;
}
export type Reading<T> = { readonly value: T } | Refusal;

/** One kind of quantity: how it is called in messages, an example, and how it is read. */
export interface Quantity {
  readonly noun: string;
  readonly example: string;
  readonly units: Readonly<Record<string, number>>;
  /** What a number without a unit means. */
  readonly bare: 'base unit' | 'zero only';
  /** Parsed values are whole numbers of the base unit; text between two of them is rounded. */
  readonly whole: boolean;
  readonly max: number;
  readonly hintFor?: (number: string, unit: string) => string | null;
}

/** Parsed as whole bytes. */
export const SIZE: Quantity = {
  noun: 'a size',
  example: '16GiB',
  units: SIZE_UNITS,
  bare: 'base unit',
  whole: true,
  max: Number.MAX_SAFE_INTEGER,
  hintFor: (number, unit) => {
    const prefix = /^([kmgtp])(?:i|b|ib)?$/i.exec(unit)?.[1]?.toUpperCase();
    return prefix === undefined ? null : `write ${number}${prefix}iB (binary) or ${number}${prefix}B (decimal)`;
  },
};

/** Parsed as bytes per second, possibly with a fraction. */
export const DATA_RATE: Quantity = {
  noun: 'a data rate',
  example: '1GiB/s',
  units: DATA_RATE_UNITS,
  bare: 'zero only',
  whole: false,
  max: Number.MAX_SAFE_INTEGER,
  hintFor: (number, unit) => {
    const prefix = /^([kMGT])(?:b\/s|bps|b)$/.exec(unit)?.[1];
    return prefix === undefined ? null : `write ${number}${prefix}bit/s for bits or ${number}${prefix}B/s for bytes`;
  },
};

/** A link's rate: read like `DATA_RATE`, explained in bits. */
export const LINK_RATE: Quantity = { ...DATA_RATE, noun: 'a bandwidth', example: '10Gbit/s' };

/** Parsed as writes per second, possibly with a fraction. */
export const WRITE_RATE: Quantity = {
  noun: 'a rate',
  example: '20k/s',
  units: WRITE_RATE_UNITS,
  bare: 'zero only',
  whole: false,
  max: Number.MAX_SAFE_INTEGER,
};

/** Parsed as whole nanoseconds; the largest, 2^53 - 1 ns, is 104 days. */
export const DURATION: Quantity = {
  noun: 'a duration',
  example: '300ms',
  units: DURATION_UNITS,
  bare: 'zero only',
  whole: true,
  max: Number.MAX_SAFE_INTEGER,
};

/** A cost per page: a duration that may have a fraction of a nanosecond. */
export const COST: Quantity = { ...DURATION, noun: 'a cost per page', example: '250ns', whole: false };

/** Parsed as the number before the sign, 0 to 100. */
export const PERCENT: Quantity = {
  noun: 'a percentage',
  example: '20%',
  units: { '%': 1 },
  bare: 'zero only',
  whole: false,
  max: 100,
};

const NUMBER = '\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?';
const QUANTITY = new RegExp(`^(-?)(${NUMBER})\\s*(\\D.*)?$`);

/** Reads one quantity; anything but text or a number is refused without a hint. */
export function readQuantity(quantity: Quantity, input: unknown): Reading<number> {
  if (typeof input === 'number') return readBare(quantity, input);
  if (typeof input !== 'string') return refuse();
  const match = QUANTITY.exec(input.trim());
  if (match === null) return refuse();
  const [, sign, number, unit] = match as unknown as [string, string, string, string | undefined];
  if (sign === '-') return refuse('it cannot be negative');
  if (unit === undefined) return readBare(quantity, Number(number));
  const name = unit.trim().replace(/\s+/g, ' ');
  const factor = Object.hasOwn(quantity.units, name) ? quantity.units[name] : undefined;
  if (factor === undefined) return refuse(quantity.hintFor?.(number, name) ?? null);
  return bounded(quantity, Number(number) * factor);
}

function readBare(quantity: Quantity, number: number): Reading<number> {
  if (number < 0) return refuse('it cannot be negative');
  if (Number.isNaN(number)) return refuse();
  if (number === 0) return { value: 0 };
  if (quantity.bare === 'zero only') return refuse();
  if (Number.isFinite(number) && !Number.isInteger(number))
    return refuse('without a unit it is a whole number of bytes');
  return bounded(quantity, number);
}

function bounded(quantity: Quantity, number: number): Reading<number> {
  const value = quantity.whole ? Math.round(number) : number;
  return value <= quantity.max ? { value } : refuse(`the largest is ${printQuantity(quantity, quantity.max)}`);
}

function refuse(hint: string | null = null): Refusal {
  return { hint };
}

/**
 * The shortest text that reads back as exactly `value`, one without a fraction if there is any: `300ms`, not `0.3s`. Zero
 * is the bare number. Throws RangeError for a value that no text stands for (negative, not finite, above the maximum).
 */
export function printQuantity(quantity: Quantity, value: number): string | 0 {
  if (value === 0) return 0;
  if (!(value > 0 && value <= quantity.max)) throw new RangeError(`${value} is not ${quantity.noun}`);
  const texts = Object.entries(quantity.units).flatMap(([unit, factor]) => {
    const number = value / factor;
    const back = quantity.whole ? Math.round(number * factor) : number * factor;
    return back === value ? [{ text: `${number}${unit}`, rank: Number.isInteger(number) ? 0 : 1 }] : [];
  });
  const [best] = texts.sort((a, b) => a.rank - b.rank || a.text.length - b.text.length);
  if (best === undefined) throw new RangeError(`${value} is not ${quantity.noun}`);
  return best.text;
}

/** A regular expression for editors: the texts (not the bare numbers) that `readQuantity` takes. */
export function patternOf(quantity: Quantity): string {
  const units = Object.keys(quantity.units).map((unit) => unit.replace(' ', '\\s+'));
  const text = `\\s*${NUMBER}\\s*(${units.join('|')})\\s*`;
  return quantity.bare === 'base unit' ? `^(${text}|\\s*\\d+\\s*)$` : `^(${text}|\\s*0\\s*)$`;
}

/** QEMU's q35 stops at 4096 vCPUs (hw/i386/pc_q35.c, `max_cpus`). */
export const VCPUS_MAX = 4096;

/** A set of vCPU numbers in ascending order, each once. */
export function readVcpuSet(input: unknown): Reading<readonly number[]> {
  const parts = Array.isArray(input) ? input : [input];
  const vcpus = new Set<number>();
  for (const part of parts.flatMap((item) => (typeof item === 'string' ? item.split(',') : [item]))) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(
      typeof part === 'number' ? String(part) : typeof part === 'string' ? part.trim() : '',
    );
    if (match === null) return refuse();
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first) return refuse(`${first}-${last} runs backwards`);
    if (last >= VCPUS_MAX) return refuse(`the largest number is ${VCPUS_MAX - 1}`);
    for (let vcpu = first; vcpu <= last; vcpu++) vcpus.add(vcpu);
  }
  return vcpus.size === 0 ? refuse() : { value: [...vcpus].sort((a, b) => a - b) };
}

/** `[0, 1, 2, 3, 6]` as `0-3,6`. */
export function printVcpuSet(vcpus: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const vcpu of vcpus) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === vcpu - 1) run[1] = vcpu;
    else runs.push([vcpu, vcpu]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
