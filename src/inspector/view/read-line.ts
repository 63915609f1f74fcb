/**
 * A line as what it is: a record, or an aside. Everything that the page reads of a record without asking further is held to its
 * form here, so that a line that is something else is named with its reason and breaks nothing.
 */
import type { Rec } from '../../core/record.ts';
import type { Aside } from '../page-data.ts';

/** Throws an Error with what is wrong, as the end of a sentence about the line. */
export function readLine(line: string, position: number): Rec | Aside {
  let read: unknown;
  if (line.length > 2 * NESTING_MAX && nestingOf(line) > NESTING_MAX) {
    throw new Error(`it is nested deeper than ${NESTING_MAX} levels`);
  }
  try {
    read = JSON.parse(line);
  } catch {
    throw new Error('it is not JSON');
  }
  if (!isMapping(read)) throw new Error('it is no record');
  if ('damage' in read) return { damage: String(read.damage) };
  if ('tape' in read) return asTape(read);
  return asRecord(read, position);
}

/** Deeper values cannot be handed from a worker to its page: the browser's own limit is some times that. */
const NESTING_MAX = 2000;

/** Brackets that are open at once, not counting those inside of texts. */
function nestingOf(line: string): number {
  let [open, most, isText] = [0, 0, false];
  for (let at = 0; at < line.length; at++) {
    const one = line[at];
    if (isText) {
      if (one === '\\') at++;
      else if (one === '"') isText = false;
    } else if (one === '"') isText = true;
    else if (one === '{' || one === '[') most = Math.max(most, ++open);
    else if (one === '}' || one === ']') open--;
  }
  return most;
}

type Mapping = Readonly<Record<string, unknown>>;

function asTape(read: Mapping): Aside {
  const { tape } = read;
  if (!isMapping(tape) || !Object.values(tape).every(Array.isArray)) throw new Error('its tape is none');
  return read as unknown as Aside;
}

function asRecord(read: Mapping, position: number): Rec {
  const expected = position === 0 ? 'opened' : 'input';
  if (read.position !== position) throw new Error(`it says that it is record ${said(read.position)}`);
  if (read.kind !== expected) throw new Error(`it is of kind ${said(read.kind)}, and ${expected} was expected`);
  hold(read, 'atNs', 'a time in ns', isTime);
  hold(read, 'effects', 'a checksum', Number.isInteger);
  if (expected === 'opened') holdOpened(read);
  else holdInput(read);
  return read as unknown as Rec;
}

function holdOpened(read: Mapping): void {
  const { opened } = read;
  if (!isMapping(opened)) throw new Error('it does not say what it opens');
  hold(opened, 'run', 'a name', isText);
  hold(opened, 'plan', 'a mapping', isMapping);
  hold(opened, 'drivers', 'a list of names', (value) => Array.isArray(value) && value.every(isText));
  hold(opened, 'policies', 'a list', Array.isArray);
}

function holdInput(read: Mapping): void {
  const { event } = read;
  hold(read, 'to', 'an address', isText);
  hold(read, 'by', 'who says it', isText);
  if (!isMapping(event)) throw new Error('it has no event');
  hold(event, 'type', 'the name of an event', isText);
  hold(read, 'answers', 'the id of an effect such as 4:0', (value) => value === undefined || isEffectId(value));
}

function hold(read: Mapping, key: string, expected: string, is: (value: unknown) => boolean): void {
  if (!is(read[key])) throw new Error(`its ${key} is ${said(read[key])}, and ${expected} was expected`);
}

const isText = (value: unknown) => typeof value === 'string';
const isTime = (value: unknown) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isEffectId = (value: unknown) => typeof value === 'string' && /^\d+:\d+$/.test(value);

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const SAID_CHARACTERS_MAX = 60;

/** What stands there, as JSON and not all of it. */
function said(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > SAID_CHARACTERS_MAX ? `${text.slice(0, SAID_CHARACTERS_MAX)}…` : text;
}
