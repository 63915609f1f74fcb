/**
 * What was published with too little about it to predict the whole: a difference, an identity, an order. Each says what was
 * taken from the source and what is this project's.
 */
import { rehearse } from '../rehearse.ts';
import { scenarioFrom } from '../scenario/read.ts';
import { scenarios } from '../shipped.ts';
import type { Figure, Group } from './figure.ts';

/** Downtime with the ack and without it, ms. */
export const SWITCHOVER_ACK = { onMs: 420, offMs: 1900 } as const;

export function switchoverAckGroup(): Group {
  const acked = scenarios['ack-waits'];
  const on = rehearse(acked).ended;
  const off = rehearse({ ...acked, vmm: { ...acked.vmm, switchoverAck: false } }).ended;
  const sparedMs = off.downtimeMs === null || on.downtimeMs === null ? null : off.downtimeMs - on.downtimeMs;
  const limitMs = acked.vmm.downtimeLimitMs;
  const allocationMs = SWITCHOVER_ACK.offMs - SWITCHOVER_ACK.onMs;
  return {
    name: 'switchover-ack',
    about:
      'The link was not published, and the 1480 ms of allocation are an input: this holds the order, and what the ack spares. ' +
      'The downtimes are bounds from above, as nothing else that such a host does in them is published.',
    source: 'Avihai Horon, "[PATCH v6 0/8] migration: Add switchover ack capability", qemu-devel, 21 June 2023',
    figures: [
      {
        name: 'spared by the ack',
        unit: 'ms',
        expected: allocationMs,
        got: sparedMs,
        // Without it the rest that is copied may be as much more as fits into the limit.
        tolerance: { kind: 'between', least: allocationMs, most: allocationMs + limitMs },
      },
      downtime('with the ack, no longer than', SWITCHOVER_ACK.onMs, on.downtimeMs, 0),
      downtime(
        `without it, past the limit of ${limitMs} ms, no longer than`,
        SWITCHOVER_ACK.offMs,
        off.downtimeMs,
        limitMs,
      ),
    ],
  };
}

/** A bound, at most as long as it was measured: a real host does more than this model's in the same time. */
function downtime(name: string, publishedMs: number, got: number | null, leastMs: number): Figure {
  const tolerance = { kind: 'between', least: leastMs, most: publishedMs } as const;
  return { name: `downtime ${name}`, unit: 'ms', expected: publishedMs, got, tolerance };
}

export function vgpuGroup(): Group {
  const report = rehearse(scenarios['vgpu-10g']).ended;
  return {
    name: 'vgpu-2017',
    about:
      'A check of plausibility: "about 300 ms" and "three rounds" were published, "several hundred MB" are read as 350.',
    source: 'Kevin Tian, qemu-devel, June 2017 (Intel GVT-g, 4 GB guest, 10 Gb/s)',
    figures: [
      {
        name: 'downtime',
        unit: 'ms',
        expected: 300,
        got: report.downtimeMs,
        tolerance: { kind: 'percent', percent: 10 },
      },
      { name: 'passes', unit: 'rounds', expected: 3, got: report.rounds.length, tolerance: { kind: 'exact' } },
    ],
  };
}

interface Throughput {
  readonly name: string;
  readonly sentKib: number;
  readonly megabitsPerSecond: number;
  readonly totalMs: number;
}

/** What QEMU printed of a guest of 4,211,524 KiB. Compression decides how much is sent; the rest is the same arithmetic. */
export const THROUGHPUTS: readonly Throughput[] = [
  { name: 'idle, plain', sentKib: 363_536, megabitsPerSecond: 893.73, totalMs: 3333 },
  { name: 'idle, 8 threads', sentKib: 107_819, megabitsPerSecond: 482.22, totalMs: 1833 },
  { name: 'random writer, plain', sentKib: 4_274_143, megabitsPerSecond: 936.99, totalMs: 37_369 },
  { name: 'random writer, 8 threads', sentKib: 1_699_824, megabitsPerSecond: 870.95, totalMs: 15_989 },
];

export function throughputGroup(): Group {
  return {
    name: 'throughput',
    about:
      'As many bytes at the rate that QEMU printed take the time that it printed. It holds the link, not compression.',
    source: 'QEMU, docs/multi-thread-compression.txt (Intel, 2015), 1 GbE',
    figures: THROUGHPUTS.map(throughputFigure),
  };
}

/** An idle guest of just so many KiB over a link of that rate. */
function throughputFigure({ name, sentKib, megabitsPerSecond, totalMs }: Throughput): Figure {
  const pages = Math.round(sentKib / 4);
  const bytesPerSecond = (megabitsPerSecond * 1e6) / 8;
  const report = rehearse(
    scenarioFrom({
      name: `throughput ${name}`,
      vm: { memory: pages * 4096 },
      link: { bandwidth: `${bytesPerSecond}B/s` },
      vmm: { loop: 'textbook', maxBandwidth: 'unlimited' },
    }),
  ).ended;
  return {
    name,
    unit: 'ms',
    expected: totalMs,
    got: report.totalMs,
    // QEMU counts whole ms and rounds the rate to a hundredth.
    tolerance: { kind: 'absolute', by: 2 },
    closedForm: (1000 * sentKib * 1024) / bytesPerSecond,
  };
}

/** Pages with content and their kB, as QEMU printed them: a warehouse in Java, 20 vCPUs, 256 GB, with the throttle and without. */
const COUNTERS = [
  { name: 'throttled', normalPages: 7_044_971, normalKib: 28_179_884 },
  { name: 'not throttled', normalPages: 95_750_218, normalKib: 383_000_872 },
] as const;

export function countersGroup(): Group {
  return {
    name: 'counters',
    about: 'So many pages with content are so many kB: QEMU counts no headers there. Its workload is not published.',
    source: 'QEMU commit 7ca1dfad95 (Chegu Vinod, 2013), the first auto-converge',
    figures: COUNTERS.map(({ name, normalPages, normalKib }) => {
      const report = rehearse(
        scenarioFrom({
          name: `counters ${name}`,
          vm: { memory: normalPages * 4096 },
          link: { bandwidth: '20Gbit/s' },
          vmm: { loop: 'textbook', maxBandwidth: 'unlimited' },
        }),
      ).ended;
      return {
        name: `${name}, ${normalPages} pages`,
        unit: 'bytes',
        expected: 1024 * normalKib,
        got: report.bytes.memory,
        tolerance: { kind: 'exact' },
        closedForm: 4096 * normalPages,
      };
    }),
  };
}
