import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exportOf, ndjsonLines } from '../../src/journal/export.ts';
import { goodRecords } from '../../src/journal/good-records.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { NdjsonJournal } from '../../src/journal/ndjson-journal.ts';
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

function filled(records: number): MemoryJournal {
  const journal = new MemoryJournal();
  journal.append('a', 0, runOf('a', records));
  return journal;
}

describe('an export', () => {
  test('is a JSON object a line, its checksum last, that another program can check', () => {
    const journal = new MemoryJournal();
    journal.append('a', 0, runOf('a', 3));
    const [header, ...lines] = ndjsonLines(journal, 'a');
    let before = 0;
    const first = Number.parseInt((JSON.parse(lines[0]!) as { crc: string }).crc, 16);
    for (const [position, line] of lines.entries()) {
      const { crc, ...record } = JSON.parse(line) as { crc: string };
      expect(record).toEqual(runOf('a', 3)[position]);
      expect(Object.keys(record)[0]).toBe('position');
      before = zlibCrc32(`a\n${position}\n${before}\n${JSON.stringify(record)}`);
      expect(crc).toBe(before.toString(16).padStart(8, '0'));
      expect(line).toBe(`${JSON.stringify({ ...record, crc })}\n`);
    }
    expect(lines).toHaveLength(3);
    const { crc, ...says } = JSON.parse(header!) as { crc: string };
    expect(says).toEqual({ journal: 'switchover', format: 2, run: 'a', records: 3, first, head: before });
    expect(Number.parseInt(crc, 16)).toBe(zlibCrc32(JSON.stringify(says)));
  });

  test('of a damaged run is refused, or taken until the damage and then reads as damaged behind it', async () => {
    const lines = ndjsonLines(filled(6), 'a');
    const broken = new NdjsonJournal(lines.toSpliced(4, 1).join(''), 'x');
    const said = await expectError('damaged', () => ndjsonLines(broken, 'a'), { run: 'a', position: 3 });
    const { lines: kept, damage } = exportOf(broken, 'a', { untilDamage: true });
    expect(damage?.message).toBe(said.message);
    expect(kept.slice(1)).toEqual(lines.slice(1, 4));
    const again = goodRecords(new NdjsonJournal(kept.join(''), 'y'), { run: 'a' });
    expect(again.records).toEqual(runOf('a', 3));
    expect(again.damage).toMatchObject({ kind: 'damaged', run: 'a', position: 3 });
    expect(again.damage?.message).toContain(`exported as far as it was good: ${said.message}`);
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
