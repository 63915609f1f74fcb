/**
 * The event store: append-only records of runs, each run with one writer.
 *
 * Everything that ever influenced a migration is a record, and state is a fold of records; so a journal promises three
 * things: what `append` returned from is still there after a crash, what `read` gives is what was appended, and two writers
 * of one run cannot both succeed. It knows nothing of what records mean.
 */
import type { Opened, Rec } from '../core/record.ts';

export interface Journal {
  /**
   * Appends records durably, all of them or none. `expectedPosition` is the number of records that the run has, and the
   * position of the first of `records`. Throws (or rejects with) a JournalError: `conflict` when the run has another number
   * of records, `locked` when somebody else has claimed the run, `read-only`, `full`, `damaged`; and a RangeError or TypeError
   * for records that are out of order or not JSON.
   */
  append(run: string, expectedPosition: number, records: readonly Rec[]): void | Promise<void>;
  /**
   * The records of a run in order, from position `from` (0) to the last one that was there when reading began; none for a
   * run that does not exist. Each is verified with the one before it; damage throws a JournalError `damaged` (or
   * `newer-version`) with run and position, after the records before it were given. So does a run of which all records are
   * good and too few, or whose number cannot be known.
   */
  read(run: string, from?: number): Iterable<Rec>;
  /** The runs that have records, in the order in which they were begun; a damaged one is listed too, and says so. */
  runs(): readonly RunSummary[];
  /**
   * Takes the one writer's place for a run, which need not exist yet. Throws a JournalError `locked` when it is taken, by this
   * handle too. The place of a process that is known to be dead is free; `takeOver` takes any place, and is for an operator
   * who knows that its holder is gone (another host): the former holder's next append fails.
   */
  claim(run: string, options?: { readonly takeOver?: boolean }): void;
  /** Gives the place back; nothing happens when this handle does not hold it. */
  release(run: string): void;
  /** Releases all claims and the store. Idempotent; anything else called afterwards throws. */
  close(): void;
}

export interface RunSummary {
  readonly run: string;
  /** How many there are; the next record's position. */
  readonly records: number;
  /** The name that its scenario gives itself, if any. */
  readonly scenario?: string;
  /** Wall time of the first and of the last append, ms since 1970, where the store keeps it. Never part of a record. */
  readonly openedAtMs?: number;
  readonly appendedAtMs?: number;
  /** What is wrong with what the store keeps of the run besides its records: nothing else here can be relied on. */
  readonly damage?: string;
}

const MAX_RUN_LENGTH = 200;
/** Control characters and lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;

/** Throws for a run's name that could not be shown in one line, and for records that are not the run's next ones. */
export function checkAppend(run: string, expectedPosition: number, records: readonly Rec[]): void {
  checkRunName(run);
  checkPosition(expectedPosition);
  records.forEach((record, index) => {
    const position = expectedPosition + index;
    if (record.position !== position)
      throw new RangeError(`record ${index} has position ${record.position}, not ${position}`);
    if (record.kind === 'opened' && record.opened.run !== run) {
      throw new RangeError(`the first record opens run "${record.opened.run}", not "${run}"`);
    }
  });
}

export function checkPosition(position: number): void {
  if (!Number.isSafeInteger(position) || position < 0)
    throw new RangeError(`a position is an integer from 0, not ${position}`);
}

export function checkRunName(run: string): void {
  if (run === '' || run.length > MAX_RUN_LENGTH || UNPRINTABLE.test(run)) {
    throw new RangeError(`a run's name has 1 to ${MAX_RUN_LENGTH} printable characters, not ${JSON.stringify(run)}`);
  }
}

/** The `scenario` of a run's summary, to be spread into it. */
export function scenarioName(opened: Opened): { readonly scenario?: string } {
  const { scenario } = opened;
  if (typeof scenario !== 'object' || scenario === null || !('name' in scenario)) return {};
  return typeof scenario.name === 'string' ? { scenario: scenario.name } : {};
}
