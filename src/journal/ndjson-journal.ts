/**
 * An exported run, read as a journal. It cannot be appended to: a text file has neither transactions nor one writer.
 *
 * It takes the text, not the file, so that a browser can open an export too. Damage is told by line and position, and only
 * when reading comes to it: the records before it are as good as ever. A last line without its line feed is taken if its
 * checksum holds, and is torn otherwise. What its first line says (how many records, and the last one's checksum) is held
 * against what is there at the end; where the first line itself is damaged, reading gives the records and then says so.
 */
import { crc32 } from '../core/checksum.ts';
import type { Opened, Rec } from '../core/record.ts';
import { checkPosition, type Journal, type RunSummary, scenarioName } from './journal.ts';
import { JournalError } from './journal-error.ts';
import {
  CHAIN_START,
  type ChainEnds,
  checkEnds,
  crcText,
  JOURNAL_FORMAT,
  parsedRecord,
  restoredRecord,
  type StoredRecord,
} from './record-text.ts';

/** The first line of an export, without its checksum. */
export interface ExportHeader extends ChainEnds {
  readonly journal: 'switchover';
  readonly format: number;
  readonly run: string;
  /** Of a run that was exported as far as it was good: what is wrong behind these records. */
  readonly damage?: string;
}

/** The checksum, the last key of a line. */
const LINE_END = /,"crc":"([0-9a-f]{8})"\}$/;
/** How a record's line begins. */
const RECORD_BEGIN = '{"position":';

/** Whether a text is an export, its first line perhaps damaged. */
export function looksExported(text: string): boolean {
  return text.startsWith('{') || text.split('\n', 3).some((line) => LINE_END.test(line));
}

/** A line with its checksum as the last key, and its line feed. */
export function withChecksum(text: string, crc: number): string {
  return `${text.slice(0, -1)},"crc":"${crcText(crc)}"}\n`;
}

export class NdjsonJournal implements Journal {
  readonly #name: string;
  readonly #lines: readonly string[];
  readonly #torn: boolean;
  readonly #header: ExportHeader | JournalError;
  /** The line of the first record: behind the header's, unless that is lost. */
  readonly #first: number;

