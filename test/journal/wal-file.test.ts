/** A damaged log beside the file: never a shorter run, always an error, unless a commit may have been cut short. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goodRecords } from '../../src/journal/good-records.ts';
import { SqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { logFlaw } from '../../src/journal/wal-file.ts';
import { expectError } from './conformance.ts';
import { commitsIn, FRAME_BYTES, LOG_HEADER_BYTES, leaveBehind } from './left-behind.ts';
import { partOf, runOf } from './records.ts';

const RECORDS = 8;
const root = mkdtempSync(join(tmpdir(), 'switchover-log-'));
const open = join(root, 'open.db');
let writer: SqliteJournal;
let commits: readonly number[];

beforeAll(() => {
  writer = new SqliteJournal(open);
  for (const record of runOf('a', RECORDS)) writer.append('a', record.position, [record]);
  commits = commitsIn(`${open}-wal`);
});
afterAll(() => {
  writer.close();
  rmSync(root, { recursive: true });
});

let folders = 0;
/** As a killed process would have left it, or with the index lost in a restart of the host. */
function crashed({ index }: { readonly index: boolean }): string {
  const folder = join(root, String(folders++));
  mkdirSync(folder);
  const path = join(folder, 'left.db');
  leaveBehind(open, path);
  if (!index) rmSync(`${path}-shm`);
  return path;
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 0x10;
  writeFileSync(path, bytes);
}

function recordsIn(path: string): number {
  const journal = new SqliteJournal(path, { readonly: true });
  try {
    return [...journal.read('a')].length;
  } finally {
    journal.close();
  }
}

const frameAt = (frame: number) => LOG_HEADER_BYTES + (frame - 1) * FRAME_BYTES;
const contents = (path: string) => ['', '-wal'].map((end) => readFileSync(`${path}${end}`).toString('base64'));

describe('a whole log', () => {
  test.each([true, false])('is read to its end, index there: %s', (index) => {
    const path = crashed({ index });
    expect(logFlaw(path)).toBeUndefined();
    expect(commits).toHaveLength(RECORDS);
    expect(recordsIn(path)).toBe(RECORDS);
  });

  test('may have the beginning of a commit behind it that never returned', () => {
    for (const more of [100, FRAME_BYTES, 2 * FRAME_BYTES + 7]) {
      const path = crashed({ index: true });
      const log = readFileSync(`${path}-wal`);
      writeFileSync(`${path}-wal`, Buffer.concat([log, log.subarray(LOG_HEADER_BYTES, LOG_HEADER_BYTES + more)]));
      expect(logFlaw(path)).toBeUndefined();
      expect(recordsIn(path)).toBe(RECORDS);
    }
  });

  test('may be longer than what is in it since it was begun again', () => {
    const path = join(root, 'again.db');
    const journal = new SqliteJournal(path);
    journal.append('a', 0, runOf('a', 300));
    const other = new Database(path);
    other.prepare('PRAGMA wal_checkpoint(RESTART)').get();
    other.close();
    journal.append('a', 300, partOf('a', 300, 302));
    const bytes = readFileSync(`${path}-wal`).length;
    expect(bytes).toBeGreaterThan(frameAt(19));
    expect(logFlaw(path)).toBeUndefined();
    // What was there before is in the file already, and nobody will read it here again.
    leaveBehind(path, join(root, 'again-left.db'));
    flip(join(root, 'again-left.db-wal'), bytes - 100);
    expect(logFlaw(join(root, 'again-left.db'))).toBeUndefined();
    expect(recordsIn(join(root, 'again-left.db'))).toBe(302);
    journal.close();
  });
});

describe('a flipped bit', () => {
  test('in any frame of a commit is told, reading and writing, and nothing is touched', async () => {
    for (let frame = 1; frame <= commits.at(-1)!; frame++) {
      // In turn in the frame's page number, its salt, its checksum, its page.
      for (const at of [0, 9, 17, 24 + ((frame * 997) % 4096)]) {
        const path = crashed({ index: true });
        flip(`${path}-wal`, frameAt(frame) + at);
        const before = contents(path);
        for (const readonly of [true, false]) {
          const error = await expectError('damaged', () => new SqliteJournal(path, { readonly }));
          expect(error.message).toContain(`left.db-wal is damaged at byte ${frameAt(frame)}`);
        }
        expect(contents(path)).toEqual(before);
      }
    }
  });

  test('is told without the index too, if another commit came after; the last one may have been cut short', async () => {
    for (let frame = 1; frame <= commits.at(-1)!; frame++) {
      const path = crashed({ index: false });
      flip(`${path}-wal`, frameAt(frame) + 1000);
      const isInLast = frame > commits.at(-2)!;
      expect(logFlaw(path) === undefined, `frame ${frame}`).toBe(isInLast);
      if (isInLast) expect(recordsIn(path)).toBe(RECORDS - 1);
    }
  });

  test('in the header of the log, or in its index alone', async () => {
    for (const at of [0, 3, 9, 16, 25]) {
      const path = crashed({ index: false });
      flip(`${path}-wal`, at);
      const error = await expectError('damaged', () => recordsIn(path));
      expect(error.message).toContain('is damaged at its beginning');
    }
    for (const at of [0, 12, 16, 50, 96]) {
      const path = crashed({ index: true });
      flip(`${path}-shm`, at);
      expect(recordsIn(path)).toBe(RECORDS);
    }
  });
});

describe('a log that is cut, or gone', () => {
  test('anywhere is told by the index', async () => {
    const whole = readFileSync(`${open}-wal`).length;
    for (let length = 0; length < whole; length += 1531) {
      const path = crashed({ index: true });
      truncateSync(`${path}-wal`, length);
      await expectError('damaged', () => recordsIn(path));
    }
    const path = crashed({ index: true });
    rmSync(`${path}-wal`);
    const error = await expectError('damaged', () => recordsIn(path));
    expect(error.message).toContain(`left.db-wal is gone, which held ${commits.at(-1)} frames of commits`);
  });
});

test('what was committed before the damage can be read until there, from a copy', () => {
  const before = readdirSync(tmpdir());
  for (const [nth, commit] of commits.entries()) {
    const path = crashed({ index: true });
    flip(`${path}-wal`, frameAt(commit) + 500);
    const files = contents(path);
    const journal = new SqliteJournal(path, { untilDamage: true });
    const { records, damage } = goodRecords(journal, { run: 'a' });
    expect(records).toEqual(runOf('a', nth));
    // Nothing looks like a run that ends here.
    const message = expect.stringContaining(`left.db-wal is damaged at byte ${frameAt(commit)}`);
    expect(damage).toMatchObject({ kind: 'damaged', run: 'a', position: nth, message });
    if (nth > 0) expect(journal.runs()).toMatchObject([{ run: 'a', records: nth, damage: message }]);
    else expect(() => journal.runs()).toThrow(expect.objectContaining({ kind: 'damaged', message }));
    expect(() => journal.append('a', nth, partOf('a', nth, nth + 1))).toThrow('reading only');
    journal.close();
    expect(contents(path)).toEqual(files);
    expect(logFlaw(path)).toBeDefined();
  }
  const made = readdirSync(tmpdir()).filter((name) => !before.includes(name));
  expect(made.filter((name) => /^switchover-\w{6}$/.test(name))).toEqual([]);
});
