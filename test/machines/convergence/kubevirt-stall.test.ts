/**
 * KubeVirt's stall detector and its time limits against timelines that were worked out by hand from its source:
 * pkg/virt-launcher/virtwrap/stall-detector.go (`updateCandidates`, `relaxBestRemainingBytes`, `decideAction`) and its migration
 * monitor (`handleStallDetection`, `processCompletionTimeouts`).
 *
 * 1 GiB counts as 2 GB: 300 s are acceptable, and 600 s are its deadline. At 8000 Mbit/s 1 GB takes 1000 ms.
 */
import { describe, expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { managers } from '../../../machines/index.ts';
import { given } from '../given.ts';
import { type Watching, watched } from './watched.ts';

const GB = 1e9;
type Passes = NonNullable<Watching['passes']>;

/** Without the limit that it begins with. */
function stall(passes: Passes, rest: Partial<Watching> = {}) {
  const untilS = (passes.at(-1)?.[0] ?? 0) + 0.1;
  const { orders, ...other } = watched('kubevirt-stall', { passes, untilS, ...rest });
  expect(orders[0]).toEqual([0, 300]);
  return { ...other, orders: orders.slice(1) };
}
const disrupting = { allowWorkloadDisruption: true };

test('begins with 300 ms, or the most if that is less', () => {
  expect(watched('kubevirt-stall', { untilS: 1 }).orders).toEqual([[0, 300]]);
  expect(watched('kubevirt-stall', { untilS: 1, parameters: { downtimeMaxMs: 200 } }).orders).toEqual([[0, 200]]);
});

describe('when it looks', () => {
  test('at each pass, and when 400 ms have gone by since it looked', () => {
    expect(stall([[0.5, GB]], { untilS: 2 }).askedMs).toEqual([400, 500, 900, 1300, 1700]);
  });

  test('a pass that begins while it is asked is looked at after that', () => {
    const { machine, defaults } = managers['kubevirt-stall'];
    const vm = { ramBytes: 1e9, vfio: false, postCopy: false, downtimeLimitMs: 300 };
    const poll = { type: 'xstate.after.poll.manager-kubevirt-stall.watching.sending' };
    const asked = given(machine as AnyStateMachine, { parameters: defaults, vm })
      .when({ type: 'MIGRATION_ACTIVE' })
      .when(poll)
      .then({ commanded: [{ command: 'queryMigrate' }], timers: ['cleared'] });
    const failed = { type: 'FAILED.queryMigrate', errno: 'EIO' };
    const pass = { type: 'MIGRATION_PASS', pass: 2 };
    const again = asked.when(pass, failed).then({ commanded: [{ command: 'queryMigrate' }] });
    again.when(failed).then({ state: { watching: 'sending' }, timers: [400] });
    again.when(pass, pass, failed, failed).then({
      state: { watching: 'askingAtPass' },
      commanded: [{ command: 'queryMigrate' }, { command: 'queryMigrate' }],
    });
  });
});

describe('what a stall is', () => {
  // A record counts from the age of 40 s on; 1 GB is 1000 ms, more than 900 and within 1350.
  test.each([
    [
      'a record of exactly 40 s',
      [
        [1, GB],
        [41, GB],
      ],
      [[41_000, 900]],
    ],
    [
      'one of less',
      [
        [1, GB],
        [40.999, GB],
      ],
      [],
    ],
    [
      '4 % less',
      [
        [1, GB],
        [41, 0.9599 * GB],
      ],
      [],
    ],
    [
      'just not 4 % less',
      [
        [1, GB],
        [41, 0.96 * GB],
      ],
      [[41_000, 900]],
    ],
    [
      'the least of the old ones, not the last',
      [
        [1, 0.9 * GB],
        [2, GB],
        [42, 0.87 * GB],
      ],
      [[42_000, 900]],
    ],
    [
      'a pass before the first poll is not looked at',
      [
        [0.3, 0.5 * GB],
        [1, GB],
        [41, GB],
      ],
      [[41_000, 900]],
    ],
  ] as const)('%s', (_, passes, expected) => {
    expect(stall(passes).orders).toEqual(expected);
  });
});

describe('where it acts', () => {
  // The stall is at 52 s: the records of 1 and 11 s are old, the best is 0.5 GB, and its patience lasts until 92 s.
  const stalled: Passes = [
    [1, GB],
    [11, 0.5 * GB],
    [21, 0.8 * GB],
    [52, GB],
  ];
  test.each([
    ['not far from the best', [], []],
    ['within 4 % of the best', [[53, 0.52 * GB]], [[53_000, 900]]],
    ['not farther', [[53, 0.5201 * GB]], []],
    ['after 40 s the least since the stall will do, this one with it', [[92, 0.84 * GB]], [[92_000, 900]]],
    ['not before', [[91.999, 0.84 * GB]], []],
    [
      'within 4 % of that',
      [
        [60, 0.84 * GB],
        [92, 0.87 * GB],
      ],
      [[92_000, 900]],
    ],
    [
      'the next one after 20 s',
      [
        [72, 0.7 * GB],
        [92, GB],
        [111, 0.74 * GB],
        [112, 0.76 * GB],
      ],
      [[112_000, 900]],
    ],
    [
      'not before 20 s',
      [
        [72, 0.7 * GB],
        [92, GB],
        [111, 0.74 * GB],
        [111.9, 0.76 * GB],
      ],
      [],
    ],
    [
      'and the next after 10 s',
      [
        [72, 0.7 * GB],
        [92, GB],
        [111, 0.74 * GB],
        [112, 0.9 * GB],
        [121.9, 0.78 * GB],
        [122, 0.79 * GB],
      ],
      [[122_000, 900]],
    ],
    [
      'it gives way once a pass',
      [
        [60, 0.7 * GB],
        [61, 0.75 * GB],
        [200, GB],
        [201, 0.74 * GB],
      ],
      [],
    ],
  ] as const)('%s', (_, passes, expected) => {
    expect(stall([...stalled, ...(passes as Passes)]).orders).toEqual(expected);
  });

  test('the remainder of the stall itself is not among those since', () => {
    const passes: Passes = [
      [1, GB],
      [11, 0.5 * GB],
      [52, 0.55 * GB],
      [92, 0.6 * GB],
    ];
    expect(stall(passes).orders).toEqual([[92_000, 900]]);
  });

  test('the best may be younger than 40 s', () => {
    expect(
      stall([
        [1, GB],
        [20, 0.5 * GB],
        [42, GB],
        [43, 0.5201 * GB],
      ]).orders,
    ).toEqual([]);
    expect(
      stall([
        [1, GB],
        [20, 0.5 * GB],
        [42, GB],
        [43, 0.52 * GB],
      ]).orders,
    ).toEqual([[43_000, 900]]);
  });
});

describe('how it acts', () => {
  const twice = (bytes: number): Passes => [
    [1, bytes],
    [42, bytes],
  ];
  test.each([
    ['within 1.5 of the most', 1.35, {}, {}, 900],
    ['beyond', 1.352, {}, {}, 'abort'],
    ['post-copy', 9, disrupting, { postCopy: true }, 'postcopy'],
    ['post-copy only where it may disrupt', 9, {}, { postCopy: true }, 'abort'],
    ['forced', 9, disrupting, {}, 2_000_000],
    ['forced with VFIO', 9, disrupting, { postCopy: true, vfio: true }, 2_000_000],
  ] as const)('%s', (_, gb, parameters, vm, order) => {
    expect(stall(twice(gb * GB), { parameters, vm }).orders).toEqual([[42_000, order]]);
  });

  // At 1 MB/s: 558 s are left to twice the acceptable time.
  test.each([
    [558e6, [[42_000, 2_000_000]]],
    [558.002e6, []],
  ] as const)('%i bytes and twice the acceptable time', (bytes, expected) => {
    expect(stall(twice(bytes), { parameters: disrupting, mbps: () => 8 }).orders).toEqual(expected);
  });

  test('the bandwidth is a moving average of the polls, 0.4 of the newest; none reported changes nothing', () => {
    const mbps = (atMs: number) => ({ 400: 8000, 800: 4000 })[atMs] ?? 0;
    const { because } = stall(
      [
        [1, GB],
        [42, GB],
      ],
      { mbps },
    );
    expect(because.at(-1)).toMatchObject({ bandwidthBytesPerSecond: 0.8 * GB, estimateMs: 1250 });
  });

  // In whole seconds: 61 s, at its next poll.
  test.each([
    ['the most', {}, GB, 900],
    ['forced', disrupting, 9 * GB, 2_000_000],
  ] as const)('%s has 60 s to switch over', (_, parameters, bytes, order) => {
    const { orders, reasons } = stall(twice(bytes), { parameters, untilS: 900 });
    expect(orders).toEqual([
      [42_000, order],
      [103_200, 'abort'],
    ]);
    expect(reasons).toEqual(['aborted by kubevirt-stall: no switchover within 60 s']);
  });

  test('post-copy has no time limit', () => {
    const { orders } = stall(twice(9 * GB), { parameters: disrupting, vm: { postCopy: true }, untilS: 4000 });
    expect(orders).toEqual([[42_000, 'postcopy']]);
  });
});

describe('past the acceptable time', () => {
  // 5 % less each 41 s is no stall. The pass of 288 s sets the polls: 300.8 s are not more than 300 whole ones, 301.2 s are.
  const shrinking: Passes = Array.from({ length: 90 }, (_, n) => [1 + 41 * n, GB * 0.95 ** n]);
  const late = (rest: Partial<Watching> = {}) => stall(shrinking, { untilS: 4000, ...rest });
  test('it aborts', () => {
    const { orders, reasons } = late();
    expect(orders).toEqual([[301_200, 'abort']]);
    expect(reasons).toEqual(['aborted by kubevirt-stall: not over after 300 s']);
  });

  test('or goes over to post-copy, and that is all', () => {
    expect(late({ vm: { postCopy: true } }).orders).toEqual([[301_200, 'postcopy']]);
    expect(late({ vm: { postCopy: true }, parameters: disrupting }).orders).toEqual([[301_200, 'postcopy']]);
  });

  // 61 s later; the pass of 329 s has set the polls.
  test.each([{}, { vfio: true, postCopy: true }])('or forces the end, which has 60 s: %j', (vm) => {
    expect(late({ vm, parameters: disrupting }).orders).toEqual([
      [301_200, 2_000_000],
      [362_200, 'abort'],
    ]);
  });

  // At 301 s 299 are left to twice the time.
  test.each([
    [299e6, 2_000_000],
    [299.002e6, 'abort'],
  ] as const)('what it could not send in time is not forced: %i bytes at 1 MB/s', (bytes, order) => {
    const rest = { parameters: disrupting, mbps: () => 8, untilS: 302 };
    expect(stall([[280, bytes]], rest).orders).toEqual([[301_200, order]]);
  });

  test('without a bandwidth it aborts', () => {
    const rest = { parameters: disrupting, vm: { postCopy: true }, mbps: () => 0 };
    expect(late(rest).orders).toEqual([[301_200, 'abort']]);
  });

  test('stalled and far from the best it is as late', () => {
    expect(
      stall(
        [
          [1, GB],
          [20, 0.1 * GB],
          [42, GB],
        ],
        { untilS: 400 },
      ).orders,
    ).toEqual([[301_200, 'abort']]);
  });

  test('a time of 0 is none', () => {
    expect(late({ parameters: { completionTimeoutPerGbMs: 0 } }).orders).toEqual([]);
  });
});
