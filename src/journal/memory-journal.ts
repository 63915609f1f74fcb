/**
 * A journal in memory, for runs that nobody wants to keep: sweeps, tests, and `run` without `--journal`.
 *
 * It keeps the same text with the same checksum as a file would, so that what is read never shares objects with what was
 * appended, and a record that a file could not hold is refused here too. Handles on the same MemoryRuns are to each other
 * what two processes on one file are. It keeps no wall time: the same run gives the same journal.
 */
import type { Rec } from '../core/record.ts';
import { checkAppend, checkPosition, checkRunName, type Journal, type RunSummary, scenarioName } from './journal.ts';
import { JournalError } from './journal-error.ts';
import { CHAIN_START, restoredRecord, type StoredRecord, storedRecords } from './record-text.ts';

/** What handles share. */
export class MemoryRuns {
  readonly stored = new Map<string, StoredRecord[]>();
  /** Who has claimed which run. */
  readonly writers = new Map<string, MemoryJournal>();
}

export class MemoryJournal implements Journal {
  readonly #runs: MemoryRuns;
  readonly #claimed = new Set<string>();
  #open = true;

  constructor(runs: MemoryRuns = new MemoryRuns()) {
    this.#runs = runs;
  }

  append(run: string, expectedPosition: number, records: readonly Rec[]): void {
    this.#check();
    checkAppend(run, expectedPosition, records);
    const writer = this.#runs.writers.get(run);
    if (writer !== this && (writer !== undefined || this.#claimed.has(run))) {
      throw new JournalError('locked', 'another handle is its writer', { run, position: expectedPosition });
    }
    const present = this.#runs.stored.get(run) ?? [];
    if (present.length !== expectedPosition) {
      const message = `it has ${present.length} records, not ${expectedPosition}: another writer was here`;
      throw new JournalError('conflict', message, { run, position: expectedPosition });
    }
    const added = storedRecords(run, records, present.at(-1)?.crc ?? CHAIN_START);
    if (added.length === 0) return;
    for (const record of added) present.push(record);
    this.#runs.stored.set(run, present);
  }

  *read(run: string, from = 0): Generator<Rec, void> {
    this.#check();
    checkPosition(from);
    const stored = this.#runs.stored.get(run) ?? [];
    const end = stored.length;
    for (let position = from; position < end; position++) {
      this.#check();
      yield restoredRecord(run, position, stored[position - 1]?.crc ?? CHAIN_START, stored[position]!);
    }
  }

  runs(): readonly RunSummary[] {
    this.#check();
    return [...this.#runs.stored].map(([run, stored]) => {
      const first = restoredRecord(run, 0, CHAIN_START, stored[0]!);
      return { run, records: stored.length, ...(first.kind === 'opened' ? scenarioName(first.opened) : {}) };
    });
  }

  claim(run: string, { takeOver = false }: { readonly takeOver?: boolean } = {}): void {
    this.#check();
    checkRunName(run);
    if (this.#runs.writers.has(run) && !takeOver) {
      throw new JournalError('locked', 'it has a writer already', { run });
    }
    this.#runs.writers.set(run, this);
    this.#claimed.add(run);
  }

  release(run: string): void {
    this.#check();
    this.#letGo(run);
  }

  close(): void {
    if (!this.#open) return;
    for (const run of [...this.#claimed]) this.#letGo(run);
    this.#open = false;
  }

  #letGo(run: string): void {
    this.#claimed.delete(run);
    if (this.#runs.writers.get(run) === this) this.#runs.writers.delete(run);
  }

  #check(): void {
    if (!this.#open) throw new Error('the journal is closed');
  }
}
