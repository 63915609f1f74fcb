/**
 * The suite of `switchover validate`: everything but the slow predictions is held here, and that it notices what is off. All 48
 * predictions are the command's own.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { constantRateGroup, randomWriterGroup } from '../../../src/lab/validation/closed-forms.ts';
import { type Figure, type Judged, judged } from '../../../src/lab/validation/figure.ts';
import { CELLS, predictorGroup } from '../../../src/lab/validation/predictor.ts';
import {
  countersGroup,
  switchoverAckGroup,
  throughputGroup,
  vgpuGroup,
} from '../../../src/lab/validation/published.ts';
import { MEASURED_RUNS } from '../../../src/lab/validation/qemu-runs.ts';
import { deviceStateGroup, stunGroup } from '../../../src/lab/validation/stopped-devices.ts';
import { judgedGroup, NOT_COVERED } from '../../../src/lab/validation/suite.ts';
import { validationText } from '../../../src/lab/validation/text.ts';

const off = (figures: readonly Judged[]) =>
  figures.filter(({ held }) => !held).map(({ name, expected, got }) => ({ name, expected, got }));

/** From each row the cells that take little; one that never ends. */
const QUICK = CELLS.filter(
  ({ bandwidth, limitMs }) =>
    (bandwidth === '10 Gbps' && limitMs <= 500) ||
    (bandwidth === '25 Gbps' && [125, 500, 5000].includes(limitMs)) ||
    (bandwidth === '40 Gbps' && limitMs === 125) ||
    (['2 Gbps', '2.5 Gbps', '5 Gbps'].includes(bandwidth) && limitMs === 5000) ||
    (bandwidth === '2.5 Gbps' && limitMs === 1000),
);

test('the predictions', () => {
  const { figures } = judgedGroup(predictorGroup(QUICK));
  expect(off(figures)).toEqual([]);
  expect(figures.filter(({ expected }) => expected === null)).toHaveLength(1);
  expect(figures.length).toBeGreaterThan(35);
});

test('the predictions are 8 rows of 6, of which 18 never end', () => {
  expect(CELLS).toHaveLength(48);
  expect(CELLS.filter(({ publishedS }) => publishedS === null)).toHaveLength(18);
});

test.each([
  ['a constant dirty rate', constantRateGroup],
  ['a random writer', randomWriterGroup],
  ['switchover-ack', switchoverAckGroup],
  ['the vGPU of 2017', vgpuGroup],
  ['throughput', throughputGroup],
  ['counters', countersGroup],
  ['device states over one channel and many', deviceStateGroup],
  ['the vGPU that was stunned', stunGroup],
])('%s', (_, group) => {
  expect(off(judgedGroup(group()).figures)).toEqual([]);
});

test('a downtime that is only bounded says so', () => {
  const bounds = switchoverAckGroup().figures.filter(({ name }) => name.startsWith('downtime'));
  expect(bounds.map(({ name, tolerance }) => [name, tolerance])).toEqual([
    ['downtime with the ack, no longer than', { kind: 'between', least: 0, most: 420 }],
    ['downtime without it, past the limit of 300 ms, no longer than', { kind: 'between', least: 300, most: 1900 }],
  ]);
});

test('the random writer is the published S1: 63.12599 s and 1643.190 ms in closed form', () => {
  const [total, downtime] = randomWriterGroup().figures;
  expect(total?.expected).toBeCloseTo(63_125.99, 1);
  expect(downtime?.expected).toBeCloseTo(1643.19, 2);
});

