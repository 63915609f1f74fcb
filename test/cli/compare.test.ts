/** `switchover compare`: an experiment's table and sentence on stdout, and what a person can get wrong. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExperimentResult } from '../../src/lab/experiment/result.ts';
import { expectMistake, inProcess } from './switchover.ts';

const EXPERIMENT = `name: fast against slow
question: Which link?
scenario: { name: base, vm: { memory: 64MiB }, vmm: { maxBandwidth: unlimited } }
vary: { side: { slow: { link.bandwidth: 1Gbit/s }, fast: { link.bandwidth: 2Gbit/s } } }
measure: { figure: totalMs }
`;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'switchover-compare-'));
  writeFileSync(join(folder, 'good.yaml'), EXPERIMENT);
  writeFileSync(join(folder, 'bad.yaml'), EXPERIMENT.replace('totalMs', 'totalMS'));
  writeFileSync(join(folder, 'unknown.yaml'), EXPERIMENT.replace('measure', 'mesure'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('prints the question, a row for each side, and the sentence last', async () => {
  const { stdout, stderr, code } = await inProcess(['compare', 'good.yaml'], { cwd: folder });
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  expect(stdout).toContain('Which link?');
  expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^fast is faster: fast \d+ ms, slow \d+ ms\.$/);
});

test('--json is every figure, and --seed the seed of the first run', async () => {
  const { stdout, code } = await inProcess(['compare', 'good.yaml', '--json', '--seed', '9'], { cwd: folder });
  expect(code).toBe(0);
  const result = JSON.parse(stdout) as ExperimentResult;
  expect(result.seed).toBe(9);
  expect(result.cells.map(({ side, runs }) => [side, runs.length, runs[0]?.outcome])).toEqual([
    ['slow', 1, 'completed'],
    ['fast', 1, 'completed'],
  ]);
});

test.each([
  ['nothing', [], /missing required argument 'experiment'/],
  ['no file', ['nothing.yaml'], /nothing\.yaml: no such file/],
  ['an unknown name', ['kvm-ring-by-siz'], /did you mean kvm-ring-by-size\?/],
  ['an unknown key', ['unknown.yaml'], /unknown\.yaml:5: mesure: unknown key; did you mean measure\?/],
  ['an unknown figure', ['bad.yaml'], /measure\.figure: totalMS is no number of the report.*did you mean totalMs\?/],
  ['a seed that is none', ['good.yaml', '--seed', '-1'], /expected a whole number/],
] as const)('refuses %s', async (_, args, message) => {
  expectMistake(await inProcess(['compare', ...args], { cwd: folder }), message);
});
