/**
 * The repository's own lint: the import table, what purity forbids, and the house style that Biome cannot check.
 *
 * The rules stand in tidy/, each shown there to find what it is for; here they are held against every file.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { linkedFiles } from './tidy/documents.ts';
import { importBreaks } from './tidy/import-table.ts';
import * as rules from './tidy/rules.ts';
import { importsOf, mentionsOf, pathsUnder, ROOT, read, type SourceFile } from './tidy/tree.ts';

interface Package {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(read('package.json').text) as Package;
const all = pathsUnder('.');
const isCode = (path: string) => /\.[cm]?[jt]sx?$/.test(path);
const isText = (path: string) => isCode(path) || /\.(?:md|ya?ml|json|html|css|sh)$/.test(path);
const under = (...folders: readonly string[]) =>
  all.filter((path) => folders.some((folder) => path.startsWith(folder)));

const sources = under('machines/', 'src/').filter(isCode).map(read);
const tests = under('test/')
  .filter((path) => isCode(path))
  .map(read);
const pages = all.filter((path) => path.endsWith('.md')).map(read);
const texts = under('machines/', 'src/', 'test/', 'README.md').filter(isText).map(read);

function holds(rule: rules.FileRule, files: readonly SourceFile[]): void {
  expect(files.length).toBeGreaterThan(0);
  expect(files.flatMap(rule)).toEqual([]);
}

test('imports follow the table', () => {
  const dependencies = Object.keys(manifest.dependencies);
  const breaks = sources.flatMap(({ path, text }) =>
    importsOf(text).flatMap((one) => {
      const because = importBreaks(path, one, dependencies);
      return because === undefined ? [] : [`${path} ${because}`];
    }),
  );
  expect(breaks).toEqual([]);
});

test('every import of a file leads to one', () => {
  const missing = [...sources, ...tests].flatMap(({ path, text }) =>
    importsOf(text)
      .filter(({ from }) => from.startsWith('.'))
      .filter(({ from }) => !existsSync(join(ROOT, path, '..', from)))
      .map(({ from }) => `${path} imports ${from}`),
  );
  expect(missing).toEqual([]);
});

describe('every source file', () => {
  test('is pure where it must be', () => holds(rules.pure, sources));
  test('tells RxJS whose time it waits in', () => holds(rules.scheduled, sources));
  test('opens with what it is', () => holds(rules.opensWithComment, sources));
});

describe('every source and test file', () => {
  const files = [...sources, ...tests];

  test('is finished', () => holds(rules.finished, files));
  test('is short, or says why it is not', () => holds(rules.shortOrLongBecause, files));
  test('has named exports only', () => holds(rules.namedExports, files));
  test('is one noun', () => holds(rules.isOneNoun, files));
  test('names no place on a machine', () => holds(rules.noPlaceOfMine, texts));
});

test('every test runs', () => holds(rules.allTestsRun, tests));

test('no source file is dead', () => {
  const known = new Set(under('machines/', 'src/'));
  const scripts = Object.values(manifest.scripts ?? {}).flatMap(
    (script) => script.match(/(?:src|machines)\/[\w./-]+/g) ?? [],
  );
  // A scenario names the file of its policy.
  const named = [...known].filter((path) => path.startsWith('src/lab/scenarios/'));
  // The inspector's page begins with its HTML, which the bundler finds.
  const entries = ['src/index.ts', 'src/testing.ts', 'src/cli/main.ts', 'src/inspector/page/index.html'];
  const roots = [...entries, 'machines/index.ts', ...scripts, ...named];
  const reached = new Set<string>();
  const next = roots.filter((path) => known.has(path));
  for (let path = next.pop(); path !== undefined; path = next.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    if (isText(path)) next.push(...mentionsOf(read(path)).filter((mentioned) => known.has(mentioned)));
  }
  expect(sources.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
});

test('every relative link of a page leads to a file', () => {
  const broken = pages.flatMap((page) =>
    linkedFiles(page)
      .filter((to) => !existsSync(join(ROOT, to)))
      .map((to) => `${page.path} links to ${to}`),
  );
  expect(broken).toEqual([]);
});
