/** Writes one run as NDJSON: to stdout, or to a file that is whole or not there. */
import { type ExportOptions, exportOf } from '../journal/export.ts';
import type { Journal } from '../journal/journal.ts';
import type { JournalError } from '../journal/journal-error.ts';
import { writeWhole } from '../lab/whole-file.ts';
import { UsageError } from './usage-error.ts';

/** Gives back what is wrong behind the records that were written, if anything. */
export async function exportRun(
  journal: Journal,
  run: string,
  file: string,
  options: ExportOptions,
): Promise<JournalError | undefined> {
  const { lines, damage } = exportOf(journal, run, options);
  const text = lines.join('');
  if (file === '-') {
    process.stdout.write(text);
    return damage;
  }
  try {
    writeWhole(file, text);
    return damage;
  } catch (error) {
    throw new UsageError(`cannot write ${file}: ${(error as Error).message}`, { cause: error });
  }
}
