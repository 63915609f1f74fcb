/** Sweep files: which points and trials they make, and what a person is told who made a mistake in one. */
import { describe, expect, test } from 'vitest';
import { readExperiment } from '../../../src/lab/experiment/read.ts';
import { listSweeps, SWEEP_NAMES } from '../../../src/lab/experiment/shipped.ts';
import { ScenarioError } from '../../../src/lab/scenario/error.ts';
import { sweepFingerprint } from '../../../src/lab/sweep/log.ts';
import { parseSweep, readSweep } from '../../../src/lab/sweep/read.ts';
import { trialCount, trialOf } from '../../../src/lab/sweep/sweep.ts';
import { scenarioOf } from '../../../src/lab/trial/trial.ts';

const GOOD = `name: all of it
question: Which?
scenario:
  name: base
  vm:
    memory: 64MiB
    workloads:
      - { kind: random, set: 16MiB, rate: 1k/s }
  seed: 7
with:
  giveUpAfter: 10s
sweep:
  axes:
    - name: dirty rate
      path: vm.workloads[0].rate
      values: { from: 1k/s, to: 100k/s, steps: 3, scale: log }
    - path: [link.bandwidth, vmm.maxBandwidth]
      values: [1Gbit/s, 10Gbit/s]
    - name: guest
      choices:
        small: { vm.memory: 64MiB, vm.vcpus: 1 }
        large: { vm: { memory: 128MiB, vcpus: 4 } }
  policies: [qemu, nova]
  seeds: 2
  pareto: { of: [downtimeMs, bytesTotal], per: [guest] }
`;

test('what an axis varies cannot be set beside it', () => {
  const set = [['vmm.maxBandwidth', '2Gbit/s']] as const;
  expect(() => parseSweep(GOOD, 'good.yaml', { set })).toThrow(/by the axis link\.bandwidth; --axis link\.bandwidth=/);
});

test('trials are points by policies by seeds, each the scenario that its keys make', () => {
  const sweep = parseSweep(GOOD, 'good.yaml');
  expect(sweep.axes).toEqual(['dirty rate', 'link.bandwidth', 'guest']);
  expect(sweep.points.map(({ labels }) => labels.join(' '))).toEqual(
    ['1k/s', '10k/s', '100k/s'].flatMap((rate) =>
      ['1Gbit/s', '10Gbit/s'].flatMap((width) => ['small', 'large'].map((guest) => `${rate} ${width} ${guest}`)),
    ),
  );
  expect(sweep.seeds).toEqual([7, 8]);
  expect(trialCount(sweep)).toBe(48);
  const scenario = scenarioOf(trialOf(sweep, 47));
  expect(scenario.vm).toMatchObject({ memoryBytes: 2 ** 27, vcpus: 4 });
  expect(scenario.vm.workloads[0]).toMatchObject({ writesPerSecond: 1e5 });
  expect(scenario.link.bandwidthBytesPerSecond).toBe(1.25e9);
  expect(scenario.vmm.maxBandwidthBytesPerSecond).toBe(1.25e9);
  expect(scenario).toMatchObject({ manager: { policy: 'nova' }, giveUpAfterNs: 10e9, seed: 8 });
});

test('steps, samples and all policies', () => {
  const changed = (values: string, more = '') =>
    parseSweep(GOOD.replace(/\{ from.*\}/, values).replace('  seeds: 2\n', `  seeds: [3, 1]\n${more}`), 'x');
  const rates = (sweep: ReturnType<typeof changed>) => [...new Set(sweep.points.map(({ labels }) => labels[0]))];
  expect(rates(changed('{ from: 1k/s, to: 2k/s, step: 400/s }'))).toEqual(['1k/s', '1.4k/s', '1.8k/s']);
  expect(rates(changed('{ from: 1k/s, to: 8k/s, step: 2, scale: log }'))).toEqual(['1k/s', '2k/s', '4k/s', '8k/s']);
  const drawn = changed(
    '{ distribution: normal, mean: 10k/s, sd: 2k/s }',
    '  sample: { kind: latin-hypercube, n: 8 }\n',
  );
  expect(drawn.points).toHaveLength(8);
  expect(drawn.seeds).toEqual([3, 1]);
  const all = parseSweep(GOOD.replace('[qemu, nova]', 'all'), 'x');
  expect(all.policies).toContain('auto-converge');
  expect(all.leftOut).toContainEqual({ policy: 'dirty-limit', because: expect.stringContaining('ring') });
});

