/**
 * `--record-trace FILE`: every batch of page writes of a run as a line of a trace (streams/trace-format.ts), as it comes.
 *
 * It is a whole file (lab/whole-file.ts): a trace is whole or not there, whatever ends the process.
 */
import { WholeFile } from '../lab/whole-file.ts';
import type { PageWrites } from '../streams/page-writes.ts';
import { traceHead, traceLine } from '../streams/trace-format.ts';
import { ReportFile } from './report-file.ts';
import { UsageError } from './usage-error.ts';

export class TraceRecorder {
  readonly #path: string;
  readonly #file: WholeFile;
  readonly #onExit = () => this.abandon();
  #failure: Error | undefined;
  #ended = false;

  /** Throws a UsageError when the file cannot be begun. */
  constructor(path: string, pageBytes: number) {
    this.#path = new ReportFile(path, '--record-trace', 'run.trace').path;
    try {
      this.#file = new WholeFile(path);
    } catch (error) {
      throw this.#cannot(error as Error);
    }
    process.on('exit', this.#onExit);
    this.#keep(traceHead(pageBytes));
  }

  /** Never throws: what goes wrong here is told by `finish`, and the run goes on. */
  receive(batch: PageWrites): void {
    this.#keep(traceLine(batch));
  }

  /** The trace is whole: it takes its name. Throws a UsageError when it cannot, and leaves nothing. */
  finish(): void {
    try {
      if (this.#failure !== undefined) throw this.#failure;
      this.#file.commit();
    } catch (error) {
      throw this.#cannot(error as Error);
    } finally {
      this.abandon();
    }
  }

  /** Leaves nothing behind. Harmless after the end. */
  abandon(): void {
    if (this.#ended) return;
    this.#ended = true;
    process.off('exit', this.#onExit);
    this.#file.abandon();
  }

  #keep(text: string): void {
    if (this.#failure !== undefined || this.#ended) return;
    try {
      this.#file.write(text);
    } catch (error) {
      this.#failure = error as Error;
    }
  }

  #cannot(error: Error): UsageError {
    return new UsageError(`cannot write ${this.#path}: ${error.message}`, { cause: error });
  }
}
