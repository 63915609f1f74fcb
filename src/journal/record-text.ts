/**
 * A record as one line of JSON with its checksum, and back: the form in which every store keeps it.
 *
 * The text of equal records is equal: the record's own keys have a fixed order, and there is no white space. Inside `event`
 * and `opened` the order of keys is kept as it is, because charts may pass such data on into effects, and the checksum of
 * effects depends on it: a store that sorted keys would make a replay diverge. What JSON would change silently (NaN, a Date,
 * a Map) is refused when it is written, not found when it is read.
 *
 * The checksum of a record covers its run, its position, its text and the checksum of the record before it. So the records of
 * a run are a chain, of which the last checksum, the `head`, stands for all: a record that strays to another place is caught,
 * and so is one that was once right there, in another run of the same name or in an older copy of a page. Its own checksum
 * alone would find neither; the chain costs a number more to add up. It is against accidents, not against forgery.
 */
import { crc32 } from '../core/checksum.ts';
import type { Rec } from '../core/record.ts';
import { JournalError } from './journal-error.ts';

/** Of the chain of checksums and of what a store keeps beside it. 1 had no chain, and an export did not say where it ends. */
export const JOURNAL_FORMAT = 2;

/** What comes before the first record's checksum. */
export const CHAIN_START = 0;

export interface StoredRecord {
  readonly position: number;
  readonly text: string;
  /** CRC-32 of run, position, the checksum of the record before, and text. */
  readonly crc: number;
}

/** What a store keeps of a run besides its records: how long the chain is, and its two ends. */
export interface ChainEnds {
  readonly records: number;
  /** The checksum of the first record, so that no prefix of another run of the same name is taken for this one's. */
  readonly first: number;
  /** The checksum of the last record. */
  readonly head: number;
}

/** `before`: the checksum of the record before. Throws a TypeError for what is no record or not JSON. */
export function storedRecord(run: string, record: Rec, before: number): StoredRecord {
  const text = recordText(record);
  return { position: record.position, text, crc: recordCrc(run, record.position, before, text) };
}

/** Each of `records` chained to the one before it, the first to `before`. */
export function storedRecords(run: string, records: readonly Rec[], before: number): readonly StoredRecord[] {
  let last = before;
  return records.map((record) => {
    const stored = storedRecord(run, record, last);
    last = stored.crc;
    return stored;
  });
}

/**
 * The record, verified; throws a JournalError `damaged` that says what was expected, or `newer-version` for a record that is
 * whole and yet none that this release knows. `at` leads the message: `line 7`.
 */
export function restoredRecord(run: string, position: number, before: number, stored: StoredRecord, at = ''): Rec {
  const failed = (kind: 'damaged' | 'newer-version', message: string) =>
    new JournalError(kind, at === '' ? message : `${at}: ${message}`, { run, position });
  if (stored.position !== position) throw failed('damaged', displaced(position, stored.position));
  const crc = recordCrc(run, position, before, stored.text);
  if (crc !== stored.crc) {
    const message = `the record's checksum is ${crcText(crc)} but was ${crcText(stored.crc)} when it was written`;
    throw failed('damaged', message);
  }
  const parsed = parsedRecord(stored.text);
  if ('problem' in parsed) {
    // No accident leaves a text with its checksum.
    throw failed(
      'newer-version',
      `it is whole, but this release knows no such record (${parsed.problem}): use a later one`,
    );
  }
  if (parsed.record.position !== position) throw failed('damaged', displaced(position, parsed.record.position));
  return parsed.record;
}

/** Throws a JournalError `damaged` for a first or last record that is whole and not the one that `ends` tells of. */
export function checkEnds(run: string, ends: ChainEnds | undefined, { position, crc }: StoredRecord, at = ''): void {
  if (ends === undefined) return;
  const damaged = (message: string, expected: number) => {
    const text = `${message}: its checksum is ${crcText(crc)}, not ${crcText(expected)}`;
    return new JournalError('damaged', at === '' ? text : `${at}: ${text}`, { run, position });
  };
  if (position === 0 && crc !== ends.first) throw damaged('it opens another run of that name', ends.first);
  if (position === ends.records - 1 && crc !== ends.head)
    throw damaged('it is not the one that was appended last', ends.head);
}

/** What it means that another position was found than the one that comes next. */
export function displaced(expected: number, found: number): string {
  if (found > expected) return `expected position ${expected}, found ${found}: ${found - expected} before it missing`;
  return `expected position ${expected}, found ${found} once more`;
}

export function recordCrc(run: string, position: number, before: number, text: string): number {
  return crc32(`${run}\n${position}\n${before}\n${text}`);
}

/** Eight hexadecimal digits. */
export function crcText(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}

/** One line without its end. Throws a TypeError for what is no record or not JSON. */
export function recordText(record: Rec): string {
  const problem = problemOf(record);
  if (problem !== undefined) throw new TypeError(`not a record: ${problem}`);
  const flaw = notJson(record);
  if (flaw !== undefined) throw new TypeError(`not a record: ${flaw.path}: ${flaw.found} is not JSON`);
  const { position, atNs, kind, effects } = record;
  if (record.kind === 'opened') return JSON.stringify({ position, atNs, kind, opened: record.opened, effects });
  const { to, by, event, answers } = record;
  return JSON.stringify({ position, atNs, kind, to, by, event, answers, effects });
}

