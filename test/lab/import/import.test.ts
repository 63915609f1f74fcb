/**
 * `switchover import`: figures of real VMs as scenarios. Each format's own example comes back as the curve that was worked out
 * for it by hand, and every mistake in a file names file, line and what was expected.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importScenario } from '../../../src/lab/import/import.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { ScenarioError } from '../../../src/lab/scenario/error.ts';
import { parseScenario } from '../../../src/lab/scenario/read.ts';
import { expectMistake, inProcess } from '../../cli/switchover.ts';

const scenarioOf = (text: string, name = 'vm.log') => {
  const imported = importScenario({ name, text });
  return { ...imported, scenario: parseScenario(imported.text, 'imported.yaml') };
};
const curveOf = (text: string) => {
  const [workload] = scenarioOf(text).scenario.vm.workloads;
  if (workload?.kind !== 'curve') throw new Error('no curve');
  return workload.points.map(({ afterNs, distinctPages }) => [afterNs / 1e6, distinctPages]);
};
const problemOf = (text: string) => {
  try {
    importScenario({ name: 'vm.log', text });
  } catch (error) {
    if (error instanceof ScenarioError) return error.message;
    throw error;
  }
  return 'none';
};

/** A. Gudkov, qemu-devel, April 2023, with the first and the last of its 22 periods. */
const SAMPLES = {
  'page-size': 4096,
  'n-total-pages': 8_392_704,
  'n-sampled-pages': 16_392,
  'n-zero-pages': 10_060,
  periods: [125, 1000, 60_000],
  'n-dirty-pages': [33, 236, 2958],
};
const pretty = (value: unknown) => JSON.stringify(value, null, 2);

