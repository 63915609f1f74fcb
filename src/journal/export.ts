/**
 * A run as NDJSON: one record a line, for other programs, for bug reports, and to be compared byte by byte.
 *
 * The first line says what follows: `{"journal":"switchover","format":2,"run":"a","records":41,...,"crc":"0123abcd"}`.
 * Each further line is a record's text with its checksum as the last key. The same run gives the same bytes everywhere: no
 * wall time, no process, nothing of the store it came from. Whatever is lost or changed, whole lines at the end too, is found
 * when it is read (`ndjson-journal.ts`).
 */
import { crc32 } from '../core/checksum.ts';
import { goodRecords } from './good-records.ts';
import type { Journal } from './journal.ts';
import { JournalError } from './journal-error.ts';
import { type ExportHeader, withChecksum } from './ndjson-journal.ts';
import { CHAIN_START, JOURNAL_FORMAT, storedRecords } from './record-text.ts';

export interface ExportOptions {
  /** Of a damaged run, takes the records before the damage and says so in the first line; the export reads as damaged, too. */
  readonly untilDamage?: boolean;
}

export interface Exported {
  /** Each with its line feed. */
  readonly lines: readonly string[];
  /** Behind these lines; undefined where the whole run is good. */
  readonly damage: JournalError | undefined;
}

/** The lines of a run. Throws a JournalError: `unreadable` for a run that is not there, `damaged` as `read`. */
export function ndjsonLines(journal: Journal, run: string): readonly string[] {
  return exportOf(journal, run).lines;
}

/** The same, with what may be told of the damage. */
export function exportOf(journal: Journal, run: string, { untilDamage = false }: ExportOptions = {}): Exported {
  const { records, damage } = goodRecords(journal, journal.runs().find((one) => one.run === run) ?? { run });
  if (damage !== undefined && !(untilDamage && records.length > 0)) throw damage;
  if (records.length === 0) {
    const present = journal.runs().map((summary) => `"${summary.run}"`);
    throw new JournalError('unreadable', `not in the journal, which has ${present.join(', ') || 'no runs'}`, { run });
  }
  const stored = storedRecords(run, records, CHAIN_START);
  const header: ExportHeader = {
    journal: 'switchover',
    format: JOURNAL_FORMAT,
    run,
    records: stored.length,
    first: stored[0]!.crc,
    head: stored.at(-1)!.crc,
    ...(damage === undefined ? {} : { damage: damage.message }),
  };
  const text = JSON.stringify(header);
  return { lines: [withChecksum(text, crc32(text)), ...stored.map((one) => withChecksum(one.text, one.crc))], damage };
}
