/**
 * What a person looks for in a long list of records: where the migration's status changed, who decided what and why, what a
 * shadow would have done, what failed, and how it ended. Made of the facts that records led to.
 */
import type { RecordedEvent } from '../../core/record.ts';
import type { Folded } from './instant.ts';

export const NOTE_KINDS = ['status', 'decision', 'shadow', 'failure'] as const;
export type NoteKind = (typeof NOTE_KINDS)[number];

export interface Note {
  readonly kind: NoteKind;
  readonly text: string;
}

export class Notes {
  readonly #notes = new Map<number, Note[]>();

  see({ record, outcome, effects }: Folded): void {
    const { position } = record;
    if (record.kind === 'input' && isFailure(record.event)) {
      this.#add(position, { kind: 'failure', text: failureText(record.event) });
    }
    if (outcome === 'late') this.#add(position, { kind: 'failure', text: 'late: nobody waited for it any more' });
    for (const effect of effects) {
      if (effect.kind !== 'fact') continue;
      const note = noteOf(effect.by, effect.event);
      if (note !== undefined) this.#add(position, note);
    }
  }

  of(position: number): readonly Note[] {
    return this.#notes.get(position) ?? NONE;
  }

  has(position: number, kind: NoteKind): boolean {
    return this.of(position).some((note) => note.kind === kind);
  }

  #add(position: number, note: Note): void {
    const known = this.#notes.get(position);
    const short = { ...note, text: note.text.slice(0, TEXT_CHARACTERS_MAX) };
    if (known === undefined) this.#notes.set(position, [short]);
    else known.push(short);
  }
}

/** A note is a word or some; data of anybody may be a megabyte. */
const TEXT_CHARACTERS_MAX = 100;
const NONE: readonly Note[] = [];

function isFailure({ type, errno }: RecordedEvent): boolean {
  return type.startsWith('FAILED.') || type.endsWith('_FAILED') || (errno !== undefined && errno !== null);
}

function failureText({ errno }: RecordedEvent): string {
  return errno === undefined ? 'failed' : `failed: ${String(errno)}`;
}

/** A shadow that would have gone on as well says nothing. */
function noteOf(by: string, event: RecordedEvent): Note | undefined {
  switch (event.type) {
    case 'STATUS_CHANGED':
      return { kind: 'status', text: String(event.status) };
    case 'ROUND_ASSESSED':
      return { kind: 'decision', text: `round ${String(event.round)}: ${String(event.verdict)}` };
    case 'MANAGER_DECIDED':
      return { kind: 'decision', text: `${String(event.manager)}: ${String(event.verdict)}` };
    case 'SHADOW_JUDGED':
      return event.verdict === 'continue'
        ? undefined
        : { kind: 'shadow', text: `${nameIn(by)} would ${wouldText(event.verdict)}` };
    case 'SHADOW_FAILED':
      return { kind: 'shadow', text: `${nameIn(by)} cannot say: ${String(event.errno)}` };
    case 'WARNED':
      return { kind: 'failure', text: `warning: ${String(event.of)}` };
    case 'ENDED':
      return { kind: event.outcome === 'failed' ? 'failure' : 'status', text: `ended: ${String(event.outcome)}` };
    default:
      return undefined;
  }
}

function wouldText(verdict: unknown): string {
  if (verdict === 'switchover') return 'have switched over';
  return verdict === 'abort' ? 'have given up' : `have said ${String(verdict)}`;
}

const nameIn = (address: string) => address.slice(address.indexOf('/') + 1);
