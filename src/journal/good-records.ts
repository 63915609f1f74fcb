/** What is good of a run that may be damaged: the records before the damage, and what the damage is. */
import type { Rec } from '../core/record.ts';
import type { Journal, RunSummary } from './journal.ts';
import { JournalError } from './journal-error.ts';

export interface GoodRecords {
  readonly records: readonly Rec[];
  /** `damaged` or `newer-version`; undefined where the whole run is good. */
  readonly damage: JournalError | undefined;
}

/**
 * Of a run as `runs()` lists it: what the listing says is damaged is not taken for whole because reading finds a way around it.
 * Throws what `read` throws of any other kind: then nothing is known of the records.
 */
export function goodRecords(
  journal: Journal,
  { run, damage: listed }: Pick<RunSummary, 'run' | 'damage'>,
): GoodRecords {
  const records: Rec[] = [];
  try {
    for (const record of journal.read(run)) records.push(record);
    const place = { run, position: records.length };
    return { records, damage: listed === undefined ? undefined : new JournalError('damaged', listed, place) };
  } catch (error) {
    if (!(error instanceof JournalError) || !isDamage(error)) throw error;
    return { records, damage: error };
  }
}

function isDamage({ kind }: JournalError): boolean {
  return kind === 'damaged' || kind === 'newer-version';
}
