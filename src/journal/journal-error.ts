/**
 * What can go wrong with a journal, in kinds that a caller can act on and words that a person can.
 *
 * These are failures of the world (another writer, a broken disk, a file of another program). A caller's own mistakes, such
 * as records out of order, are RangeErrors and TypeErrors instead.
 */

/**
 * - `conflict`: the run has another number of records than the appender thought;
 * - `locked`: somebody else is the run's one writer, or holds the file for too long;
 * - `damaged`: what was written is not what is read; `run` and `position` say where it begins, as far as can be known;
 * - `newer-version`: a later release wrote it, the file's format or this one record, and this one does not know it;
 * - `older-version`: an earlier release wrote it, in a format that this one no longer reads;
 * - `unreadable`: not there, not a journal, or not for us to read;
 * - `read-only`: can be read but not written;
 * - `full`: no space left; what was appended before is safe.
 */
export type JournalErrorKind =
  | 'conflict'
  | 'locked'
  | 'damaged'
  | 'newer-version'
  | 'older-version'
  | 'unreadable'
  | 'read-only'
  | 'full';

export interface JournalErrorPlace {
  readonly run?: string;
  /** Of the first record that is affected. */
  readonly position?: number;
  readonly cause?: unknown;
}

export class JournalError extends Error {
  override readonly name = 'JournalError';
  readonly kind: JournalErrorKind;
  readonly run: string | undefined;
  readonly position: number | undefined;

  /** The message is led by the run and the position, if they are given. */
  constructor(kind: JournalErrorKind, message: string, place: JournalErrorPlace = {}) {
    const { run, position, cause } = place;
    const where = [run === undefined ? '' : `run "${run}"`, position === undefined ? '' : `position ${position}`];
    const lead = where.filter((part) => part !== '').join(', ');
    super(lead === '' ? message : `${lead}: ${message}`, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.run = run;
    this.position = position;
  }
}
