/** Damage in the rows and bytes of an SQLite journal: told with run and position, after the records that are good. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JournalError } from '../../src/journal/journal-error.ts';
import { SqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { expectError } from './conformance.ts';
import { inputRecord, openedRecord, partOf, runOf } from './records.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'switchover-damage-'));
  path = join(folder, 'runs of today?#1.db');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('damage', () => {
  test.each([0, 1, 3, 7, 11])(
    'one flipped bit in the text of record %d is told with its position',
    async (position) => {
      filled(path, 'a', runOf('a', 12));
      const bytes = readFileSync(path);
      // Everywhere, since SQLite leaves old copies of moved rows in unused space.
      const text = position === 0 ? '"seed":7' : `"remainingPages":${position * 3},`;
      let found = 0;
      for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
        bytes[at + text.length - 2]! ^= 1;
        found++;
      }
      expect(found).toBeGreaterThan(0);
      writeFileSync(path, bytes);
      filled(path, 'b', runOf('b', 3));
      const journal = new SqliteJournal(path, { readonly: true });
      const read: number[] = [];
      const reading = () => {
        for (const record of journal.read('a')) read.push(record.position);
      };
      const error = await expectError('damaged', reading, { run: 'a', position });
      expect(error.message).toContain(`run "a", position ${position}: the record's checksum is`);
      expect(read).toEqual(Array.from({ length: position }, (_, index) => index));
      expect([...journal.read('a', position + 1)]).toEqual(partOf('a', position + 1, 12));
      expect([...journal.read('b')]).toEqual(runOf('b', 3));
      expect(journal.runs()).toMatchObject([
        { run: 'a', records: 12 },
        { run: 'b', records: 3, scenario: 'scenario of b' },
      ]);
      journal.close();
    },
  );

  test('text that is no UTF-8 any more is told too, and ends no process', async () => {
    filled(path, 'a', runOf('a', 3));
    const bytes = readFileSync(path);
    bytes[bytes.indexOf('"remainingPages":6')]! ^= 0x80;
    writeFileSync(path, bytes);
    const journal = new SqliteJournal(path, { readonly: true });
    await expectError('damaged', () => [...journal.read('a')], { run: 'a', position: 2 });
    journal.close();
  });

  test.each<[string, string, number, string]>([
    ['a checksum', 'UPDATE records SET crc = crc + 1 WHERE position = 4', 4, 'checksum'],
    [
      'two texts swapped',
      'UPDATE records SET text = (SELECT text FROM records WHERE position = 7) WHERE position = 5',
      5,
      'checksum',
    ],
    [
      'a record in the middle gone',
      'DELETE FROM records WHERE position = 5',
      5,
      'expected position 5, found 6: 1 before it missing',
    ],
    [
      'the last records gone',
      'DELETE FROM records WHERE position >= 8',
      8,
      'missing, with all that followed; the run had 10 records',
    ],
    ['all records gone', 'DELETE FROM records', 0, 'missing, with all that followed'],
    ['the count too small', 'UPDATE runs SET records = 6', 10, 'row in the table of runs is damaged'],
    ['the count too large', 'UPDATE runs SET records = 11', 10, 'row in the table of runs is damaged'],
    ['the count below zero', 'UPDATE runs SET records = -116', 10, 'row in the table of runs is damaged'],
    ['another wall time', 'UPDATE runs SET opened_at_ms = opened_at_ms + 1', 10, 'row in the table of runs is damaged'],
    ["the run under another's name", "UPDATE runs SET run = 'b'", 10, 'not in the table of runs'],
    ['the run gone from the table of runs', 'DELETE FROM runs', 10, 'not in the table of runs'],
    [
      "a record under another run's name",
      "UPDATE records SET run = 'b' WHERE position = 3",
      3,
      'expected position 3, found 4',
    ],
  ])('%s', async (_, statement, position, words) => {
    filled(path, 'a', runOf('a', 10));
    sql(path, statement);
    const journal = new SqliteJournal(path, { readonly: true });
    const error = await expectError('damaged', () => [...journal.read('a')], { run: 'a', position });
    expect(error.message).toContain(words);
    journal.close();
  });

  test('an older copy of the row of the run, with all that belongs to it, is told by what is beyond it', async () => {
    filled(path, 'a', runOf('a', 6));
    const row = rowOf(path);
    const journal = new SqliteJournal(path);
    journal.append('a', 6, partOf('a', 6, 10));
    putRow(path, row);
    const error = await expectError('damaged', () => [...journal.read('a')], { run: 'a', position: 6 });
    expect(error.message).toContain('the run ends here, yet there are records up to position 9');
    // Even to a reader who begins beyond it, and to a writer.
    await expectError('damaged', () => [...journal.read('a', 8)], { run: 'a', position: 6 });
    await expectError('damaged', () => journal.append('a', 6, partOf('a', 6, 7)), { run: 'a', position: 6 });
    journal.close();
  });

  test('a record of another run of the same name is told, though it is whole and in its place', async () => {
    const other = [openedRecord('a', { seed: 8 }), ...partOf('a', 1, 10)];
    const otherPath = join(folder, 'other.db');
    filled(path, 'a', runOf('a', 10));
    filled(otherPath, 'a', other);
    const take = (positions: string) =>
      `ATTACH '${otherPath}' AS other; DELETE FROM records WHERE ${positions};
       INSERT INTO records SELECT * FROM other.records WHERE ${positions}`;
    sql(path, take('position = 4'));
    const journal = new SqliteJournal(path, { readonly: true });
    await expectError('damaged', () => [...journal.read('a')], { run: 'a', position: 4 });
    journal.close();
    sql(path, take('position >= 0'));
    const replaced = new SqliteJournal(path, { readonly: true });
    const error = await expectError('damaged', () => [...replaced.read('a')], { run: 'a', position: 0 });
    expect(error.message).toContain('it opens another run of that name');
    replaced.close();
  });

  test('of a last record that is whole is told by the end of the run', async () => {
    const otherPath = join(folder, 'other.db');
    filled(path, 'a', runOf('a', 10));
    filled(otherPath, 'a', [...runOf('a', 9), inputRecord(9, { to: 'guest' })]);
    sql(path, `ATTACH '${otherPath}' AS other; DELETE FROM records; INSERT INTO records SELECT * FROM other.records`);
    const journal = new SqliteJournal(path, { readonly: true });
    const error = await expectError('damaged', () => [...journal.read('a')], { run: 'a', position: 9 });
    expect(error.message).toContain('not the one that was appended last');
    journal.close();
  });

  test('what a run has lost in one table is listed from the other, and nothing is appended to it', async () => {
    filled(path, 'a', runOf('a', 4));
    filled(path, 'b', runOf('b', 2));
    sql(path, "UPDATE runs SET run = 'c' WHERE run = 'a'");
    const journal = new SqliteJournal(path);
    expect(journal.runs()).toEqual([
      { run: 'c', records: 0, damage: expect.stringContaining('row in the table of runs is damaged') },
      expect.objectContaining({ run: 'b', records: 2 }),
      { run: 'a', records: 0, damage: expect.stringContaining('not in the table of runs') },
    ]);
    await expectError('damaged', () => [...journal.read('c')], { run: 'c', position: 0 });
    await expectError('damaged', () => journal.append('c', 4, partOf('c', 4, 5)), { run: 'c', position: 4 });
    await expectError('damaged', () => journal.append('a', 0, runOf('a', 1)), { run: 'a', position: 0 });
    expect([...journal.read('b')]).toEqual(runOf('b', 2));
    journal.close();
  });

  test('of the mark of our files is not taken for a file of somebody else', async () => {
    filled(path, 'a', runOf('a', 4));
    sql(path, 'PRAGMA application_id = 7');
    const error = await expectError('damaged', () => new SqliteJournal(path, { readonly: true }));
    expect(error.message).toContain("has a journal's tables, but not its mark");
  });

  test('of any byte of the file: the records are the same, or an error says so', () => {
    filled(path, 'a', runOf('a', 12));
    const good = readFileSync(path);
    const expected = runOf('a', 12);
    const outcomes = { same: 0, told: 0 };
    // A prime stride, so that each page is hit at other places: in its header, its cell pointers, its cells.
    for (let at = 0; at < good.length; at += 67) {
      const bytes = Buffer.from(good);
      bytes[at]! ^= 1 << (at % 8);
      const damagedPath = join(folder, `${at}.db`);
      writeFileSync(damagedPath, bytes);
      try {
        const journal = new SqliteJournal(damagedPath, { readonly: true });
        try {
          expect([...journal.read('a')], `byte ${at}`).toEqual(expected);
          expect(
            journal.runs().map(({ run, records }) => `${run}:${records}`),
            `byte ${at}`,
          ).toEqual(['a:12']);
        } finally {
          journal.close();
        }
        outcomes.same++;
      } catch (error) {
        if (!(error instanceof JournalError)) throw error;
        outcomes.told++;
      }
    }
    expect(outcomes.same).toBeGreaterThan(0);
    expect(outcomes.told).toBeGreaterThan(30);
  });
});

function filled(file: string, run: string, records: ReturnType<typeof runOf>): void {
  const journal = new SqliteJournal(file);
  journal.append(run, 0, records);
  journal.close();
}

interface AnyRow {
  readonly [column: string]: string | number;
}

function rowOf(file: string): AnyRow {
  const db = new Database(file);
  const row = db.prepare('SELECT * FROM runs').get() as AnyRow;
  db.close();
  return row;
}

function putRow(file: string, { run, begun, records, first, head, opened_at_ms, appended_at_ms, crc }: AnyRow): void {
  const values = [begun, records, first, head, opened_at_ms, appended_at_ms, crc].join(', ');
  sql(file, `INSERT OR REPLACE INTO runs VALUES ('${run}', ${values})`);
}

/** Changes the file behind the journal's back. */
function sql(file: string, statement: string): void {
  const db = new Database(file);
  db.exec(statement);
  db.close();
}
