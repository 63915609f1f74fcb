import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Rec } from '../../src/core/record.ts';
import { ndjsonLines } from '../../src/journal/export.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { NdjsonJournal } from '../../src/journal/ndjson-journal.ts';
import { conformsToReading, expectError } from './conformance.ts';
import { runOf } from './records.ts';

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
  const replaced = (index: number, ...by: string[]) => lines.toSpliced(index, 1, ...by).join('');

  test.each<[string, string, number, string]>([
    [
      'a digit changed',
      replaced(3, lines[3]!.replace('"remainingPages":9', '"remainingPages":8')),
      3,
      "line 4: the record's checksum is",
    ],
    [
      'a checksum changed',
      replaced(3, lines[3]!.replace(/"(\w{8})"\}\n$/, '"00000000"}\n')),
      3,
      "line 4: the record's checksum is",
    ],
    [
      'a checksum in capitals',
      replaced(3, lines[3]!.replace(/"\w{8}"\}\n$/, '"ABCDEF00"}\n')),
      3,
      'line 4: the line does not end with a checksum',
    ],
    ['a line that is gone', replaced(3), 3, 'line 4: expected position 3, found 4: 1 before it missing'],
    ['a line twice', replaced(3, lines[3]!, lines[3]!), 4, 'line 5: expected position 4, found 3 once more'],
    ['two lines swapped', replaced(3, lines[4]!, lines[3]!), 3, 'line 4: expected position 3, found 4'],
    ['an empty line', replaced(3, '\n', lines[3]!), 3, 'line 4: the line does not end with a checksum'],
    ['two lines become one', replaced(3, lines[3]!.trimEnd()), 3, "line 4: the record's checksum is"],
    ['carriage returns', text.replaceAll('\n', '\r\n'), 0, 'line 1: the line does not end with a checksum'],
    ['a torn last line', text.slice(0, -30), 7, 'line 8: the last line is torn'],
    ['a last line torn in its checksum', text.slice(0, -4), 7, 'line 8: the last line is torn'],
    ['a last line torn after one byte', `${text}{`, 8, 'line 9: the last line is torn'],
    ['no opening record', replaced(0), 0, 'line 1: expected the record that opens the run, found position 1'],
    [
      'an opening record of another run',
      replaced(0, lines[0]!.replace('"run":"a"', '"run":"b"')),
      0,
      "line 1: the record's checksum",
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

  test('any changed byte is told, at the line that it is in or the next', () => {
    const bytes = Buffer.from(text);
    fc.assert(
      fc.property(fc.nat(bytes.length - 2), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at]! ^= flip;
        const position = text.slice(0, at).split('\n').length - 1;
        const read = () => [...open(changed.toString('utf8')).read('a')];
        expect(read).toThrow(expect.objectContaining({ kind: 'damaged', position }));
      }),
      { numRuns: 1_000 },
    );
  });

  test('any cut is told, unless it is between two lines', () => {
    for (let length = 1; length < text.length; length++) {
      const cut = text.slice(0, length);
      const read = () => [...open(cut).read('a')];
      const whole = cut.endsWith('\n') || text[length] === '\n';
      if (whole) expect(read()).toEqual(runOf('a', cut.trimEnd().split('\n').length));
      else expect(read, `after ${length} characters`).toThrow('the last line is torn');
    }
  });
});

test('an empty text has no runs', () => {
  expect(open('').runs()).toEqual([]);
  expect([...open('').read('a')]).toEqual([]);
});
