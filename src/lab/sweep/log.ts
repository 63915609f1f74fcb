/**
 * The log of a sweep: NDJSON, a header that says which sweep it is and then a row for each trial, in the order in which they are
 * done, so that whatever ends the program loses at most the row that was being written. A finished one is written beside and
 * renamed, its rows in the order of the trials: the same bytes however often it was interrupted.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { VERSION } from '../../version.ts';
import { COLUMNS } from '../trial/row.ts';
import { writeWhole } from '../whole-file.ts';
import { PARETO_COLUMN, ROW_KEYS } from './axes.ts';
import { refused, tried } from './refusal.ts';
import { type Sweep, type SweepRow, trialCount } from './sweep.ts';

const FORMAT = 1;

interface Header {
  readonly sweep: string;
  readonly format: number;
  readonly version: string;
  /** Of everything that its rows depend on. */
  readonly fingerprint: string;
  readonly trials: number;
}

/** Equal for sweeps whose rows are equal; what is made of the rows afterwards is not in it. */
export function sweepFingerprint({ scenario, axes, points, policies, seeds, charts, files }: Sweep): string {
  const settings = points.map(({ labels, set }) => [labels, set]);
  const told = JSON.stringify([FORMAT, VERSION, scenario, axes, settings, policies, seeds, charts, files]);
  return createHash('sha256').update(told).digest('hex').slice(0, 16);
}

function headerOf(sweep: Sweep): Header {
  const fingerprint = sweepFingerprint(sweep);
  return { sweep: sweep.name, format: FORMAT, version: VERSION, fingerprint, trials: trialCount(sweep) };
}

/** The rows of an earlier go, by trial, and how much of the file is good. */
interface Earlier {
  readonly rows: ReadonlyMap<number, SweepRow>;
  readonly goodBytes: number;
}

export class SweepLog {
  readonly #path: string;
  readonly #sweep: Sweep;
  readonly #rows: Map<number, SweepRow>;
  #file: number | null;

  /** Throws a ScenarioError for a file that is there and is not to be, or is no log of this sweep. */
  constructor(path: string, sweep: Sweep, resume: boolean) {
    this.#path = path;
    this.#sweep = sweep;
    const earlier = existsSync(path) ? earlierIn(path, sweep, resume) : null;
    this.#rows = new Map(earlier?.rows);
    this.#file = tried(path, 'written', () => opened(path, sweep, earlier));
  }

  /** What is there already. */
  get rows(): ReadonlyMap<number, SweepRow> {
    return this.#rows;
  }

  append(row: SweepRow): void {
    this.#rows.set(row.trial, row);
    const file = this.#file;
    if (file !== null) tried(this.#path, 'written', () => writeFileSync(file, lineOf(row)));
  }

  /** Every row that there is, in the order of the trials. */
  ordered(): readonly SweepRow[] {
    return [...this.#rows.values()].sort((a, b) => a.trial - b.trial);
  }

  /** Puts the finished file in the place of the log. */
  finish(rows: readonly SweepRow[]): void {
    this.close();
    const content = [headerOf(this.#sweep), ...rows].map(lineOf).join('');
    tried(this.#path, 'written', () => writeWhole(this.#path, content));
  }

  /** Takes the log away, where what it became stands in another file. */
  remove(): void {
    this.close();
    rmSync(this.#path, { force: true });
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}

function lineOf(line: object): string {
  return `${JSON.stringify(line)}\n`;
}

/** Ready for the next row, the header before it. `writeFileSync` goes on where the system took a part only. */
function opened(path: string, sweep: Sweep, earlier: Earlier | null): number {
  const file = openSync(path, earlier === null ? 'wx' : 'r+');
  try {
    ftruncateSync(file, earlier?.goodBytes ?? 0);
    if (earlier === null || earlier.goodBytes === 0) writeFileSync(file, lineOf(headerOf(sweep)));
  } finally {
    closeSync(file);
  }
  return openSync(path, 'a');
}

function earlierIn(path: string, sweep: Sweep, resume: boolean): Earlier {
  if (!resume) throw refused(path, 'is there already; --resume goes on with it, or name another file');
  const text = tried(path, 'read', () => readFileSync(path, 'utf8'));
  // Whatever stands after the last end of a line was being written when the program ended.
  const good = text.slice(0, text.lastIndexOf('\n') + 1);
  if (good === '') return { rows: new Map(), goodBytes: 0 };
  const [first, ...lines] = good.slice(0, -1).split('\n');
  requireHeader(path, parsed(first!), sweep);
  const rows = new Map<number, SweepRow>();
  for (const [index, line] of lines.entries()) {
    const row = rowIn(line, sweep);
    if (row === null) throw refused(path, 'is no row of this sweep; take the line out, or begin anew', index + 2);
    rows.set(row.trial, row);
  }
  return { rows, goodBytes: Buffer.byteLength(good) };
}

function requireHeader(path: string, header: unknown, sweep: Sweep): void {
  const { sweep: name, format, fingerprint } = (header ?? {}) as Partial<Header>;
  if (typeof name !== 'string' || typeof format !== 'number')
    throw refused(path, 'is no log of a sweep; name another file', 1);
  const own = headerOf(sweep);
  if (format !== FORMAT)
    throw refused(path, `was written in format ${format} of another release; name another file`, 1);
  if (fingerprint === own.fingerprint) return;
  const which =
    name === own.sweep
      ? `"${name}" as it was before it, its seeds, its files or this program were changed`
      : `the sweep "${name}"`;
  throw refused(path, `holds rows of ${which}; name another file`, 1);
}

/** Without what a finished file adds to it; null where anything is not there that every row has. */
function rowIn(line: string, sweep: Sweep): SweepRow | null {
  const row = parsed(line);
  if (typeof row !== 'object' || row === null) return null;
  const { [PARETO_COLUMN]: _, ...plain } = row as SweepRow & { readonly [PARETO_COLUMN]?: boolean };
  if (![...ROW_KEYS, ...sweep.axes, ...COLUMNS].every((key) => Object.hasOwn(plain, key))) return null;
  const { trial } = plain as SweepRow;
  return Number.isInteger(trial) && trial >= 0 && trial < trialCount(sweep) ? (plain as SweepRow) : null;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
