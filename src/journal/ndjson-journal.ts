/**
 * An exported run, read as a journal. It cannot be appended to: a text file has neither transactions nor one writer.
 *
 * It takes the text, not the file, so that a browser can open an export too. Damage is told by line and position, and only
 * when reading comes to it: the records before it are as good as ever. A last line without its line feed is taken if its
 * checksum holds, and is torn otherwise.
 */
import type { Opened, Rec } from '../core/record.ts';
import { checkPosition, type Journal, type RunSummary, scenarioName } from './journal.ts';
import { JournalError } from './journal-error.ts';
import { parsedRecord, restoredRecord, type StoredRecord } from './record-text.ts';

/** The checksum, the last key of a line. */
const LINE_END = /,"crc":"([0-9a-f]{8})"\}$/;

export class NdjsonJournal implements Journal {
  readonly #name: string;
  readonly #lines: readonly string[];
  readonly #torn: boolean;

  /** `name` stands for the text in messages: the file's path. */
  constructor(text: string, name: string) {
    const lines = text.split('\n');
    this.#torn = lines.at(-1) !== '';
    this.#name = name;
    this.#lines = this.#torn ? lines : lines.slice(0, -1);
  }

  append(): never {
    throw this.#readOnly();
  }

  claim(): never {
    throw this.#readOnly();
  }

  release(): void {}

  close(): void {}

  *read(run: string, from = 0): Generator<Rec, void> {
    checkPosition(from);
    const [summary] = this.runs();
    if (summary?.run !== run) return;
    for (let position = from; position < this.#lines.length; position++) yield this.#record(run, position);
  }

  /** Throws a JournalError `damaged` when the first line, which names the run, is damaged. */
  runs(): readonly RunSummary[] {
    if (this.#lines.length === 0) return [];
    const opened = this.#opened();
    return [{ run: opened.run, records: this.#lines.length, ...scenarioName(opened) }];
  }

  #opened(): Opened {
    const parsed = parsedRecord(this.#stored(undefined, 0).text);
    if ('problem' in parsed) throw this.#damaged(undefined, 0, parsed.problem);
    if (parsed.record.kind !== 'opened') {
      throw this.#damaged(
        undefined,
        0,
        `expected the record that opens the run, found position ${parsed.record.position}`,
      );
    }
    const first = this.#record(parsed.record.opened.run, 0);
    if (first.kind !== 'opened') throw this.#damaged(undefined, 0, 'expected the record that opens the run');
    return first.opened;
  }

  #record(run: string, position: number): Rec {
    return restoredRecord(run, position, this.#stored(run, position), this.#at(position));
  }

  /** A line, taken apart. Its position is the one that it says it has, where that can be made out. */
  #stored(run: string | undefined, position: number): StoredRecord {
    const line = this.#lines[position]!;
    const end = LINE_END.exec(line);
    if (end === null) {
      const torn = this.#torn && position === this.#lines.length - 1;
      throw this.#damaged(run, position, torn ? 'the last line is torn' : 'the line does not end with a checksum');
    }
    const said = /^\{"position":(\d+),/.exec(line);
    return {
      position: said === null ? position : Number(said[1]),
      text: `${line.slice(0, end.index)}}`,
      crc: Number.parseInt(end[1]!, 16),
    };
  }

  #damaged(run: string | undefined, position: number, message: string): JournalError {
    return new JournalError('damaged', `${this.#at(position)}: ${message}`, {
      ...(run === undefined ? {} : { run }),
      position,
    });
  }

  #at(position: number): string {
    return `${this.#name} line ${position + 1}`;
  }

  #readOnly(): JournalError {
    return new JournalError('read-only', `${this.#name} is an export, which can be read but not written`);
  }
}
