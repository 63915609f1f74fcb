/** `switchover run` as a shell sees it: streams, exit codes, an interrupt, and every mistake that a person makes. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { program } from '../../src/cli/program.ts';
import { openJournal } from '../../src/journal/open.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import type { Report } from '../../src/lab/report/report.ts';
import { scenarios } from '../../src/lab/shipped.ts';
import { VERSION } from '../../src/version.ts';
import { expectMistake, inProcess, startSwitchover, switchover } from './switchover.ts';

const root = mkdtempSync(join(tmpdir(), 'switchover-run-'));
afterAll(() => rmSync(root, { recursive: true }));

let folders = 0;
/** A folder of its own, with these files in it. */
function folder(files: Readonly<Record<string, string>> = {}): string {
  const path = join(root, String(folders++));
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

const SMALL = 'name: small\nvm: { memory: 16MiB, workloads: [{ kind: random, set: 4MiB, rate: 1k/s }] }\n';

describe('help', () => {
  test.each([
    [['--help'], ['run', 'replay', 'draw', 'list']],
    [
      ['run', '--help'],
      ['--seed <n>', '--journal <file>', '--pace <factor>', '--json', '--no-progress'],
    ],
    [
      ['replay', '--help'],
      ['--run <name>', '--re-run', '--export <file>', '--allow-drift', '--json'],
    ],
    [
      ['list', '--help'],
      ['scenarios', '--json'],
    ],
    [
      ['draw', '--help'],
      ['--format <format>', '--output <file>', '--all <directory>'],
    ],
    [['help', 'run'], ['--seed <n>']],
  ] as const)('%j names everything, on stdout, with exit code 0', async (args, words) => {
    const { stdout, stderr, code } = await inProcess(args);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const word of words) expect(stdout).toContain(word);
    const examples = stdout.match(/^ {2}\$ switchover .+$/gm) ?? [];
    if (args.length > 1) expect(examples.length).toBeGreaterThanOrEqual(2);
    else expect(stdout).toMatch(/Exit codes: 0 .*1 .*\n *2 .*3 .*4 .*130 /);
  });

  test.each(program().commands.map((command) => command.name()))('of %s: two examples, 100 columns', async (name) => {
    const { stdout } = await inProcess([name, '--help']);
    expect(stdout.match(/^ {2}\$ switchover .+$/gm)?.length).toBeGreaterThanOrEqual(2);
    expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
    expect(stdout).not.toContain('default: []');
  });

  test('--version is the version', async () => {
    expect(await inProcess(['--version'])).toEqual({ stdout: `${VERSION}\n`, stderr: '', code: 0 });
  });
});

describe('a report', () => {
  test.concurrent('is on stdout as text, ends with what to do next, and stderr is empty', async () => {
    const { stdout, stderr, code } = await switchover(['run', 'qemu-idle']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^QEMU 7\.2, idle guest {2}\(qemu-7\.2, policy qemu, seed 1\)\n/);
    expect(stdout).toContain('Completed in 2037 ms: 1 round');
    const last = stdout.trimEnd().split('\n').at(-1);
    expect(last).toContain('switchover run qemu-idle --seed 1 --journal runs.db');
  });

  test.concurrent('is one JSON value with --json, the same that the library gives', async () => {
    const { stdout, stderr, code } = await switchover(['run', 'qemu-32mib', '--json', '--seed', '9']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    const { ended } = rehearse({ ...scenarios['qemu-32mib'], seed: 9 });
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(ended)));
  });

  test("comes from a file of one's own, YAML or JSON, by any path", async () => {
    const cwd = folder({
      'mine.yaml': SMALL,
      'mine.json': JSON.stringify({
        name: 'small',
        vm: { memory: '16MiB', workloads: [{ kind: 'random', set: '4MiB', rate: '1k/s' }] },
      }),
    });
    const texts = new Set<string>();
    for (const path of ['mine.yaml', './mine.json', join(cwd, 'mine.yaml')]) {
      const { stdout, code } = await inProcess(['run', path, '--json'], { cwd });
      expect(code).toBe(0);
      texts.add(stdout);
    }
    expect(texts.size).toBe(1);
    expect(readdirSync(cwd).sort()).toEqual(['mine.json', 'mine.yaml']);
  });

  test.concurrent.each([{ FORCE_COLOR: '1' }, { NO_COLOR: '1' }])(
    'has no colours and no progress bar in a pipe, whatever the environment says: %j',
    async (env) => {
      const { stdout, stderr } = await switchover(['run', 'qemu-idle', '--pace', '100x'], { env });
      expect(stdout + stderr).not.toContain('\u001b');
      expect(stderr).toBe('');
    },
  );

  test.concurrent('ends quietly when its reader has seen enough', async () => {
    const { child, finished } = startSwitchover(['run', 'qemu-idle', '--json']);
    child.stdout.destroy();
    const { stderr, code } = await finished;
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });
});

