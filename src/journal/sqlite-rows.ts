/**
 * The statements of the SQLite journal, and its rows as values: where SQL's types become ours.
 *
 * A damaged file can hold any type in any column, STRICT or not, and libsql 0.5 ends the whole process when a TEXT it hands
 * over is no UTF-8. So text is selected as a blob and decoded here, integers are selected only if they are ones, and what is
 * left over is a JournalError `damaged`.
 */
import { JournalError, type JournalErrorPlace } from './journal-error.ts';
import type { StoredRecord } from './record-text.ts';
import type { SqliteDatabase } from './sqlite-file.ts';
import type { Writer } from './writer.ts';

/** Who holds a run; `token` tells the handles of one process apart. */
export interface Claim extends Writer {
  readonly token: string;
}

export interface RunRow {
  readonly run: string;
  readonly records: number;
  readonly openedAtMs: number;
  readonly appendedAtMs: number;
}

export type Row<K extends string> = Readonly<Record<K, unknown>>;
/** A prepared statement; libsql's own type cannot be named in declarations. */
interface Statement {
  run(...values: readonly unknown[]): { readonly changes: number };
  get(...values: readonly unknown[]): unknown;
  all(...values: readonly unknown[]): unknown[];
}
type StatementName = 'extent' | 'setCount' | 'addRecord' | 'records' | 'runs' | 'writer' | 'setWriter' | 'dropWriter';
export type Statements = Readonly<Record<StatementName, Statement>>;

export function statements(db: SqliteDatabase): Statements {
  return {
    /** Of a run: how many records it says to have, and where its last one is, both at one moment. */
    extent: db.prepare(
      `SELECT (SELECT ${integer('records')} FROM runs WHERE run = ?1) AS records,
              (SELECT ${integer('max(position)')} FROM records WHERE run = ?1) AS last`,
    ),
    setCount: db.prepare(
      `INSERT INTO runs (run, begun, records, opened_at_ms, appended_at_ms)
       VALUES (?, (SELECT coalesce(max(begun), 0) + 1 FROM runs), ?, ?, ?)
       ON CONFLICT (run) DO UPDATE SET records = excluded.records, appended_at_ms = excluded.appended_at_ms`,
    ),
    addRecord: db.prepare('INSERT INTO records (run, position, text, crc) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    /** Of a run, from a position on, so many. */
    records: db.prepare(
      `SELECT ${integer('position')} AS position, ${blob('text')} AS text, ${integer('crc')} AS crc
       FROM records WHERE run = ? AND position >= ? ORDER BY records.position LIMIT ?`,
    ),
    runs: db.prepare(
      `SELECT ${blob('run')} AS run, ${integer('records')} AS records,
              ${integer('opened_at_ms')} AS openedAtMs, ${integer('appended_at_ms')} AS appendedAtMs
       FROM runs ORDER BY begun`,
    ),
    writer: db.prepare(
      `SELECT ${blob('token')} AS token, ${blob('host')} AS host, ${blob('boot')} AS boot,
              ${blob('namespace')} AS namespace, ${integer('pid')} AS pid, ${blob('started')} AS started
       FROM writers WHERE run = ?`,
    ),
    setWriter: db.prepare(
      `INSERT OR REPLACE INTO writers (run, token, host, boot, namespace, pid, started, claimed_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    dropWriter: db.prepare('DELETE FROM writers WHERE run = ? AND token = ?'),
  };
}

/** Both undefined for a run that is not there. */
export function extentOf(row: unknown): { readonly records: number | undefined; readonly last: number | undefined } {
  const { records, last } = row as Row<'records' | 'last'>;
  const known = (value: unknown) => (value === null ? undefined : integerIn(value, {}));
  return { records: known(records), last: known(last) };
}

/** `position`: that of the record which comes next, for the message. */
export function storedOf(row: unknown, run: string, position: number): StoredRecord {
  const columns = row as Row<'position' | 'text' | 'crc'>;
  const place = { run, position };
  return {
    position: integerIn(columns.position, place),
    text: textIn(columns.text, place),
    crc: integerIn(columns.crc, place),
  };
}

export function runOf(row: unknown): RunRow {
  const columns = row as Row<keyof RunRow>;
  const run = textIn(columns.run, {});
  return {
    run,
    records: integerIn(columns.records, { run }),
    openedAtMs: integerIn(columns.openedAtMs, { run }),
    appendedAtMs: integerIn(columns.appendedAtMs, { run }),
  };
}

export function claimOf(row: unknown, run: string): Claim {
  const columns = row as Row<keyof Claim>;
  const text = (column: Exclude<keyof Claim, 'pid'>) => textIn(columns[column], { run });
  return {
    token: text('token'),
    host: text('host'),
    boot: text('boot'),
    namespace: text('namespace'),
    pid: integerIn(columns.pid, { run }),
    started: text('started'),
  };
}

function blob(column: string): string {
  return `CAST(${column} AS BLOB)`;
}

/** NULL for what is no integer that a double holds exactly. */
function integer(expression: string): string {
  const most = Number.MAX_SAFE_INTEGER;
  return `iif(typeof(${expression}) = 'integer' AND ${expression} BETWEEN -${most} AND ${most}, ${expression}, NULL)`;
}

/** libsql gives a Buffer for one row and ArrayBuffers for many. What is no UTF-8 becomes U+FFFD, which no checksum forgives. */
function textIn(value: unknown, place: JournalErrorPlace): string {
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('utf8');
  if (Buffer.isBuffer(value)) return value.toString('utf8');
  throw new JournalError('damaged', 'a column that should be a text is none', place);
}

function integerIn(value: unknown, place: JournalErrorPlace): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw new JournalError('damaged', 'a column that should be an integer is none', place);
}
