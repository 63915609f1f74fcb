/**
 * One run that is shown, as lines: out of a journal, lazily and as far as it is good, or live, as its records are written.
 *
 * Nothing is held of a journal's run but its first record: lines are read when they are asked for, so that the first of 10^5
 * are there at once. Damage that reading meets is the last line, and stands in the header from then on.
 */
import type { AnyStateMachine } from 'xstate';
import type { Address, Opened, Rec } from '../../core/record.ts';
import type { Journal, RunSummary } from '../../journal/journal.ts';
import { JournalError } from '../../journal/journal-error.ts';
import { recordText } from '../../journal/record-text.ts';
import { isObserved, readOnlyText } from '../../run/observed-charts.ts';
import { VERSION } from '../../version.ts';
import type { Aside, RunHeader } from '../page-data.ts';
import { TapeRecorder } from './tape-recorder.ts';
import type { Looked, Workbench } from './workbench.ts';

/** What both kinds of run can be asked. */
export interface ShownRun {
  readonly id: string;
  readonly run: string;
  readonly journal: Journal;
  /** As it is now. */
  header(): RunHeader;
  /** Lines of the records from this position on that are there now, each with the asides that belong to it. */
  lines(from: number): Iterable<string>;
}

/** What a run has from outside its journal. */
export interface Surroundings {
  readonly id: string;
  readonly source: string;
  readonly workbench: Workbench;
  /** Gives a chart of the user's own the name of its picture. */
  readonly nameOf: (machine: AnyStateMachine) => string;
  /** The id of a run of the same journal, if it is shown. */
  readonly idOf: (run: string) => string | undefined;
}

export class JournalRun implements ShownRun {
  readonly id: string;
  readonly run: string;
  readonly journal: Journal;
  readonly #around: Surroundings;
  readonly #records: number;
  readonly #looked: Look | undefined;
  #damage: string | undefined;

  constructor(journal: Journal, { run, records, damage }: RunSummary, around: Surroundings) {
    this.id = around.id;
    this.run = run;
    this.journal = journal;
    this.#around = around;
    this.#records = records;
    this.#damage = damage;
    const opened = this.#opened();
    this.#looked = opened === undefined ? undefined : new Look(opened, around);
  }

  header(): RunHeader {
    const { id, source } = this.#around;
    const damage = this.#damage;
    return {
      ...{ id, run: this.run, source, records: this.#records, state: 'whole' },
      ...(this.#looked?.header(damage === undefined ? undefined : DAMAGED) ?? {
        noBranch: DAMAGED,
        noMemoryMap: DAMAGED,
      }),
      ...(damage === undefined ? {} : { damage }),
    };
  }

  *lines(from: number): Generator<string, void> {
    const listed = this.#damage;
    const recorder = this.#looked?.recorder();
    try {
      // What charts of the user's own do is known by folding from the start.
      for (const record of this.journal.read(this.run, recorder === undefined ? from : 0)) {
        const tape = recorder?.fold(record);
        if (record.position < from) continue;
        if (tape !== undefined) yield aside({ tape });
        yield recordText(record);
      }
      if (listed !== undefined) yield aside({ damage: listed });
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      this.#damage = error.message;
      yield aside({ damage: error.message });
    }
  }

  #opened(): Opened | undefined {
    try {
      for (const record of this.journal.read(this.run)) return record.kind === 'opened' ? record.opened : undefined;
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      this.#damage = error.message;
    }
    return undefined;
  }
}

const DAMAGED = 'its journal is damaged, and only a whole run can be made again';

/** What is known of a run by its first record. */
export class Look {
  readonly #opened: Opened;
  readonly #around: Surroundings;
  readonly #looked: Looked;
  readonly #pictures: Readonly<Record<Address, string>>;

  constructor(opened: Opened, around: Surroundings) {
    this.#opened = opened;
    this.#around = around;
    this.#looked = around.workbench.lookAt(opened);
    const { own } = this.#looked;
    this.#pictures = Object.fromEntries([...own].map(([address, machine]) => [address, around.nameOf(machine)]));
  }

  /** `because`: why it cannot be made again, whatever its first record says. */
  header(because?: string): Partial<RunHeader> {
    const { own, missing } = this.#looked;
    const { origin } = this.#opened;
    const of = origin === undefined ? undefined : this.#around.idOf(origin.run);
    const drift = this.#drift();
    const never = because ?? this.#unrepeatable(drift);
    return {
      ...(drift === undefined ? {} : { drift }),
      ...(never === undefined ? {} : { noBranch: never, noMemoryMap: never }),
      ...(origin === undefined || of === undefined
        ? {}
        : { branch: { of, position: origin.position, changes: origin.changes } }),
      ...(own.size === 0 ? {} : { tapes: this.#pictures }),
      ...(missing === undefined ? {} : { damage: missing }),
    };
  }

  recorder(): TapeRecorder | undefined {
    const { own } = this.#looked;
    return own.size === 0 ? undefined : new TapeRecorder(this.#opened, own);
  }

  #drift(): string | undefined {
    const { fingerprint: theirs, version } = this.#opened;
    const { fingerprint: ours } = this.#looked;
    if (ours === undefined || ours === theirs) return undefined;
    return `it was made by version ${version} with charts ${theirs}, and this is version ${VERSION} with charts ${ours}`;
  }

  #unrepeatable(drift: string | undefined): string | undefined {
    const { run, drivers } = this.#opened;
    if (isObserved(this.#opened)) return readOnlyText(run);
    if (drivers.join() !== 'model') {
      return `it was driven by ${drivers.join(', ')}, not by the model: its world cannot be made again`;
    }
    return drift ?? this.#looked.missing ?? this.#looked.unrepeatable;
  }
}

export function aside(one: Aside): string {
  return JSON.stringify(one);
}

/** Every record of a run as far as it is good, for whoever needs all of them at once. */
export function goodRecordsOf({ journal, run }: ShownRun): readonly Rec[] {
  const records: Rec[] = [];
  try {
    for (const record of journal.read(run)) records.push(record);
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
  }
  return records;
}
