/**
 * Whole migrations, page-exact, with writes over the stream, charts, an in-memory journal and every check on: how long one
 * takes in this process once it is warm. The closed form of a random writer stands beside what came out: a set of W pages
 * written w times a second holds W (1 - exp(-w t / W)) dirty pages after t.
 */

import { qemu } from '../../machines/convergence/qemu.ts';
import { chartsFor } from '../../machines/index.ts';
import { type ChartSet, chartSet } from '../core/system.ts';
import { createArena } from '../hardware/kernels/page-arena.ts';
import { rehearse } from '../lab/rehearse.ts';
import type { Report } from '../lab/report/report.ts';
import { scenarioFrom } from '../lab/scenario/read.ts';
import type { ScenarioInput } from '../lab/scenario/schema.ts';
import { cpuMs, WARM_UP_MS, warmUp } from './cpu-time.ts';

export interface ScenarioTime {
  readonly name: string;
  readonly about: string;
  readonly migrations: number;
  /** CPU time of this process for one migration: the median, and the least. */
  readonly medianMs: number;
  readonly leastMs: number;
  readonly outcome: string;
  readonly lostWritesChecked: boolean;
  readonly rounds: number;
  readonly totalMs: number;
  readonly downtimeMs: number | null;
  readonly analytic?: { readonly totalMs: number; readonly downtimeMs: number; readonly rounds: number };
  /** Records of the run and messages delivered to its charts. */
  readonly records: number;
  readonly deliveries: number;
}

interface Guest {
  readonly name: string;
  readonly about: string;
  readonly memoryGib: number;
  readonly setGib: number;
  readonly writesPerSecond: number;
  readonly gbitPerSecond: number;
  /** Stop then, converged or not; absent: when the rest fits into the limit. */
  readonly stopAfterRounds?: number;
  readonly loop?: 'textbook' | 'qemu-10.2';
  /** The vmm throttles its guest until it converges. */
  readonly autoConverge?: true;
}

const LIMIT_MS = 300;
const PAGE_BYTES = 4096;
const GIB = 2 ** 30;

const S1 = { memoryGib: 16, setGib: 2, writesPerSecond: 1e6, gbitPerSecond: 10 } as const;
const GUESTS: readonly Guest[] = [
  { name: 'S1', about: '16 GiB, 10 Gb/s, 1M writes/s over 2 GiB, stopped after 30 rounds', ...S1, stopAfterRounds: 30 },
  {
    name: 'S1 as qemu-10.2',
    about: 'the same VM and the same limit of rounds',
    ...S1,
    stopAfterRounds: 30,
    loop: 'qemu-10.2',
  },
  { name: 'S2', about: '16 GiB, 10 Gb/s, 200k writes/s over 2 GiB', ...S1, writesPerSecond: 2e5 },
  {
    name: 'S2 in 64 GiB',
    about: 'the same working set in a guest four times as large',
    ...S1,
    memoryGib: 64,
    writesPerSecond: 2e5,
  },
  {
    name: 'S2 in 4 TiB',
    about: 'the same working set in a guest 256 times as large',
    ...S1,
    memoryGib: 4096,
    writesPerSecond: 2e5,
  },
  {
    name: 'S3',
    about: 'S1 as qemu-10.2 with auto-converge, which ends it without a limit of rounds',
    ...S1,
    loop: 'qemu-10.2',
    autoConverge: true,
  },
  {
    name: 'S4',
    about: '256 GiB, 100 Gb/s, 1M writes/s over 8 GiB',
    memoryGib: 256,
    setGib: 8,
    writesPerSecond: 1e6,
    gbitPerSecond: 100,
  },
];

/** Each of them `migrations` times, one after the other. */
export function benchScenarios(
  migrations: number,
  warmUpMs = WARM_UP_MS,
  onDone: (name: string) => void = () => {},
): readonly ScenarioTime[] {
  return GUESTS.map((guest) => {
    const time = timeOf(guest, migrations, warmUpMs);
    onDone(guest.name);
    return time;
  });
}

