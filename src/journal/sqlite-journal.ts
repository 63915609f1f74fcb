/**
 * The durable journal: one SQLite file with many runs, appended to by one writer per run.
 *
 * `append` returns when the records are on the disk. Optimistic concurrency is a number of records that must be as expected,
 * compared in the transaction that appends; a claim keeps a second process out before it has done any work. Reading trusts
 * nothing: each record is checked against its checksum and with it the one before, the run against its count and its head.
 * One handle is used by one thread;
 * it can sit beside others on the same file, on the same host (WAL needs shared memory).
 */
import { randomUUID } from 'node:crypto';
import type { Rec } from '../core/record.ts';
import { checkAppend, checkPosition, checkRunName, type Journal, type RunSummary, scenarioName } from './journal.ts';
import { JournalError } from './journal-error.ts';
import { CHAIN_START, checkEnds, restoredRecord, type StoredRecord, storedRecords } from './record-text.ts';
import { translating } from './sqlite-error.ts';
import { inTransaction, type OpenedDatabase, openDatabase, type SqliteDatabase } from './sqlite-file.ts';
import {
  begunOf,
  type Claim,
  claimOf,
  type Extent,
  extentOf,
  nameOf,
  type RunRow,
  rowCrc,
  runOf,
  type Statements,
  statements,
  storedOf,
} from './sqlite-rows.ts';
import { isGone, thisProcess, type Writer } from './writer.ts';

export interface SqliteJournalOptions {
  /** Never writes, never creates the file; `append`, `claim` are refused. */
  readonly readonly?: boolean;
  /** Reads on where the log beside the file is damaged, as far as it is good; implies `readonly`. */
  readonly untilDamage?: boolean;
  /** Wall time for the runs' summaries, ms since 1970. */
  readonly wallMs?: () => number;
}

/** Rows fetched at once: a reader holds no transaction open, and little memory, between them. */
const ROWS_AT_ONCE = 256;

export class SqliteJournal implements Journal {
  readonly path: string;
  readonly readonly: boolean;
  readonly #file: OpenedDatabase;
  readonly #db: SqliteDatabase;
  readonly #sql: Statements;
  readonly #wallMs: () => number;
  /** Tells this handle's claims from those of any other, in this process too. */
  readonly #token = randomUUID();
  readonly #claimed = new Set<string>();
  #open = true;

