/** Experiment files: what they come to as scenarios, and what a person is told who made a mistake in one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseExperiment, readExperiment } from '../../../src/lab/experiment/read.ts';
import { ScenarioError } from '../../../src/lab/scenario/error.ts';

const GOOD = `name: tracks
question: Which log?
scenario:
  name: base
  vm:
    memory: 64MiB
    workloads:
      - { kind: random, set: 16MiB, rate: 1k/s }
  seed: 7
with:
  giveUpAfter: 10m
vary:
  side:
    bitmap: {}
    ring:
      vm.dirtyLog: ring
      vm: { kvm: { ringEntries: 8192 } }
  over:
    name: dirty rate
    path: vm.workloads[0].rate
    values: [1k/s, 2k/s, 4k/s]
    scale: log
measure: { figure: totalMs }
seeds: 2
`;

test('a grid is each side at each value, on top of what is common', () => {
  const { experiment, cells } = parseExperiment(GOOD, 'good.yaml');
  expect(experiment.measure).toEqual({ figure: 'totalMs', better: 'lower', marginPercent: 1 });
  expect(cells.map(({ side, at }) => [side, at?.input])).toEqual(
    ['bitmap', 'ring'].flatMap((side) => ['1k/s', '2k/s', '4k/s'].map((rate) => [side, rate])),
  );
  expect(cells.map(({ at }) => at?.x)).toEqual([1000, 2000, 4000, 1000, 2000, 4000]);
  for (const { side, at, scenario } of cells) {
    expect(scenario.vm.dirtyLog).toBe(side);
    expect(scenario.vm.kvm?.ringEntries).toBe(side === 'ring' ? 8192 : undefined);
    expect(scenario.vm.workloads[0]).toMatchObject({ kind: 'random', setBytes: 2 ** 24, writesPerSecond: at?.x });
    expect(scenario.giveUpAfterNs).toBe(600e9);
    expect(scenario.seed).toBe(7);
  }
});

test('a shipped scenario can be the base', () => {
  const shipped = GOOD.replace(/scenario:[\s\S]*?with:/, 'scenario: kvm-bitmap\nwith:');
  expect(parseExperiment(shipped, 'x').cells[0]?.scenario.vm.memoryBytes).toBe(24 * 2 ** 30);
});

test('files that the scenario names are looked for beside the experiment', () => {
  const folder = mkdtempSync(join(tmpdir(), 'experiment-'));
  try {
    const traced = GOOD.replace('{ kind: random, set: 16MiB, rate: 1k/s }', '{ kind: trace, file: w.trace }')
      .replace('vm.workloads[0].rate', 'link.bandwidth')
      .replace('[1k/s, 2k/s, 4k/s]', '[1Gbit/s, 2Gbit/s]');
    writeFileSync(join(folder, 'traced.yaml'), traced);
    writeFileSync(join(folder, 'w.trace'), 'switchover-trace 1\npage 4096\n0 1000000 vcpu:0 3\n');
    const { cells } = readExperiment(join(folder, 'traced.yaml'));
    expect(cells.map(({ scenario }) => scenario.vm.workloads[0])).toEqual(
      Array(4).fill(expect.objectContaining({ kind: 'trace', file: join(folder, 'w.trace') })),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('checkpoints can be varied as a scenario can', () => {
  const text = `${GOOD}checkpoints: { every: 10ms, count: 3 }\n`
    .replace('vm.workloads[0].rate', 'checkpoints.every')
    .replace('[1k/s, 2k/s, 4k/s]', '[10ms, 1s]');
  const { cells } = parseExperiment(text, 'x');
  expect(cells.slice(0, 2).map(({ checkpoints }) => checkpoints)).toEqual([
    { everyNs: 10e6, count: 3 },
    { everyNs: 1e9, count: 3 },
  ]);
});

test('a file of a scenario can be the base, beside the experiment', () => {
  const folder = mkdtempSync(join(tmpdir(), 'experiment-'));
  try {
    writeFileSync(join(folder, 'mine.yaml'), 'name: mine\nvm: { memory: 64MiB }\n');
    const text =
      'name: a\nquestion: b\nscenario: mine.yaml\nvary: { over: { name: limit, path: vmm.downtimeLimit, values: [100ms, 200ms] } }\nmeasure: { figure: downtimeMs }\n';
    writeFileSync(join(folder, 'a.yaml'), text);
    const { cells } = readExperiment(join(folder, 'a.yaml'));
    expect(cells.map(({ scenario }) => scenario.name)).toEqual(['mine', 'mine']);
    writeFileSync(join(folder, 'a.yaml'), text.replace('mine.yaml', './none.yaml'));
    expect(() => readExperiment(join(folder, 'a.yaml'))).toThrow(/none\.yaml/);
    expect(() => readExperiment(join(folder, 'mine.yaml'))).toThrow(/this is a scenario: say which policies/);
    expect(() => readExperiment('stall-or-ramp')).toThrow(/`switchover sweep stall-or-ramp` runs it/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('a mistake is told with its place and its remedy', () => {
  const line = (text: string) => GOOD.split('\n').findIndex((one) => one.includes(text)) + 1;
  test.each([
    ['an unknown key', ['seeds: 2', 'seed: 2'], /^x\.yaml:24: seed: unknown key; did you mean seeds\?$/m],
    [
      'no figure',
      ['figure: totalMs', 'figure: 7'],
      /measure\.figure: expected a path into the report such as totalMs, got 7/,
    ],
    ['a side alone', ['    bitmap: {}\n', ''], /vary\.side: expected two or more named sides/],
    [
      'a path that is none',
      ['vm.dirtyLog: ring', 'vm..dirtyLog: ring'],
      /vary\.side\.ring\.vm\.\.dirtyLog: expected a path into the scenario/,
    ],
    [
      'a path that leads nowhere',
      ['workloads[0].rate', 'workloads[3].rate'],
      /vary\.over\.values\[0\]: leads nowhere: vm\.workloads has 1 elements/,
    ],
    [
      'a word that the scenario does not know',
      ['dirtyLog: ring', 'dirtyLog: rings'],
      /vary\.side\.ring\.vm\.dirtyLog: expected .*did you mean ring\?/,
    ],
    [
      'a key that the scenario does not know',
      ['ringEntries', 'ringEntry'],
      /vary\.side\.ring\.vm\.kvm\.ringEntry: unknown key; did you mean ringEntries\?/,
    ],
    [
      'a value that does not fit there',
      ['[1k/s, 2k/s,', '[1k/s, 2000,'],
      /vary\.over\.values\[1\]: expected a rate such as 20k\/s, got 2000/,
    ],
    [
      'a quantity that is none',
      ['[1k/s, 2k/s,', '[1k/s, 2k,'],
      /vary\.over\.values\[1\]: expected a number or a quantity such as 32k\/s, got "2k"/,
    ],
    ['values that fall', ['2k/s, 4k/s', '4k/s, 2k/s'], /vary\.over\.values\[2\]: expected more than 4k\/s, got 2k\/s/],
    ['one value', ['[1k/s, 2k/s, 4k/s]', '[1k/s]'], /vary\.over\.values: expected two values or more/],
    ['a logarithm of 0', ['[1k/s,', '[0,'], /a logarithmic axis is above 0, got 0/],
    ['a mistake in the base', ['set: 16MiB', 'set: 16M'], /scenario\.vm\.workloads\[0\]\.set: .*write 16MiB/],
    ['a mistake in what is common', ['giveUpAfter: 10m', 'giveUpAfter: 10'], /with\.giveUpAfter: expected a duration/],
    [
      'no scenario of the name',
      [/scenario:[\s\S]*?with:/, 'scenario: kvm-rin\nwith:'],
      /scenario: no scenario "kvm-rin" ships; did you mean kvm-ring\?/,
    ],
  ] as const)('%s', (_, [from, to], message) => {
    const text = GOOD.replace(from, to);
    expect(text).not.toBe(GOOD);
    const error = mistake(() => parseExperiment(text, 'x.yaml'));
    expect(error.message).toMatch(message);
    expect(error.exitCode).toBe(2);
    expect(error.problems[0]).toMatchObject({ file: 'x.yaml', line: expect.any(Number) });
  });

  test('the line is that of the side, of the value or of the base', () => {
    const at = (from: string, to: string) =>
      mistake(() => parseExperiment(GOOD.replace(from, to), 'x')).problems[0]?.line;
    expect(at('dirtyLog: ring', 'dirtyLog: rings')).toBe(line('vm.dirtyLog'));
    expect(at('2k/s', '2000')).toBe(line('values:'));
    expect(at('set: 16MiB', 'set: 1GiB')).toBe(line('set:'));
  });

  test('one mistake in many cells is told once', () => {
    expect(
      mistake(() => parseExperiment(GOOD.replace('dirtyLog: ring', 'dirtyLog: rings'), 'x')).problems,
    ).toHaveLength(1);
  });

  test('nothing varies', () => {
    const text = GOOD.replace(/vary:[\s\S]*?measure/, 'vary: {}\nmeasure');
    expect(mistake(() => parseExperiment(text, 'x')).message).toContain('vary: nothing varies');
  });
});

test.each([
  ['kvm-ring-by-rat', /no experiment of this name ships; did you mean kvm-ring-by-rate\?/],
  ['nowhere/x.yaml', /^nowhere\/x\.yaml: no such file$/],
])('%s is not there', (name, message) => {
  expect(mistake(() => readExperiment(name)).message).toMatch(message);
});

function mistake(read: () => unknown): ScenarioError {
  try {
    read();
  } catch (error) {
    if (error instanceof ScenarioError) return error;
    throw error;
  }
  throw new Error('it was read');
}
