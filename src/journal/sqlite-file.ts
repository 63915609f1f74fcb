/**
 * The SQLite file below a journal: its tables, its format's version, and how it is opened and closed safely.
 *
 * While open for writing the file is in WAL mode and every commit is synced. A closed journal is one plain file: the last
 * writer folds the log in and leaves WAL mode, so that it can be copied, and read from a read-only disk.
 * What its rows hold is for `sqlite-rows.ts`.
 */
import { pathToFileURL } from 'node:url';
import Database from 'libsql';
import { JournalError } from './journal-error.ts';

/** "SwOv", SQLite's `application_id` of our files. */
const APPLICATION_ID = 0x53774f76;
const FORMAT_VERSION = 1;
/** How long another process's commit is waited for. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * `runs.records` counts a run's records, so that a run that lost its last ones is noticed, and is what `append` compares its
 * expectation with; `runs.begun` numbers the runs as they come. Times are wall time in ms since 1970. `writers` holds claims,
 * see writer.ts. No table has a second index: two copies of a name could be damaged apart, and a run be listed yet not found.
 */
const SCHEMA = `
  CREATE TABLE runs (
    run TEXT PRIMARY KEY NOT NULL,
    begun INTEGER NOT NULL,
    records INTEGER NOT NULL,
    opened_at_ms INTEGER NOT NULL,
    appended_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE records (
    run TEXT NOT NULL,
    position INTEGER NOT NULL,
    text TEXT NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (run, position)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE writers (
    run TEXT PRIMARY KEY NOT NULL,
    token TEXT NOT NULL,
    host TEXT NOT NULL,
    boot TEXT NOT NULL,
    namespace TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started TEXT NOT NULL,
    claimed_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${FORMAT_VERSION};
`;

export type SqliteDatabase = InstanceType<typeof Database>;

/** Opens the file, writes the tables into a new one, and checks what it is. Throws JournalErrors and SQLite's errors. */
export function openDatabase(path: string, readonly: boolean): SqliteDatabase {
  // As a URI, since libsql takes some other texts for the address of a server, and has no option for reading only.
  const uri = `${pathToFileURL(path).href}?mode=${readonly ? 'ro' : 'rwc'}`;
  const db = new Database(uri, { timeout: BUSY_TIMEOUT_MS });
  try {
    if (!readonly) {
      inTransaction(db, () => {
        if (isEmpty(db)) db.exec(SCHEMA);
      });
    }
    checkFormat(db, path);
    if (!readonly) makeDurable(db, path);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Leaves one plain file behind, unless others have it open; then only folds the log in as far as they let us. */
export function closeDatabase(db: SqliteDatabase, readonly: boolean): void {
  if (!readonly) {
    try {
      db.prepare('PRAGMA journal_mode = DELETE').get();
    } catch {
      try {
        db.prepare('PRAGMA wal_checkpoint(PASSIVE)').get();
      } catch {
        // The log stays beside the file and is read with it: nothing is lost.
      }
    }
  }
  db.close();
}

/** One write transaction from the start, so that what is read in it is still true when it writes. */
export function inTransaction<T>(db: SqliteDatabase, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    try {
      if (db.inTransaction) db.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself; the first error says why.
    }
    throw error;
  }
}

function isEmpty(db: SqliteDatabase): boolean {
  return pragma(db, 'user_version') === 0 && count(db) === 0;
}

function count(db: SqliteDatabase): number {
  return (db.prepare('SELECT count(*) AS tables FROM sqlite_master').get() as { tables: number }).tables;
}

function checkFormat(db: SqliteDatabase, path: string): void {
  if (pragma(db, 'application_id') !== APPLICATION_ID) {
    const what = count(db) === 0 ? 'an empty database' : "another program's database";
    throw new JournalError('unreadable', `${path} is ${what}, not a journal`);
  }
  const version = pragma(db, 'user_version');
  if (version > FORMAT_VERSION) {
    const message = `${path} is a journal of format ${version}; this release knows formats up to ${FORMAT_VERSION}: use a later one`;
    throw new JournalError('newer-version', message);
  }
  if (version < FORMAT_VERSION)
    throw new JournalError('damaged', `${path} is a journal of format ${version}, which never existed`);
}

/** FULL: each commit is on the disk before it returns (sqlite.org/pragma.html#pragma_synchronous). */
function makeDurable(db: SqliteDatabase, path: string): void {
  const { journal_mode: mode } = db.prepare('PRAGMA journal_mode = WAL').get() as { journal_mode: string };
  if (mode !== 'wal')
    throw new JournalError('unreadable', `${path}: this file system has no shared memory, which a journal needs`);
  db.exec('PRAGMA synchronous = FULL');
}

function pragma(db: SqliteDatabase, name: 'application_id' | 'user_version'): number {
  return (db.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name]!;
}
