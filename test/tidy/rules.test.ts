/** Each rule of the house's lint finds what it is for, and leaves alone what only looks like it. */
import { describe, expect, test } from 'vitest';
import { linkedFiles } from './documents.ts';
import { importBreaks } from './import-table.ts';
import * as rules from './rules.ts';
import { code, importsOf, mentionsOf } from './tree.ts';

/** So that this file does not break what it plants. */
const joined = (...parts: readonly string[]) => parts.join('');
const lines = (...text: readonly string[]) => text.join('\n');

describe('code', () => {
  test('has no comments, and its strings only when they are wanted', () => {
    const text = lines("a('// no comment'); // one", '/* two', ' */ b("x");', 'c(`// kept`);', 'd(/[\'"]/); // three');
    expect(code(text)).toBe(
      lines("a('// no comment');       ", '      ', '    b("x");', 'c(`// kept`);', 'd(/[\'"]/);         '),
    );
    expect(code('a(\'bc\', "d")', 'blank')).toBe('a(\'  \', " ")');
  });
});

describe('importsOf', () => {
  test.each([
    ["import { a } from './a.ts';", './a.ts', false],
    ["import type { A } from './a.ts';", './a.ts', true],
    ["import { type A, type B } from './a.ts';", './a.ts', true],
    ["import { type A, b } from './a.ts';", './a.ts', false],
    ["import * as a from './a.ts';", './a.ts', false],
    ["import a, { type B } from 'a';", 'a', false],
    ["import './a.ts';", './a.ts', false],
    ["export { a } from './a.ts';", './a.ts', false],
    ["export type { A } from './a.ts';", './a.ts', true],
    ["export * from './a.ts';", './a.ts', false],
    [lines('import {', '  type A,', '  type B,', "} from './a.ts';"), './a.ts', true],
    ["const a = await import('./a.ts');", './a.ts', false],
  ])('%s', (text, from, typeOnly) => {
    expect(importsOf(text)).toEqual([{ from, typeOnly }]);
  });

  test('none in a comment or in a value', () => {
    expect(importsOf(lines("// import { a } from './a.ts';", "const text = 'from';", 'export const b = 1;'))).toEqual(
      [],
    );
  });
});

test('mentionsOf sees imports and URLs', () => {
  const text = lines("import { a } from './a.ts';", "new URL('../page/b.html', import.meta.url);", "// './c.ts'");
  expect(mentionsOf({ path: 'src/x/y.ts', text })).toEqual(['src/x/a.ts', 'src/page/b.html']);
});

describe('the import table', () => {
  const breaks = (path: string, from: string, typeOnly = false) =>
    importBreaks(path, { from, typeOnly }, ['xstate', 'rxjs', 'libsql', 'zod']);

  test.each([
    ['machines/guest.ts', './words.ts', false],
    ['machines/convergence/qemu.ts', '../words.ts', false],
    ['machines/guest.ts', 'xstate', false],
    ['src/core/step.ts', '../../machines/words.ts', false],
    ['src/core/live.ts', 'xstate', true],
    ['src/core/chart.ts', 'xstate', false],
    ['src/journal/journal.ts', '../core/record.ts', true],
    ['src/journal/journal.ts', '../core/checksum.ts', false],
    ['src/drivers/model/spec.ts', '../../hardware/world.ts', false],
    ['src/drivers/model/spec.ts', '../driver.ts', false],
    ['src/drivers/driver.ts', '../../machines/words.ts', false],
    ['src/run/runner.ts', '../drivers/driver.ts', true],
    ['src/run/stepper.ts', '../../machines/index.ts', false],
    ['src/checkers/index.ts', './accounted.ts', false],
    ['src/checkers/happening.ts', '../core/record.ts', true],
    ['src/lab/prepare.ts', 'zod', false],
    ['src/inspector/chart/graph.ts', '../../../machines/index.ts', false],
    ['src/cli/main.ts', 'node:fs', false],
    ['src/index.ts', './lab/migrate.ts', false],
  ])('lets %s import %s (types only: %s)', (path, from, typeOnly) => {
    expect(breaks(path, from, typeOnly)).toBeUndefined();
  });

  test.each([
    ['machines/guest.ts', '../src/core/step.ts', true],
    ['machines/guest.ts', 'rxjs', false],
    ['machines/guest.ts', 'node:fs', false],
    ['src/core/step.ts', '../clock/clock.ts', true],
    ['src/core/step.ts', 'xstate', false],
    ['src/clock/clock.ts', 'rxjs', false],
    ['src/clock/clock.ts', '../core/record.ts', true],
    ['src/journal/journal.ts', '../core/step.ts', false],
    ['src/streams/page-writes.ts', '../hardware/world.ts', true],
    ['src/hardware/world.ts', '../drivers/driver.ts', true],
    ['src/hardware/world.ts', 'node:fs', false],
    ['src/drivers/driver.ts', '../hardware/world.ts', true],
    ['src/drivers/driver.ts', '../core/step.ts', false],
    ['src/drivers/driver.ts', '../../machines/guest.ts', true],
    ['src/run/runner.ts', '../drivers/model/index.ts', true],
    ['src/run/runner.ts', '../lab/prepare.ts', true],
    ['src/checkers/happening.ts', '../../machines/words.ts', false],
    ['src/checkers/happening.ts', '../core/checksum.ts', false],
    ['src/checkers/happening.ts', '../../machines/messages.ts', true],
    ['src/checkers/happening.ts', '../run/runner.ts', true],
    ['src/checkers/happening.ts', 'rxjs', true],
    ['src/lab/prepare.ts', '../inspector/chart/index.ts', false],
    ['src/lab/prepare.ts', '../cli/main.ts', false],
    ['src/lab/prepare.ts', 'left-pad', false],
    ['src/inspector/page/main.ts', '../../run/runner.ts', false],
    ['src/inspector/page/main.ts', 'node:fs', false],
    ['src/index.ts', './cli/run.ts', false],
    ['src/elsewhere/a.ts', './b.ts', false],
  ])('does not let %s import %s (types only: %s)', (path, from, typeOnly) => {
    expect(breaks(path, from, typeOnly)).toEqual(expect.any(String));
  });
});

