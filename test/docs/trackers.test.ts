/** src/hardware/README.md says of every tracker what the listing says, and explains each in a paragraph with its source. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { TRACKERS } from '../../src/lab/trackers.ts';
import { COMMAND } from './generated.ts';
import { HARDWARE_PAGE, withTrackers } from './tracker-table.ts';

const page = readFileSync(HARDWARE_PAGE, 'utf8');
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((text) => {
      const [name = '', ...body] = text.split(/\n#{2,3} |\n/);
      return [name, body.join('\n')] as const;
    }),
);

/** What the page explains besides the trackers: each changes what a tracker knows. */
const NO_TRACKERS = ['Huge mappings', 'DMA mappings', 'Containers'];

test('the table is what the listing says', () => {
  expect(page, `the table is not what src/lab/trackers.ts says now: ${COMMAND}`).toBe(withTrackers(page));
});

test('a page with another table, and one without marks, are told from it', () => {
  expect(withTrackers(page.replace('all mapped memory |', 'nothing |'))).toBe(page);
  expect(() => withTrackers('no table')).toThrow('has no');
});

test('there is a paragraph for each tracker and each mechanism besides, and no other', () => {
  expect([...sections.keys()].sort()).toEqual([...TRACKERS.map(({ name }) => name), ...NO_TRACKERS].sort());
});

describe.each([...sections])('%s', (name, body) => {
  test('says what it is in a few sentences, and names its source', () => {
    const [paragraph = '', ...others] = body.trim().split('\n\n');
    expect(paragraph.length).toBeGreaterThan(120);
    expect(paragraph.length).toBeLessThan(900);
    expect(others.filter((line) => line.startsWith('Source: '))).toHaveLength(1);
  });

  test('says so if it is hypothetical', () => {
    const tracker = TRACKERS.find((one) => one.name === name);
    if (tracker !== undefined) expect(body.trim().startsWith('Hypothetical: ')).toBe(tracker.hypothetical);
  });
});

test.each(TRACKERS)('$name answers every question in a line', (tracker) => {
  for (const key of ['dirtySince', 'epochEnds', 'whileIdle', 'afterStop', 'overReports'] as const) {
    expect(tracker[key]).toMatch(/^\S.*[^.\s]$/);
    expect(tracker[key]).not.toContain('|');
  }
});
