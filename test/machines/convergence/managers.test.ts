/**
 * Managers against their published rules: each chart is polled, or told of passes, and its orders are held to tables that were
 * transcribed from the sources, Nova's from the example in its own documentation of the steps.
 */
import { describe, expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { managers } from '../../../machines/index.ts';
import { type Given, given } from '../given.ts';

const GIB = 2 ** 30;

interface Vm {
  readonly ramBytes?: number;
  readonly vfio?: boolean;
  readonly postCopy?: boolean;
}

const started = (name: keyof typeof managers, parameters: object = {}, vm: Vm = {}) => {
  const { machine, defaults } = managers[name];
  const input = {
    parameters: { ...defaults, ...parameters },
    vm: { ramBytes: GIB, vfio: false, postCopy: false, downtimeLimitMs: 300, ...vm },
  };
  return given(machine as AnyStateMachine, input).when({ type: 'MIGRATION_ACTIVE' });
};

interface Look {
  readonly atMs: number;
  readonly remainingBytes?: number;
  readonly pass?: number;
  readonly mbps?: number;
  readonly transferredBytes?: number;
}

const info = ({ atMs, remainingBytes = GIB, pass = 1, mbps = 8000, transferredBytes = 0 }: Look) => ({
  type: 'DONE.queryMigrate',
  status: 'active',
  totalTimeMs: atMs,
  downtimeLimitMs: 300,
  ram: { totalBytes: GIB, transferredBytes, remainingBytes, dirtySyncCount: pass, dirtyPagesPerSecond: 0, mbps },
});

/** The state's own timer fires, and the query is answered. */
const polled = (chart: Given, look: Look) => {
  const id = `manager-${(chart.snapshot.machine as AnyStateMachine).id.replace(/^manager-/, '')}`;
  const near = chart.snapshot.value === 'watchingClosely';
  const timer = near ? `xstate.after.nearPoll.${id}.watchingClosely` : `xstate.after.poll.${id}.watching`;
  return chart.when({ type: timer }).when(info(look));
};
const passed = (chart: Given, look: Look) =>
  chart.when({ type: 'MIGRATION_PASS', pass: look.pass ?? 2 }).when(info(look));

/** What it ordered in this step, in short. */
function orderOf(chart: Given): string | number | undefined {
  const [order] = chart.told;
  if (order === undefined) return undefined;
  if (order.type === 'SET_DOWNTIME_LIMIT') return order.downtimeLimitMs as number;
  return order.type === 'STOP' ? 'suspend' : order.type === 'START_POSTCOPY' ? 'postcopy' : 'abort';
}

/** Polls until something is ordered or there is nothing left to look at; the orders, with when. */
function orders(chart: Given, looks: readonly Look[], look = polled): readonly (readonly [number, string | number])[] {
  const given: [number, string | number][] = [];
  let at = chart;
  for (const one of looks) {
    at = look(at, one);
    const order = orderOf(at);
    if (order !== undefined) given.push([one.atMs, order]);
    if (order === 'abort' || order === 'postcopy' || order === 'suspend') break;
  }
  return given;
}
const every = (ms: number, untilMs: number, rest: Omit<Look, 'atMs'> = {}): readonly Look[] =>
  Array.from({ length: Math.floor(untilMs / ms) + 1 }, (_, i) => ({ atMs: i * ms, ...rest }));

describe('nova', () => {
  test('the ladder of its own example: 10 steps, 30 s, 3 GB, 400 ms', () => {
    const chart = started(
      'nova',
      { downtimeMs: 400, downtimeDelayMs: 30_000, completionTimeoutMs: 0 },
      { ramBytes: 3 * GIB },
    );
    // Applied when more has passed, and it looks every half second.
    expect(orders(chart, every(500, 1_000_000))).toEqual([
      [500, 40],
      [90_500, 76],
      [180_500, 112],
      [270_500, 148],
      [360_500, 184],
      [450_500, 220],
      [540_500, 256],
      [630_500, 292],
      [720_500, 328],
      [810_500, 364],
      [900_500, 400],
    ]);
  });

  test('by default 50, 95, 140 ... 500 ms, every 150 s up to 2 GiB', () => {
    const steps = orders(started('nova', { completionTimeoutMs: 0 }), every(500, 1_600_000));
    expect(steps.map(([, limit]) => limit)).toEqual([50, 95, 140, 185, 230, 275, 320, 365, 410, 455, 500]);
    expect(steps.map(([atMs]) => atMs)).toEqual(steps.map((_, i) => i * 150_000 + 500));
  });

  // 800 s for each GiB, at least 2 of them; a disk counts as 2 at least, and only if there is one.
  test.each([
    [{}, {}, 1600, 'abort'],
    [{ diskGib: 1 }, {}, 3200, 'abort'],
    [{}, { ramBytes: 4 * GIB }, 3200, 'abort'],
    [{ timeoutAction: 'force_complete' }, {}, 1600, 'suspend'],
    [{ timeoutAction: 'force_complete' }, { postCopy: true }, 1600, 'postcopy'],
    [{ timeoutAction: 'abort' }, { postCopy: true }, 1600, 'abort'],
  ] as const)('past the time limit: %j, %j after %i s: %s', (parameters, vm, afterS, order) => {
    const all = orders(started('nova', parameters, vm), every(100_000, 4_000_000));
    expect(all.at(-1)).toEqual([afterS * 1000 + 100_000, order]);
  });

  test('the reason is in numbers, and the cancel names it', () => {
    const late = polled(started('nova'), { atMs: 1_600_500, remainingBytes: 7 });
    expect(late.told).toEqual([{ to: 'migration', type: 'CANCEL', because: 'aborted by nova: not over after 1600 s' }]);
    expect(late.facts).toEqual([
      {
        type: 'MANAGER_DECIDED',
        manager: 'nova',
        verdict: 'abort',
        because: { elapsedMs: 1_600_500, remainingBytes: 7, downtimeLimitMs: 300, timeoutMs: 1_600_000 },
      },
    ]);
  });

  test('once dismissed it does nothing, and a late answer is taken', () => {
    started('nova')
      .when({ type: 'DISMISS' })
      .then({ state: 'dismissed', timers: ['cleared'] })
      .when(info({ atMs: 1 }));
  });
});

describe('kubevirt-legacy', () => {
  // 1 GiB is 1.07 decimal GB and counts as 2: 300 s.
  const shrinking = (untilMs: number) =>
    every(100_000, untilMs).map((look) => ({ ...look, remainingBytes: GIB - look.atMs }));
  test.each([
    ['no disruption', {}, {}, [[400_000, 'abort']]],
    ['post-copy', { allowWorkloadDisruption: true }, { postCopy: true }, [[400_000, 'postcopy']]],
    ['suspend', { allowWorkloadDisruption: true }, {}, [[400_000, 'suspend']]],
    [
      'with VFIO 2x, then abort',
      { allowWorkloadDisruption: true },
      { vfio: true },
      [
        [400_000, 600_000],
        [700_000, 'abort'],
      ],
    ],
    [
      'VFIO and post-copy',
      { allowWorkloadDisruption: true },
      { vfio: true, postCopy: true },
      [
        [400_000, 600_000],
        [700_000, 'abort'],
      ],
    ],
    ['a disk of 0.9 GB makes it 2 GB still', { diskGb: 0.9 }, {}, [[400_000, 'abort']]],
    ['a disk of 1 GB makes it 3 GB', { diskGb: 1 }, {}, [[500_000, 'abort']]],
  ] as const)('time: %s', (_, parameters, vm, expected) => {
    expect(orders(started('kubevirt-legacy', parameters, vm), shrinking(1_000_000))).toEqual(expected);
  });

  test('a forced limit is 2000 s at most', () => {
    const chart = started('kubevirt-legacy', { allowWorkloadDisruption: true }, { vfio: true, ramBytes: 64e9 });
    expect(orders(chart, shrinking(9_700_000))).toEqual([[9_700_000, 2_000_000]]);
  });

  test('150 s without progress is an abort; progress is less than at the poll before, not than ever', () => {
    const at = (atMs: number, remainingBytes: number) => ({ atMs, remainingBytes });
    const legacy = () => started('kubevirt-legacy', {}, { ramBytes: 64e9 });
    expect(orders(legacy(), [at(0, 5), at(150_000, 5), at(150_400, 5)])).toEqual([[150_400, 'abort']]);
    const saw = [at(0, 5), at(100_000, 9), at(149_000, 8), at(299_000, 8), at(299_400, 9)];
    expect(orders(legacy(), saw)).toEqual([[299_400, 'abort']]);
  });

  test('a guest that it suspended has the same time again', () => {
    const chart = started('kubevirt-legacy', { allowWorkloadDisruption: true, progressTimeoutMs: 1e9 });
    const suspended = polled(chart, { atMs: 300_400 }).when({
      type: 'GUEST_REACHED',
      asked: 'stopped',
      state: 'stopped',
    });
    expect(orders(suspended, every(100_000, 700_000))).toEqual([[700_000, 'abort']]);
  });
});

test('kubevirt-downtime-tuning: 150 ms, from pass 3 on 107 ms every 10 s, to 900 ms', () => {
  const first = started('kubevirt-downtime-tuning');
  expect(orderOf(first)).toBe(150);
  const early = orders(first, every(400, 60_000, { pass: 2 }));
  expect(early).toEqual([]);
  expect(orders(first, every(400, 120_000, { pass: 3 }))).toEqual([
    [10_000, 257],
    [20_000, 364],
    [30_000, 471],
    [40_000, 578],
    [50_000, 685],
    [60_000, 792],
    [70_000, 899],
    [80_000, 900],
  ]);
});

describe('kubevirt-stall', () => {
  const look = (atS: number, remainingBytes: number, mbps = 8000): Look => ({ atMs: atS * 1000, remainingBytes, mbps });
  const GB = 1e9;
  test('begins with 300 ms, or the most if that is less', () => {
    expect(orderOf(started('kubevirt-stall'))).toBe(300);
    expect(orderOf(started('kubevirt-stall', { downtimeMaxMs: 200 }))).toBe(200);
  });

  // 1 GB at 1 GB/s is 1000 ms: more than 900, within 1350.
  test.each([
    ['4 % less than 40 s ago is no stall', [look(0, GB), look(41, 0.9599 * GB)], {}, {}, []],
    ['just not 4 % less is one', [look(0, GB), look(41, 0.9601 * GB)], {}, {}, [[41_000, 900]]],
    ['40 s are not more than 40 s', [look(0, GB), look(40, GB)], {}, {}, []],
    ['too far from the most', [look(0, 1.4 * GB), look(41, 1.4 * GB)], {}, {}, [[41_000, 'abort']]],
    [
      'post-copy first',
      [look(0, 9 * GB), look(41, 9 * GB)],
      { allowWorkloadDisruption: true },
      { postCopy: true },
      [[41_000, 'postcopy']],
    ],
    ['forced', [look(0, 9 * GB), look(41, 9 * GB)], { allowWorkloadDisruption: true }, {}, [[41_000, 2_000_000]]],
    [
      'forced, with VFIO',
      [look(0, 9 * GB), look(41, 9 * GB)],
      { allowWorkloadDisruption: true },
      { vfio: true, postCopy: true },
      [[41_000, 2_000_000]],
    ],
    [
      'waits for a low point',
      [look(0, GB), look(10, 0.8 * GB), look(41, GB), look(42, 0.84 * GB), look(43, 0.83 * GB)],
      {},
      {},
      [[43_000, 900]],
    ],
    [
      'not if it takes longer than is left',
      [look(0, GB, 8), look(41, GB, 8)],
      { allowWorkloadDisruption: true },
      {},
      [],
    ],
  ] as const)('%s', (_, looks, parameters, vm, expected) => {
    expect(orders(started('kubevirt-stall', parameters, vm), looks, passed)).toEqual(expected);
  });

  test('its patience is halved each time, and the next smallest will do', () => {
    let chart = started('kubevirt-stall');
    for (const one of [look(0, GB), look(10, 0.5 * GB), look(20, 0.8 * GB), look(51, GB)]) chart = passed(chart, one);
    const patience = { type: 'xstate.after.patience.manager-kubevirt-stall.stalled' };
    expect(chart.snapshot.value).toEqual({ stalled: 'sending' });
    chart = chart.when(patience).then({ timers: ['cleared', 20_000] });
    expect(orderOf(passed(chart, look(60, 0.82 * GB)))).toBe(900);
    expect(orderOf(passed(chart, look(60, 0.84 * GB)))).toBeUndefined();
  });

  test('its patience comes to an end, however long the pass is', () => {
    let chart = started('kubevirt-stall');
    for (const one of [look(0, GB, 8), look(41, GB, 8)]) chart = passed(chart, one);
    const patience = { type: 'xstate.after.patience.manager-kubevirt-stall.stalled' };
    for (let times = 0; times < 16; times++) chart = chart.when(patience);
    chart.when(patience).then({});
  });

  test('the bandwidth is a moving average: 0.4 of the newest', () => {
    let chart = started('kubevirt-stall');
    for (const one of [look(0, GB, 8000), look(41, GB, 4000)]) chart = passed(chart, one);
    expect(chart.facts.at(-1)?.because).toMatchObject({ bandwidthBytesPerSecond: 0.8 * GB, estimateMs: 1250 });
  });

  test('what it acted on has 60 s', () => {
    let chart = started('kubevirt-stall');
    for (const one of [look(0, GB), look(41, GB)]) chart = passed(chart, one);
    const late = chart.when({ type: 'xstate.after.switchoverTimeout.manager-kubevirt-stall.allowingMost' });
    expect(late.told[0]?.because).toBe('aborted by kubevirt-stall: no switchover within 60 s');
  });
});

describe('ovirt and vdsm', () => {
  test.each([
    // oVirt engine, MigrationPolicies: stallingLimit 1, 2, 3, 4 and 6; an item is run when the pass is greater than its limit.
    ['ovirt-minimal-downtime', [100, 150, 200, 300, 400, undefined, 500, 'abort']],
    ['ovirt-suspend-if-needed', [100, 150, 200, 300, 400, undefined, 500, 5000, 'abort']],
    ['ovirt-post-copy', [100, 150, 200, 'postcopy', 'abort']],
  ] as const)('%s: one item at most at each new pass', (name, expected) => {
    let chart = started(name);
    const seen = [orderOf(chart)];
    expect(orderOf(chart.when({ type: 'MIGRATION_PASS', pass: 1 }))).toBeUndefined();
    for (let pass = 2; pass <= expected.length; pass++) {
      chart = chart.when({ type: 'MIGRATION_PASS', pass });
      seen.push(orderOf(chart));
    }
    expect(seen).toEqual(expected);
  });

  // D/S + (D - D/S)^(i/(S-1)): 100 + 400^0, ^0.25 (4.47), ^0.5 (20), ^0.75 (89.4), ^1.
  test('vdsm-exponential: 101, 104, 120, 189, 500 ms, 150 s apart for up to 2 GiB', () => {
    let chart = started('vdsm-exponential');
    const seen = [orderOf(chart)];
    for (let step = 1; step < 5; step++) {
      chart = chart.when({ type: 'xstate.after.nextStep.manager-vdsm-exponential.holding' });
      seen.push(orderOf(chart));
    }
    expect(seen).toEqual([101, 104, 120, 189, 500]);
    expect(chart.snapshot.value).toBe('atMost');
    const larger = started('vdsm-exponential', {}, { ramBytes: 4 * GIB });
    larger.then({ state: 'holding', told: larger.told, facts: larger.facts, timers: [300_000] });
  });
});

describe('proxmox', () => {
  test('doubles when six polls saw more remain than before, or nothing, and counts anew', () => {
    const first = started('proxmox');
    expect(orderOf(first)).toBe(100);
    const growing = every(1000, 13_000).map((one) => ({ ...one, remainingBytes: 1e6 + one.atMs }));
    expect(orders(first, growing)).toEqual([
      [6000, 200],
      [12_000, 400],
    ]);
    expect(orders(first, every(1000, 6000, { remainingBytes: 0 }))).toEqual([[5000, 200]]);
    expect(orders(first, every(1000, 60_000, { remainingBytes: 1e6 }))).toEqual([]);
  });

  test('looks ten times as often once less remains than went out between two polls', () => {
    const near = polled(started('proxmox'), { atMs: 1000, remainingBytes: 99, transferredBytes: 100 });
    near.then({ state: 'watchingClosely', commanded: [], timers: [100] });
    polled(near, { atMs: 1100, remainingBytes: 50, transferredBytes: 100 }).then({ state: 'watching', timers: [1000] });
  });

  test('five queries may fail', () => {
    let chart = started('proxmox');
    const fails = () => {
      chart = chart
        .when({ type: 'xstate.after.poll.manager-proxmox.watching' })
        .when({ type: 'FAILED.queryMigrate', errno: 'EIO' });
      return orderOf(chart);
    };
    expect([fails(), fails(), fails(), fails(), fails()]).toEqual(Array.from({ length: 5 }));
    expect(fails()).toBe('abort');
  });
});

describe('libvirt', () => {
  const timeout = { type: 'xstate.after.timeout.manager-libvirt.watching.timed' };
  test.each([
    ['suspend', {}],
    ['postcopy', { timeoutAction: 'postcopy' }],
  ] as const)('after its timeout: %s', (order, parameters) => {
    const timed = started('libvirt', { timeoutMs: 10_000, ...parameters }).then({ timers: [10_000] });
    expect(orderOf(timed.when(timeout))).toBe(order);
  });

  test('without one it waits for ever, and post-copy comes after the first pass if asked for', () => {
    started('libvirt').then({ timers: [] });
    const after = started('libvirt', { postCopyAfterPreCopy: true });
    expect(orderOf(after.when({ type: 'MIGRATION_PASS', pass: 2 }))).toBe('postcopy');
    expect(orderOf(started('libvirt').when({ type: 'MIGRATION_PASS', pass: 2 }))).toBeUndefined();
    expect(orderOf(started('libvirt', { maxDowntimeMs: 700 }))).toBe(700);
  });
});
