/** The page of the charts shows all of them, and its table of who tells whom is what they say today, to the byte. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { machines } from '../../machines/index.ts';
import { COMMAND, PAGE, withTable } from './generated.ts';

const page = readFileSync(PAGE, 'utf8');

test('it shows every chart with its picture', () => {
  const shown = [...page.matchAll(/\]\(gallery\/([\w-]+)\.svg\)/g)].map(([, name]) => name);
  expect(shown.sort()).toEqual(Object.keys(machines).sort());
});

test('it says who tells whom as the charts do', () => {
  expect(page, `the table is not what the charts say now: ${COMMAND}`).toBe(withTable(page));
});