test('the fingerprint is of what the rows depend on', () => {
  const of = (from: string | RegExp, to: string) => sweepFingerprint(parseSweep(GOOD.replace(from, to), 'x'));
  const own = of('', '');
  expect(of('question: Which?', 'question: Why?')).toBe(own);
  expect(of('per: [guest]', 'per: []')).toBe(own);
  for (const [from, to] of [
    ['seeds: 2', 'seeds: 3'],
    ['10Gbit/s]', '11Gbit/s]'],
    ['[qemu, nova]', '[nova, qemu]'],
    ['giveUpAfter: 10s', 'giveUpAfter: 11s'],
  ] as const)
    expect(of(from, to)).not.toBe(own);
});

describe('a mistake is told with its place and its remedy', () => {
  test.each([
    ['an axis that leads nowhere', 'workloads[0].rate', 'workloads[3].rate', /^x:16: .*leads nowhere.*1 elements/],
    ['a value that does not fit', '10Gbit/s]', '10ms]', /^x:18: sweep\.axes\[1\]\.values\[1\]: expected/],
    ['a choice that does not fit', 'vcpus: 4', 'vcpus: none', /choices\.large\.vm\.vcpus: expected a whole number/],
    ['an end of another quantity', 'to: 100k/s', 'to: 100ms', /values\.to: expected a quantity like 1k\/s, got 100ms/],
    ['a range that falls', 'to: 100k/s', 'to: 10/s', /values\.to: expected more than 1k\/s, got 10\/s/],
    ['a grid without steps', ' steps: 3,', '', /values: a grid needs values: say steps: 5/],
    ['an unknown policy', '[qemu, nova]', '[qemu, novo]', /policies\[1\]: no policy "novo"; did you mean nova\?/],
    ['a policy that cannot be', '[qemu, nova]', '[dirty-limit]', /sweep\.policies\[0\].*ring/],
    [
      'a column that is none',
      'bytesTotal]',
      'bytes]',
      /pareto\.of: bytes is no column to compare; there are downtimeMs/,
    ],
    ['a column of no device', 'bytesTotal]', 'serviceDowntimeMs.nic]', /pareto\.of: .* there is no device called nic/],
    ['a column twice', 'bytesTotal]', 'downtimeMs]', /pareto\.of: downtimeMs stands here twice/],
    ['an axis that is none', 'per: [guest]', 'per: [guests]', /pareto\.per: there is no axis called guests/],
    ['a name that rows have', 'name: guest', 'name: policy', /axes\[2\]\.name: policy is a column that every row has/],
    ['an unknown key', 'seeds: 2', 'seed: 2', /sweep\.seed: unknown key; did you mean seeds\?/],
    ['a mistake in the base', 'set: 16MiB', 'set: 16M', /scenario\.vm\.workloads\[0\]\.set: .*write 16MiB/],
    ['no sweep', /sweep:[\s\S]*/, 'vary: {}\n', /this is an experiment: `switchover compare` runs it/],
  ] as const)('%s', (_, from, to, message) => {
    const text = GOOD.replace(from, to);
    expect(text).not.toBe(GOOD);
    expect(mistake(() => parseSweep(text, 'x')).message).toMatch(message);
  });

  test('a sweep is not compared', () => {
    expect(mistake(() => readExperiment('policies-by-load')).message).toMatch(
      /this is a sweep: .switchover sweep policies-by-load. runs it/,
    );
  });
});

test('what ships is read; one of them is ten thousand migrations', () => {
  expect(listSweeps().every(({ description }) => description.endsWith('?'))).toBe(true);
  const counts = SWEEP_NAMES.map((name) => [name, trialCount(readSweep(name))]);
  expect(Object.fromEntries(counts)).toMatchObject({ 'policies-by-load': 10_000 });
});

function mistake(read: () => unknown): ScenarioError {
  try {
    read();
  } catch (error) {
    if (error instanceof ScenarioError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
