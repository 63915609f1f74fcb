/** The gallery is what the charts look like today, to the byte; and so is the table of who tells whom. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { machines } from '../../machines/index.ts';
import { COMMAND, GALLERY, PAGE, pictures, withTable } from './generated.ts';

const page = readFileSync(PAGE, 'utf8');

describe('machines/gallery', () => {
  let drawn: ReadonlyMap<string, string>;
  beforeAll(async () => {
    drawn = await pictures();
  });

  test('has one picture for each chart and nothing else', () => {
    expect(readdirSync(GALLERY).sort()).toEqual([...drawn.keys()].sort());
  });

  // The files were written by another process, so this also shows that a drawing does not depend on who draws it.
  test.each(Object.keys(machines))('%s is up to date', (name) => {
    const file = `${name}.svg`;
    const kept = readFileSync(join(GALLERY, file), 'utf8');
    expect(kept === drawn.get(file), `${file} is not what the chart looks like now: ${COMMAND}`).toBe(true);
  });
});

describe('machines/README.md', () => {
  test('shows every chart with its picture', () => {
    const shown = [...page.matchAll(/\]\(gallery\/([\w-]+)\.svg\)/g)].map(([, name]) => name);
    expect(shown.sort()).toEqual(Object.keys(machines).sort());
  });

  test('says who tells whom as the charts do', () => {
    expect(page, `the table is not what the charts say now: ${COMMAND}`).toBe(withTable(page));
  });
});
