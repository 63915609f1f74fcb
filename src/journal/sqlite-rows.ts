/**
 * The statements of the SQLite journal, and its rows as values: where SQL's types become ours.
 *
 * A damaged file can hold any type in any column, STRICT or not, and libsql 0.5 ends the whole process when a TEXT it hands
 * over is no UTF-8. So text is selected as a blob and decoded here, integers are selected only if they are ones, and what is
 * left over is a JournalError `damaged`.
 */
import { crc32 } from '../core/checksum.ts';
import { JournalError, type JournalErrorPlace } from './journal-error.ts';
import type { ChainEnds, StoredRecord } from './record-text.ts';
import type { SqliteDatabase } from './sqlite-file.ts';
import type { Writer } from './writer.ts';

/** Who holds a run; `token` tells the handles of one process apart. */
export interface Claim extends Writer {
  readonly token: string;
}

/** A run's row in the table of runs. */
export interface RunRow extends ChainEnds {
  readonly run: string;
  readonly begun: number;
  readonly openedAtMs: number;
  readonly appendedAtMs: number;
}

/** What the file says of a run at one moment. */
export interface Extent {
  /** Undefined where the run is not in the table of runs, `damaged` where its row is not what was written. */
  readonly row: RunRow | 'damaged' | undefined;
  /** The position of its last record; -1 where there is none. */
  readonly last: number;
}

export type Row<K extends string> = Readonly<Record<K, unknown>>;
/** A prepared statement; libsql's own type cannot be named in declarations. */
interface Statement {
  run(...values: readonly unknown[]): { readonly changes: number };
  get(...values: readonly unknown[]): unknown;
  all(...values: readonly unknown[]): unknown[];
}
type StatementName =
  | 'extent'
  | 'begun'
  | 'setRun'
  | 'addRecord'
  | 'records'
  | 'runs'
  | 'strays'
  | 'writer'
  | 'setWriter'
  | 'dropWriter';
export type Statements = Readonly<Record<StatementName, Statement>>;

const RUN_COLUMNS = [
  `${blob('runs.run')} AS run`,
  `${integer('runs.begun')} AS begun`,
  `${integer('runs.records')} AS records`,
  `${integer('runs.first')} AS first`,
  `${integer('runs.head')} AS head`,
  `${integer('runs.opened_at_ms')} AS openedAtMs`,
  `${integer('runs.appended_at_ms')} AS appendedAtMs`,
  `${integer('runs.crc')} AS crc`,
].join(', ');

export function statements(db: SqliteDatabase): Statements {
  return {
    /** Of a run: its row, and where its last record is, both at one moment. */
    extent: db.prepare(
      `SELECT ${RUN_COLUMNS}, runs.run IS NOT NULL AS present,
              (SELECT ${integer('max(position)')} FROM records WHERE records.run = ?1) AS last
       FROM (SELECT 1) LEFT JOIN runs ON runs.run = ?1`,
    ),
    begun: db.prepare(`SELECT ${integer('max(begun)')} AS begun FROM runs`),
    setRun: db.prepare(
      `INSERT OR REPLACE INTO runs (run, begun, records, first, head, opened_at_ms, appended_at_ms, crc)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    addRecord: db.prepare('INSERT INTO records (run, position, text, crc) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    /** Of a run, from a position on, so many. */
    records: db.prepare(
      `SELECT ${integer('position')} AS position, ${blob('text')} AS text, ${integer('crc')} AS crc
       FROM records WHERE run = ? AND position >= ? ORDER BY records.position LIMIT ?`,
    ),
    runs: db.prepare(`SELECT ${RUN_COLUMNS} FROM runs ORDER BY begun`),
    /** Runs that have records and no row. From name to name, not through all records; UNION ends it in a tree that is a ring. */
    strays: db.prepare(
      `WITH RECURSIVE names (run) AS (
         SELECT min(run) FROM records
         UNION SELECT (SELECT min(records.run) FROM records WHERE records.run > names.run) FROM names
       )
       SELECT ${blob('run')} AS run FROM names WHERE run IS NOT NULL AND run NOT IN (SELECT run FROM runs)`,
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

export function extentOf(columns: unknown, run: string): Extent {
  const { present, last } = columns as Row<'present' | 'last'>;
  const row = present === 1 ? (runOf(columns) ?? 'damaged') : undefined;
  // The row is found by its name, so a name in it that is another is damage.
  const sound = typeof row !== 'object' || row.run === run;
  return { row: sound ? row : 'damaged', last: Number.isSafeInteger(last) ? (last as number) : -1 };
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

/** Undefined for a row that is not what was written. */
export function runOf(columns: unknown): RunRow | undefined {
  const { run, begun, records, first, head, openedAtMs, appendedAtMs, crc } = columns as Row<keyof RunRow | 'crc'>;
  const numbers = [begun, records, first, head, openedAtMs, appendedAtMs, crc];
  if (!isText(run) || !numbers.every(Number.isSafeInteger)) return undefined;
  const row = { run: textIn(run, {}), begun, records, first, head, openedAtMs, appendedAtMs } as RunRow;
  return rowCrc(row) === crc && row.records > 0 ? row : undefined;
}

/** The largest `begun`, 0 in an empty table. */
export function begunOf(columns: unknown): number {
  const { begun } = columns as Row<'begun'>;
  return begun === null ? 0 : integerIn(begun, {});
}

/** The name in a row of the table of runs, or in a record; as far as it is a text. */
export function nameOf(columns: unknown): string {
  const { run } = columns as Row<'run'>;
  return isText(run) ? textIn(run, {}) : '';
}

/** CRC-32 of a run's row. */
export function rowCrc({ run, begun, records, first, head, openedAtMs, appendedAtMs }: RunRow): number {
  return crc32(JSON.stringify([run, begun, records, first, head, openedAtMs, appendedAtMs]));
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

function isText(value: unknown): boolean {
  return value instanceof ArrayBuffer || Buffer.isBuffer(value);
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