/** One of them, by its name. Throws a RangeError for another. */
export function benchInput(name: string): ScenarioInput {
  const guest = GUESTS.find((one) => one.name === name);
  if (guest === undefined) throw new RangeError(`no migration ${name} is timed`);
  return inputOf(guest);
}

function timeOf(guest: Guest, migrations: number, warmUpMs: number): ScenarioTime {
  const { name, about, stopAfterRounds, loop } = guest;
  const scenario = scenarioFrom(inputOf(guest));
  const charts = stopAfterRounds === undefined ? undefined : stoppingAfter(stopAfterRounds);
  let deliveries = 0;
  const counted = rehearse(scenario, { charts, listen: () => deliveries++ });
  const records = counted.runner.system!.position + 1;
  const report = counted.ended;
  const arena = createArena();
  const migrate = () => {
    arena.reset();
    rehearse(scenario, { charts, arena });
  };
  warmUp([migrate], warmUpMs);
  const timesMs = Array.from({ length: migrations }, () => cpuMs(migrate)).sort((a, b) => a - b);
  return {
    name,
    about,
    migrations,
    medianMs: timesMs[migrations >> 1]!,
    leastMs: timesMs[0]!,
    ...toldBy(report),
    ...(loop === undefined ? { analytic: analyticOf(guest) } : {}),
    records,
    deliveries,
  };
}

function toldBy({ outcome, rounds, totalMs, downtimeMs, checks }: Report) {
  const lostWritesChecked = checks.some((check) => check.name === 'no-lost-write' && check.held);
  return { outcome, lostWritesChecked, rounds: rounds.length, totalMs, downtimeMs };
}

function inputOf({
  name,
  memoryGib,
  setGib,
  writesPerSecond,
  gbitPerSecond,
  loop = 'textbook',
  autoConverge,
}: Guest): ScenarioInput {
  return {
    name: `bench ${name}`,
    vm: {
      memory: `${memoryGib}GiB`,
      workloads: [{ kind: 'random', set: `${setGib}GiB`, rate: `${writesPerSecond / 1000}k/s` }],
    },
    link: { bandwidth: `${gbitPerSecond}Gbit/s` },
    vmm: {
      loop,
      downtimeLimit: `${LIMIT_MS}ms`,
      maxBandwidth: 'unlimited',
      ...(autoConverge === undefined ? {} : { autoConverge }),
    },
  };
}

/** The policy of QEMU, but for a limit of rounds that QEMU does not have. */
function stoppingAfter(rounds: number): ChartSet {
  const policy = qemu.provide({
    guards: { remainderIsBelowThreshold: ({ context }) => (context.observation?.round ?? 0) >= rounds },
  });
  return chartSet({ ...chartsFor('qemu'), policy });
}

/** The textbook loop in closed form: round 1 sends all of memory, each later one what was written during the one before. */
export function analyticOf(guest: Omit<Guest, 'name' | 'about'>): {
  totalMs: number;
  downtimeMs: number;
  rounds: number;
} {
  const bytesPerSecond = (guest.gbitPerSecond * 1e9) / 8;
  const setPages = (guest.setGib * GIB) / PAGE_BYTES;
  const limitBytes = (bytesPerSecond * LIMIT_MS) / 1000;
  let bytes = guest.memoryGib * GIB;
  let seconds = 0;
  for (let rounds = 1; ; rounds++) {
    const took = bytes / bytesPerSecond;
    seconds += took;
    bytes = PAGE_BYTES * setPages * -Math.expm1((-guest.writesPerSecond * took) / setPages);
    const stops = guest.stopAfterRounds === undefined ? bytes <= limitBytes : rounds >= guest.stopAfterRounds;
    if (!stops) continue;
    const downtimeMs = (1000 * bytes) / bytesPerSecond;
    return { totalMs: 1000 * seconds + downtimeMs, downtimeMs, rounds };
  }
}