/** Rule, path, text, and how many times it says no. */
const cases: readonly (readonly [keyof typeof rules, string, string, number])[] = [
  ['pure', 'machines/a.ts', 'const now = Date.now();', 1],
  ['pure', 'src/core/a.ts', 'const at = new Date();', 1],
  ['pure', 'src/hardware/a.ts', 'const chance = Math.random();', 1],
  ['pure', 'src/hardware/a.ts', 'const at = performance.now();', 1],
  ['pure', 'src/streams/a.ts', 'setTimeout(run, 5);', 1],
  ['pure', 'src/streams/a.ts', 'const later = setInterval;', 1],
  ['pure', 'src/core/a.ts', 'globalThis.setTimeout(run, 5);', 1],
  ['pure', 'src/core/a.ts', 'const home = process.env.HOME;', 1],
  ['pure', 'src/core/a.ts', "import { join } from 'node:path';", 1],
  ['pure', 'src/core/a.ts', 'this.clock.setTimeout(run, 5); const clock = { setTimeout: () => {} };', 0],
  ['pure', 'machines/a.ts', lines('// Date.now() is for others.', "const text = 'the process. Math.random';"), 0],
  ['pure', 'src/run/a.ts', 'Date.now();', 0],
  ['pure', 'src/clock/a.ts', 'host.setTimeout(run, 5);', 1],
  ['pure', 'src/clock/wall-clock.ts', 'host.setTimeout(run, 5);', 0],
  ['scheduled', 'src/lab/a.ts', lines("import { interval } from 'rxjs';", 'interval(5).subscribe();'), 1],
  ['scheduled', 'src/lab/a.ts', lines("import { interval } from 'rxjs';", 'interval(5, scheduler).subscribe();'), 0],
  [
    'scheduled',
    'src/lab/a.ts',
    lines("import { map, timeout as limit } from 'rxjs';", 'a.pipe(limit({ each: f(5) }));'),
    1,
  ],
  [
    'scheduled',
    'src/lab/a.ts',
    lines("import { map, timeout as limit } from 'rxjs';", 'a.pipe(limit({ each: f(5), scheduler }));'),
    0,
  ],
  [
    'scheduled',
    'src/lab/a.ts',
    lines("import { debounceTime, delay } from 'rxjs/operators';", 'a.pipe(delay(1), debounceTime(2));'),
    2,
  ],
  ['scheduled', 'src/lab/a.ts', 'timer(5); clock.delay(5);', 0],
  ['scheduled', 'src/lab/a.ts', "import { asyncScheduler } from 'rxjs';", 1],
  ['scheduled', 'src/lab/a.ts', 'await firstValueFrom(a);', 0],
  ['scheduled', 'src/run/runner.ts', 'await firstValueFrom(a);', 1],
  ['scheduled', 'src/hardware/a.ts', 'await lastValueFrom(a);', 1],
  ['finished', 'src/a.ts', joined('// TO', 'DO later'), 1],
  ['finished', 'src/a.ts', joined('const FIX', 'ME = 1; // XX', 'X and HA', 'CK'), 3],
  ['finished', 'src/a.ts', '// todo is a word of vitest, and a TODOLIST is none', 0],
  ['allTestsRun', 'test/a.test.ts', joined('test', '.only("a", run);'), 1],
  ['allTestsRun', 'test/a.test.ts', joined('describe', '.skip.each(a)("b", run);'), 1],
  ['allTestsRun', 'test/a.test.ts', joined('it.concurrent', '.todo("a");'), 1],
  ['allTestsRun', 'test/a.test.ts', joined('test', '.skipIf(no)("a", run);'), 1],
  ['allTestsRun', 'test/inspector/a.test.ts', joined('test', '.skipIf(no)("a", run);'), 0],
  ['allTestsRun', 'test/lab/html/browser.test.ts', joined('test', '.skipIf(no)("a", run);'), 0],
  ['allTestsRun', 'test/inspector/a.test.ts', joined('test', '.skip("a", run);'), 1],
  ['allTestsRun', 'test/a.test.ts', 'test.each([1])("a", run); stream.skip(1);', 0],
  ['opensWithComment', 'src/a.ts', "import { a } from './a.ts';", 1],
  ['opensWithComment', 'src/a.ts', '/** A noun. */', 0],
  ['opensWithComment', 'src/cli/main.ts', lines('#!/usr/bin/env node', '/** A noun. */'), 0],
  ['shortOrLongBecause', 'src/a.ts', '/** A noun. */\n'.repeat(400), 0],
  ['shortOrLongBecause', 'src/a.ts', '/** A noun. */\n'.repeat(401), 1],
  [
    'shortOrLongBecause',
    'src/a.ts',
    lines('/**', ' * A noun, long', ' * because it is a table.', ' */', 'x\n'.repeat(500)),
    0,
  ],
  ['shortOrLongBecause', 'src/a.ts', lines('/** A noun. */', '// long because', 'x\n'.repeat(500)), 1],
  ['namedExports', 'src/a.ts', 'export default a;', 1],
  ['namedExports', 'src/a.ts', 'export { a as default };', 1],
  ['namedExports', 'vitest.config.ts', 'export default a;', 0],
  ['namedExports', 'src/a.ts', "export const text = 'export default';", 0],
  ['isOneNoun', 'src/utils.ts', '', 1],
  ['isOneNoun', 'test/helpers.test.ts', '', 1],
  ['isOneNoun', 'src/misc.ts', '', 1],
  ['isOneNoun', 'src/utilisation.ts', '', 0],
  ['noPlaceOfMine', 'src/a.ts', joined("open('/wo", "rk/main/a');"), 1],
  ['noPlaceOfMine', 'README.md', joined('See file:///tm', 'p/a.'), 1],
  ['noPlaceOfMine', 'src/a.ts', "import './work/a.ts'; fetch('src/work/b');", 0],
];

const byName: Readonly<Record<string, rules.FileRule>> = { ...rules };

test.each(cases)('%s in %s: %s says no %i times', (rule, path, text, times) => {
  expect(byName[rule]?.({ path, text })).toHaveLength(times);
});

test('a rule names the line', () => {
  expect(rules.pure({ path: 'src/core/a.ts', text: lines('/** A. */', '', 'Math.random();') })).toEqual([
    'src/core/a.ts:3 says Math.random',
  ]);
});

test('linkedFiles finds what a page links to', () => {
  const text = lines(
    '[a](a.md) [b](../b/c.md#part "title") ![d](img/d%20e.svg) [web](https://example.org) [part](#part)',
    '[mail](mailto:a@example.org) <img src="img/f.svg" width="3"> `[not](code.md)`',
    '[ref]: g.md',
    '```',
    '[not](fenced.md)',
    '```',
  );
  expect(linkedFiles({ path: 'machines/README.md', text })).toEqual([
    'machines/a.md',
    'b/c.md',
    'machines/img/d e.svg',
    'machines/g.md',
    'machines/img/f.svg',
  ]);
});
