/**
 * Search over the whole text of every record: its line of the journal, as it stands there. It goes on where it stopped, so that
 * a run that is still coming in is searched once.
 */
import type { Rec } from '../../core/record.ts';
import type { NoteKind, Notes } from './notes.ts';

export interface SearchWish {
  /** All of its words, in any order, in upper or lower case. */
  readonly text: string;
  /** The chart that is told; anyone unless given. */
  readonly to?: string;
  readonly by?: string;
  /** Records of which there is such a note. */
  readonly only?: NoteKind;
  /** The first record to look at. */
  readonly from?: number;
}

export interface Found {
  readonly positions: Int32Array;
  /** Records before this one have been looked at. */
  readonly upTo: number;
}

/** `folded`: notes are known of so many records, and what filters by them waits for the rest. */
export function searchRecords(
  { records, lines, notes, folded }: Searched,
  { text, to, by, only, from = 0 }: SearchWish,
): Found {
  const words = wordsOf(text).map((word) => new RegExp(escaped(word), 'i'));
  const upTo = only === undefined ? lines.length : Math.min(folded, lines.length);
  const found: number[] = [];
  for (let position = from; position < upTo; position++) {
    const record = records[position] as Rec;
    const input = record.kind === 'input' ? record : undefined;
    if (to !== undefined && input?.to !== to) continue;
    if (by !== undefined && input?.by !== by) continue;
    if (only !== undefined && !notes.has(position, only)) continue;
    const line = lines[position] as string;
    if (words.every((word) => word.test(line))) found.push(position);
  }
  return { positions: Int32Array.from(found), upTo: Math.max(from, upTo) };
}

interface Searched {
  readonly records: readonly Rec[];
  readonly lines: readonly string[];
  readonly notes: Notes;
  readonly folded: number;
}

export function wordsOf(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** Where words stand in a text, as pieces of it; the texts of all pieces together are the text. */
export function piecesOf(
  text: string,
  words: readonly string[],
): readonly { readonly text: string; readonly isMatch: boolean }[] {
  if (words.length === 0) return [{ text, isMatch: false }];
  const any = new RegExp(`(${words.map(escaped).join('|')})`, 'i');
  // What is split off by a group stands at the odd places.
  return text
    .split(new RegExp(any, 'gi'))
    .map((piece, index) => ({ text: piece, isMatch: index % 2 === 1 }))
    .filter((piece) => piece.text !== '');
}

function escaped(word: string): string {
  return word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
