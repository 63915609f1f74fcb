/**
 * Four migrations of a real QEMU against the four scenarios that ship for them.
 *
 * Measured on Debian's QEMU 7.2.22 (TCG), two processes on one host, unix socket. The constants of sender and hosts were taken
 * from the idle and the unlimited run, so those two are fitted and the other two are predictions. The closed form beside them
 * is what anybody would reckon: bytes over the limit of bandwidth.
 */
import { rehearse } from '../rehearse.ts';
import { scenarios } from '../shipped.ts';
import type { Figure, Group } from './figure.ts';

export interface MeasuredRun {
  readonly scenario: 'qemu-idle' | 'qemu-8mib' | 'qemu-32mib' | 'qemu-unlimited';
  readonly totalMs: number;
  readonly downtimeMs: number;
  /** STOP on the source to RESUME on the destination. */
  readonly gapMs: number;
  readonly transferredBytes: number;
  readonly zeroPages: number;
  readonly normalPages: number;
  readonly syncs: number;
  /** When each pass but the stop phase's ended, after the status `setup`. */
  readonly passEndsMs: readonly number[];
}

export const MEASURED_RUNS: readonly MeasuredRun[] = [
  {
    scenario: 'qemu-idle',
    totalMs: 2038,
    downtimeMs: 2,
    gapMs: 2.569,
    transferredBytes: 135_828_765,
    zeroPages: 98_321,
    normalPages: 32_881,
    syncs: 3,
    passEndsMs: [2036.043],
  },
  {
    scenario: 'qemu-8mib',
    totalMs: 2041,
    downtimeMs: 8,
    gapMs: 7.931,
    transferredBytes: 144_237_868,
    zeroPages: 98_321,
    normalPages: 34_930,
    syncs: 3,
    passEndsMs: [2033.236],
  },
  {
    scenario: 'qemu-32mib',
    totalMs: 2416,
    downtimeMs: 8,
    gapMs: 8.332,
    transferredBytes: 177_406_428,
    zeroPages: 98_321,
    normalPages: 43_012,
    syncs: 5,
    passEndsMs: [2051.856, 2308.655, 2407.468],
  },
  {
    scenario: 'qemu-unlimited',
    totalMs: 411,
    downtimeMs: 29,
    gapMs: 29.941,
    transferredBytes: 236_692_668,
    zeroPages: 98_321,
    normalPages: 57_458,
    syncs: 3,
    passEndsMs: [381.569],
  },
];

export function qemuRunsGroup(): Group {
  return {
    name: 'qemu-runs',
    about: 'QEMU 7.2 measured: idle and unlimited gave the constants, 8mib and 32mib are predictions. No VFIO device.',
    source: 'QEMU 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3, TCG), two processes on one host, unix socket',
    figures: MEASURED_RUNS.flatMap(figuresOf),
  };
}

function figuresOf(real: MeasuredRun): readonly Figure[] {
  const scenario = scenarios[real.scenario];
  const report = rehearse(scenario).ended;
  const { bytes, rounds } = report;
  const name = real.scenario;
  const cap = scenario.vmm.maxBandwidthBytesPerSecond;
  const endsMs = rounds.map(({ startMs, durationMs }) => startMs + durationMs);
  // Two processes under TCG scatter by this much.
  const asTheyScatter = { kind: 'percent-or-absolute', percent: 20, by: 5 } as const;
  return [
    {
      name,
      unit: 'ms',
      expected: real.totalMs,
      got: report.totalMs,
      tolerance: { kind: 'percent', percent: 3 },
      ...(cap === 0 ? {} : { closedForm: (1000 * real.transferredBytes) / cap }),
    },
    {
      name: `${name}, downtime`,
      unit: 'ms',
      expected: real.downtimeMs,
      got: report.vmmDowntimeMs,
      tolerance: asTheyScatter,
    },
    {
      name: `${name}, STOP to RESUME`,
      unit: 'ms',
      expected: real.gapMs,
      got: report.downtimeMs,
      tolerance: asTheyScatter,
    },
    {
      name: `${name}, sent`,
      unit: 'bytes',
      expected: real.transferredBytes,
      got: bytes.total,
      tolerance: { kind: 'percent', percent: 1 },
    },
    {
      name: `${name}, zero`,
      unit: 'pages',
      expected: real.zeroPages,
      got: bytes.zeroPages,
      tolerance: { kind: 'exact' },
    },
    {
      name: `${name}, with content`,
      unit: 'pages',
      expected: real.normalPages,
      got: bytes.normalPages,
      tolerance: { kind: 'percent', percent: 1 },
    },
    {
      name: `${name}, syncs`,
      unit: 'rounds',
      expected: real.syncs,
      got: report.dirtySyncCount,
      tolerance: { kind: 'exact' },
    },
    ...real.passEndsMs.map(
      (expected, index): Figure => ({
        name: `${name}, pass ${index + 1} ends`,
        unit: 'ms',
        expected,
        got: endsMs[index] ?? null,
        // A quarter of QEMU's window of 100 ms: the same window.
        tolerance: { kind: 'absolute', by: 25 },
      }),
    ),
  ];
}
