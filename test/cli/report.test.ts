/** `--report`: written whole or not at all, refused before anything runs, and free for whoever does not ask for it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { printScenario } from '../../src/lab/scenario/print.ts';
import { smallScenario } from '../lab/small-scenario.ts';
import { importsOf, read, resolve } from '../tidy/tree.ts';
import { expectMistake, inProcess } from './switchover.ts';

const folder = mkdtempSync(join(tmpdir(), 'switchover-report-'));
const scenario = join(folder, 'small vm.yaml');
writeFileSync(scenario, printScenario(smallScenario()));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a page', () => {
  const page = join(folder, 'page.html');
  const again = join(folder, 'again.html');
  const journal = join(folder, 'runs.db');

  test('of a run, of its replay and of the run made again', async () => {
    const first = await inProcess(['run', scenario, '--journal', journal, '--report', page, '--json']);
    expect(first.stderr).toBe(`wrote ${page}\n`);
    expect(first.code).toBe(0);
    const text = readFileSync(page, 'utf8');
    const json = JSON.parse(/<script[^>]*>(.*?)<\/script>/s.exec(text)?.[1] ?? '') as { report: unknown };
    expect(json.report).toEqual(JSON.parse(first.stdout));
    expect(text).toContain(`switchover run &#39;${scenario}&#39; --seed 1 --report report.html`);
    await inProcess(['run', scenario, '--report', again]);
    expect(readFileSync(again, 'utf8') === text).toBe(true);
    const replayed = await inProcess(['replay', journal, '--report', again]);
    expect(replayed.code).toBe(0);
    const plots = (html: string) => html.split('<h2>In numbers')[0];
    expect(plots(readFileSync(again, 'utf8')) === plots(text)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.includes('.part'))).toEqual([]);
  });

  test.each([
    ['run', scenario],
    ['compare', scenario, '--policy', 'qemu,no-progress', '--seeds', '2'],
    ['compare', 'kvm-ring-by-rate'],
    ['sweep', 'policies-by-load'],
  ])('that cannot be written is a mistake before anything runs: %s %s', async (...words) => {
    expectMistake(await inProcess([...words, '--report', '/nowhere/page.html']), 'there is no folder /nowhere');
    expectMistake(await inProcess([...words, '--report', folder]), 'it is a folder');
  });
});

test.each(['src/cli/main.ts', 'src/index.ts'])('%s does not load what draws unless a page is asked for', (start) => {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (path: string) => {
    if (seen.has(path)) return;
    seen.add(path);
    // One that is written as a call happens when it is called.
    for (const { from, typeOnly } of importsOf(read(path).text.replaceAll('import(', 'later('))) {
      if (typeOnly) continue;
      if (from.startsWith('.')) visit(resolve(path, from));
      else packages.add(from.split('/')[0] as string);
    }
  };
  visit(start);
  expect(seen.size).toBeGreaterThan(10);
  expect([...packages]).toContain(start === 'src/index.ts' ? 'rxjs' : 'commander');
  expect([...packages].filter((name) => name === 'echarts' || name === 'zrender')).toEqual([]);
});
