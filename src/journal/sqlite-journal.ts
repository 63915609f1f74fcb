/**
 * The durable journal: one SQLite file with many runs, appended to by one writer per run.
 *
 * `append` returns when the records are on the disk. Optimistic concurrency is a number of records that must be as expected,
 * compared in the transaction that appends; a claim keeps a second process out before it has done any work. Reading trusts
 * nothing: each record is checked against its own checksum, and the run against its count. One handle is used by one thread;
 * it can sit beside others on the same file, on the same host (WAL needs shared memory).
 */
import { randomUUID } from 'node:crypto';
import type { Rec } from '../core/record.ts';
import { checkAppend, checkPosition, checkRunName, type Journal, type RunSummary, scenarioName } from './journal.ts';
import { JournalError } from './journal-error.ts';
import { restoredRecord, storedRecord } from './record-text.ts';
import { translating } from './sqlite-error.ts';
import { closeDatabase, inTransaction, openDatabase, type SqliteDatabase } from './sqlite-file.ts';
import { type Claim, claimOf, extentOf, runOf, type Statements, statements, storedOf } from './sqlite-rows.ts';
import { isGone, thisProcess, type Writer } from './writer.ts';

export interface SqliteJournalOptions {
  /** Never writes, never creates the file; `append`, `claim` are refused. */
  readonly readonly?: boolean;
  /** Wall time for the runs' summaries, ms since 1970. */
  readonly wallMs?: () => number;
}

/** Rows fetched at once: a reader holds no transaction open, and little memory, between them. */
const ROWS_AT_ONCE = 256;

export class SqliteJournal implements Journal {
  readonly path: string;
  readonly readonly: boolean;
  readonly #db: SqliteDatabase;
  readonly #sql: Statements;
  readonly #wallMs: () => number;
  /** Tells this handle's claims from those of any other, in this process too. */
  readonly #token = randomUUID();
  readonly #claimed = new Set<string>();
  #open = true;