/** The record that a line holds, or what is wrong with it. */
export function parsedRecord(text: string): { readonly record: Rec } | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `expected JSON: ${(error as Error).message}` };
  }
  const problem = problemOf(value);
  return problem === undefined ? { record: value as Rec } : { problem };
}

type Plain = Readonly<Record<string, unknown>>;
interface Field {
  readonly is: (value: unknown) => boolean;
  readonly expected: string;
  readonly optional?: true;
}

const aPosition: Field = { is: (value) => isInteger(value) && value >= 0, expected: 'an integer from 0' };
const aTime: Field = { is: isInteger, expected: 'an integer of nanoseconds' };
const aChecksum: Field = {
  is: (value) => isInteger(value) && value >= 0 && value < 2 ** 32,
  expected: 'an integer of 32 bits',
};
const aText: Field = { is: (value) => typeof value === 'string' && value !== '', expected: 'a text' };
const anInteger: Field = { is: isInteger, expected: 'an integer' };
const anything: Field = { is: (value) => value !== undefined, expected: 'a value' };

const OPENED: Readonly<Record<string, Field>> = {
  run: aText,
  scenario: anything,
  plan: anything,
  seed: anInteger,
  drivers: { is: (value) => Array.isArray(value) && value.every(aText.is), expected: 'a list of texts' },
  policies: {
    is: (value) => Array.isArray(value) && value.every(isPolicy),
    expected: 'a list of { name, version, parameters }',
  },
  fingerprint: aText,
  version: aText,
  origin: { is: isOrigin, expected: 'where a branch left its parent', optional: true },
};

const FIELDS: Readonly<Record<Rec['kind'], Readonly<Record<string, Field>>>> = {
  opened: {
    position: { is: (value) => value === 0, expected: '0, where a run is opened' },
    atNs: aTime,
    kind: aText,
    opened: { is: isPlain, expected: 'an object' },
    effects: aChecksum,
  },
  input: {
    position: { is: (value) => isInteger(value) && value > 0, expected: 'an integer from 1, since 0 opens the run' },
    atNs: aTime,
    kind: aText,
    to: aText,
    by: {
      is: (value) => typeof value === 'string' && /^(operator|driver|timer|import|policy:.+)$/s.test(value),
      expected: 'operator, driver, timer, import or policy:<name>@<hash>',
    },
    event: { is: (value) => isPlain(value) && aText.is(value.type), expected: 'an object with a type' },
    answers: {
      is: (value) => typeof value === 'string' && /^\d+:\d+$/.test(value),
      expected: "an effect's id, position:index",
      optional: true,
    },
    effects: aChecksum,
  },
};

/** What keeps a value from being a record. */
function problemOf(value: unknown): string | undefined {
  if (!isPlain(value)) return `expected an object, found ${shown(value)}`;
  if (!aPosition.is(value.position)) return `position: expected ${aPosition.expected}, found ${shown(value.position)}`;
  if (value.kind !== 'opened' && value.kind !== 'input')
    return `kind: expected opened or input, found ${shown(value.kind)}`;
  const problem = fieldProblem(value, FIELDS[value.kind], '');
  if (problem !== undefined || value.kind === 'input') return problem;
  return fieldProblem(value.opened as Plain, OPENED, 'opened.');
}

function fieldProblem(value: Plain, fields: Readonly<Record<string, Field>>, path: string): string | undefined {
  for (const key in fields) {
    const { is, expected, optional } = fields[key]!;
    if (optional && value[key] === undefined) continue;
    if (!is(value[key])) return `${path}${key}: expected ${expected}, found ${shown(value[key])}`;
  }
  for (const key in value) {
    if (!Object.hasOwn(fields, key)) return `${path}${key}: expected no such key`;
  }
  return undefined;
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOrigin(value: unknown): boolean {
  return (
    isPlain(value) &&
    aText.is(value.run) &&
    aPosition.is(value.position) &&
    isInteger(value.atNs) &&
    isPlain(value.changes)
  );
}

function isPolicy(value: unknown): boolean {
  return isPlain(value) && aText.is(value.name) && aText.is(value.version) && value.parameters !== undefined;
}

function shown(value: unknown): string {
  const text = typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

interface Flaw {
  readonly path: string;
  readonly found: string;
}

/**
 * Where a value holds what JSON would lose or change. Properties that are undefined may be left out and -0 may become 0: no
 * chart tells those apart. The path is put together on the way out, as nearly every value has no flaw.
 */
function notJson(value: unknown): Flaw | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : { path: '', found: String(value) };
    case 'object':
      return value === null ? undefined : notJsonInside(value);
    default:
      return { path: '', found: typeof value };
  }
}

function notJsonInside(value: object): Flaw | undefined {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const flaw = notJson(value[index]);
      if (flaw !== undefined) return { ...flaw, path: joined(`[${index}]`, flaw.path) };
    }
    return undefined;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return { path: '', found: `a ${prototype.constructor?.name ?? 'class'}` };
  }
  for (const key in value) {
    const inner = (value as Plain)[key];
    const flaw = inner === undefined ? undefined : notJson(inner);
    if (flaw !== undefined) return { ...flaw, path: joined(key, flaw.path) };
  }
  return undefined;
}

function joined(outer: string, inner: string): string {
  return inner === '' || inner.startsWith('[') ? `${outer}${inner}` : `${outer}.${inner}`;
}
