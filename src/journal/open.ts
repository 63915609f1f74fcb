/**
 * Opens a journal by its path: what a file is, its content says; what a new file is to be, its name.
 *
 * Reading never creates, converts or repairs anything.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import type { Journal } from './journal.ts';
import { JournalError } from './journal-error.ts';
import { looksExported, NdjsonJournal } from './ndjson-journal.ts';
import { SqliteJournal } from './sqlite-journal.ts';

export interface OpenJournalOptions {
  /** For replay and inspection; an export can be opened in no other way. */
  readonly readonly?: boolean;
  /** For reading what is good of a file whose end is known to be lost; implies `readonly`. Never without being asked for. */
  readonly untilDamage?: boolean;
}

/** Section 1.3.1 of sqlite.org/fileformat2.html. */
const SQLITE_MAGIC = 'SQLite format 3\0';
/** Enough for the first lines of an export, should the very first be damaged. */
const BEGINNING_BYTES = 64 * 1024;
const NDJSON_EXTENSIONS: ReadonlySet<string> = new Set(['.ndjson', '.jsonl']);

/** Throws a JournalError of any kind but `conflict`. */
export function openJournal(path: string, options: OpenJournalOptions = {}): Journal {
  const { untilDamage = false } = options;
  const readonly = untilDamage || options.readonly === true;
  const beginning = beginningOf(path);
  if (beginning === undefined) {
    if (readonly) throw new JournalError('unreadable', `${path}: there is no such file`);
    return newJournal(path);
  }
  if (beginning === '') {
    if (readonly) throw new JournalError('unreadable', `${path} is empty`);
    return newJournal(path);
  }
  if (beginning.startsWith(SQLITE_MAGIC)) return new SqliteJournal(path, { readonly, untilDamage });
  if (looksExported(beginning)) {
    if (!readonly) throw new JournalError('read-only', `${path} is an export, which can be read but not written`);
    return new NdjsonJournal(
      readingFile(path, () => readFileSync(path, 'utf8')),
      path,
    );
  }
  if (nearly(beginning, SQLITE_MAGIC)) {
    throw new JournalError(
      'damaged',
      `${path} is damaged at its beginning: its first 16 bytes are not quite those of an SQLite file`,
    );
  }
  const message = `${path} is not a journal: it begins neither as an SQLite file nor as an export`;
  throw new JournalError('unreadable', `${message}. If it was one, its beginning is damaged`);
}

/** Equal in at least half of the places. */
function nearly(found: string, expected: string): boolean {
  const equal = [...expected].filter((character, index) => character === found[index]);
  return equal.length * 2 >= expected.length;
}

function newJournal(path: string): Journal {
  if (NDJSON_EXTENSIONS.has(extname(path).toLowerCase())) {
    const message = `${path}: a journal is not written as NDJSON; write it to a .db file and export that`;
    throw new JournalError('read-only', message);
  }
  const folder = dirname(path);
  if (!isFolder(folder)) throw new JournalError('unreadable', `${path}: there is no folder ${folder}`);
  return new SqliteJournal(path);
}

/** The first bytes as Latin-1, fewer when there are no more; undefined when there is no file. */
function beginningOf(path: string): string | undefined {
  return readingFile(path, () => {
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      if (!fstatSync(file).isFile()) throw new JournalError('unreadable', `${path} is not a file`);
      const bytes = Buffer.alloc(BEGINNING_BYTES);
      return bytes.toString('latin1', 0, readSync(file, bytes));
    } finally {
      closeSync(file);
    }
  });
}

function readingFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof JournalError) throw error;
    throw new JournalError('unreadable', `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
