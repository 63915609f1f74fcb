/** A file is whole or as it was, whatever goes wrong on the way. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeWhole, writeWholeNew } from '../../src/lab/whole-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'whole-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const errorOf = (act: () => void): unknown => {
  try {
    act();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
  return undefined;
};

describe.each([
  ['writeWhole', writeWhole],
  ['writeWholeNew', writeWholeNew],
] as const)('%s', (_, write) => {
  test('writes all of it, and leaves nothing beside it', () => {
    write(join(folder, 'a'), 'text');
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('text');
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test('leaves nothing behind where it cannot', () => {
    mkdirSync(join(folder, 'taken'));
    expect(errorOf(() => write(join(folder, 'taken'), 'text'))).toMatch(/^E(ISDIR|EXIST|NOTEMPTY)$/);
    expect(errorOf(() => write(join(folder, 'no', 'where'), 'text'))).toBe('ENOENT');
    expect(readdirSync(folder)).toEqual(['taken']);
  });
});

test('what is there is replaced by one, and kept by the other', () => {
  const path = join(folder, 'a');
  writeFileSync(path, 'old');
  expect(errorOf(() => writeWholeNew(path, 'new'))).toBe('EEXIST');
  expect(readFileSync(path, 'utf8')).toBe('old');
  writeWhole(path, 'new');
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(readdirSync(folder)).toEqual(['a']);
});

test('a pipe is written to, not replaced', async () => {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const read = promisify(execFile)('cat', [path]);
  writeWhole(path, 'text');
  expect((await read).stdout).toBe('text');
  expect(statSync(path).isFIFO()).toBe(true);
});
