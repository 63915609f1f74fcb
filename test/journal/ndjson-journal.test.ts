import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Rec } from '../../src/core/record.ts';
import { ndjsonLines } from '../../src/journal/export.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { NdjsonJournal, withChecksum } from '../../src/journal/ndjson-journal.ts';
import { conformsToReading, expectError } from './conformance.ts';
import { openedRecord, runOf } from './records.ts';

function exported(run: string, records: readonly Rec[]): string {
  const journal = new MemoryJournal();
  journal.append(run, 0, records);
  return [...ndjsonLines(journal, run)].join('');
}

const open = (text: string) => new NdjsonJournal(text, 'a.ndjson');

describe('reading', () => {
  conformsToReading((run, records) => open(exported(run, records)), 100);
});

describe('damage is told by line and position', () => {
  const text = exported('a', runOf('a', 8));
  const lines = text.split(/(?<=\n)/);
  /** The first line is the header's: record 3 is on line 5. */
  const replaced = (position: number, ...by: string[]) => lines.toSpliced(position + 1, 1, ...by).join('');
  const line = (position: number) => lines[position + 1]!;

  test.each<[string, string, number, string]>([
    [
      'a digit changed',
      replaced(3, line(3).replace('"remainingPages":9', '"remainingPages":8')),
      3,
      "line 5: the record's checksum is",
    ],
    [
      'a checksum changed',
      replaced(3, line(3).replace(/"(\w{8})"\}\n$/, '"00000000"}\n')),
      3,
      "line 5: the record's checksum is",
    ],
    [
      'a checksum in capitals',
      replaced(3, line(3).replace(/"\w{8}"\}\n$/, '"ABCDEF00"}\n')),
      3,
      'line 5: the line does not end with a checksum',
    ],
    ['a line that is gone', replaced(3), 3, 'line 5: expected position 3, found 4: 1 before it missing'],
    ['a line twice', replaced(3, line(3), line(3)), 4, 'line 6: expected position 4, found 3 once more'],
    ['two lines swapped', replaced(3, line(4), line(3)), 3, 'line 5: expected position 3, found 4'],
    ['an empty line', replaced(3, '\n', line(3)), 3, 'line 5: the line does not end with a checksum'],
    ['two lines become one', replaced(3, line(3).trimEnd()), 3, "line 5: the record's checksum is"],
    [
      'a line of another run of the same name',
      replaced(3, exported('a', [openedRecord('a', { seed: 8 }), ...runOf('a', 8).slice(1)]).split(/(?<=\n)/)[4]!),
      3,
      "line 5: the record's checksum is",
    ],
    ['a torn last line', text.slice(0, -30), 7, 'line 9: the last line is torn'],
    ['a last line torn in its checksum', text.slice(0, -4), 7, 'line 9: the last line is torn'],
    [
      'a last line torn after one byte',
      `${text}{`,
      8,
      'line 10: the run ends here, after 8 records; the last line is torn',
    ],
    ['a line too many', text + line(7), 8, 'line 10: the run ends here, after 8 records; there is more'],
    [
      'the last lines gone',
      lines.slice(0, 6).join(''),
      5,
      'line 7: it is missing, with all that followed; the run had 8',
    ],
    ['all but the first line gone', lines[0]!, 0, 'line 2: it is missing, with all that followed; the run had 8'],
    ['no first line', lines.slice(1).join(''), 8, 'line 1: expected the line that says how many records follow'],
    ['a changed first line', text.replace('"records":8', '"records":9'), 8, "line 1: the line's checksum is"],
    ['a torn first line', text.slice(40), 8, "line 1: the line's checksum is"],
    [
      'carriage returns in the first line',
      text.replace('\n', '\r\n'),
      8,
      'line 1: the line does not end with a checksum',
    ],
    ['no opening record', replaced(0), 0, 'line 2: expected position 0, found 1'],
    [
      'an opening record of another run',
      replaced(0, line(0).replace('"run":"a"', '"run":"b"')),
      0,
      "line 2: the record's checksum",
    ],
  ])('%s', async (_, damagedText, position, words) => {
    const journal = open(damagedText);
    const read: number[] = [];
    const reading = () => {
      for (const record of journal.read('a')) read.push(record.position);
    };
    const error = await expectError('damaged', reading, { position });
    expect(error.message).toContain(`a.ndjson ${words}`);
    expect(read).toEqual(Array.from({ length: position }, (_, index) => index));
  });

  test('a last line that only lacks its line feed is whole', () => {
    expect([...open(text.trimEnd()).read('a')]).toEqual(runOf('a', 8));
  });

  test('any changed byte is told, at the line that it is in', () => {
    const bytes = Buffer.from(text);
    fc.assert(
      fc.property(fc.nat(bytes.length - 2), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at]! ^= flip;
        const line = text.slice(0, at).split('\n').length;
        const read = () => [...open(changed.toString('utf8')).read('a')];
        const words = expect.stringContaining(`a.ndjson line ${line}: `);
        const place = line === 1 ? {} : { run: 'a', position: line - 2 };
        expect(read).toThrow(expect.objectContaining({ kind: 'damaged', message: words, ...place }));
      }),
      { numRuns: 1_000 },
    );
  });

  test('any cut is told, but for the last line feed', () => {
    for (let length = 1; length < text.length - 1; length++) {
      const read = () => [...open(text.slice(0, length)).read('a')];
      expect(read, `after ${length} characters`).toThrow(expect.objectContaining({ kind: 'damaged' }));
    }
    expect([...open(text.slice(0, -1)).read('a')]).toEqual(runOf('a', 8));
  });

  test('a run with a damaged first line is listed, and says so', () => {
    const journal = open(text.replace('"records":8', '"records":9'));
    const damage = expect.stringContaining("a.ndjson line 1: the line's checksum is");
    expect(journal.runs()).toEqual([{ run: 'a', records: 8, scenario: 'scenario of a', damage }]);
  });

  test('an export of a later format is of a newer version', async () => {
    const header = text.slice(0, text.indexOf(',"crc"')).replace('"format":2', '"format":3');
    const later = withChecksum(`${header}}`, crc32(`${header}}`)) + text.slice(text.indexOf('\n') + 1);
    const error = await expectError('newer-version', () => open(later));
    expect(error.message).toBe('a.ndjson is an export of format 3; this release knows format 2 only: use a later one');
  });
});

test('an empty text has no runs', () => {
  expect(open('').runs()).toEqual([]);
  expect([...open('').read('a')]).toEqual([]);
});