  /** `name` stands for the text in messages: the file's path. Throws a JournalError `newer-version` for a later format. */
  constructor(text: string, name: string) {
    const lines = text.split('\n');
    this.#torn = lines.at(-1) !== '';
    this.#name = name;
    this.#lines = this.#torn ? lines : lines.slice(0, -1);
    this.#first = this.#lines[0]?.startsWith(RECORD_BEGIN) ? 0 : 1;
    this.#header = this.#readHeader();
    if (this.#header instanceof JournalError && this.#header.kind === 'newer-version') throw this.#header;
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
    if (this.#run() !== run) return;
    const records = this.#lines.length - this.#first;
    const said = this.#header instanceof JournalError ? undefined : this.#header;
    // Where more is there than was said, the surplus is not given.
    const end = Math.min(records, said?.records ?? records);
    let before = from === 0 || from >= end ? CHAIN_START : this.#stored(run, from - 1).crc;
    for (let position = from; position < end; position++) {
      const stored = this.#stored(run, position);
      const record = restoredRecord(run, position, before, stored, this.#at(position));
      checkEnds(run, said, stored, this.#at(position));
      yield record;
      before = stored.crc;
    }
    this.#checkEnd(run, end);
  }

  /** One run; its name is the header's, or that of the record that opens it. Throws a JournalError when both are damaged. */
  runs(): readonly RunSummary[] {
    const run = this.#run();
    if (run === undefined) return [];
    const damage = this.#header instanceof JournalError ? { damage: this.#header.message } : {};
    const records = this.#header instanceof JournalError ? this.#lines.length - this.#first : this.#header.records;
    const opened = this.#openedBy(run);
    return [{ run, records, ...(opened === undefined ? {} : scenarioName(opened)), ...damage }];
  }

  #run(): string | undefined {
    if (this.#lines.length === 0) return undefined;
    if (!(this.#header instanceof JournalError)) return this.#header.run;
    const opened = this.#openedBy(undefined);
    if (opened === undefined) throw this.#header;
    return opened.run;
  }

  /** The record that opens the run, if it can be believed. */
  #openedBy(run: string | undefined): Opened | undefined {
    try {
      const stored = this.#stored(run, 0);
      const parsed = parsedRecord(stored.text);
      if (!('record' in parsed) || parsed.record.kind !== 'opened') return undefined;
      const first = restoredRecord(run ?? parsed.record.opened.run, 0, CHAIN_START, stored);
      return first.kind === 'opened' ? first.opened : undefined;
    } catch (error) {
      if (error instanceof JournalError) return undefined;
      throw error;
    }
  }

  #readHeader(): ExportHeader | JournalError {
    const line = this.#lines[0] ?? '';
    const end = LINE_END.exec(line);
    const failed = (message: string) => this.#damaged(undefined, undefined, `${this.#name} line 1: ${message}`);
    if (this.#first === 0) {
      return failed(
        'expected the line that says how many records follow; it is lost, or this is an export of an earlier release, to be made anew from its journal',
      );
    }
    if (end === null) return failed('the line does not end with a checksum');
    const text = `${line.slice(0, end.index)}}`;
    const crc = crc32(text);
    if (crcText(crc) !== end[1]) {
      return failed(`the line's checksum is ${crcText(crc)} but was ${end[1]} when it was written`);
    }
    // With its checksum right it is what was written.
    const header = JSON.parse(text) as ExportHeader;
    if (header.format === JOURNAL_FORMAT) return header;
    const message = `is an export of format ${header.format}; this release knows format ${JOURNAL_FORMAT} only: use a later one`;
    return new JournalError('newer-version', `${this.#name} ${message}`);
  }

  #checkEnd(run: string, end: number): void {
    if (this.#header instanceof JournalError) throw this.#damaged(run, end, this.#header.message);
    const { records, damage } = this.#header;
    const present = this.#lines.length - this.#first;
    if (present < records) {
      const message = `it is missing, with all that followed; the run had ${records} records`;
      throw this.#damaged(run, end, `${this.#at(end)}: ${message}`);
    }
    if (present > records) {
      const surplus = this.#torn && present === records + 1 ? 'the last line is torn' : 'there is more';
      throw this.#damaged(run, end, `${this.#at(end)}: the run ends here, after ${records} records; ${surplus}`);
    }
    if (damage !== undefined)
      throw this.#damaged(run, end, `${this.#at(end)}: exported as far as it was good: ${damage}`);
  }

  /** A line, taken apart. Its position is the one that it says it has, where that can be made out. */
  #stored(run: string | undefined, position: number): StoredRecord {
    const line = this.#lines[position + this.#first] ?? '';
    const end = LINE_END.exec(line);
    if (end === null) {
      const torn = this.#torn && position + this.#first === this.#lines.length - 1;
      const message = torn ? 'the last line is torn' : 'the line does not end with a checksum';
      throw this.#damaged(run, position, `${this.#at(position)}: ${message}`);
    }
    const said = /^\{"position":(\d+),/.exec(line);
    return {
      position: said === null ? position : Number(said[1]),
      text: `${line.slice(0, end.index)}}`,
      crc: Number.parseInt(end[1]!, 16),
    };
  }

  #damaged(run: string | undefined, position: number | undefined, message: string): JournalError {
    return new JournalError('damaged', message, {
      ...(run === undefined ? {} : { run }),
      ...(position === undefined ? {} : { position }),
    });
  }

  #at(position: number): string {
    return `${this.#name} line ${position + this.#first + 1}`;
  }

  #readOnly(): JournalError {
    return new JournalError('read-only', `${this.#name} is an export, which can be read but not written`);
  }
}