describe('the exit code', () => {
  const unmet = `${SMALL}expect: { outcome: completed, downtimeMs: { max: 0 } }\n`;
  const never = `${SMALL}link: { bandwidth: 1Mbit/s }\ngiveUpAfter: 1s\n`;
  const expected = `${never}expect: { outcome: unconverged }\n`;
  const cancelled = `${SMALL}cancelAt: 10ms\nexpect: { outcome: cancelled }\n`;

  test.each([
    ['an expectation is not met', unmet, 1, /BROKEN: downtimeMs: expected at most 0, got /],
    ['the migration does not complete', never, 1, /Did not converge/],
    ['it was expected not to complete', expected, 0, /Did not converge/],
    ["the scenario's own operator cancels", cancelled, 0, /Cancelled after/],
  ] as const)('when %s', async (_, text, wanted, said) => {
    const { stdout, stderr, code } = await inProcess(['run', 'own.yaml'], { cwd: folder({ 'own.yaml': text }) });
    expect(stdout).toMatch(said);
    expect(stderr).toBe('');
    expect(code).toBe(wanted);
  });

  test.concurrent('reaches the shell', async () => {
    const cwd = folder({ 'own.yaml': unmet });
    expect((await switchover(['run', 'own.yaml'], { cwd })).code).toBe(1);
  });

  test('of a blocked migration that the scenario expects is 0', async () => {
    const { stdout, code } = await inProcess(['run', 'two-nics-no-p2p']);
    expect(stdout).toContain('Blocked before anything started');
    expect(code).toBe(0);
  });
});

describe('Ctrl-C', () => {
  /** Once some records are written, the run is under way and listens to signals. */
  async function underWay(journal: string): Promise<void> {
    for (let tries = 0; tries < 400; tries++) {
      await sleep(25);
      try {
        const opened = openJournal(journal, { readonly: true });
        const records = opened.runs()[0]?.records ?? 0;
        opened.close();
        if (records > 5) return;
      } catch {
        // Not there yet, or being made.
      }
    }
    throw new Error('the run did not begin');
  }

  test.concurrent('cancels: a whole report, exit code 130, and a journal that replays', async () => {
    const cwd = folder();
    const { child, finished } = startSwitchover(['run', 'qemu-idle', '--pace', '0.2x', '--json', '--journal', 'j.db'], {
      cwd,
    });
    await underWay(join(cwd, 'j.db'));
    child.kill('SIGINT');
    const { stdout, stderr, code } = await finished;
    expect(code).toBe(130);
    expect(stderr).toContain('cancelling; once more kills');
    const report = JSON.parse(stdout) as Report;
    expect(report.outcome).toBe('cancelled');
    expect(report.totalMs).toBeLessThan(2000);
    expect(report.checks.filter(({ held }) => !held)).toEqual([]);
    const replayed = await switchover(['replay', 'j.db', '--re-run'], { cwd });
    expect(replayed).toMatchObject({ stderr: '', code: 0 });
    expect(replayed.stdout).toMatch(/replayed and re-run, every one as it was\. Cancelled after/);
  });

  test.concurrent('twice kills, with exit code 130', async () => {
    const cwd = folder();
    // One send window of 100 ms takes a minute and a half at this pace, so the cancel cannot end first.
    const { child, finished } = startSwitchover(['run', 'qemu-idle', '--pace', '0.001x', '--journal', 'j.db'], { cwd });
    await underWay(join(cwd, 'j.db'));
    child.kill('SIGINT');
    while (!(await said(child))) await sleep(10);
    child.kill('SIGINT');
    const { stdout, code } = await finished;
    expect(code).toBe(130);
    expect(stdout).toBe('');
  });

  /** The first one has been heard: two signals in one turn would be one. */
  const heard = new WeakMap<object, boolean>();
  async function said(child: ReturnType<typeof startSwitchover>['child']): Promise<boolean> {
    if (!heard.has(child)) {
      heard.set(child, false);
      child.stderr.on('data', () => heard.set(child, true));
    }
    return heard.get(child) === true;
  }
});

