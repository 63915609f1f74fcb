/** `run --record-trace FILE`: a file that is whole or not there, and a workload that replays it. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { TraceRecorder } from '../../src/cli/trace-recorder.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { readTrace } from '../../src/streams/trace-format.ts';
import { expectMistake, inProcess } from './switchover.ts';

const root = mkdtempSync(join(tmpdir(), 'switchover-trace-'));
afterAll(() => rmSync(root, { recursive: true }));

const vm = (workload: string) =>
  `name: small\nvm: { memory: 16MiB, workloads: [${workload}] }\nlink: { bandwidth: 200Mbit/s }\n`;
const at = (name: string) => join(root, name);

test('a recorded run is replayed by a scenario beside it, to the same end', async () => {
  writeFileSync(at('made.yaml'), vm('{ kind: zipf, set: 4MiB, rate: 5k/s, skew: 1 }'));
  writeFileSync(at('replayed.yaml'), vm('{ kind: trace, file: made.trace }'));
  const made = await inProcess(['run', 'made.yaml', '--record-trace', 'made.trace', '--json'], { cwd: root });
  expect(made.code).toBe(0);
  expect(readdirSync(root).sort()).toEqual(['made.trace', 'made.yaml', 'replayed.yaml']);
  const trace = readTrace(readFileSync(at('made.trace'), 'utf8').split('\n'));
  expect('writes' in trace && trace.writes.length).toBeGreaterThan(3);
  const again = await inProcess(['run', 'replayed.yaml', '--json'], { cwd: root });
  expect(again.code).toBe(0);
  const [first, second] = [made, again].map(({ stdout }) => JSON.parse(stdout) as Record<string, unknown>);
  for (const key of ['totalMs', 'downtimeMs', 'rounds', 'bytes']) expect(second![key]).toEqual(first![key]);
});

test('a file that cannot be written is a mistake, before anything runs', async () => {
  writeFileSync(at('small.yaml'), vm('{ kind: random, set: 4MiB, rate: 1k/s }'));
  const run = await inProcess(['run', 'small.yaml', '--record-trace', 'nowhere/x.trace'], { cwd: root });
  expectMistake(run, /--record-trace nowhere\/x\.trace: there is no folder nowhere/);
});

test('a run that fails leaves no trace, and none of another run is touched', async () => {
  writeFileSync(at('old.trace'), 'kept');
  writeFileSync(at('gone.yaml'), vm('{ kind: trace, file: not-there.trace }'));
  const run = await inProcess(['run', 'gone.yaml', '--record-trace', 'old.trace'], { cwd: root });
  expectMistake(run, /not-there\.trace: no such file/);
  expect(readFileSync(at('old.trace'), 'utf8')).toBe('kept');
  expect(readdirSync(root).filter((name) => name.endsWith('.part'))).toEqual([]);
});

test('until it is finished it has no name; abandoned, it leaves nothing', () => {
  const batch = { fromNs: 0, toNs: 9, source: 'vcpu:0', form: 'list', pages: Uint32Array.of(5) } as const;
  const whole = new TraceRecorder(at('whole.trace'), 4096);
  whole.receive(batch);
  expect(existsSync(at('whole.trace'))).toBe(false);
  whole.finish();
  whole.abandon();
  expect(readFileSync(at('whole.trace'), 'utf8')).toBe('switchover-trace 1\npage 4096\n0 9 vcpu:0 5\n');
  const half = new TraceRecorder(at('half.trace'), 4096);
  half.receive(batch);
  half.abandon();
  half.receive(batch);
  expect(readdirSync(root).filter((name) => name.startsWith('half') || name.endsWith('.part'))).toEqual([]);
});

test('a folder is refused before anything runs', () => {
  const folder = mkdtempSync(join(root, 'taken-'));
  expect(() => new TraceRecorder(folder, 4096)).toThrow(UsageError);
  expect(readdirSync(root).filter((name) => name.endsWith('.part'))).toEqual([]);
});

test('a pipe is written to, not replaced', async () => {
  execFileSync('mkfifo', [at('pipe')]);
  const read = promisify(execFile)('cat', [at('pipe')]);
  const recorder = new TraceRecorder(at('pipe'), 4096);
  recorder.finish();
  expect((await read).stdout).toBe('switchover-trace 1\npage 4096\n');
  expect(statSync(at('pipe')).isFIFO()).toBe(true);
});

test('an option that is wrong leaves no journal, and a journal that cannot be opened no part of a trace', async () => {
  writeFileSync(at('small.yaml'), vm('{ kind: random, set: 4MiB, rate: 1k/s }'));
  const run = (...more: readonly string[]) => inProcess(['run', 'small.yaml', ...more], { cwd: root });
  expectMistake(await run('--journal', 'left.db', '--trace', 'nowhere/x.json'), /--trace nowhere/);
  expectMistake(await run('--journal', 'left.db', '--record-trace', 'nowhere/x'), /--record-trace nowhere/);
  expectMistake(await run('--journal', 'nowhere/x.db', '--record-trace', 'never.trace'), /nowhere/);
  expect(readdirSync(root).filter((name) => /^(left|never)/.test(name))).toEqual([]);
});
