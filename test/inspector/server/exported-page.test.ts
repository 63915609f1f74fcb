/** The page of one run in one file: everything inside, nothing that could end its element, and a policy that lets it reach nobody. */
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { SessionFile } from '../../../src/inspector/page-data.ts';
import { exportedPage, inlineJson, inOneFile } from '../../../src/inspector/server/exported-page.ts';
import { Engine } from '../../../src/inspector/view/engine.ts';
import { MemoryJournal } from '../../../src/journal/memory-journal.ts';
import { recordText } from '../../../src/journal/record-text.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { smallScenario } from '../../lab/small-scenario.ts';
import { emptyExhibition, PAGE, pageFolder } from './served.ts';

const HOSTILE = '</script><script>alert(1)</script><!-- \u2028 $& ';
const journal = new MemoryJournal();
const { opened } = rehearse({ ...smallScenario(), name: HOSTILE }, { journal });
const exhibition = emptyExhibition();
exhibition.addJournal(journal, HOSTILE, journal.runs());
const { html, damage } = await exportedPage(exhibition, exhibition.runs[0]!, pageFolder());
const [, json = ''] = /<script type="application\/json" id="session">(.*?)<\/script>/s.exec(html) ?? [];
const file = JSON.parse(json) as SessionFile;

test('holds the run: its records, its memory map, and the picture of each chart that it opens', () => {
  const lines = [...journal.read(opened.run)].map(recordText);
  expect(damage).toBeUndefined();
  expect(file.lines).toEqual({ '0': lines });
  expect(file.session).toMatchObject({ mode: 'file', runs: [{ id: '0', records: lines.length, source: HOSTILE }] });
  expect(file.session.runs[0]?.noBranch).toContain('does not branch');
  expect(file.memoryMaps['0']?.toNs).toBeGreaterThan(0);
  const engine = new Engine();
  engine.open(file.session.runs[0]!);
  engine.append('0', file.lines['0'] ?? []);
  engine.fold('0', lines.length);
  const some = [...lines.keys()].filter((position) => position % 4 === 0);
  const shown = some.flatMap((position) => engine.at('0', position)?.charts.map(({ picture }) => picture) ?? []);
  expect(new Set(shown).size).toBeGreaterThan(8);
  for (const picture of new Set(shown)) expect(file.pictures[picture], picture).toMatch(/^<svg /);
  expect(file.session.machines.map(({ name }) => name).sort()).toEqual(Object.keys(file.pictures).sort());
});

describe('its HTML', () => {
  test('has one script, which its policy names by its hash, and no address of anything', () => {
    const scripts = [...html.matchAll(/<script([^>]*)>(.*?)<\/script>/gs)];
    expect(scripts.map(([, attributes]) => attributes)).toEqual([
      ' type="module"',
      ' type="application/json" id="session"',
    ]);
    const code = scripts[0]?.[2] ?? '';
    const hash = createHash('sha256').update(code).digest('base64');
    const [, policy = ''] = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(html) ?? [];
    expect(policy).toContain(`script-src 'sha256-${hash}'`);
    expect(policy).toMatch(/^default-src 'none'; /);
    expect(policy).not.toContain('connect-src');
    expect(html.indexOf('Content-Security-Policy')).toBeLessThan(html.indexOf('<script'));
    expect(html).not.toMatch(/\b(?:src|href)="/);
    // What the code says is what it said.
    expect(code).toContain('document.title');
    expect(code.replaceAll('<\\/', '</').replaceAll('<\\!', '<!')).toBe(PAGE['app.js']);
    expect(html).toContain(`<style>${PAGE['app.css']}</style>`);
  });

  test('nothing of a hostile run is markup', () => {
    expect(html).not.toContain('<script>alert');
    expect(json).not.toMatch(/[<\u2028\u2029]/);
    expect(JSON.parse(inlineJson({ text: HOSTILE }))).toEqual({ text: HOSTILE });
  });
});

test('a page that was not built is said in a sentence', async () => {
  await expect(exportedPage(exhibition, exhibition.runs[0]!, tmpdir())).rejects.toThrow(/npm run build/);
  expect(() => inOneFile({ html: '<p>x</p>', script: '', style: '' }, file)).toThrow(/the page has no/);
});
