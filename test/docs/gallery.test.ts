/** The gallery is what the charts look like today, to the byte; and so is the table of who tells whom. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { machines } from '../../machines/index.ts';
import { drawSvg } from '../../src/inspector/chart/index.ts';
import { COMMAND, GALLERY, PAGE, withTable } from './generated.ts';

const page = readFileSync(PAGE, 'utf8');

describe('machines/gallery', () => {
  test('has one picture for each chart and nothing else', () => {
    const files = Object.keys(machines).map((name) => `${name}.svg`);
    expect(readdirSync(GALLERY).sort()).toEqual(files.sort());
  });

  // The files were written by another process, so this also shows that a drawing does not depend on who draws it.
  test.each(Object.entries(machines))('%s is up to date', async (name, machine) => {
    const kept = readFileSync(join(GALLERY, `${name}.svg`), 'utf8');
    const drawn = await drawSvg(machine);
    expect(kept === drawn, `${name}.svg is not what the chart looks like now: ${COMMAND}`).toBe(true);
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