  /** Throws a JournalError of any kind but `conflict`. */
  constructor(path: string, { readonly = false, untilDamage = false, wallMs = Date.now }: SqliteJournalOptions = {}) {
    this.path = path;
    this.readonly = readonly || untilDamage;
    this.#wallMs = wallMs;
    const access = untilDamage ? 'until-damage' : readonly ? 'read' : 'write';
    [this.#file, this.#sql] = translating(path, {}, () => {
      const file = openDatabase(path, access);
      try {
        return [file, statements(file.db)];
      } catch (error) {
        file.close();
        throw error;
      }
    });
    this.#db = this.#file.db;
  }

  append(run: string, expectedPosition: number, records: readonly Rec[]): void {
    this.#checkWritable();
    checkAppend(run, expectedPosition, records);
    const place = { run, position: expectedPosition };
    translating(this.path, place, () =>
      inTransaction(this.#db, () => {
        this.#checkWriter(run, expectedPosition);
        const row = this.#expectedRow(run, expectedPosition);
        const stored = storedRecords(run, records, row?.head ?? CHAIN_START);
        if (stored.length > 0) this.#setRow(run, row, stored);
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
    const { row, last } = this.#extent(run, from);
    const end = typeof row === 'object' ? row : undefined;
    const records = end?.records ?? last + 1;
    let before = from === 0 || from >= records ? CHAIN_START : this.#checksumAt(run, from - 1);
    let position = from;
    while (position < records) {
      const limit = Math.min(ROWS_AT_ONCE, records - position);
      const rows = this.#rows(run, position, limit);
      if (rows.length === 0) {
        const message = `it is missing, with all that followed; the run had ${records} records`;
        throw new JournalError('damaged', message, { run, position });
      }
      for (const one of rows) {
        const stored = storedOf(one, run, position);
        const record = restoredRecord(run, position, before, stored);
        checkEnds(run, end, stored);
        yield record;
        before = stored.crc;
        position++;
      }
    }
    const problem = endProblem(row, last) ?? this.#file.lost;
    if (problem !== undefined) throw new JournalError('damaged', problem, { run, position: records });
  }

  runs(): readonly RunSummary[] {
    this.#checkOpen();
    const lost = this.#file.lost === undefined ? {} : { damage: this.#file.lost };
    const listed = this.#query({}, () => this.#sql.runs.all()).map((columns): RunSummary => {
      const row = runOf(columns);
      if (row === undefined) return { run: nameOf(columns), records: 0, damage: ROW_DAMAGED };
      const { run, records, openedAtMs, appendedAtMs } = row;
      return { run, records, openedAtMs, appendedAtMs, ...this.#scenario(run), ...lost };
    });
    const strays = this.#query({}, () => this.#sql.strays.all()).map(
      (columns): RunSummary => ({ run: nameOf(columns), records: 0, damage: NOT_LISTED }),
    );
    const all = [...listed, ...strays];
    if (all.length === 0 && this.#file.lost !== undefined) throw new JournalError('damaged', this.#file.lost);
    return all;
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
      this.#file.close();
    }
  }

  #checkWriter(run: string, position: number): void {
    const holder = this.#writer(run);
    if (holder?.token === this.#token) return;
    if (holder !== undefined) throw new JournalError('locked', heldBy(holder), { run, position });
    if (!this.#claimed.has(run)) return;
    throw new JournalError('locked', 'this writer was taken for dead and its place taken over', { run, position });
  }

  /** The row of a run that has as many records as the appender thinks; undefined for none. */
  #expectedRow(run: string, expectedPosition: number): RunRow | undefined {
    const { row, last } = extentOf(this.#sql.extent.get(run), run);
    if (row === 'damaged') throw new JournalError('damaged', ROW_DAMAGED, { run, position: expectedPosition });
    if (row === undefined && last >= 0) {
      throw new JournalError('damaged', NOT_LISTED, { run, position: expectedPosition });
    }
    const records = row?.records ?? 0;
    if (records !== expectedPosition) {
      const message = `it has ${records} records, not ${expectedPosition}: another writer was here`;
      throw new JournalError('conflict', message, { run, position: expectedPosition });
    }
    return row;
  }

  #setRow(run: string, before: RunRow | undefined, added: readonly StoredRecord[]): void {
    const nowMs = this.#wallMs();
    const row = {
      run,
      begun: before?.begun ?? begunOf(this.#sql.begun.get()) + 1,
      records: (before?.records ?? 0) + added.length,
      first: before?.first ?? added[0]!.crc,
      head: added.at(-1)!.crc,
      openedAtMs: before?.openedAtMs ?? nowMs,
      appendedAtMs: nowMs,
    };
    const { begun, records, first, head, openedAtMs, appendedAtMs } = row;
    this.#sql.setRun.run(run, begun, records, first, head, openedAtMs, appendedAtMs, rowCrc(row));
  }

  /** `position`: from where it is asked for, which is where nothing more can be read if it cannot be told. */
  #extent(run: string, position: number): Extent {
    return extentOf(
      this.#query({ run, position }, () => this.#sql.extent.get(run)),
      run,
    );
  }

  /** What the record after this one is chained to. */
  #checksumAt(run: string, position: number): number {
    const [row] = this.#rows(run, position, 1);
    const stored = row === undefined ? undefined : storedOf(row, run, position);
    if (stored?.position === position) return stored.crc;
    throw new JournalError('damaged', 'it is missing', { run, position });
  }

  #rows(run: string, position: number, limit: number): readonly unknown[] {
    return this.#query({ run, position }, () => this.#sql.records.all(run, position, limit));
  }

  /** Nothing when the first record is damaged: that is for `read` to say, and other runs can still be listed. */
  #scenario(run: string): { readonly scenario?: string } {
    const [row] = this.#rows(run, 0, 1);
    if (row === undefined) return {};
    try {
      const first = restoredRecord(run, 0, CHAIN_START, storedOf(row, run, 0));
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

const ROW_DAMAGED = 'its row in the table of runs is damaged: how many records it had cannot be known';
const NOT_LISTED = 'it has records but is not in the table of runs: how many it had cannot be known';

/** What is wrong with a run whose records are good as far as they go. */
function endProblem(row: Extent['row'], last: number): string | undefined {
  if (row === 'damaged') return ROW_DAMAGED;
  if (row === undefined) return last < 0 ? undefined : NOT_LISTED;
  return last < row.records ? undefined : `the run ends here, yet there are records up to position ${last}`;
}

function heldBy(holder: Writer): string {
  const gone = isGone(holder)
    ? 'it is gone: claim the run to take its place'
    : 'end it first, or take the run over if it is gone';
  return `process ${holder.pid} on ${holder.host} is its writer; ${gone}`;
}
