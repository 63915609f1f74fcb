/**
 * The sentences of a sweep are made of its rows: every number in them is a figure of the rows, whoever changes places in the rows
 * changes places in the text, and the shipped study says other things of another link and other dirty rates.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { documentFile } from '../../../src/lab/experiment/shipped.ts';
import { figureText } from '../../../src/lab/experiment/words.ts';
import { ScenarioError } from '../../../src/lab/scenario/error.ts';
import { conclusionsOf } from '../../../src/lab/sweep/conclusions/conclusions.ts';
import { gridOf } from '../../../src/lab/sweep/conclusions/grid.ts';
import { whereText } from '../../../src/lab/sweep/conclusions/where.ts';
import { readSweep, type SweepOverrides, sweepFrom } from '../../../src/lab/sweep/read.ts';
import { summed } from '../../../src/lab/sweep/summary.ts';
import { placeOf, type Sweep, type SweepRow, sweepRow, trialCount, trialOf } from '../../../src/lab/sweep/sweep.ts';
import { MEASURES, type TrialRow } from '../../../src/lab/trial/row.ts';
import { runTrial } from '../../../src/lab/trial/run.ts';

type Plan = Parameters<typeof conclusionsOf>[0];

function textOf(plan: Plan, rows: readonly SweepRow[]): string {
  return conclusionsOf(plan, rows)
    .map(({ about, sentences }) => [about, ...sentences].join('\n'))
    .join('\n');
}

/** Every number that the rows can account for: figures and means as sentences write them, labels, and counts of whole things. */
function accountedFor(plan: Plan, rows: readonly SweepRow[]): ReadonlySet<string> {
  const known = new Set<string>();
  const note = (text: string) => {
    for (const number of numbersIn(text)) known.add(number);
  };
  for (let first = 0; first < rows.length; first += plan.seeds.length) {
    const own = rows.slice(first, first + plan.seeds.length).filter(({ outcome }) => outcome === 'completed');
    for (const measure of MEASURES) {
      const figures = own.flatMap((row) => row[measure] ?? []);
      if (figures.length > 0) note(figureText(measure, figures.reduce((a, b) => a + b, 0) / figures.length));
    }
  }
  for (const { labels } of plan.points) for (const label of labels) note(String(label));
  for (const policy of plan.policies) note(policy);
  for (const { reason } of rows) note(reason);
  for (let count = 0; count <= rows.length; count++) known.add(String(count));
  return known;
}

function numbersIn(text: string): readonly string[] {
  return text.match(/\d+(?:\.\d+)?/g) ?? [];
}

