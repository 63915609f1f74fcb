/**
 * `--record-trace FILE`: every batch of page writes of a run as a line of a trace (streams/trace-format.ts), as it comes.
 *
 * It writes to a file beside the one that is wanted and renames it when the run has ended, so that a trace is whole or not
 * there, whatever ends the process.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { PageWrites } from '../streams/page-writes.ts';
import { traceHead, traceLine } from '../streams/trace-format.ts';
import { UsageError } from './usage-error.ts';

/** Text that is kept before it is written. */
const BUFFER_CHARACTERS = 2 ** 20;

export class TraceRecorder {
  readonly #file: string;
  readonly #part: string;
  readonly #descriptor: number;
  readonly #onExit = () => this.abandon();
  #lines: string[] = [];
  #characters = 0;
  #failure: Error | undefined;
  #ended = false;

  /** Throws a UsageError when the file cannot be begun. */
  constructor(file: string, pageBytes: number) {
    this.#file = file;
    this.#part = `${file}.part`;
    try {
      this.#descriptor = openSync(this.#part, 'w');
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
    this.#flush();
    try {
      if (this.#failure !== undefined) throw this.#failure;
      fsyncSync(this.#descriptor);
      renameSync(this.#part, this.#file);
    } catch (error) {
      this.abandon();
      throw this.#cannot(error as Error);
    }
    this.#end();
  }

  /** Leaves nothing behind. Harmless after the end. */
  abandon(): void {
    if (this.#ended) return;
    this.#end();
    rmSync(this.#part, { force: true });
  }

  #keep(text: string): void {
    if (this.#failure !== undefined || this.#ended) return;
    this.#lines.push(text);
    this.#characters += text.length;
    if (this.#characters >= BUFFER_CHARACTERS) this.#flush();
  }

  #flush(): void {
    const text = this.#lines.join('');
    this.#lines = [];
    this.#characters = 0;
    if (this.#failure !== undefined || this.#ended) return;
    try {
      const bytes = Buffer.from(text, 'latin1');
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
    } catch (error) {
      this.#failure = error as Error;
    }
  }

  #end(): void {
    this.#ended = true;
    process.off('exit', this.#onExit);
    closeSync(this.#descriptor);
  }

  #cannot(error: Error): UsageError {
    return new UsageError(`cannot write ${this.#file}: ${error.message}`, { cause: error });
  }
}
