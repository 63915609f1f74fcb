import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ndjsonLines } from '../../src/journal/export.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { SqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { expectError } from './conformance.ts';
import { partOf, runOf } from './records.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'switchover-export-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('an export', () => {
  test('is a JSON object a line, its checksum last, that another program can check', () => {
    const journal = new MemoryJournal();
    journal.append('a', 0, runOf('a', 3));
    const lines = [...ndjsonLines(journal, 'a')];
    expect(lines.map((line) => Object.keys(JSON.parse(line)).at(0))).toEqual(['position', 'position', 'position']);
    const { crc, ...record } = JSON.parse(lines[2]!) as { crc: string };
    expect(record).toEqual(runOf('a', 3)[2]);
    expect(crc).toBe(
      zlibCrc32(`a\n2\n${JSON.stringify(record)}`)
        .toString(16)
        .padStart(8, '0'),
    );
    expect(lines[2]).toBe(`${JSON.stringify({ ...record, crc })}\n`);
  });

  test('of equal runs is equal to the byte, whatever store, time and batches they come from', () => {
    const memory = new MemoryJournal();
    memory.append('a', 0, runOf('a', 40));
    const file = new SqliteJournal(join(folder, 'a.db'), { wallMs: () => 1 });
    file.claim('a');
    file.append('other', 0, runOf('other', 2));
    for (let position = 0; position < 40; position += 8)
      file.append('a', position, partOf('a', position, position + 8));
    expect([...ndjsonLines(file, 'a')]).toEqual([...ndjsonLines(memory, 'a')]);
    file.close();
  });

  test('of a run that is not there names those that are', async () => {
    const journal = new MemoryJournal();
    expect((await expectError('unreadable', () => [...ndjsonLines(journal, 'x')])).message).toContain('no runs');
    journal.append('a', 0, runOf('a', 1));
    journal.append('b', 0, runOf('b', 1));
    const error = await expectError('unreadable', () => [...ndjsonLines(journal, 'x')], { run: 'x' });
    expect(error.message).toBe('run "x": not in the journal, which has "a", "b"');
  });
});
