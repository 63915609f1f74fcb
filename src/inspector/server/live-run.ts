/**
 * A run that goes on while it is looked at. Its lines are kept by position, and whoever follows asks for those after the last
 * one it has: nothing can be missed or come twice, however often a connection breaks.
 */
import type { Rec } from '../../core/record.ts';
import type { Journal } from '../../journal/journal.ts';
import { recordText } from '../../journal/record-text.ts';
import type { RunHeader } from '../page-data.ts';
import { aside, Look, type ShownRun, type Surroundings } from './shown-run.ts';
import type { TapeRecorder } from './tape-recorder.ts';
import type { LiveFeed } from './workbench.ts';

export class LiveRun implements ShownRun {
  readonly id: string;
  readonly run: string;
  readonly journal: Journal;
  readonly #around: Surroundings;
  readonly #feed: LiveFeed;
  /** By position: the record, and before it the asides that belong to it. */
  readonly #lines: (readonly string[])[] = [];
  readonly #waiting = new Set<() => void>();
  #look: Look | undefined;
  #recorder: TapeRecorder | undefined;
  #ended: { readonly error?: Error } | undefined;

  constructor(feed: LiveFeed, around: Surroundings) {
    this.id = around.id;
    this.run = feed.run;
    this.journal = feed.journal;
    this.#around = around;
    this.#feed = feed;
    feed.follow({
      record: (record) => this.#see(record),
      ended: (error) => {
        this.#ended = error === undefined ? {} : { error };
        this.#wake();
      },
    });
  }

  get count(): number {
    return this.#lines.length;
  }

  get nowNs(): number {
    return this.#feed.nowNs;
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  header(): RunHeader {
    const { id, source } = this.#around;
    const goesOn = this.#ended === undefined ? 'the run still goes on: ask again when it has ended' : undefined;
    const error = this.#ended?.error;
    return {
      ...{ id, run: this.run, source, records: this.count, state: this.#ended === undefined ? 'live' : 'whole' },
      ...(this.#look?.header(goesOn) ?? { noBranch: NOT_BEGUN, noMemoryMap: NOT_BEGUN }),
      ...(error === undefined ? {} : { damage: `the run broke off: ${error.message}` }),
    };
  }

  *lines(from: number, to = this.count): Generator<string, void> {
    for (const lines of this.#lines.slice(from, to)) yield* lines;
  }

  /** Calls back once, when there is more or the run has ended; the answer takes that back. */
  onMore(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }

  #see(record: Rec): void {
    if (record.kind === 'opened') {
      this.#look = new Look(record.opened, this.#around);
      this.#recorder = this.#look.recorder();
    }
    const tape = this.#recorder?.fold(record);
    const text = recordText(record);
    this.#lines.push(tape === undefined ? [text] : [aside({ tape }), text]);
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}

const NOT_BEGUN = 'the run has not begun';
