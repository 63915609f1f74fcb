/** Writes one run as NDJSON, to stdout or to a file that is whole or not there. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { ndjsonLines } from '../journal/export.ts';
import type { Journal } from '../journal/journal.ts';
import { UsageError } from './usage-error.ts';

export async function exportRun(journal: Journal, run: string, file: string): Promise<void> {
  const text = [...ndjsonLines(journal, run)].join('');
  if (file === '-') {
    process.stdout.write(text);
    return;
  }
  const part = `${file}.part`;
  try {
    writeFileSync(part, text);
    renameSync(part, file);
  } catch (error) {
    rmSync(part, { force: true });
    throw new UsageError(`cannot write ${file}: ${(error as Error).message}`, { cause: error });
  }
}