describe('rows that were made up', () => {
  const axes = { rate: [1, 2, 3], guest: ['small', 'large'] };
  const policies = ['alpha', 'beta', 'gamma'];
  const plan: Plan & Pick<Sweep, 'axes'> = {
    axes: Object.keys(axes),
    points: axes.rate.flatMap((rate) => axes.guest.map((guest) => ({ labels: [rate, guest], set: [] }))),
    policies,
    seeds: [1, 2, 3],
    pareto: { of: ['downtimeMs', 'totalMs'], per: [] },
  };
  const count = trialCount(plan as Sweep);
  const ends = fc.constantFrom('completed', 'completed', 'completed', 'unconverged');
  const cells = fc.array(fc.record({ level: fc.integer({ min: 1, max: 4 }), ends }), {
    minLength: count / 3,
    maxLength: count / 3,
  });
  type Cells = readonly { readonly level: number; readonly ends: string }[];

  /** `as`: what the policies are called; a cell is `level` with a little chance in it. */
  function rowsOf(made: Cells, as: Plan): readonly SweepRow[] {
    return Array.from({ length: count }, (_, trial) => {
      const { setting, policy, seed } = placeOf(as as Sweep, trial);
      const { level, ends: outcome } = made[setting]!;
      const done = outcome === 'completed';
      const row = {
        policy,
        seed,
        outcome,
        reason: done ? '' : `gave up after ${level} s`,
        downtimeMs: done ? 100 * level + seed : null,
        totalMs: 1000 * level + 3 * seed,
        slowdownPercent: level,
        broken: '',
      } as unknown as TrialRow;
      return sweepRow(as as Sweep, trial, row);
    });
  }

  test('other names in the rows are other names in the text, and nothing else', () => {
    const permutation = fc.shuffledSubarray(policies, { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(cells, permutation, (made, names) => {
        const own = textOf(plan, rowsOf(made, plan));
        const renamed = { ...plan, policies: names };
        const substituted = own.replace(/\b(?:alpha|beta|gamma)\b/g, (name) => names[policies.indexOf(name)]!);
        expect(textOf(renamed, rowsOf(made, renamed))).toBe(substituted);
      }),
      { numRuns: 20 },
    );
  });

  test('what one policy did told of another is told of the other', () => {
    const slow = { level: 4, ends: 'completed' };
    const made = (fastest: number): Cells =>
      Array.from({ length: count / 3 }, (_, setting) =>
        setting % 3 === fastest ? { level: 1, ends: 'completed' } : slow,
      );
    for (const [index, name] of policies.entries()) {
      const [others] = [policies.filter((policy) => policy !== name)];
      const text = textOf(plan, rowsOf(made(index), plan));
      expect(text).toContain(
        `The guest stands for the shortest time with ${name}, everywhere: 102 ms; the next has 402 ms.`,
      );
      for (const other of others) expect(text).not.toContain(`shortest time with ${other}`);
    }
  });

  test('every number is in the rows', () => {
    fc.assert(
      fc.property(cells, (made) => {
        const rows = rowsOf(made, plan);
        const known = accountedFor(plan, rows);
        const told = conclusionsOf(plan, rows).filter(({ about }) => about !== 'How sure this is');
        for (const sentence of told.flatMap(({ sentences }) => sentences))
          for (const number of numbersIn(sentence)) expect(known, `${number} in: ${sentence}`).toContain(number);
      }),
      { numRuns: 20 },
    );
  });

  test('what chance may have done is level, and a tie has no winner', () => {
    const equal = Array.from({ length: count / 3 }, () => ({ level: 2, ends: 'completed' }));
    const text = textOf(plan, rowsOf(equal, plan));
    expect(text).toContain(
      'The guest stands for the shortest time with alpha, beta and gamma, level with each other, everywhere',
    );
    expect(text).toContain('Between small and large nothing differs: each of 27 runs');
    expect(text).toContain('beta does what alpha does everywhere: every run is the same.');
    const noisy = rowsOf(equal, plan).map((row) =>
      row.policy === 'beta' ? { ...row, downtimeMs: row.downtimeMs! - [40, 0, -20][row.seed - 1]! } : row,
    );
    expect(textOf(plan, noisy)).toMatch(/beta against alpha: downtime is level/);
  });
});

describe('places in words', () => {
  const rates = [1, 2, 3];
  const guests = ['small', 'large'];
  const labels = rates.flatMap((rate) => guests.map((guest) => [rate, guest]));
  const grid = gridOf(['rate', 'guest'], labels);
  test.each([
    ['everywhere', () => true],
    ['nowhere', () => false],
    ['with large', (_: unknown, guest: unknown) => guest === 'large'],
    ['at rate from 2 on with small', (rate: number, guest: unknown) => rate >= 2 && guest === 'small'],
    ['everywhere but at rate 2 with small', (rate: number, guest: unknown) => rate !== 2 || guest === 'large'],
    [
      'at rate 1 with small and at rate 3 with large',
      (rate: number, guest: unknown) => (rate === 1 && guest === 'small') || (rate === 3 && guest === 'large'),
    ],
  ] as const)('%s', (words, has: (rate: number, guest: unknown) => boolean) => {
    const points = labels.flatMap(([rate, guest], point) => (has(rate as number, guest) ? [point] : []));
    expect(whereText(points, grid)).toBe(words);
  });

  test('values that rise are told as they rise; of points that were drawn only their number', () => {
    expect(whereText([1, 3], gridOf(['rate'], [['4k/s'], ['1k/s'], ['8k/s'], ['500/s']]))).toBe('at rate up to 1k/s');
    const drawn = [1, 2, 3, 4].map((rate) => [rate, rate + 4]);
    expect(whereText([0, 1, 2], gridOf(['a', 'b'], drawn))).toBe('at 3 of 4 points');
  });
});

describe('the shipped study', () => {
  /** A fortieth of it and of its patience, under three of its policies on one release: for seconds of a test. */
  function small(overrides: SweepOverrides): Sweep {
    const text = readFileSync(documentFile('stall-or-ramp'), 'utf8');
    const file = parse(text.replace('mapped: 35MB', 'mapped: 875kB').replace('stopCopy: 412KiB', 'stopCopy: 12KiB'));
    const [rate, device, release] = file.sweep.axes;
    const axes = [{ ...rate, values: [0.9, 1.2] }, device, { ...release, values: ['qemu-11.1'] }];
    const set = [
      ['vm.memory', '10MiB'],
      ['vm.workloads[0].set', '6MiB'],
      ['link.bandwidth', '25Mbit/s'],
      ['giveUpAfter', '10s'],
      ...(overrides.set ?? []),
    ] as const;
    const sweep = { ...file.sweep, axes, policies: ['qemu', 'auto-converge', 'post-copy'], seeds: 2 };
    return sweepFrom({ ...file, sweep }, { ...overrides, set });
  }
  const told = (overrides: SweepOverrides = {}) => {
    const sweep = small(overrides);
    const trials = Array.from({ length: trialCount(sweep) }, (_, trial) => trial);
    const rows = trials.map((trial) => sweepRow(sweep, trial, runTrial(trialOf(sweep, trial))));
    return { sweep, result: summed(sweep, rows).result, rows };
  };
  let first: ReturnType<typeof told>;
  beforeAll(() => {
    first = told();
  });
  const about = ({ result }: typeof first, what: string) =>
    result.conclusions.find((conclusion) => conclusion.about === what)?.sentences.join('\n');

  test('it is five policies, three releases, and says what it does not model', () => {
    const sweep = readSweep('stall-or-ramp');
    expect(sweep.policies).toEqual([
      'qemu',
      'kubevirt-downtime-tuning',
      'kubevirt-stall',
      'auto-converge',
      'post-copy',
    ]);
    expect(new Set(sweep.points.map(({ labels }) => labels[2]))).toEqual(
      new Set(['qemu-9.2', 'qemu-10.2', 'qemu-11.1']),
    );
    expect(sweep.notModelled?.length).toBeGreaterThan(3);
    expect(sweep.shares).toEqual([
      {
        axis: 'load',
        of: 'link.bandwidth',
        values: [
          { times: 0.9, are: ['0.9Gbit/s'] },
          { times: 1, are: ['1Gbit/s'] },
          { times: 1.2, are: ['1.2Gbit/s'] },
        ],
      },
    ]);
  });

  test('its sentences are of these rows', () => {
    expect(textOf(first.sweep, first.rows)).toBe(
      first.result.conclusions.map((one) => [one.about, ...one.sentences].join('\n')).join('\n'),
    );
    const known = accountedFor(first.sweep, first.rows);
    const sentences = first.result.conclusions.filter((one) => one.about !== 'How sure this is');
    for (const sentence of sentences.flatMap((one) => one.sentences))
      for (const number of numbersIn(sentence)) expect(known, `${number} in: ${sentence}`).toContain(number);
    expect(about(first, 'How the others end')).toMatch(
      /blocked \(post-copy with a vGPU\): postcopy-ram and VFIO devices/,
    );
  });

  test('another link and other dirty rates are another text', () => {
    expect(about(first, 'Who completes')).toMatch(/^qemu completes every run at load/);
    const calm = told({ axes: [['load', [0.05, 0.1]]] });
    expect(about(calm, 'Who is needed where qemu is not enough')).not.toBe(
      about(first, 'Who is needed where qemu is not enough'),
    );
    const wide = told({ set: [['link.bandwidth', '250Mbit/s']], axes: [['load', [0.5]]] });
    expect(wide.result.shares[0]!.values).toEqual([{ times: 0.5, are: ['125Mbit/s'] }]);
    expect(about(wide, 'Who is needed where qemu is not enough')).toBe(
      'qemu needs nobody: it completes every run everywhere.',
    );
    expect(about(wide, 'What each costs')).not.toBe(about(first, 'What each costs'));
  });
});

describe('multiples of something else', () => {
  const input = {
    name: 'shares',
    question: 'How much?',
    scenario: {
      name: 'base',
      vm: { memory: '64MiB', workloads: [{ kind: 'random', set: '16MiB', rate: '1k/s' }] },
      link: { bandwidth: '1Gbit/s' },
    },
    sweep: {
      axes: [
        { name: 'dirty', path: 'vm.workloads[0].rate', of: 'link.bandwidth', values: [0.5, 2] },
        { name: 'link', path: 'link.bandwidth', values: ['1Gbit/s', '40MB/s'] },
      ],
    },
  };

  test('they follow what they are of, wherever that is said', () => {
    const rates = sweepFrom(input).points.map(({ set }) => set[0]![1]);
    expect(rates).toEqual(['0.5Gbit/s', '20MB/s', '2Gbit/s', '80MB/s']);
    const [, ...later] = input.sweep.axes;
    const only = { ...input, sweep: { axes: [input.sweep.axes[0]!] } };
    expect(later).toHaveLength(1);
    expect(sweepFrom(only, { set: [['link.bandwidth', '8Gbit/s']] }).points.map(({ set }) => set[0]![1])).toEqual([
      '4Gbit/s',
      '16Gbit/s',
    ]);
  });

  test.each([
    ['a share of nothing', { of: 'link.width' }, /of: expected one quantity at link\.width .* there is nothing/],
    ['a share of itself', { of: 'vm.workloads[0].rate' }, /axes\[0\]\.of: an axis cannot be a share of itself/],
    ['a share with a unit', { values: ['1k/s'] }, /with of: expected a number above 0 such as 0\.9, got 1k\/s/],
  ] as const)('%s', (_, changed, message) => {
    const axes = [{ ...input.sweep.axes[0], ...changed }];
    expect(() => sweepFrom({ ...input, sweep: { axes } })).toThrow(ScenarioError);
    expect(() => sweepFrom({ ...input, sweep: { axes } })).toThrow(message);
  });

  test('an axis that is not there', () => {
    expect(() => sweepFrom(input, { axes: [['dirt', [1]]] })).toThrow(/no axis called dirt; there are dirty, link/);
  });
});
