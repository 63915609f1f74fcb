/**
 * A run as NDJSON: one record a line, for other programs, for bug reports, and to be compared byte by byte.
 *
 * A line is the record's text with its checksum as the last key: `{"position":0,...,"crc":"0123abcd"}`. The same run gives
 * the same bytes everywhere: no wall time, no process, nothing of the store it came from. The format has no end mark, so an
 * export that lost whole lines at its end is a shorter run; anything else that is lost or changed is found when it is read
 * (`ndjson-journal.ts`).
 */
import type { Journal } from './journal.ts';
import { JournalError } from './journal-error.ts';
import { crcText, storedRecord } from './record-text.ts';

/** The lines, each with its line feed. Throws a JournalError: `unreadable` for a run that is not there, `damaged` as `read`. */
export function* ndjsonLines(journal: Journal, run: string): Generator<string, void> {
  let lines = 0;
  for (const record of journal.read(run)) {
    const { text, crc } = storedRecord(run, record);
    yield `${text.slice(0, -1)},"crc":"${crcText(crc)}"}\n`;
    lines++;
  }
  if (lines > 0) return;
  const present = journal.runs().map((summary) => `"${summary.run}"`);
  throw new JournalError('unreadable', `not in the journal, which has ${present.join(', ') || 'no runs'}`, { run });
}