describe('the measured runs', () => {
  interface Recorded {
    readonly src_events: readonly { readonly event: string; readonly timestamp: Timestamp; readonly data?: unknown }[];
    readonly dst_events: readonly { readonly event: string; readonly timestamp: Timestamp }[];
    readonly final: {
      readonly downtime: number;
      readonly 'total-time': number;
      readonly ram: Readonly<Record<string, number>>;
    };
  }
  interface Timestamp {
    readonly seconds: number;
    readonly microseconds: number;
  }
  const fixture = new URL('../../fixtures/qemu-7.2-runs.json', import.meta.url);
  const { runs } = JSON.parse(readFileSync(fixture, 'utf8')) as { readonly runs: Readonly<Record<string, Recorded>> };
  const ms = ({ seconds, microseconds }: Timestamp) => seconds * 1000 + microseconds / 1000;

  test.each(MEASURED_RUNS)('$scenario is what was recorded', (run) => {
    const real = runs[run.scenario.replace('qemu-', '')]!;
    const { ram } = real.final;
    const setupMs = ms(real.src_events[0]!.timestamp);
    const passes = real.src_events.filter(({ event }) => event === 'MIGRATION_PASS').map((pass) => ms(pass.timestamp));
    const stop = real.src_events.find(({ event }) => event === 'STOP')!;
    const resume = real.dst_events.find(({ event }) => event === 'RESUME')!;
    expect(run).toMatchObject({
      totalMs: real.final['total-time'],
      downtimeMs: real.final.downtime,
      transferredBytes: ram.transferred,
      zeroPages: ram.duplicate,
      normalPages: ram.normal,
      syncs: ram['dirty-sync-count'],
    });
    expect(run.gapMs).toBeCloseTo(ms(resume.timestamp) - ms(stop.timestamp), 2);
    for (const [index, endMs] of run.passEndsMs.entries()) expect(endMs).toBeCloseTo(passes[index + 1]! - setupMs, 2);
    expect(run.passEndsMs).toHaveLength(passes.length - 2);
  });
});

describe('a figure is held', () => {
  const figure = (got: number | null, tolerance: Figure['tolerance'], expected: number | null = 100): Figure => ({
    name: 'x',
    unit: 'ms',
    expected,
    got,
    tolerance,
  });
  test.each([
    [figure(100, { kind: 'exact' }), true],
    [figure(101, { kind: 'exact' }), false],
    [figure(101, { kind: 'percent', percent: 1 }), true],
    [figure(98.9, { kind: 'percent', percent: 1 }), false],
    [figure(105, { kind: 'percent-or-absolute', percent: 1, by: 5 }), true],
    [figure(106, { kind: 'percent-or-absolute', percent: 5, by: 1 }), false],
    [figure(96, { kind: 'absolute', by: 4 }), true],
    [figure(40, { kind: 'between', least: 40, most: 60 }), true],
    [figure(61, { kind: 'between', least: 40, most: 60 }), false],
    [figure(108, { kind: 'deviations', deviations: 4, standardDeviation: 2 }), true],
    [figure(108.1, { kind: 'deviations', deviations: 4, standardDeviation: 2 }), false],
    [figure(null, { kind: 'percent', percent: 100 }), false],
    [figure(1, { kind: 'percent', percent: 100 }, null), false],
    [figure(null, { kind: 'exact' }, null), true],
  ])('%o: %s', (one, held) => {
    expect(judged(one).held).toBe(held);
  });

  test('with its error, and beside it the closed form’s', () => {
    const { error, errorPercent, closedFormErrorPercent } = judged({
      ...figure(98, { kind: 'exact' }),
      closedForm: 110,
    });
    expect({ error, errorPercent, closedFormErrorPercent }).toEqual({
      error: -2,
      errorPercent: -2,
      closedFormErrorPercent: 10,
    });
  });

  test('or shown as off, with a sentence that counts', () => {
    const about = { name: 'g', about: 'a', source: 's' };
    const group = judgedGroup({ ...about, figures: [figure(100, { kind: 'exact' }), figure(90, { kind: 'exact' })] });
    const text = validationText({ held: group.held, groups: [group], notCovered: NOT_COVERED });
    expect(text).toMatch(/x +100\.0 ms +90\.0 ms +-10\.00 % +none +OFF\n/);
    expect(text).toContain('multi-thread compression');
    expect(text).toMatch(/70 to 75 % less downtime of a virtio VF .*\n +no state size, link or downtime is published/);
    expect(text.trimEnd().split('\n').at(-1)).toBe('1 of 2 figures are off.');
  });
});
