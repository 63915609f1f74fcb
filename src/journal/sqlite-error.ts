/**
 * SQLite's failures as a journal's: which result code is which kind, in words that say what to do.
 *
 * The codes are those of sqlite.org/rescode.html, as text, by their first part (`SQLITE_IOERR_WRITE` is an `SQLITE_IOERR`).
 * libsql reports a file that cannot be opened without a code; that is `unreadable` too.
 */
import { JournalError, type JournalErrorKind, type JournalErrorPlace } from './journal-error.ts';

const KINDS: readonly (readonly [code: string, kind: JournalErrorKind, message: string])[] = [
  ['SQLITE_FULL', 'full', 'no space is left on the disk; what was appended before is safe'],
  ['SQLITE_BUSY', 'locked', 'another process holds the file; try again'],
  ['SQLITE_LOCKED', 'locked', 'another handle holds the file; try again'],
  ['SQLITE_CORRUPT', 'damaged', 'the file is damaged'],
  // The statements are right, so if SQLite does not take one, the tables are not what they were.
  ['SQLITE_ERROR', 'damaged', 'the tables in the file are damaged'],
  ['SQLITE_NOTADB', 'damaged', 'the file is no SQLite database, or its beginning is damaged'],
  ['SQLITE_READONLY', 'read-only', 'the file, or the folder it is in, cannot be written'],
  ['SQLITE_PERM', 'unreadable', 'the file may not be opened'],
  ['SQLITE_CANTOPEN', 'unreadable', 'the file cannot be opened'],
  ['SQLITE_IOERR', 'unreadable', 'the disk fails'],
];

/** Runs `work`; what SQLite throws comes out as a JournalError, anything else as it is. */
export function translating<T>(path: string, place: JournalErrorPlace, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw journalErrorOf(error, path, place);
  }
}

function journalErrorOf(error: unknown, path: string, place: JournalErrorPlace): unknown {
  if (!(error instanceof Error) || error instanceof JournalError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const cause = { ...place, cause: error };
  if (code?.includes('SQLITE') === true) {
    const [, kind, message] = KINDS.find(([prefix]) => code.startsWith(prefix)) ?? [
      '',
      'unreadable',
      'SQLite cannot use the file',
    ];
    return new JournalError(kind, `${path}: ${message} (${code}: ${error.message})`, cause);
  }
  if (error.message.includes('ConnectionFailed'))
    return new JournalError('unreadable', `${path}: the file cannot be opened`, cause);
  return error;
}
