/**
 * Runs the trials of a sweep on all cores, each written down as soon as it is done, and puts them together at the end. What is
 * in the file of an earlier go is not run again.
 */
import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { openPool } from '../pool/pool.ts';
import { writeWhole } from '../whole-file.ts';
import { csvOf, parquetOf } from './columns.ts';
import { SweepLog } from './log.ts';
import { refused, tried } from './refusal.ts';
import type { MarkedRow, SweepResult } from './result.ts';
import { summed } from './summary.ts';
import { type Sweep, type SweepRow, sweepRow, trialCount, trialOf } from './sweep.ts';

export interface RunSweepOptions {
  /** A file ending in .ndjson, .csv or .parquet; without one the rows are only in what is returned. */
  readonly out?: string | undefined;
  /** Go on with what an earlier go left there. */
  readonly resume?: boolean | undefined;
  readonly workers?: number | undefined;
  /** Told after each trial, and once before the first: done of all. */
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
  /** No more trials are begun once it is true. */
  readonly enough?: (() => boolean) | undefined;
}

export interface SweepEnd {
  readonly trials: number;
  /** As many as there are trials, unless it was interrupted. */
  readonly done: number;
  /** Of these, how many an earlier go had done. */
  readonly found: number;
  /** Null where it was interrupted; the log of a file can be resumed. */
  readonly finished: { readonly result: SweepResult; readonly rows: readonly MarkedRow[] } | null;
}

const FORMATS = ['.ndjson', '.csv', '.parquet'] as const;
type Format = (typeof FORMATS)[number];

/** Rejects with a ScenarioError for a file that cannot be used, and with what a trial throws: a mistake of this program. */
export async function runSweep(sweep: Sweep, options: RunSweepOptions = {}): Promise<SweepEnd> {
  const { out, resume = false, workers, onProgress, enough } = options;
  const format = out === undefined ? null : formatOf(out);
  if (out !== undefined && format !== '.ndjson' && existsSync(out)) {
    // What is begun is in the log beside it, so this is a finished one.
    throw refused(out, resume ? 'is finished: there is nothing to go on with' : 'is there already; name another file');
  }
  const log = out === undefined ? null : new SweepLog(logOf(out), sweep, resume);
  const rows = new Map<number, SweepRow>(log?.rows);
  const found = rows.size;
  const trials = trialCount(sweep);
  const missing = Array.from({ length: trials }, (_, trial) => trial).filter((trial) => !rows.has(trial));
  onProgress?.(rows.size, trials);
  const pool = openPool(workers);
  try {
    await pool.run(
      'trial',
      missing.map((trial) => trialOf(sweep, trial)),
      {
        enough,
        onDone(done, index) {
          const row = sweepRow(sweep, missing[index]!, done);
          rows.set(row.trial, row);
          log?.append(row);
          onProgress?.(rows.size, trials);
        },
      },
    );
    if (rows.size < trials) return { trials, done: rows.size, found, finished: null };
    const ordered = [...rows.values()].sort((a, b) => a.trial - b.trial);
    const finished = summed(sweep, ordered);
    if (log !== null && out !== undefined) await write(sweep, finished.rows, log, out, format);
    return { trials, done: trials, found, finished };
  } finally {
    log?.close();
    await pool.close();
  }
}

async function write(
  sweep: Sweep,
  rows: readonly MarkedRow[],
  log: SweepLog,
  out: string,
  format: Format | null,
): Promise<void> {
  if (format === '.ndjson' || format === null) {
    log.finish(rows);
    return;
  }
  const content = format === '.csv' ? await csvOf(sweep, rows) : await parquetOf(sweep, rows);
  tried(out, 'written', () => writeWhole(out, content));
  log.remove();
}

/** Where the rows are while it runs: the file itself, or beside one that cannot be written row by row. */
export function logOf(out: string): string {
  return formatOf(out) === '.ndjson' ? out : `${out}.ndjson`;
}

function formatOf(out: string): Format {
  const format = FORMATS.find((one) => one === extname(out).toLowerCase());
  if (format !== undefined) return format;
  const message = `expected a name that ends in ${FORMATS.join(', ')}: the ending says what is written`;
  throw refused(out, message);
}
