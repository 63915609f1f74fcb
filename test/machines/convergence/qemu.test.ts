/**
 * QEMU's rule at the threshold: `!pending || pending < threshold` at v7.2.0, `pending <= threshold` from v8.0.0 on
 * (migration/migration.c, migration_iteration_run). Threshold = bandwidth x downtime limit; 0 until a window is measured.
 */
import { describe, expect, test } from 'vitest';
import { qemu, qemuPolicy } from '../../../machines/convergence/qemu.ts';
import { LOOPS, loop } from '../../../machines/loops.ts';
import type { Observation } from '../../../machines/words.ts';
import { given } from '../given.ts';

const observe = (changes: Partial<Observation>): Observation => ({
  cause: 'round',
  round: 1,
  remainingBytes: 0,
  remainingPages: 0,
  dirtyPagesBySource: {},
  bandwidthBytesPerSecond: 1_000_000,
  downtimeLimitMs: 300,
  throttlePercent: 0,
  ...changes,
});
const assess = (changes: Partial<Observation>) => ({ type: 'ASSESS', from: 'pre-copy', observation: observe(changes) });
const S = 'switchover';
const C = 'continue';

type Row = readonly [
  remainingBytes: number,
  bandwidthBytesPerSecond: number,
  downtimeLimitMs: number,
  thresholdBytes: number,
  v7_2: typeof S | typeof C,
  v8_0: typeof S | typeof C,
];
const ROWS: readonly Row[] = [
  [299_999, 1_000_000, 300, 300_000, S, S],
  [300_000, 1_000_000, 300, 300_000, C, S],
  [300_001, 1_000_000, 300, 300_000, C, C],
  [0, 1_000_000, 300, 300_000, S, S],
  // Nothing measured yet: only nothing left is enough.
  [0, 0, 300, 0, S, S],
  [1, 0, 300, 0, C, C],
  // A limit of 0 ms.
  [0, 1_000_000, 0, 0, S, S],
  [1, 1_000_000, 0, 0, C, C],
  // A threshold that is no whole number: 333.333 bytes.
  [333, 1111.11, 300, 333, S, S],
  [334, 1111.11, 300, 333, C, C],
  // Measured on QEMU 7.2.22, a cap of 64 MiB/s: 19.2 MiB fit into 300 ms.
  [20_132_659, 67_108_864, 300, 20_132_659, S, S],
  [20_132_660, 67_108_864, 300, 20_132_659, C, C],
];
const CELLS = ROWS.flatMap(([remainingBytes, bandwidthBytesPerSecond, downtimeLimitMs, thresholdBytes, v7_2, v8_0]) => {
  const numbers = { remainingBytes, bandwidthBytesPerSecond, downtimeLimitMs, thresholdBytes };
  return [
    { ...numbers, switchesOver: 'below-or-zero' as const, verdict: v7_2 },
    { ...numbers, switchesOver: 'at-or-below' as const, verdict: v8_0 },
  ];
});

describe('the verdict', () => {
  test.each(CELLS)(
    '$switchesOver: $remainingBytes left of $thresholdBytes is $verdict',
    ({ switchesOver, verdict, thresholdBytes, ...seen }) => {
      const { remainingBytes, bandwidthBytesPerSecond } = seen;
      given(qemu, { parameters: { switchesOver } })
        .when(assess(seen))
        .then({
          state: verdict === 'switchover' ? 'fits' : 'tooMuch',
          told: [
            {
              to: 'pre-copy',
              type: 'VERDICT',
              verdict,
              because: { remainingBytes, bandwidthBytesPerSecond, thresholdBytes },
            },
          ],
        });
    },
  );

  test('each observation is judged by itself', () => {
    const policy = given(qemu, { parameters: qemuPolicy.defaults });
    const verdicts = [400_000, 100_000, 400_000].map((remainingBytes, at, all) => {
      const before = all.slice(0, at).map((bytes) => assess({ remainingBytes: bytes }));
      return policy.when(...before, assess({ remainingBytes })).told.at(-1)?.verdict;
    });
    expect(verdicts).toEqual([C, S, C]);
  });
});

test('the entry names the chart and defaults to the rule of every release since 8.0', () => {
  expect(qemuPolicy).toMatchObject({ name: 'qemu', role: 'vmm', machine: qemu });
  const releases = LOOPS.filter((name) => name !== 'qemu-7.2');
  for (const name of releases) expect(qemuPolicy.defaults).toEqual({ switchesOver: loop(name).switchesOver });
});
