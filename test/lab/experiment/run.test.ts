/** Small experiments from text to result: figures of real runs, medians, runs that do not end well. */
import { describe, expect, test } from 'vitest';
import { parseExperiment } from '../../../src/lab/experiment/read.ts';
import { median, runExperiment } from '../../../src/lab/experiment/run.ts';
import { experimentText } from '../../../src/lab/experiment/text.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';

const SMALL = `name: small
question: Which?
scenario:
  name: base
  vm: { memory: 64MiB, vcpus: 2, workloads: [{ kind: random, set: 16MiB, rate: 1k/s }] }
  link: { bandwidth: 1Gbit/s }
  vmm: { downtimeLimit: 20ms, maxBandwidth: unlimited }
  giveUpAfter: 20s
vary:
  side: { slow: { link.bandwidth: 1Gbit/s }, fast: { link.bandwidth: 10Gbit/s } }
  over: { name: dirty rate, path: 'vm.workloads[0].rate', values: [1k/s, 1M/s] }
measure: totalMs
seeds: 2
`.replace('measure: totalMs', 'measure: { figure: totalMs }');

test('figures are those of the runs, and a run that does not converge has none', async () => {
  const read = parseExperiment(SMALL, 'x');
  const progress: number[] = [];
  const result = await runExperiment(read, { onProgress: (done, all) => progress.push(done / all) });
  expect(progress).toEqual(Array.from({ length: 8 }, (_, nth) => (nth + 1) / 8));
  const [slow] = result.cells;
  expect(slow?.runs.map(({ seed }) => seed)).toEqual([1, 2]);
  for (const { seed, figure } of slow!.runs) {
    expect(figure).toBe(rehearse({ ...read.cells[0]!.scenario, seed }).ended.totalMs);
  }
  expect(result.cells.map(({ side, at, figure }) => [side, at, figure !== null])).toEqual([
    ['slow', '1k/s', true],
    ['slow', '1M/s', false],
    ['fast', '1k/s', true],
    ['fast', '1M/s', true],
  ]);
  expect(result.cells[1]?.runs.map(({ outcome }) => outcome)).toEqual(['unconverged', 'unconverged']);
  expect(result.broken).toEqual([]);
  expect(result.sentence).toMatch(
    /^fast is faster at every dirty rate .*no crossover\. slow ends unconverged at 1M\/s\.$/,
  );
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  expect(experimentText(result)).toContain('2 of 2 unconverged');
  expect(experimentText(result).trimEnd().endsWith(result.sentence)).toBe(true);
});

test('the same experiment and seed give the same result; another seed, another one', async () => {
  const of = async (seed: number) => JSON.stringify(await runExperiment(parseExperiment(SMALL, 'x'), { seed }));
  expect(await of(5)).toBe(await of(5));
  expect(await of(5)).not.toBe(await of(6));
});

test('a figure that is in no report is a mistake that names what there is', async () => {
  const read = parseExperiment(SMALL.replace('figure: totalMs', 'figure: guest.slowdown'), 'x');
  await expect(runExperiment(read)).rejects.toThrow(
    'guest.slowdown is no number of the report: guest has no slowdown; did you mean slowdownPercent?',
  );
});

describe('median', () => {
  test.each([
    [[3, 1, 2], 'lower', 2],
    [[1, 2], 'lower', 1.5],
    [[1, null, 2], 'lower', 2],
    [[1, null], 'lower', null],
    [[null, 1, null], 'higher', null],
    [[1, null, 2], 'higher', 1],
  ] as const)('of %j, %s is better: %j', (figures, better, expected) => {
    expect(median(figures, better)).toBe(expected);
  });
});

describe('checkpoints', () => {
  const at = (every: string, log: string) => `name: checkpoints
question: Which?
scenario:
  name: base
  vm: { memory: 256MiB, vcpus: 2, dirtyLog: ${log}, kvm: {}, workloads: [{ kind: cycle, set: 64MiB, rate: 10k/s }] }
  sender: { sync: 1ms }
checkpoints: { every: ${every}, count: 4 }
vary: { over: { name: fault, path: vm.kvm.fault, values: [1us, 2us] } }
measure: { figure: perCheckpoint.dirtyPages, margin: 0% }
`;

  test.each([
    ['100ms', 'bitmap', 1000],
    ['100ms', 'bitmap-manual', 1000],
    ['100ms', 'pml', 1000],
    ['100ms', 'ring', 1000],
    // The whole set of 16384 pages is written in less than two seconds.
    ['2s', 'bitmap', 16_384],
  ])('every %s a %s finds what was written since the last', async (every, log, pages) => {
    const result = await runExperiment(parseExperiment(at(every, log), 'x'));
    // A guest that stands for faults writes that much less.
    for (const { figure } of result.cells) {
      expect(figure).toBeLessThanOrEqual(pages);
      expect(figure).toBeGreaterThan(0.98 * pages);
    }
  });

  test('standing costs what the log and the sync cost', async () => {
    const text = at('100ms', 'bitmap').replace('perCheckpoint.dirtyPages', 'guest.stalledMs.collect');
    const result = await runExperiment(parseExperiment(text, 'x'));
    for (const { figure } of result.cells) expect(figure).toBe(4);
    const faults = at('100ms', 'bitmap').replace('perCheckpoint.dirtyPages', 'guest.stalledMs.dirtyFaults');
    const [cheap, dear] = (await runExperiment(parseExperiment(faults, 'x'))).cells;
    // 4 times 1000 faults, shared by two vCPUs.
    expect(cheap!.figure).toBeCloseTo(2, 0);
    expect(dear!.figure! / cheap!.figure!).toBeCloseTo(2, 1);
  });
});
