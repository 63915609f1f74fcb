/** Files that may not be read or written, and a reader beside a writer at work. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openJournal } from '../../src/journal/open.ts';
import { SqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { expectError } from './conformance.ts';
import { partOf, runOf } from './records.ts';

/** `nobody`, whom files of others may be closed to. */
const NOBODY = 65534;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'switchover-access-'));
  path = join(folder, 'runs.db');
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true });
});

/** As somebody for whom the modes of files count: they do not for root. */
async function asAnybody<T>(work: () => T | Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid!(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
  }
}

function filled(): void {
  const journal = new SqliteJournal(path);
  journal.append('a', 0, runOf('a', 3));
  journal.close();
}

describe('the modes of a file', () => {
  test('closed to us: unreadable, by its name', async () => {
    filled();
    chmodSync(folder, 0o755);
    chmodSync(path, 0o000);
    for (const readonly of [true, false]) {
      const error = await asAnybody(() => expectError('unreadable', () => openJournal(path, { readonly })));
      expect(error.message).toMatch(/runs\.db cannot be read: EACCES/);
    }
  });

  test('not to be written: is read, and refused for writing', async () => {
    filled();
    chmodSync(folder, 0o555);
    chmodSync(path, 0o444);
    await asAnybody(async () => {
      const journal = openJournal(path, { readonly: true });
      expect([...journal.read('a')]).toEqual(runOf('a', 3));
      journal.close();
      const error = await expectError('read-only', () => openJournal(path));
      expect(error.message).toContain('the file, or the folder it is in, cannot be written');
    });
    expect(readdirSync(folder)).toEqual(['runs.db']);
  });

  test('a folder that takes no file: unreadable, and says that it cannot be opened', async () => {
    chmodSync(folder, 0o555);
    const error = await asAnybody(() => expectError('unreadable', () => openJournal(path)));
    expect(error.message).toContain('runs.db: the file cannot be opened');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('an export closed to us', async () => {
    chmodSync(folder, 0o755);
    writeFileSync(path, '{"position":0}\n', { mode: 0o000 });
    const error = await asAnybody(() => expectError('unreadable', () => openJournal(path, { readonly: true })));
    expect(error.message).toMatch(/EACCES/);
  });
});

describe('a reader while somebody writes', () => {
  test('sees a beginning of the run each time, each longer than the last, and never damage', async () => {
    const expected = 300;
    const child = writing('a', expected);
    const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
    let running = true;
    void ended.then(() => {
      running = false;
    });
    const lengths = new Set<number>();
    let last = 0;
    let looks = 0;
    while (running) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      const positions = positionsSeen();
      if (positions === undefined) continue;
      looks++;
      expect(positions).toEqual(positions.map((_, index) => index));
      expect(positions.length).toBeGreaterThanOrEqual(last);
      last = positions.length;
      lengths.add(last);
    }
    expect(positionsSeen()).toHaveLength(expected);
    expect(looks).toBeGreaterThan(3);
    expect(lengths.size).toBeGreaterThan(2);
  });

  test('of one handle goes on to what was there when it began, over a take-over and a close', () => {
    const writer = new SqliteJournal(path);
    writer.append('a', 0, runOf('a', 600));
    const reader = new SqliteJournal(path, { readonly: true });
    const reading = reader.read('a');
    const first = reading.next();
    writer.append('a', 600, partOf('a', 600, 900));
    writer.close();
    const other = new SqliteJournal(path);
    other.append('a', 900, partOf('a', 900, 1_000));
    expect([first.value, ...reading]).toEqual(runOf('a', 600));
    expect([...reader.read('a')]).toEqual(runOf('a', 1_000));
    reader.close();
    other.close();
  });

  /** Opened anew; undefined before the file is there. */
  function positionsSeen(): readonly number[] | undefined {
    if (!readdirSync(folder).includes('runs.db')) return undefined;
    let reader: ReturnType<typeof openJournal>;
    try {
      reader = openJournal(path, { readonly: true });
    } catch (error) {
      // Of a file that is being made; and the moment in which a writer leaves the log is its own.
      expect(error).toMatchObject({
        name: 'JournalError',
        message: expect.stringMatching(/is empty|empty database|another process/),
      });
      return undefined;
    }
    try {
      return [...reader.read('a')].map(({ position }) => position);
    } finally {
      reader.close();
    }
  }

  function writing(run: string, target: number): ChildProcess {
    const script = fileURLToPath(new URL('./writer-process.ts', import.meta.url));
    const args = ['--import', 'tsx', script, path, run, String(target), 'claim'];
    return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
});