describe('calc-dirty-rate samples', () => {
  // A sampled page stands for 512.
  test.each([
    ['by themselves', pretty(SAMPLES)],
    ['in one line', JSON.stringify(SAMPLES)],
    ['as a reply', pretty({ return: SAMPLES })],
  ])('%s', (_, text) => {
    expect(curveOf(text)).toEqual([
      [125, 33 * 512],
      [1000, 236 * 512],
      [60_000, 2958 * 512],
    ]);
    const { vm } = scenarioOf(text).scenario;
    expect(vm.memoryBytes).toBe(8_392_704 * 4096);
    expect(vm.nonZeroBytes).toBe(3_241_984 * 4096);
  });

  test('say how sure they are: 1.96 standard deviations of a sample without replacement', () => {
    const { text } = scenarioOf(pretty(SAMPLES));
    // By hand: p = 33/16392, sd = 8392704 sqrt(p (1-p) / 16392 (1 - 1/512)) = 2935.3, and 1.96 of them are 5753.2.
    expect(/\[125, 16896\] # ± (\d+)/.exec(text)?.[1]).toBe('5754');
  });

  test('of which none was dirty are of a guest that writes nothing, even where all of it is zero', () => {
    for (const zero of [10_060, 16_392]) {
      const still = scenarioOf(pretty({ ...SAMPLES, 'n-zero-pages': zero, 'n-dirty-pages': [0, 0, 0] }));
      expect(still.scenario.vm.workloads).toEqual([{ kind: 'idle' }]);
      expect(still.scenario.vm.nonZeroBytes).toBe((16_392 - zero) * 512 * 4096);
      expect(still.text).toContain('    - kind: idle # no page was dirty\n');
    }
  });

  test.each([
    [
      { ...SAMPLES, 'n-total-pages': undefined },
      /^vm\.log: n-total-pages: expected a whole number from 1 such as 8392704, got nothing$/,
    ],
    [
      { ...SAMPLES, 'page-size': 1000 },
      /^vm\.log:2: page-size: expected one of 4096, 16384, 65536 bytes such as 4096, got 1000$/,
    ],
    [
      { ...SAMPLES, 'n-dirty-pages': [33, 236] },
      /^vm\.log:11: n-dirty-pages: expected one count for each period .*got 2 for 3/,
    ],
    [
      { ...SAMPLES, periods: [125, 125, 60_000] },
      /^vm\.log:6: periods\[1\]: expected a time later than 125 ms .*got 125$/,
    ],
    [{ ...SAMPLES, 'n-dirty-pages': [33, 236, 6333] }, /^vm\.log:11: n-dirty-pages\[2\]: expected at most 6332 pages/],
    [{ ...SAMPLES, periods: 'soon' }, /^vm\.log:6: periods: expected a list of numbers .*got "soon"$/],
    [{ ...SAMPLES, 'n-sampled-pages': 9e6 }, /^vm\.log:4: n-sampled-pages: expected at most n-total-pages/],
  ])('%#: are refused with their line', (value, message) => {
    expect(problemOf(pretty(value))).toMatch(message);
  });
});

const pass = (n: number, ms: number) => ({
  event: 'MIGRATION_PASS',
  data: { pass: n },
  timestamp: { seconds: Math.floor(ms / 1000), microseconds: (ms % 1000) * 1000 },
});
const poll = (totalMs: number, syncs: number, rate: number) => ({
  return: {
    status: 'active',
    'total-time': totalMs,
    ram: {
      total: 2 ** 30,
      'page-size': 4096,
      'dirty-sync-count': syncs,
      'dirty-pages-rate': rate,
      duplicate: 65_536,
      mbps: 800,
    },
  },
});
const log = (...entries: readonly object[]) => entries.map((entry) => JSON.stringify(entry)).join('\n');

describe('a QMP log', () => {
  const LOG = [
    { event: 'MIGRATION', data: { status: 'active' }, timestamp: { seconds: 1, microseconds: 0 } },
    pass(1, 10_000),
    poll(900, 1, 0),
    pass(2, 18_000),
    poll(8500, 2, 2000),
    pass(3, 20_500),
    poll(11_000, 3, 3000),
    pass(4, 21_000),
    poll(11_200, 4, 3000),
  ];

  test('has a point for each pass of a second or more: its length, and its rate times its length', () => {
    // Pass 1: 8 s at 2000 pages/s. Pass 2: 2.5 s at 3000 pages/s. Pass 3 was too short to be measured.
    expect(curveOf(log(...LOG))).toEqual([
      [2500, 7500],
      [8000, 16_000],
    ]);
    const { scenario, text } = scenarioOf(log(...LOG));
    expect(scenario.vm).toMatchObject({ memoryBytes: 2 ** 30, nonZeroBytes: 2 ** 30 - 65_536 * 4096 });
    expect(scenario.link.bandwidthBytesPerSecond).toBe(1e8);
    expect(text).toContain('# 1 passes of less than 1000 ms say nothing');
  });

  test('without events goes by its polls, and says how far they are apart', () => {
    const polls = LOG.filter((entry) => 'return' in entry);
    expect(curveOf(log(...polls))).toEqual([
      [2500, 7500],
      [7600, 15_200],
    ]);
    expect(scenarioOf(log(...polls)).text).toContain('Lengths of passes come from polls, up to 7600 ms apart');
  });

  test('may be of many polls', () => {
    const polls = Array.from({ length: 200_000 }, (_, at) => log(poll(4100 + at, 2, 500))).join('\n');
    expect(curveOf(`${log(pass(1, 0), pass(2, 4000))}\n${polls}`)).toEqual([[4000, 2000]]);
    expect(scenarioOf(`${log(poll(0, 1, 0))}\n${polls}`).text).toContain('up to 4100 ms apart');
  });

  test('whose longer pass found less is raised, and says so', () => {
    const raised = log(pass(1, 0), pass(2, 4000), poll(4100, 2, 500), pass(3, 6000), poll(6100, 3, 4000));
    expect(curveOf(raised)).toEqual([
      [2000, 8000],
      [4000, 8000],
    ]);
    expect(scenarioOf(raised).text).toContain('# 1 figures were lower');
  });

  test('is a migration that can be rehearsed', () => {
    const report = rehearse(scenarioOf(log(...LOG)).scenario).ended;
    expect(report.outcome).toBe('completed');
    // 800 Mbit/s carry the 24,414 pages a second that the guest's 3000 do not outrun.
    expect(report.rounds[0]?.zeroPages).toBe(65_536);
  });

  test.each([
    [`${log(pass(1, 0))}\nnonsense`, /^vm\.log:2: expected a JSON object a line .*got "nonsense"$/],
    [log(pass(1, 0)), /^vm\.log: expected at least one reply to query-migrate with ram/],
    [log(pass(1, 0), poll(100, 1, 0)), /^vm\.log:2: return\.ram\.dirty-pages-rate: expected a dirty rate of a pass/],
    [log({ event: 'MIGRATION_PASS', data: { pass: 1 } }, poll(1, 1, 1)), /^vm\.log:1: timestamp: expected/],
    [log({ return: { ram: {} } }), /^vm\.log:1: return\.total-time: expected/],
    [log({ return: { 'total-time': 1, ram: {} } }), /^vm\.log:1: return\.ram\.dirty-sync-count: expected a number/],
    ['', /^vm\.log: expected at least one reply/],
  ])('%#: is refused with its line', (text, message) => {
    expect(problemOf(text)).toMatch(message);
  });
});

const JOB = `Job type:         Unbounded
Operation:        Outgoing migration
Time elapsed:     5001         ms
Memory processed: 1.221 GiB
Memory remaining: 812.000 MiB
Memory total:     4.000 GiB
Memory bandwidth: 112.500 MiB/s
Dirty rate:       5120         pages/s
Page size:        4096         bytes
Iteration:        2
`;

describe('virsh domjobinfo', () => {
  test('is one rate, and says that it is no curve', () => {
    expect(curveOf(JOB)).toEqual([[1000, 5120]]);
    const { scenario, text } = scenarioOf(JOB);
    expect(scenario.vm.memoryBytes).toBe(4 * 2 ** 30);
    expect(scenario.link.bandwidthBytesPerSecond).toBe(112.5 * 2 ** 20);
    expect(text).toContain('# One rate and no curve');
  });

  test.each([
    [
      JOB.replace('5120         pages/s', 'fast'),
      /^vm\.log:8: Dirty rate: expected a rate such as 12345 pages\/s, got fast$/,
    ],
    [JOB.replace(/Dirty rate.*\n/, ''), /^vm\.log: Dirty rate: expected a line such as .*second pass or later\?$/],
    [JOB.replace('4.000 GiB', '4 GB'), /^vm\.log:6: Memory total: expected a size such as 4\.002 GiB, got 4 GB$/],
    [JOB.replace('4096', '512'), /^vm\.log:9: Page size: expected one of 4096/],
  ])('%#: is refused with its line', (text, message) => {
    expect(problemOf(text)).toMatch(message);
  });
});

test('what no figure holds is asked for, not guessed', () => {
  const { asks, scenario, text } = scenarioOf(pretty(SAMPLES));
  expect(asks).toEqual([expect.stringContaining('DMA'), expect.stringContaining('link.bandwidth')]);
  expect(scenario.containers).toEqual([]);
  expect(text).toContain('# What the VM’s passthrough devices write by DMA is not in these figures');
  expect(scenarioOf(JOB).asks).toHaveLength(1);
});

test('a file may have any name', () => {
  expect(scenarioOf(JOB, 'a "b"\nname: evil: \u0007.txt').scenario.name).toContain('evil');
});

describe('on the command line', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'switchover-import-'));
    writeFileSync(join(folder, 'job.txt'), JOB);
    writeFileSync(join(folder, 'bad.txt'), JOB.replace('pages/s', 'pages'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('the scenario goes to stdout, what is asked for to stderr', async () => {
    const { stdout, stderr, code } = await inProcess(['import', 'job.txt'], { cwd: folder });
    expect(code).toBe(0);
    expect(parseScenario(stdout, 'stdout').vm.workloads).toHaveLength(1);
    expect(stderr).toMatch(/^Imported from virsh domjobinfo\.\n.*passthrough devices/);
  });

  test('-o writes a new file, and never over one', async () => {
    const { stdout, code } = await inProcess(['import', 'job.txt', '-o', 'vm.yaml'], { cwd: folder });
    expect({ stdout, code }).toEqual({ stdout: '', code: 0 });
    expect(parseScenario(readFileSync(join(folder, 'vm.yaml'), 'utf8'), 'vm.yaml').name).toBe('imported from job.txt');
    expectMistake(
      await inProcess(['import', 'job.txt', '-o', 'vm.yaml'], { cwd: folder }),
      'vm.yaml: is there already',
    );
  });

  test.each([
    ['nothing', [], /missing required argument 'file'/],
    ['no file', ['nothing.txt'], /^nothing\.txt: no such file/],
    ['a folder', ['.'], /^\.: is a directory/],
    ['a bad file', ['bad.txt'], /^bad\.txt:8: Dirty rate: expected a rate/],
  ])('refuses %s', async (_, args, message) => {
    expectMistake(await inProcess(['import', ...args], { cwd: folder }), message);
  });
});
