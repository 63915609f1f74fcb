/**
 * The SQLite file below a journal: its tables, its format's version, and how it is opened and closed safely.
 *
 * While open for writing the file is in WAL mode and every commit is synced. So what a commit returned from survives the end
 * of the process, whenever it comes (kill -9), and the loss of power, where the disk keeps what it has said is synced; a
 * commit that did not return is there wholly or not at all. SQLite syncs the folder too when it makes the log. A closed
 * journal is one plain file: the last writer folds the log in and leaves WAL mode, so that it can be copied, and read from a
 * read-only disk. What its rows hold is for `sqlite-rows.ts`, and whether the log is whole for `wal-file.ts`.
 */
import { pathToFileURL } from 'node:url';
import Database from 'libsql';
import { goodCopy } from './good-copy.ts';
import { JournalError } from './journal-error.ts';
import { JOURNAL_FORMAT } from './record-text.ts';
import { logFlaw } from './wal-file.ts';

/** "SwOv", SQLite's `application_id` of our files. */
const APPLICATION_ID = 0x53774f76;
const KEEP_BOTH =
  'The file and its log are left as they are; what was committed before can still be read (untilDamage; replay --until-damage)';
/** How long another process's commit is waited for. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * `runs.records` counts a run's records, so that a run that lost its last ones is noticed, and is what `append` compares its
 * expectation with; `runs.first` and `runs.head` are the checksums of the first and the last; `runs.begun` numbers the runs as
 * they come. Times are wall time in ms since 1970, and `runs.crc` is over the whole row. `writers` holds claims, see
 * writer.ts. No table has a second index: two copies of a name could be damaged apart, and a run be listed yet not found.
 */
const SCHEMA = `
  CREATE TABLE runs (
    run TEXT PRIMARY KEY NOT NULL,
    begun INTEGER NOT NULL,
    records INTEGER NOT NULL,
    first INTEGER NOT NULL,
    head INTEGER NOT NULL,
    opened_at_ms INTEGER NOT NULL,
    appended_at_ms INTEGER NOT NULL,
    crc INTEGER NOT NULL
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
  PRAGMA user_version = ${JOURNAL_FORMAT};
`;

export type SqliteDatabase = InstanceType<typeof Database>;

/** - `write`: opened for writing, made if it is not there; - `until-damage`: for reading, though its log be damaged. */
export type Access = 'read' | 'write' | 'until-damage';

export interface OpenedDatabase {
  readonly db: SqliteDatabase;
  /** What is wrong with its log, when it was opened `until-damage` and something is: any run may have had more records. */
  readonly lost?: string;
  /** Idempotent; never throws. */
  close(): void;
}

/** Opens the file, writes the tables into a new one, and checks what it is. Throws JournalErrors and SQLite's errors. */
export function openDatabase(path: string, access: Access): OpenedDatabase {
  // Before SQLite does: it would fold a damaged log into the file as far as it goes, and the rest would be gone.
  const flaw = logFlaw(path);
  if (flaw === undefined) return connected(path, path, access === 'write' ? 'write' : 'read');
  if (access !== 'until-damage') throw new JournalError('damaged', `${flaw.message}. ${KEEP_BOTH}`);
  const copy = goodCopy(path, flaw.goodBytes);
  try {
    const { db, close } = connected(copy.path, path, 'write');
    return {
      db,
      lost: flaw.message,
      close() {
        close();
        copy.remove();
      },
    };
  } catch (error) {
    copy.remove();
    throw error;
  }
}

/** `name` stands for the file in messages. */
function connected(path: string, name: string, access: 'read' | 'write'): OpenedDatabase {
  // As a URI, since libsql takes some other texts for the address of a server, and has no option for reading only.
  const uri = `${pathToFileURL(path).href}?mode=${access === 'read' ? 'ro' : 'rwc'}`;
  const db = new Database(uri, { timeout: BUSY_TIMEOUT_MS });
  try {
    if (access === 'write') {
      inTransaction(db, () => {
        if (isEmpty(db)) db.exec(SCHEMA);
      });
    }
    checkFormat(db, name);
    if (access === 'write') makeDurable(db, name);
    return { db, close: () => closeDatabase(db, access) };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Leaves one plain file behind, unless others have it open; then only folds the log in as far as they let us. */
function closeDatabase(db: SqliteDatabase, access: 'read' | 'write'): void {
  if (access === 'write') {
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

function hasTables(db: SqliteDatabase): boolean {
  const ours = `SELECT count(*) AS tables FROM sqlite_master WHERE type = 'table' AND name IN ('runs', 'records', 'writers')`;
  return (db.prepare(ours).get() as { tables: number }).tables === 3;
}

function checkFormat(db: SqliteDatabase, path: string): void {
  if (pragma(db, 'application_id') !== APPLICATION_ID) {
    if (hasTables(db))
      throw new JournalError('damaged', `${path} has a journal's tables, but not its mark: its beginning is damaged`);
    const what = count(db) === 0 ? 'an empty database' : "another program's database";
    throw new JournalError('unreadable', `${path} is ${what}, not a journal`);
  }
  const version = pragma(db, 'user_version');
  if (version > JOURNAL_FORMAT) {
    const message = `${path} is a journal of format ${version}; this release knows format ${JOURNAL_FORMAT} only: use a later one`;
    throw new JournalError('newer-version', message);
  }
  if (version >= 1 && version < JOURNAL_FORMAT) {
    const message = `${path} is a journal of format ${version}; this release knows format ${JOURNAL_FORMAT} only: replay it with the release that wrote it`;
    throw new JournalError('older-version', message);
  }
  if (version < 1) throw new JournalError('damaged', `${path} is a journal of format ${version}, which never existed`);
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
