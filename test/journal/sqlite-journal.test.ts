import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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
  test.each([
    [3, 'newer-version', 'format 3; this release knows format 2 only: use a later one'],
    [1, 'older-version', 'format 1; this release knows format 2 only: replay it with the release that wrote it'],
    [0, 'damaged', 'format 0, which never existed'],
  ] as const)('of format %d is refused, for reading and for writing', async (format, kind, words) => {
    filled(path, 'a', runOf('a', 1));
    sql(path, `PRAGMA user_version = ${format}`);
    for (const readonly of [true, false]) {
      const error = await expectError(kind, () => new SqliteJournal(path, { readonly }));
      expect(error.message).toContain(words);
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
