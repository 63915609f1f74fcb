/** The table of time limits in machines/README.md is what words.ts and deadlines.ts say today, to the byte. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../machines/words.ts';
import { withDeadlines } from './deadline-table.ts';
import { COMMAND, PAGE } from './generated.ts';

const page = readFileSync(PAGE, 'utf8');

test('the table is what the commands say now', () => {
  expect(page, `the table is not what machines/deadlines.ts says now: ${COMMAND}`).toBe(withDeadlines(page));
});

test('it has a row for every command', () => {
  const [, table = ''] = page.split('<!-- time limits: generated -->');
  const rows = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  expect(rows).toEqual(Object.keys(COMMANDS));
});

test('a page with another table, and one without marks, are told from it', () => {
  expect(withDeadlines(page.replace('| repeatable |', '| consuming |'))).toBe(page);
  expect(() => withDeadlines('no table')).toThrow('has no');
});
