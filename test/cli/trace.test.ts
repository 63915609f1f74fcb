/** `run --trace FILE` and `replay --trace FILE`: the same timeline, whole or not there, and what cannot be asked for. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writePieces } from '../../src/lab/whole-file.ts';
import { expectMistake, inProcess } from './switchover.ts';

const root = mkdtempSync(join(tmpdir(), 'switchover-timeline-'));
afterAll(() => rmSync(root, { recursive: true }));
const at = (name: string) => join(root, name);

writeFileSync(
  at('small.yaml'),
  'name: small\nvm: { memory: 16MiB, workloads: [{ kind: random, set: 4MiB, rate: 1k/s }] }\nlink: { bandwidth: 1Gbit/s }\n',
);

test('a run and the replay of its journal write the same file', async () => {
  const ran = await inProcess(['run', 'small.yaml', '--journal', 'runs.db', '--trace', 'ran.json'], { cwd: root });
  expect(ran.code).toBe(0);
  expect(ran.stderr).toContain('wrote ran.json');
  const replayed = await inProcess(['replay', 'runs.db', '--trace', 'replayed.json'], { cwd: root });
  expect(replayed.code).toBe(0);
  const [first, second] = ['ran.json', 'replayed.json'].map((name) => readFileSync(at(name), 'utf8'));
  expect(second).toBe(first);
  expect(JSON.parse(first!).otherData).toMatchObject({ run: 'small-1', scenario: 'small', seed: 1 });
  expect(readdirSync(root).filter((name) => name.endsWith('.part'))).toEqual([]);
});

test('what cannot be written, or is not one run, is a mistake before anything runs', async () => {
  const nowhere = ['run', 'small.yaml', '--trace', 'nowhere/x.json'];
  expectMistake(await inProcess(nowhere, { cwd: root }), /--trace nowhere\/x\.json: there is no folder nowhere/);
  await inProcess(['run', 'small.yaml', '--journal', 'two.db'], { cwd: root });
  await inProcess(['run', 'small.yaml', '--seed', '2', '--journal', 'two.db'], { cwd: root });
  const both = await inProcess(['replay', 'two.db', '--trace', 'two.json'], { cwd: root });
  expectMistake(both, /which run to trace\? --run small-1 \| --run small-2/);
  expect(existsSync(at('two.json'))).toBe(false);
});

test('help tells a timeline from recorded page writes', async () => {
  const { stdout } = await inProcess(['run', '--help']);
  const text = stdout.replace(/\s+/g, ' ');
  expect(text).toMatch(/--record-trace <file> write down every page write.*\(no timeline: --trace\)/);
  expect(text).toMatch(/--trace <file> write a timeline of the run.*ui\.perfetto\.dev/);
});

test('a file whose making fails half way is as it was before', () => {
  writeFileSync(at('kept.json'), 'kept');
  function* pieces() {
    yield 'x'.repeat(3_000_000);
    throw new Error('no more');
  }
  expect(() => writePieces(at('kept.json'), pieces())).toThrow('no more');
  expect(readFileSync(at('kept.json'), 'utf8')).toBe('kept');
  expect(readdirSync(root).filter((name) => name.includes('part'))).toEqual([]);
});
