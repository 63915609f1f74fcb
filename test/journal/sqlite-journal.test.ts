import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JournalError } from '../../src/journal/journal-error.ts';
import { translating } from '../../src/journal/sqlite-error.ts';
import { SqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { conformsToJournal, conformsToReading, expectError } from './conformance.ts';
import { partOf, runOf } from './records.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'switchover-journal-'));
  path = join(folder, 'runs of today?#1.db');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('conformance', () => {
  let files = 0;
  conformsToJournal(() => {
    const file = join(folder, `${files++}.db`);
    return { open: () => new SqliteJournal(file), remove: () => rmSync(file, { force: true }) };
  });
});

describe('reading only', () => {
  let files = 0;
  conformsToReading((run, records) => {
    const file = join(folder, `${files++}.db`);
    filled(file, run, [...records]);
    return new SqliteJournal(file, { readonly: true });
  }, 20);
});

describe('the file', () => {
  test('keeps its runs when it is opened again', () => {
    filled(path, 'a', runOf('a', 3));
    const journal = new SqliteJournal(path);
    expect([...journal.read('a')]).toEqual(runOf('a', 3));
    journal.append('a', 3, partOf('a', 3, 5));
    journal.append('b', 0, runOf('b', 1));
    journal.close();
    const reader = new SqliteJournal(path, { readonly: true });
    expect([...reader.read('a')]).toEqual(runOf('a', 5));
    expect(reader.runs()).toMatchObject([{ run: 'a' }, { run: 'b' }]);
    reader.close();
  });

  test('is one plain file once it is closed', () => {
    filled(path, 'a', runOf('a', 300));
    expect(readdirSync(folder)).toEqual(['runs of today?#1.db']);
    // Bytes 18 and 19: 1 outside WAL mode (sqlite.org/fileformat2.html, section 1.3.3).
    expect([...readFileSync(path).subarray(18, 20)]).toEqual([1, 1]);
  });

  test('is not changed by a byte by reading', () => {
    filled(path, 'a', runOf('a', 30));
    const before = readFileSync(path);
    const reader = new SqliteJournal(path, { readonly: true });
    expect([...reader.read('a')]).toHaveLength(30);
    reader.close();
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test('can be read while it is written', () => {
    const writer = new SqliteJournal(path);
    writer.append('a', 0, runOf('a', 2));
    const reader = new SqliteJournal(path, { readonly: true });
    expect([...reader.read('a')]).toHaveLength(2);
    writer.append('a', 2, partOf('a', 2, 4));
    expect([...reader.read('a')]).toEqual(runOf('a', 4));
    reader.close();
    writer.close();
  });

  test('keeps the wall time beside the records, not in them', () => {
    let wallMs = 1_700_000_000_000;
    const journal = new SqliteJournal(path, { wallMs: () => wallMs });
    journal.append('a', 0, runOf('a', 1));
    wallMs += 20_000;
    journal.append('a', 1, partOf('a', 1, 2));
    expect(journal.runs()).toEqual([
      {
        run: 'a',
        records: 2,
        scenario: 'scenario of a',
        openedAtMs: 1_700_000_000_000,
        appendedAtMs: 1_700_000_020_000,
      },
    ]);
    journal.close();
  });

  test('commits to a log beside it while it is open, so that readers and the writer do not wait for each other', () => {
    const journal = new SqliteJournal(path);
    journal.append('a', 0, runOf('a', 3));
    // Bytes 18 and 19: 2 in WAL mode.
    expect([...readFileSync(path).subarray(18, 20)]).toEqual([2, 2]);
    expect(readFileSync(`${path}-wal`).length).toBeGreaterThan(0);
    journal.close();
  });
});

describe('a file that is no journal of this release', () => {
  test('of a later format is newer-version, for reading and for writing', async () => {
    filled(path, 'a', runOf('a', 1));
    sql(path, 'PRAGMA user_version = 2');
    for (const readonly of [true, false]) {
      const error = await expectError('newer-version', () => new SqliteJournal(path, { readonly }));
      expect(error.message).toContain('format 2; this release knows formats up to 1');
    }
  });

  test('of another program is unreadable, and left as it is', async () => {
    sql(path, 'CREATE TABLE cats (name TEXT)');
    const before = readFileSync(path);
    for (const readonly of [true, false]) {
      const error = await expectError('unreadable', () => new SqliteJournal(path, { readonly }));
      expect(error.message).toContain("another program's database");
    }
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('of no database at all is damaged', async () => {
    writeFileSync(
      path,
      'a text that is longer than the hundred bytes of the header of a database file, as texts tend to be\n'.repeat(20),
    );
    for (const readonly of [true, false]) {
      const error = await expectError('damaged', () => new SqliteJournal(path, { readonly }));
      expect(error.message).toContain('no SQLite database');
    }
  });

  test('that is missing is unreadable and is not made', async () => {
    await expectError('unreadable', () => new SqliteJournal(path, { readonly: true }));
    expect(readdirSync(folder)).toEqual([]);
  });
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
    [
      'the count too small',
      'UPDATE runs SET records = 6',
      6,
      'the run ends here, yet there are records up to position 9',
    ],
    ['the count too large', 'UPDATE runs SET records = 11', 10, 'missing'],
    ['the count below zero', 'UPDATE runs SET records = -116', 0, 'said to have -116 records'],
    ["the run under another's name", "UPDATE runs SET run = 'b'", 0, 'not in the table of runs'],
    ['the run gone from the table of runs', 'DELETE FROM runs', 0, 'not in the table of runs'],
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

  test('of the count is told even to a reader who begins beyond it', async () => {
    filled(path, 'a', runOf('a', 10));
    sql(path, 'UPDATE runs SET records = 6');
    const journal = new SqliteJournal(path, { readonly: true });
    await expectError('damaged', () => [...journal.read('a', 8)], { run: 'a', position: 6 });
    journal.close();
  });

  test('a run listed under a name that it does not have is told when it is read', async () => {
    filled(path, 'a', runOf('a', 4));
    sql(path, "UPDATE runs SET run = 'c'");
    const journal = new SqliteJournal(path, { readonly: true });
    expect(journal.runs()).toMatchObject([{ run: 'c', records: 4 }]);
    await expectError('damaged', () => [...journal.read('c')], { run: 'c', position: 0 });
    journal.close();
  });

  test('a record beyond the end is not written over', async () => {
    filled(path, 'a', runOf('a', 5));
    sql(path, 'UPDATE runs SET records = 3');
    const journal = new SqliteJournal(path);
    await expectError('damaged', () => journal.append('a', 3, partOf('a', 3, 4)), { run: 'a', position: 3 });
    journal.close();
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

describe('a full disk', () => {
  test('is told as such, and leaves what was there', () => {
    const db = new Database(path);
    db.exec('CREATE TABLE filler (x TEXT)');
    db.prepare('PRAGMA max_page_count = 8').get();
    const fill = () => db.prepare('INSERT INTO filler VALUES (?)').run('x'.repeat(100_000));
    expect(() => translating(path, { run: 'a', position: 4 }, fill)).toThrow(
      expect.objectContaining({ kind: 'full', run: 'a', position: 4, message: expect.stringContaining('no space') }),
    );
    db.close();
  });
});

describe('several processes', () => {
  test('kill -9 loses nothing that append returned from, and the place of the dead is taken over', async () => {
    const child = writer('a', 1_000_000, 'claim');
    const acknowledged = await linesOf(child, 40);
    const watcher = new SqliteJournal(path);
    const refused = await expectError('locked', () => watcher.claim('a'), { run: 'a' });
    expect(refused.message).toContain(`process ${child.pid} on`);
    await expectError('locked', () => watcher.append('a', 5, partOf('a', 5, 6)), { run: 'a' });
    child.kill('SIGKILL');
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    watcher.close();

    const journal = new SqliteJournal(path);
    const read = [...journal.read('a')];
    expect(read.length).toBeGreaterThanOrEqual(acknowledged);
    expect(read.map(({ position }) => position)).toEqual(read.map((_, index) => index));
    await expectError('locked', () => journal.append('a', read.length, partOf('a', read.length, read.length + 1)));
    journal.claim('a');
    journal.append('a', read.length, partOf('a', read.length, read.length + 1));
    journal.close();
  });

  test('a second process is locked out while the first has its claim', async () => {
    const journal = new SqliteJournal(path);
    journal.claim('a');
    const child = writer('a', 3, 'claim');
    const [output, code] = await Promise.all([allOf(child), exitOf(child)]);
    expect(code).toBe(9);
    expect(output).toContain(`locked: run "a": process ${process.pid} on`);
    journal.close();
  });

  test('racing to make the file and to fill one run, they write each position once', async () => {
    const children = [writer('a', 150), writer('a', 150)];
    const outputs = await Promise.all(children.map(allOf));
    const journal = new SqliteJournal(path, { readonly: true });
    const read = [...journal.read('a')];
    journal.close();
    expect(read.map(({ position }) => position)).toEqual(Array.from({ length: 150 }, (_, index) => index));
    const acknowledged = outputs.flatMap((output) => output.trim().split('\n').filter(Boolean).map(Number));
    expect(acknowledged.toSorted((a, b) => a - b)).toEqual(read.map(({ position }) => position));
  });
});

function filled(file: string, run: string, records: ReturnType<typeof runOf>): void {
  const journal = new SqliteJournal(file);
  journal.append(run, 0, records);
  journal.close();
}

/** Changes the file behind the journal's back. */
function sql(file: string, statement: string): void {
  const db = new Database(file);
  db.exec(statement);
  db.close();
}

function writer(run: string, target: number, ...claim: 'claim'[]): ChildProcess {
  const script = fileURLToPath(new URL('./writer-process.ts', import.meta.url));
  const args = ['--import', 'tsx', script, path, run, String(target), ...claim];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Waits until the process has told so many lines; how many it had told then. */
function linesOf(child: ChildProcess, atLeast: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let lines = 0;
    child.stdout!.on('data', (chunk: Buffer) => {
      lines += chunk.toString().split('\n').length - 1;
      if (lines >= atLeast) resolve(lines);
    });
    child.stdout!.on('close', () => reject(new Error(`the process ended after ${lines} lines`)));
  });
}

async function allOf(child: ChildProcess): Promise<string> {
  let output = '';
  for await (const chunk of child.stdout!) output += chunk;
  return output;
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, 'exit');
  return code as number | null;
}
