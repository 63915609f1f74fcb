/** `switchover compare`: an experiment's or policies' table and sentences on stdout, and what a person can get wrong. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ComparisonResult } from '../../src/lab/compare/run.ts';
import type { ExperimentResult } from '../../src/lab/experiment/result.ts';
import { expectMistake, inProcess } from './switchover.ts';

const EXPERIMENT = `name: fast against slow
question: Which link?
scenario: { name: base, vm: { memory: 64MiB }, vmm: { maxBandwidth: unlimited } }
vary: { side: { slow: { link.bandwidth: 1Gbit/s }, fast: { link.bandwidth: 2Gbit/s } } }
measure: { figure: totalMs }
`;
const VM = `name: small
vm: { memory: 64MiB, workloads: [{ kind: random, set: 8MiB, rate: 2k/s }] }
link: { bandwidth: 1Gbit/s }
vmm: { maxBandwidth: unlimited }
`;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'switchover-compare-'));
  writeFileSync(join(folder, 'good.yaml'), EXPERIMENT);
  writeFileSync(join(folder, 'vm.yaml'), VM);
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

test('policies on a scenario: a table, sentences, and every run as a row', async () => {
  const args = ['compare', 'vm.yaml', '--policy', 'qemu, no-progress', '--seeds', '2', '--csv', 'rows.csv'];
  const { stdout, stderr, code } = await inProcess(args, { cwd: folder });
  expect({ stderr, code }).toEqual({ stderr: 'wrote rows.csv\n', code: 0 });
  expect(stdout).toMatch(/^small {2}\(2 seeds, 1 to 2, the same random numbers for every policy\)\n/);
  expect(stdout).toMatch(/^ {2}no-progress +2\/2 +\d+/m);
  expect(readFileSync(join(folder, 'rows.csv'), 'utf8').trimEnd().split('\n')).toHaveLength(5);
  expect(readdirSync(folder).filter((name) => name.includes('part'))).toEqual([]);
});

test('policies as JSON, with something set and another seed', async () => {
  const set = ['--set', 'link.bandwidth=2Gbit/s', '--seed', '9', '--seeds', '1', '--json'];
  const { stdout, code } = await inProcess(['compare', 'vm.yaml', '--policy', 'nova', ...set], { cwd: folder });
  expect(code).toBe(0);
  const result = JSON.parse(stdout) as ComparisonResult;
  expect(result).toMatchObject({ scenario: 'small', seeds: [9], reference: 'nova', leftOut: [] });
  expect(result.policies[0]?.figures.totalMs?.mean).toBeLessThan(400);
});

test('--export prints the settings of one row, and runs nothing', async () => {
  const args = ['compare', 'vm.yaml', '--policy', 'qemu,nova', '--row', 'nova', '--export', 'nova'];
  const set = ['--policy', 'nova', '--set', 'manager.downtime=800ms', '--export', 'nova'];
  const steeper = await inProcess(['compare', 'vm.yaml', ...set], { cwd: folder });
  expect(steeper.stdout).toContain('live_migration_downtime = 800\n');
  const { stdout, code } = await inProcess(args, { cwd: folder });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^# nova\.conf.*\n(?:#.*\n)*\[libvirt\]\nlive_migration_downtime = 500\n/);
});

test.each([
  ['an unknown policy', ['--policy', 'novva'], /policy: no policy "novva"; did you mean nova\?/],
  [
    'a policy that does not fit',
    ['--policy', 'dirty-limit'],
    /^policy dirty-limit: vmm\.dirtyLimit: .*vm\.dirtyLog: ring/,
  ],
  ['no policy at all', ['--policy', 'qemu,'], /--policy: expected names such as qemu,nova or all/],
  ['a change that is none', ['--policy', 'qemu', '--set', 'link'], /--set: expected KEY=VALUE such as/],
  ['a change to nowhere', ['--policy', 'qemu', '--set', 'name.x=1'], /name\.x: leads nowhere: name is no mapping/],
  ['a wrong value', ['--policy', 'qemu', '--set', 'link.bandwidth=7'], /link\.bandwidth: expected .* got 7/],
  ['seeds that are none', ['--policy', 'qemu', '--seeds', '0'], /expected a number from 1 to 100000/],
  [
    'a folder that is not there',
    ['--policy', 'qemu', '--csv', 'no/rows.csv'],
    /--csv no\/rows\.csv: there is no folder no/,
  ],
  [
    'an unknown system',
    ['--policy', 'nova', '--export', 'vcenter'],
    /expected one of kubevirt, nova, virsh, ch-remote/,
  ],
  [
    'one row of several',
    ['--policy', 'qemu,nova', '--export', 'nova'],
    /there are qemu, nova: say which of them with --row/,
  ],
  ['a row that cannot be', ['--policy', 'qemu', '--export', 'nova'], /--export nova: Nova has a rule of its own/],
  ['a row without an export', ['--policy', 'qemu', '--row', 'qemu'], /it goes with --export/],
] as const)('policies: refuses %s', async (_, args, message) => {
  expectMistake(await inProcess(['compare', 'vm.yaml', ...args], { cwd: folder }), message);
});

test.each([
  ['a scenario without policies', ['vgpu-10g'], /vgpu-10g is a scenario: say which policies to compare/],
  ['policies of an experiment', ['kvm-ring-by-size', '--policy', 'qemu'], /is an experiment.*leave --policy out/],
  ['seeds of an experiment', ['good.yaml', '--seeds', '3'], /--seeds goes with a scenario and --policy/],
  ['nothing', [], /missing required argument 'what'/],
  ['no file', ['nothing.yaml'], /nothing\.yaml: no such file/],
  ['an unknown name', ['kvm-ring-by-siz'], /did you mean kvm-ring-by-size\?/],
  ['an unknown key', ['unknown.yaml'], /unknown\.yaml:5: mesure: unknown key; did you mean measure\?/],
  ['an unknown figure', ['bad.yaml'], /measure\.figure: totalMS is no number of the report.*did you mean totalMs\?/],
  ['a seed that is none', ['good.yaml', '--seed', '-1'], /expected a whole number/],
] as const)('refuses %s', async (_, args, message) => {
  expectMistake(await inProcess(['compare', ...args], { cwd: folder }), message);
});
