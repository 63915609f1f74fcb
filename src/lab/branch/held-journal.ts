/**
 * The journal of a branch while it is written: the past must come out as the parent's journal has it, record by record; the
 * first record is the branch's own, but for what it says of the run.
 */
import type { Rec } from '../../core/record.ts';
import type { Journal } from '../../journal/journal.ts';
import { recordText } from '../../journal/record-text.ts';
import { RecoveryError } from '../../run/recovery-error.ts';
import { divergedText } from '../re-enact.ts';

export class HeldJournal implements Journal {
  readonly #journal: Journal;
  readonly #past: readonly Rec[];

  constructor(journal: Journal, past: readonly Rec[]) {
    this.#journal = journal;
    this.#past = past;
  }

  append(run: string, position: number, added: readonly Rec[]): void | Promise<void> {
    for (const record of added) {
      const past = this.#past[record.position];
      if (past === undefined) continue;
      const [expected, got] = [recordText(asOf(past)), recordText(asOf(record))];
      if (expected === got) continue;
      const divergence = { position: record.position, expected, got };
      throw new RecoveryError('diverged', divergedText(run, 'does not come out as its parent', divergence), divergence);
    }
    return this.#journal.append(run, position, added);
  }

  read(run: string, from?: number): Iterable<Rec> {
    return this.#journal.read(run, from);
  }

  runs() {
    return this.#journal.runs();
  }

  claim(run: string, options?: { readonly takeOver?: boolean }): void {
    this.#journal.claim(run, options);
  }

  release(run: string): void {
    this.#journal.release(run);
  }

  close(): void {
    this.#journal.close();
  }
}

/** Whose run it is differs. */
function asOf(record: Rec): Rec {
  if (record.kind !== 'opened') return record;
  const { origin: _, ...opened } = record.opened;
  return { ...record, opened: { ...opened, run: 'either' } };
}
