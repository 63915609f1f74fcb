/** What a table says of a record beside its columns: what it carries, cut to a line, around what was searched for. */
import type { Rec } from '../../core/record.ts';
import type { Note } from './notes.ts';
import { wordsOf } from './search.ts';

export interface RowData {
  readonly position: number;
  readonly data: string;
  readonly notes: readonly Note[];
  /** Commands and timers that it led to and that are waited for to this day, as far as the run has been folded. */
  readonly pending: number;
}

const DATA_CHARACTERS_MAX = 160;
/** Shown before what was found. */
const BEFORE_MATCH_CHARACTERS = 24;

/** The event's keys without its type: `state: PRE_COPY, sentPages: 12`. */
export function dataText(record: Rec, search: string): string {
  const text = textOf(record);
  const at = firstMatch(text, wordsOf(search));
  const from = at < DATA_CHARACTERS_MAX - BEFORE_MATCH_CHARACTERS ? 0 : at - BEFORE_MATCH_CHARACTERS;
  const cut = text.slice(from, from + DATA_CHARACTERS_MAX);
  return `${from > 0 ? '… ' : ''}${cut}${from + cut.length < text.length ? ' …' : ''}`;
}

function textOf(record: Rec): string {
  if (record.kind === 'opened') {
    const { run, seed, version } = record.opened;
    return `run: ${String(run)}, seed: ${String(seed)}, version: ${String(version)}`;
  }
  return Object.entries(record.event ?? {})
    .filter(([key]) => key !== 'type')
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

function firstMatch(text: string, words: readonly string[]): number {
  const low = text.toLowerCase();
  const found = words.map((word) => low.indexOf(word.toLowerCase())).filter((at) => at >= 0);
  return found.length === 0 ? 0 : Math.min(...found);
}
