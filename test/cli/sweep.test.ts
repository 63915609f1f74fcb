/** `switchover sweep` and `switchover recommend` as a shell sees them: streams, exit codes, Ctrl-C, and what a person can get wrong. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SweepResult } from '../../src/lab/sweep/result.ts';
import { expectMistake, inProcess, startSwitchover, switchover } from './switchover.ts';

const SCENARIO = `name: small
vm: { memory: 4MiB, workloads: [{ kind: random, set: 512KiB, rate: 1k/s }] }
vmm: { downtimeLimit: 20ms, maxBandwidth: unlimited }
link: { bandwidth: 1Gbit/s }
`;
const SWEEP = `name: small
question: How wide?
scenario: { ${SCENARIO.trim().replaceAll('\n', ', ')} }
sweep:
  axes: [{ name: width, path: link.bandwidth, values: [100Mbit/s, 1Gbit/s] }]
  seeds: 2
`;
let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'switchover-sweep-'));
  writeFileSync(join(cwd, 'sweep.yaml'), SWEEP);
  writeFileSync(join(cwd, 'vm.yaml'), SCENARIO);
});
afterAll(() => rmSync(cwd, { recursive: true }));

test('tables on stdout, the rate on stderr, and a row for each run in the file', async () => {
  const { stdout, stderr, code } = await inProcess(['sweep', 'sweep.yaml', '--out', 'rows.csv'], { cwd });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^small\nHow wide\?\n\n4 migrations \(2 points, 1 policy, 2 seeds\): 4 completed\.\n/);
  expect(stderr).toMatch(/^4 runs in [\d.]+ s, \d+ a second; rows in rows\.csv\n$/);
  expect(readFileSync(join(cwd, 'rows.csv'), 'utf8').trimEnd().split('\n')).toHaveLength(5);
  expectMistake(await inProcess(['sweep', 'sweep.yaml', '--out', 'rows.csv'], { cwd }), 'rows.csv: is there already');
});

test('--json is every setting, with other seeds and columns if one says so', async () => {
  const args = ['sweep', 'sweep.yaml', '--json', '--seeds', '3', '--pareto', 'bytesTotal,rounds'];
  const result = JSON.parse((await inProcess(args, { cwd })).stdout) as SweepResult;
  expect(result.pareto).toEqual({ of: ['bytesTotal', 'rounds'], per: [] });
  expect(result.settings.map(({ at, runs }) => [at.width, runs])).toEqual([
    ['100Mbit/s', 3],
    ['1Gbit/s', 3],
  ]);
  expect(result.settings[0]!.figures.totalMs).toMatchObject({ n: 3, interval: { low: expect.any(Number) } });
});

test('another scenario and another axis without another file', async () => {
  const changed = ['--set', 'vmm.downtimeLimit=1ms', '--axis', 'width=2Gbit/s,4Gbit/s'];
  const { stdout, stderr } = await inProcess(['sweep', 'sweep.yaml', '--json', ...changed, '--report', 'page.html'], {
    cwd,
  });
  const result = JSON.parse(stdout) as SweepResult;
  expect(stderr).toMatch(/^4 runs|wrote page\.html/m);
  expect(result.settings.map(({ at }) => at.width)).toEqual(['2Gbit/s', '4Gbit/s']);
  expect(result.conclusions.map(({ about }) => about)).toContain('Who completes');
  const page = readFileSync(join(cwd, 'page.html'), 'utf8');
  expect(page).toContain('--set vmm.downtimeLimit=1ms --axis width=2Gbit/s,4Gbit/s --report report.html');
  expect(page.indexOf('<h2>Conclusions')).toBeLessThan(page.indexOf('<h2>Outcomes'));
});

test('Ctrl-C ends it with 130 and says how to go on; that gives the file of one that was not interrupted', async () => {
  const seeds = ['--seeds', '150'];
  const { child, finished } = startSwitchover(
    ['sweep', 'sweep.yaml', '--out', 'a.ndjson', ...seeds, '--workers', '2'],
    { cwd },
  );
  const log = join(cwd, 'a.ndjson');
  while (!existsSync(log) || readFileSync(log, 'utf8').split('\n').length < 4)
    await new Promise((go) => setTimeout(go, 10));
  child.kill('SIGINT');
  const { code, stdout, stderr } = await finished;
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
  const again = /^interrupted after \d+ of 300 runs; go on with: switchover (sweep .* --resume)$/m.exec(stderr)?.[1];
  expect((await switchover(again!.split(' '), { cwd })).code).toBe(0);
  expect(
    (await switchover(['sweep', 'sweep.yaml', '--out', 'b.ndjson', ...seeds, '--workers', '1'], { cwd })).code,
  ).toBe(0);
  expect(readFileSync(log, 'utf8')).toBe(readFileSync(join(cwd, 'b.ndjson'), 'utf8'));
});

test('how to go on is said with all that was asked for', async () => {
  const asked = ['--out', 'c.ndjson', '--set', 'vmm.downtimeLimit=1ms', '--seeds', '500'];
  const pages = ['--report', 'my page.html', '--json'];
  const ended = inProcess(['sweep', 'sweep.yaml', ...asked, ...pages], { cwd });
  while (!existsSync(join(cwd, 'c.ndjson'))) await new Promise((go) => setTimeout(go, 5));
  process.emit('SIGINT');
  const { code, stdout, stderr } = await ended;
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
  expect(stderr).toContain(
    `go on with: switchover sweep sweep.yaml ${asked.join(' ')} --report 'my page.html' --json --resume\n`,
  );
});

test('recommend: the sentence first, a command that runs, and 1 where nothing holds', async () => {
  const said = ['--policy', 'qemu', '--workers', '1'];
  const held = await inProcess(['recommend', 'vm.yaml', '--within', '1s', ...said], { cwd });
  expect({ code: held.code, stderr: held.stderr }).toEqual({ code: 0, stderr: '' });
  expect(held.stdout).toMatch(/^qemu keeps every goal, in \d+ of \d+ runs/);
  const command = /^See it: +npx switchover (run .*)$/m.exec(held.stdout)![1]!;
  expect((await inProcess(command.split(' '), { cwd })).code).toBe(0);
  const missed = await inProcess(['recommend', 'vm.yaml', '--within', '10ms', '--seeds', '3', ...said], { cwd });
  expect(missed.code).toBe(1);
  expect(missed.stdout).toMatch(
    /^No policy keeps it: total time within 10 ms by nobody, nearest is qemu.*, 3 of 3 runs of which do not complete in 20 ms\./,
  );
});

describe('a mistake is told, and nothing is written', () => {
  test.each([
    [
      'no such sweep',
      ['sweep', 'policies-by-lode'],
      /no experiment of this name ships; did you mean policies-by-load\?/,
    ],
    ['resume what?', ['sweep', 'sweep.yaml', '--resume'], /--resume goes on with a file: say which with --out/],
    [
      'what format?',
      ['sweep', 'sweep.yaml', '--out', 'rows.xlsx'],
      /rows\.xlsx: expected a name that ends in \.ndjson/,
    ],
    [
      'a column',
      ['sweep', 'sweep.yaml', '--pareto', 'downtime,totalMs'],
      /downtime is no column to compare; there are/,
    ],
    [
      'no folder',
      ['sweep', 'sweep.yaml', '--out', 'none/rows.ndjson'],
      /none\/rows\.ndjson: cannot be written \(ENOENT\)/,
    ],
    ['no axis', ['sweep', 'sweep.yaml', '--axis', 'breadth=1Gbit/s'], /no axis called breadth; there are width/],
    ['no values', ['sweep', 'sweep.yaml', '--axis', 'width'], /--axis: expected NAME=VALUES such as/],
    ['no YAML', ['sweep', 'sweep.yaml', '--axis', 'width=['], /^--axis width: Flow sequence must end with a \]/],
    ['no key', ['sweep', 'sweep.yaml', '--set', 'link.wide=1Gbit/s'], /link\.wide: unknown key/],
    ['no goal', ['recommend', 'vm.yaml'], /say what is to be kept: --max-downtime 500ms/],
    ['no unit', ['recommend', 'vm.yaml', '--within', '10'], /--within: expected a duration such as 300ms, got "10"/],
    [
      'no policy',
      ['recommend', 'vm.yaml', '--within', '1s', '--policy', 'novo'],
      /no policy "novo"; did you mean nova\?/,
    ],
  ] as const)('%s', async (_, args, message) => {
    expectMistake(await inProcess(args, { cwd }), message);
    expect(existsSync(join(cwd, 'rows.xlsx'))).toBe(false);
  });
});