  /** Throws a JournalError: `unreadable`, `damaged`, `newer-version`, `locked`, `read-only` or `full`. */
  constructor(path: string, { readonly = false, wallMs = Date.now }: SqliteJournalOptions = {}) {
    this.path = path;
    this.readonly = readonly;
    this.#wallMs = wallMs;
    [this.#db, this.#sql] = translating(path, {}, () => {
      const db = openDatabase(path, readonly);
      return [db, statements(db)];
    });
  }

  append(run: string, expectedPosition: number, records: readonly Rec[]): void {
    this.#checkWritable();
    checkAppend(run, expectedPosition, records);
    const stored = records.map((record) => storedRecord(run, record));
    const place = { run, position: expectedPosition };
    translating(this.path, place, () =>
      inTransaction(this.#db, () => {
        this.#checkWriter(run, expectedPosition);
        this.#raiseCount(run, expectedPosition, stored.length);
        for (const { position, text, crc } of stored) {
          if (this.#sql.addRecord.run(run, position, text, crc).changes !== 1) {
            throw new JournalError('damaged', 'there is a record already, beyond the end of the run', {
              run,
              position,
            });
          }
        }
      }),
    );
  }

  *read(run: string, from = 0): Generator<Rec, void> {
    this.#checkOpen();
    checkPosition(from);
    const { records, last } = this.#extent(run);
    for (let position = from; position < records; ) {
      const limit = Math.min(ROWS_AT_ONCE, records - position);
      const rows = this.#rows(run, position, limit);
      if (rows.length === 0) {
        const message = `it is missing, with all that followed; the run had ${records} records`;
        throw new JournalError('damaged', message, { run, position });
      }
      for (const row of rows) {
        yield restoredRecord(run, position, storedOf(row, run, position));
        position++;
      }
    }
    if (last >= records) {
      const message = `the run ends here, yet there are records up to position ${last}`;
      throw new JournalError('damaged', message, { run, position: records });
    }
  }

  runs(): readonly RunSummary[] {
    this.#checkOpen();
    const rows = this.#query({}, () => this.#sql.runs.all()).map(runOf);
    return rows.map((row) => ({ ...row, ...this.#scenario(row.run) }));
  }

  claim(run: string, { takeOver = false }: { readonly takeOver?: boolean } = {}): void {
    this.#checkWritable();
    checkRunName(run);
    translating(this.path, { run }, () =>
      inTransaction(this.#db, () => {
        const holder = this.#writer(run);
        if (holder !== undefined && !takeOver && !isGone(holder)) {
          const message = holder.token === this.#token ? 'this handle is its writer already' : heldBy(holder);
          throw new JournalError('locked', message, { run });
        }
        const { host, boot, namespace, pid, started } = thisProcess();
        this.#sql.setWriter.run(run, this.#token, host, boot, namespace, pid, started, this.#wallMs());
      }),
    );
    this.#claimed.add(run);
  }

  release(run: string): void {
    this.#checkOpen();
    if (!this.#claimed.delete(run)) return;
    translating(this.path, { run }, () => this.#sql.dropWriter.run(run, this.#token));
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      // A claim that cannot be released (a full disk) is taken over once this process has ended.
      for (const run of this.#claimed) this.#sql.dropWriter.run(run, this.#token);
    } catch {
    } finally {
      closeDatabase(this.#db, this.readonly);
    }
  }

  #checkWriter(run: string, position: number): void {
    const holder = this.#writer(run);
    if (holder?.token === this.#token) return;
    if (holder !== undefined) throw new JournalError('locked', heldBy(holder), { run, position });
    if (!this.#claimed.has(run)) return;
    throw new JournalError('locked', 'this writer was taken for dead and its place taken over', { run, position });
  }

  #raiseCount(run: string, expectedPosition: number, added: number): void {
    const records = extentOf(this.#sql.extent.get(run)).records ?? 0;
    if (records !== expectedPosition) {
      const message = `it has ${records} records, not ${expectedPosition}: another writer was here`;
      throw new JournalError('conflict', message, { run, position: expectedPosition });
    }
    const nowMs = this.#wallMs();
    if (added > 0) this.#sql.setCount.run(run, records + added, nowMs, nowMs);
  }

  /** How many records the run has, and the last one's position; -1 where there is none. */
  #extent(run: string): { readonly records: number; readonly last: number } {
    const { records, last } = extentOf(this.#query({ run }, () => this.#sql.extent.get(run)));
    if (records === undefined && last !== undefined) {
      throw new JournalError('damaged', 'it has records but is not in the table of runs', { run, position: 0 });
    }
    if (records !== undefined && records < 1) {
      throw new JournalError('damaged', `it is said to have ${records} records`, { run, position: 0 });
    }
    return { records: records ?? 0, last: last ?? -1 };
  }

  #rows(run: string, position: number, limit: number): readonly unknown[] {
    return this.#query({ run, position }, () => this.#sql.records.all(run, position, limit));
  }

  /** Nothing when the first record is damaged: that is for `read` to say, and other runs can still be listed. */
  #scenario(run: string): { readonly scenario?: string } {
    const [row] = this.#rows(run, 0, 1);
    if (row === undefined) return {};
    try {
      const first = restoredRecord(run, 0, storedOf(row, run, 0));
      return first.kind === 'opened' ? scenarioName(first.opened) : {};
    } catch (error) {
      if (error instanceof JournalError) return {};
      throw error;
    }
  }

  #writer(run: string): Claim | undefined {
    const row = this.#sql.writer.get(run);
    return row === undefined ? undefined : claimOf(row, run);
  }

  #query<T>(place: { readonly run?: string; readonly position?: number }, work: () => T): T {
    this.#checkOpen();
    return translating(this.path, place, work);
  }

  #checkOpen(): void {
    // libsql would go on writing through a statement after its database was closed.
    if (!this.#open) throw new Error('the journal is closed');
  }

  #checkWritable(): void {
    this.#checkOpen();
    if (this.readonly) throw new JournalError('read-only', `${this.path} was opened for reading only`);
  }
}

function heldBy(holder: Writer): string {
  const gone = isGone(holder)
    ? 'it is gone: claim the run to take its place'
    : 'end it first, or take the run over if it is gone';
  return `process ${holder.pid} on ${holder.host} is its writer; ${gone}`;
}