describe('a mistake is one message on stderr and exit code 2, and leaves no file', () => {
  const vm = 'name: a\nvm: { memory: 1GiB }\n';
  const workload = (text: string) => `name: a\nvm:\n  memory: 1GiB\n  workloads: [{ ${text} }]\n`;
  const device = 'id: n, kind: nic, features: [stop-copy, p2p], state: { stopCopy: 1MiB }';
  const withDevice = (vmm: string) =>
    `${vm}containers:\n  - iommu: { kind: type1 }\n    devices: [{ ${device} }]\nvmm: { ${vmm} }\n`;

  test.each([
    [
      'an unknown key',
      `${vm}vmm: { downtimelimit: 300ms }\n`,
      'own.yaml:3: vmm.downtimelimit: unknown key; did you mean downtimeLimit?',
    ],
    [
      'a missing unit',
      workload('kind: random, set: 64MiB, rate: 20000'),
      'own.yaml:4: vm.workloads[0].rate: expected a rate such as 20k/s, got 20000',
    ],
    ['a negative rate', workload('kind: random, set: 64MiB, rate: -5'), 'it cannot be negative'],
    [
      'an unknown policy',
      `${vm}vmm: { policy: yolo }\n`,
      'own.yaml:3: vmm.policy: expected qemu, no-progress, predictor, ',
    ],
    [
      'a policy of a later version',
      `${vm}vmm: { policy: auto-converge }\n`,
      'is not in this version; available: qemu, no-progress',
    ],
    [
      'a set larger than memory',
      workload('kind: random, set: 2GiB, rate: 1k/s'),
      '2GiB is more than vm.memory, which is 1GiB',
    ],
    ['a release that cannot do it', withDevice('loop: qemu-7.2'), 'VFIO migration v2 needs QEMU 8.0 or later'],
    ['a release that cannot do P2P', withDevice('loop: qemu-8.0'), 'P2P needs QEMU 8.2 or later'],
    ['half a YAML document', 'name: a\nvm: { memory: 1GiB', 'own.yaml:2: a { is not closed by a }'],
    ['an empty file', '', 'own.yaml: the file is empty'],
    ['a file of something else', 'services: {}\n', 'not a scenario'],
    ['a binary file', 'a\0b', 'is not a text file'],
  ] as const)('%s', async (_, text, message) => {
    const cwd = folder({ 'own.yaml': text });
    expectMistake(await inProcess(['run', 'own.yaml', '--journal', 'j.db'], { cwd }), message);
    expect(readdirSync(cwd)).toEqual(['own.yaml']);
  });

  test.each([
    ['no command', [], /Usage: switchover/],
    ['an unknown command', ['rnu'], /unknown command 'rnu'[\s\S]*Did you mean run/],
    [
      'an unknown option',
      ['run', 'qemu-idle', '--sed', '3'],
      /unknown option '--sed'[\s\S]*Did you mean one of --seed, --set/,
    ],
    ['no scenario', ['run'], /missing required argument 'scenario'/],
    ['two scenarios', ['run', 'qemu-idle', 'vgpu-10g'], /too many arguments/],
    ['a seed that is no number', ['run', 'qemu-idle', '--seed', 'x'], /--seed.*whole number from 0 to 4294967295/],
    ['a negative seed', ['run', 'qemu-idle', '--seed', '-1'], /whole number/],
    ['a seed that is too large', ['run', 'qemu-idle', '--seed', '4294967296'], /whole number/],
    ['a pace that is no factor', ['run', 'qemu-idle', '--pace', '10'], /--pace.*1x, 10x or 0\.5x, or max/],
    ['a pace of nothing', ['run', 'qemu-idle', '--pace', '0x'], /a factor such as/],
    ['a pace beyond numbers', ['run', 'qemu-idle', '--pace', `${'9'.repeat(400)}x`], /a factor such as/],
    ['a scenario that is not there', ['run', 'none.yaml'], /^none\.yaml: no such file\n$/],
    ['a name that does not ship', ['run', 'vgpu10g'], /did you mean vgpu-10g\?/],
    ['no name at all', ['run', ''], /no such file/],
    ['a folder as a scenario', ['run', '.'], /is a directory; name one file/],
    ['a scenario that cannot be opened', ['run', 'loop.yaml'], /cannot be read \(ELOOP\)/],
    ['a scenario below a file', ['run', 'own.yaml/x.yaml'], /no such file/],
    ['a journal in a missing folder', ['run', 'own.yaml', '--journal', 'no/j.db'], /no\/j\.db: there is no folder no/],
    ['a folder as a journal', ['run', 'own.yaml', '--journal', '.'], /is not a file/],
    ['a journal that is none', ['run', 'own.yaml', '--journal', 'own.yaml'], /is not a journal/],
    ['an export as a journal', ['run', 'own.yaml', '--journal', 'j.ndjson'], /not written as NDJSON/],
    ['no journal at all', ['run', 'own.yaml', '--journal', ''], /journal/],
  ] as const)('%s', async (_, args, message) => {
    const cwd = folder({ 'own.yaml': SMALL });
    symlinkSync('loop.yaml', join(cwd, 'loop.yaml'));
    expectMistake(await inProcess(args, { cwd }), message);
    expect(readdirSync(cwd).sort()).toEqual(['loop.yaml', 'own.yaml']);
  });

  test.concurrent.each([
    ['a scenario', ['run', 'wrong.yaml', '--journal', 'j.db'], /^wrong\.yaml:3: vmm\.loop: .*\n$/],
    ['an option', ['run', 'own.yaml', '--seed', 'x'], /--seed/],
    ['a journal', ['run', 'own.yaml', '--journal', 'no/j.db'], /there is no folder no/],
  ] as const)('reaches the shell: %s', async (_, args, message) => {
    const cwd = folder({ 'own.yaml': SMALL, 'wrong.yaml': `${vm}vmm: { loop: qemu-1.0 }\n` });
    expectMistake(await switchover(args, { cwd }), message);
    expect(readdirSync(cwd).sort()).toEqual(['own.yaml', 'wrong.yaml']);
  });
});
