/** Files that a sweep names: looked for beside it, and what they hold is part of what its rows depend on. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sweepFingerprint } from '../../../src/lab/sweep/log.ts';
import { readSweep } from '../../../src/lab/sweep/read.ts';
import { runSweep } from '../../../src/lab/sweep/run.ts';
import type { Sweep } from '../../../src/lab/sweep/sweep.ts';

const LATE = `export function policy({ atNs }) {
  return { verdict: atNs > 100e6 ? 'switchover' : 'continue' };
}
`;
const VM = 'memory: 4MiB, workloads: [{ kind: random, set: 512KiB, rate: 1k/s }]';
const TRACED = 'memory: 4MiB, workloads: [{ kind: trace, file: w.trace }]';
const WRITES = (page: number) => `switchover-trace 1\npage 4096\n0 1000000 vcpu:0 ${page} 7\n`;
const file = (vm: string, vmm: string, more: string) => `name: small
question: Which?
scenario: { name: small, vm: { ${vm} }, vmm: { ${vmm} }, giveUpAfter: 600ms }
sweep:
  axes: [{ name: width, path: link.bandwidth, values: [100Mbit/s, 1Gbit/s] }]
  ${more}
`;

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'sweep-files-'));
});
afterAll(() => rmSync(root, { recursive: true }));

/** A sweep in a folder of its own, with other files beside it. */
function inFolder(name: string, text: string, beside: Readonly<Record<string, string>>): Sweep {
  const folder = join(root, name);
  mkdirSync(folder);
  for (const [one, content] of Object.entries(beside)) writeFileSync(join(folder, one), content);
  writeFileSync(join(folder, 'sweep.yaml'), text);
  return readSweep(join(folder, 'sweep.yaml'));
}

test('an own policy of the scenario decides, and what it holds is in the fingerprint', async () => {
  const text = file(VM, 'policy: { file: ./mine.mjs }', 'seeds: 2');
  const sweep = inFolder('own', text, { 'mine.mjs': LATE });
  const { finished } = await runSweep(sweep, { workers: 1 });
  expect(finished?.rows.map(({ rule, outcome }) => [rule, outcome])).toEqual(Array(4).fill(['own', 'completed']));
  expect(sweepFingerprint(inFolder('own-2', text, { 'mine.mjs': LATE }))).toBe(sweepFingerprint(sweep));
  const later = LATE.replace('100e6', '200e6');
  expect(sweepFingerprint(inFolder('own-3', text, { 'mine.mjs': later }))).not.toBe(sweepFingerprint(sweep));
});

test('a policy that is a file is looked for beside the sweep, wherever its scenario is from', async () => {
  const sweep = inFolder('named', file(VM, '', 'policies: [qemu, ./mine.mjs]'), { 'mine.mjs': LATE });
  const { finished } = await runSweep(sweep, { workers: 1 });
  const wide = finished?.rows.filter(({ width }) => width === '1Gbit/s');
  expect(wide?.map(({ policy, rule }) => [policy, rule])).toEqual([
    ['qemu', 'qemu'],
    ['./mine.mjs', 'own'],
  ]);
  const text = file(VM, '', 'policies: [./mine.mjs]').replace(/scenario: .*/, 'scenario: vgpu-never');
  expect(inFolder('shipped', text, { 'mine.mjs': LATE }).policies).toEqual(['./mine.mjs']);
});

test('an earlier go with another trace is not gone on with', async () => {
  const text = file(TRACED, '', 'seeds: 2');
  const sweep = inFolder('traced', text, { 'w.trace': WRITES(3) });
  const out = join(root, 'traced', 'rows.ndjson');
  let done = 0;
  await runSweep(sweep, { workers: 1, out, onProgress: (now) => (done = now), enough: () => done >= 1 });
  const kept = readFileSync(out, 'utf8');
  const path = join(root, 'traced', 'sweep.yaml');
  writeFileSync(join(root, 'traced', 'w.trace'), WRITES(5));
  const again = runSweep(readSweep(path), { workers: 1, out, resume: true });
  await expect(again).rejects.toThrow(/rows\.ndjson:1: holds rows of "small" as it was before it, .* files/);
  expect(readFileSync(out, 'utf8')).toBe(kept);
  writeFileSync(join(root, 'traced', 'w.trace'), WRITES(3));
  expect(await runSweep(readSweep(path), { workers: 1, out, resume: true })).toMatchObject({ found: 1, done: 4 });
});

test('traces that changed places are other rows', () => {
  const traced = file(TRACED, '', '').replace(
    /axes:.*/,
    'axes: [{ name: load, path: "vm.workloads[0].file", values: [a, b] }]',
  );
  const sweep = inFolder('a-b', traced, { a: WRITES(3), b: WRITES(5) });
  const turned = inFolder('b-a', traced, { a: WRITES(5), b: WRITES(3) });
  expect(sweepFingerprint(turned)).not.toBe(sweepFingerprint(sweep));
});
