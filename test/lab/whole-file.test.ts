/** A file is whole or as it was, whatever goes wrong on the way. */
import { execFile, execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WholeFile, writeWhole, writeWholeNew } from '../../src/lab/whole-file.ts';

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

describe('a link', () => {
  test('is kept, and what it leads to is replaced', () => {
    mkdirSync(join(folder, 'real'));
    writeFileSync(join(folder, 'real', 'a'), 'old');
    symlinkSync('real/a', join(folder, 'link'));
    symlinkSync('link', join(folder, 'further'));
    writeWhole(join(folder, 'further'), 'new');
    expect([readlinkSync(join(folder, 'further')), readlinkSync(join(folder, 'link'))]).toEqual(['link', 'real/a']);
    expect(readFileSync(join(folder, 'real', 'a'), 'utf8')).toBe('new');
    expect(readdirSync(join(folder, 'real'))).toEqual(['a']);
  });

  test('to what is not there yet is kept, too', () => {
    mkdirSync(join(folder, 'real'));
    symlinkSync('real/a', join(folder, 'link'));
    expect(errorOf(() => writeWholeNew(join(folder, 'link'), 'new'))).toBe('EEXIST');
    writeWhole(join(folder, 'link'), 'new');
    expect(readlinkSync(join(folder, 'link'))).toBe('real/a');
    expect(readFileSync(join(folder, 'real', 'a'), 'utf8')).toBe('new');
  });
});

describe('piece by piece', () => {
  test('it takes its name when it is committed', () => {
    const path = join(folder, 'a');
    writeFileSync(path, 'old');
    const file = new WholeFile(path);
    file.write('some ');
    file.write(Buffer.from('more'));
    expect(readFileSync(path, 'utf8')).toBe('old');
    file.commit();
    file.abandon();
    expect(readFileSync(path, 'utf8')).toBe('some more');
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test('abandoned, it leaves what was there', () => {
    const path = join(folder, 'a');
    writeFileSync(path, 'old');
    const file = new WholeFile(path);
    file.write('x'.repeat(3_000_000));
    file.abandon();
    file.abandon();
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test('two of one process do not share a part', () => {
    const files = [new WholeFile(join(folder, 'a')), new WholeFile(join(folder, 'a'))];
    for (const [index, file] of files.entries()) file.write(String(index));
    for (const file of files) file.commit();
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('1');
    expect(readdirSync(folder)).toEqual(['a']);
  });
});
