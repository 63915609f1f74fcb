import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ndjsonLines } from '../../src/journal/export.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { openJournal } from '../../src/journal/open.ts';
import { expectError } from './conformance.ts';
import { runOf } from './records.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'switchover-open-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('a file is what its content says', () => {
  test.each(['runs.db', 'runs', 'runs.ndjson'])('an SQLite journal named %s', async (name) => {
    const made = openJournal(join(folder, 'made.db'));
    await made.append('a', 0, runOf('a', 3));
    made.close();
    writeFileSync(join(folder, name), readFileSync(join(folder, 'made.db')));
    for (const readonly of [true, false]) {
      const journal = openJournal(join(folder, name), { readonly });
      expect([...journal.read('a')]).toEqual(runOf('a', 3));
      journal.close();
    }
  });

  test.each(['export.ndjson', 'export.db'])('an export named %s', async (name) => {
    const memory = new MemoryJournal();
    memory.append('a', 0, runOf('a', 3));
    const path = join(folder, name);
    writeFileSync(path, [...ndjsonLines(memory, 'a')].join(''));
    const journal = openJournal(path, { readonly: true });
    expect([...journal.read('a')]).toEqual(runOf('a', 3));
    journal.close();
    expect((await expectError('read-only', () => openJournal(path))).message).toContain('is an export');
  });

  test('a text is neither', async () => {
    const path = join(folder, 'notes.db');
    writeFileSync(path, 'not a journal');
    for (const readonly of [true, false]) {
      const error = await expectError('unreadable', () => openJournal(path, { readonly }));
      expect(error.message).toContain('begins neither as an SQLite file nor as an export');
    }
    expect(readFileSync(path, 'utf8')).toBe('not a journal');
  });
});

describe('a file that is not there', () => {
  test('is unreadable for reading, and is not made', async () => {
    const error = await expectError('unreadable', () => openJournal(join(folder, 'x.db'), { readonly: true }));
    expect(error.message).toContain('there is no such file');
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each(['x.db', 'x.sqlite', 'x'])('is made for writing as %s', (name) => {
    openJournal(join(folder, name)).close();
    expect(readdirSync(folder)).toEqual([name]);
    openJournal(join(folder, name), { readonly: true }).close();
  });

  test.each(['x.ndjson', 'x.JSONL'])('is refused for writing as %s', async (name) => {
    const error = await expectError('read-only', () => openJournal(join(folder, name)));
    expect(error.message).toContain('write it to a .db file and export that');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('in a folder that is not there is told so', async () => {
    const error = await expectError('unreadable', () => openJournal(join(folder, 'no/x.db')));
    expect(error.message).toContain(`there is no folder ${join(folder, 'no')}`);
  });
});

test('an empty file is a new journal for writing, and nothing to read', async () => {
  const path = join(folder, 'x.db');
  writeFileSync(path, '');
  expect((await expectError('unreadable', () => openJournal(path, { readonly: true }))).message).toContain('is empty');
  openJournal(path).close();
  openJournal(path, { readonly: true }).close();
});

test('a folder is not a journal', async () => {
  mkdirSync(join(folder, 'x.db'));
  expect((await expectError('unreadable', () => openJournal(join(folder, 'x.db')))).message).toContain('is not a file');
});

test('a link to nowhere is not a journal for reading', async () => {
  symlinkSync(join(folder, 'gone'), join(folder, 'x.db'));
  await expectError('unreadable', () => openJournal(join(folder, 'x.db'), { readonly: true }));
});
