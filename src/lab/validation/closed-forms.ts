/**
 * Guests whose migration can be computed on paper: one that writes at a constant rate to ever new pages, and one that writes
 * to pages drawn uniformly from a set.
 *
 * With V bytes, a link of R and a dirty rate D = rR, pass i sends V r^i and the loop stops below R times the limit. A set of W
 * pages written w times a second holds W (1 - exp(-w t / W)) dirty pages after t. Writes that arrive at random times make the
 * pages independent of each other, so the number of dirty ones has the variance W p (1 - p) with p = 1 - exp(-w t / W).
 */
import { qemu } from '../../../machines/convergence/qemu.ts';
import { chartsFor } from '../../../machines/index.ts';
import { chartSet } from '../../core/system.ts';
import { rehearse } from '../rehearse.ts';
import type { Report } from '../report/report.ts';
import { scenarioFrom } from '../scenario/read.ts';
import type { ScenarioInput } from '../scenario/schema.ts';
import type { Figure, Group } from './figure.ts';

const PAGE_BYTES = 4096;
const GIB = 2 ** 30;

interface Outcome {
  readonly totalMs: number;
  readonly downtimeMs: number;
  readonly rounds: number;
}

interface ConstantGuest {
  readonly name: string;
  readonly memoryBytes: number;
  readonly linkBytesPerSecond: number;
  /** Dirty rate over link rate, below 1. */
  readonly ratio: number;
  readonly limitMs: number;
}

const CONSTANT: readonly ConstantGuest[] = [0.25, 0.5, 0.8].map((ratio) => ({
  name: `dirty rate ${ratio} of the link's`,
  memoryBytes: 4 * GIB,
  linkBytesPerSecond: 1.25e9,
  ratio,
  limitMs: 100,
}));

interface RandomGuest {
  readonly name: string;
  readonly memoryBytes: number;
  readonly setPages: number;
  readonly writesPerSecond: number;
  readonly linkBytesPerSecond: number;
  readonly limitMs: number;
  /** Stop then, converged or not; absent: when the rest fits into the limit. */
  readonly stopAfterRounds?: number;
}

const BASE = { memoryBytes: 16 * GIB, setPages: (2 * GIB) / PAGE_BYTES, linkBytesPerSecond: 1.25e9, limitMs: 300 };
const RANDOM: readonly RandomGuest[] = [
  { name: '1M writes/s, stopped after 30 rounds', ...BASE, writesPerSecond: 1e6, stopAfterRounds: 30 },
  { name: '200k writes/s, converges', ...BASE, writesPerSecond: 2e5 },
];

export function constantRateGroup(): Group {
  return {
    name: 'constant-rate',
    about: '4 GiB over 10 Gb/s, limit 100 ms, written in address order; expected is the closed form itself.',
    source: 'geometric series: pass i sends V r^i, total V/R (1 - r^(n+1)) / (1 - r), downtime V r^n / R',
    figures: CONSTANT.flatMap((guest) => {
      const expected = constantRateForm(guest);
      return outcomeFigures(guest.name, expected, reportOf(constantScenario(guest)), 0.1);
    }),
  };
}

export function randomWriterGroup(): Group {
  return {
    name: 'random-writer',
    about:
      '16 GiB over 10 Gb/s, writes over 2 GiB; expected is the closed form, and its exact variance bounds the pages.',
    source: 'saturating random writer: W (1 - exp(-w t / W)) dirty pages, variance W p (1 - p)',
    figures: RANDOM.flatMap((guest) => {
      const report = reportOf(randomScenario(guest), guest.stopAfterRounds);
      const { standardDeviationMs, ...expected } = randomWriterForm(guest);
      const figures = outcomeFigures(guest.name, expected, report, 0.1);
      return [...figures.map((figure) => withChance(figure, standardDeviationMs)), foundPages(guest, report)];
    }),
  };
}

/** Times within a share, passes exactly. */
function outcomeFigures(name: string, expected: Outcome, report: Report, percent: number): readonly Figure[] {
  return [
    { name, unit: 'ms', expected: expected.totalMs, got: report.totalMs, tolerance: { kind: 'percent', percent } },
    {
      name: `${name}, downtime`,
      unit: 'ms',
      expected: expected.downtimeMs,
      got: report.downtimeMs,
      tolerance: { kind: 'percent', percent },
    },
    {
      name: `${name}, passes`,
      unit: 'rounds',
      expected: expected.rounds,
      got: report.rounds.length,
      tolerance: { kind: 'exact' },
    },
  ];
}

/** A downtime that chance spreads by more than a share of it: what the last pass leaves varies, and so did its length. */
function withChance(figure: Figure, standardDeviation: number): Figure {
  const isDowntime = figure.name.endsWith(', downtime');
  if (!isDowntime || 4 * standardDeviation < (figure.expected ?? 0) / 1000) return figure;
  return { ...figure, tolerance: { kind: 'deviations', deviations: 4, standardDeviation } };
}

/** Every sync against what its own pass's length makes likely; independent of each other, so variances add up. */
function foundPages({ name, setPages, writesPerSecond }: RandomGuest, { rounds }: Report): Figure {
  let expected = 0;
  let variance = 0;
  let got = 0;
  for (const { durationMs, dirtyPages } of rounds) {
    const clean = Math.exp((-writesPerSecond * durationMs) / 1000 / setPages);
    expected += setPages * (1 - clean);
    variance += setPages * (1 - clean) * clean;
    got += dirtyPages;
  }
  return {
    name: `${name}, found by ${rounds.length} syncs`,
    unit: 'pages',
    expected,
    got,
    tolerance: { kind: 'deviations', deviations: 4, standardDeviation: Math.sqrt(variance) },
  };
}

export function constantRateForm({ memoryBytes, linkBytesPerSecond, ratio, limitMs }: ConstantGuest): Outcome {
  const thresholdBytes = (linkBytesPerSecond * limitMs) / 1000;
  const rounds = Math.max(1, Math.ceil(Math.log(thresholdBytes / memoryBytes) / Math.log(ratio)));
  const allMs = (1000 * memoryBytes) / linkBytesPerSecond;
  return {
    totalMs: (allMs * (1 - ratio ** (rounds + 1))) / (1 - ratio),
    downtimeMs: allMs * ratio ** rounds,
    rounds,
  };
}

/** `standardDeviationMs`: of the downtime; each pass's own chance, and the pass before's carried on by the slope of the form. */
export function randomWriterForm(guest: RandomGuest): Outcome & { readonly standardDeviationMs: number } {
  const { setPages, writesPerSecond, linkBytesPerSecond, stopAfterRounds } = guest;
  const limitBytes = (linkBytesPerSecond * guest.limitMs) / 1000;
  let bytes = guest.memoryBytes;
  let seconds = 0;
  let variancePages = 0;
  for (let rounds = 1; ; rounds++) {
    const took = bytes / linkBytesPerSecond;
    seconds += took;
    const clean = Math.exp((-writesPerSecond * took) / setPages);
    const slope = (writesPerSecond * clean * PAGE_BYTES) / linkBytesPerSecond;
    variancePages = setPages * (1 - clean) * clean + slope * slope * variancePages;
    bytes = PAGE_BYTES * setPages * (1 - clean);
    const stops = stopAfterRounds === undefined ? bytes <= limitBytes : rounds >= stopAfterRounds;
    if (!stops) continue;
    const downtimeMs = (1000 * bytes) / linkBytesPerSecond;
    const standardDeviationMs = (1000 * PAGE_BYTES * Math.sqrt(variancePages)) / linkBytesPerSecond;
    return { totalMs: 1000 * seconds + downtimeMs, downtimeMs, rounds, standardDeviationMs };
  }
}

/** With QEMU's rule, or with the same rule and a limit of passes that QEMU does not have. */
function reportOf(input: ScenarioInput, stopAfterRounds?: number): Report {
  if (stopAfterRounds === undefined) return rehearse(scenarioFrom(input)).ended;
  const policy = qemu.provide({
    guards: { remainderIsBelowThreshold: ({ context }) => (context.observation?.round ?? 0) >= stopAfterRounds },
  });
  return rehearse(scenarioFrom(input), { charts: chartSet({ ...chartsFor('qemu'), policy }) }).ended;
}

function constantScenario({ name, memoryBytes, linkBytesPerSecond, ratio, limitMs }: ConstantGuest): ScenarioInput {
  const rate = `${linkBytesPerSecond * ratio}B/s` as const;
  return {
    name,
    vm: { memory: memoryBytes, workloads: [{ kind: 'cycle', set: memoryBytes, rate }] },
    link: { bandwidth: `${linkBytesPerSecond}B/s` },
    vmm: { loop: 'textbook', downtimeLimit: `${limitMs}ms`, maxBandwidth: 'unlimited' },
  };
}

function randomScenario(guest: RandomGuest): ScenarioInput {
  const { name, memoryBytes, setPages, writesPerSecond, linkBytesPerSecond, limitMs } = guest;
  return {
    name,
    vm: {
      memory: memoryBytes,
      workloads: [{ kind: 'random', set: setPages * PAGE_BYTES, rate: `${writesPerSecond / 1000}k/s` }],
    },
    link: { bandwidth: `${linkBytesPerSecond}B/s` },
    vmm: { loop: 'textbook', downtimeLimit: `${limitMs}ms`, maxBandwidth: 'unlimited' },
  };
}
