/**
 * oVirt's schedules, looked at as VDSM looks: every 10 s, with the number of passes that libvirt tells it.
 *
 * The timelines are transcribed from VDSM fd4b0df20, lib/vdsm/virt/migration.py (MonitorThread.monitor_migration,
 * _next_action) and the oVirt engine's MigrationPolicies value (4.1): limits 100, then 150, 200, 300, 400, 500 ms with
 * stallingLimit 1, 2, 3, 4, 6, the last items with -1.
 */
import { describe, expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { managers } from '../../../machines/index.ts';
import { type Given, given } from '../given.ts';

const GIB = 2 ** 30;
type Name = 'ovirt-minimal-downtime' | 'ovirt-suspend-if-needed' | 'ovirt-post-copy';
const NAMES: readonly Name[] = ['ovirt-minimal-downtime', 'ovirt-suspend-if-needed', 'ovirt-post-copy'];

const started = (name: Name) => {
  const { machine, defaults } = managers[name];
  const vm = { ramBytes: GIB, vfio: false, postCopy: true, downtimeLimitMs: 300 };
  return given(machine as AnyStateMachine, { parameters: defaults, vm }).when({ type: 'MIGRATION_ACTIVE' });
};

/** undefined: not yet active, libvirt tells of no job. */
const info = (atMs: number, dirtySyncCount: number | undefined) => ({
  type: 'DONE.queryMigrate',
  status: 'active',
  totalTimeMs: atMs,
  downtimeLimitMs: 300,
  ...(dirtySyncCount === undefined
    ? {}
    : {
        ram: {
          totalBytes: GIB,
          transferredBytes: 0,
          remainingBytes: GIB,
          dirtySyncCount,
          dirtyPagesPerSecond: 0,
          mbps: 8000,
        },
      }),
});

const orderOf = (chart: Given) => {
  const [order] = chart.told;
  if (order?.type === 'SET_DOWNTIME_LIMIT') return order.downtimeLimitMs;
  return order === undefined ? undefined : order.type === 'START_POSTCOPY' ? 'postcopy' : 'abort';
};

/** The timer of whatever state looks now. */
const fired = (name: Name, chart: Given) => {
  const within = chart.snapshot.value === 'watching' ? '' : 'startingPostCopy.';
  return chart.when({ type: `xstate.after.poll.manager-${name}.${within}watching` });
};

/** What is ordered at each look, the first 10 s after the beginning; every look is 10 s after the one before. */
function ordersOf(name: Name, passes: readonly (number | undefined)[]) {
  let chart = started(name);
  expect(chart.told).toEqual([{ to: 'pre-copy', type: 'SET_DOWNTIME_LIMIT', downtimeLimitMs: 100 }]);
  chart.then({ state: 'watching', told: chart.told, facts: chart.facts, timers: [10_000] });
  return passes.map((pass, i) => {
    const asked = fired(name, chart);
    expect(asked.commanded.map(({ command }) => command)).toEqual(['queryMigrate']);
    chart = asked.when(info((i + 1) * 10_000, pass));
    return orderOf(chart);
  });
}

describe('one look in 10 s, one item at most at each, and the first look only begins to count', () => {
  const fast = [31, 62, 93, 124, 155, 186, 217, 248, 279];
  test.each([
    ['ovirt-minimal-downtime', [undefined, 150, 200, 300, 400, 500, 'abort']],
    ['ovirt-suspend-if-needed', [undefined, 150, 200, 300, 400, 500, 5000, 'abort']],
    ['ovirt-post-copy', [undefined, 150, 200, 'postcopy', 'abort']],
  ] as const)('%s, many passes between two looks', (name, orders) => {
    expect(ordersOf(name, fast.slice(0, orders.length))).toEqual(orders);
  });

  const slow = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  test.each([
    // Counted 0, 1, 2 ...: more than 1 is the third pass, and at 6 none is run.
    ['ovirt-minimal-downtime', [undefined, undefined, 150, 200, 300, 400, undefined, 500, 'abort']],
    ['ovirt-suspend-if-needed', [undefined, undefined, 150, 200, 300, 400, undefined, 500, 5000, 'abort']],
    ['ovirt-post-copy', [undefined, undefined, 150, 200, 'postcopy', 'abort']],
  ] as const)('%s, a pass in 10 s', (name, orders) => {
    expect(ordersOf(name, slow.slice(0, orders.length))).toEqual(orders);
  });

  test.each(NAMES)('%s: a look without a new pass runs nothing, nor does one without a job', (name) => {
    expect(ordersOf(name, [undefined, 4, 4, 5, 5, 6, 6, 3, 6, 7])).toEqual([
      ...Array.from({ length: 5 }),
      150,
      ...Array.from({ length: 3 }),
      200,
    ]);
  });
});

test.each(NAMES)('%s takes nothing from events, and looks 10 s after each answer', (name) => {
  started(name).when({ type: 'MIGRATION_PASS', pass: 9 }).then({ state: 'watching' });
  const asked = fired(name, started(name));
  asked.when({ type: 'MIGRATION_PASS', pass: 9 }).then({ state: 'asking' });
  asked.when(info(10_000, 3)).then({ state: 'watching', timers: [10_000] });
});

test.each(NAMES)('%s: a look that fails is the last', (name) => {
  fired(name, started(name)).when({ type: 'FAILED.queryMigrate', errno: 'EIO' }).then({ state: 'unwatched' });
});

test('a look that fails after post-copy was ordered is the last as well', () => {
  let chart = started('ovirt-post-copy');
  for (const pass of [10, 20, 30, 40]) chart = fired('ovirt-post-copy', chart).when(info(0, pass));
  chart = fired('ovirt-post-copy', chart);
  chart.when({ type: 'FAILED.queryMigrate', errno: 'EIO' }).then({ state: 'unwatched' });
  chart.when({ type: 'DISMISS' }).then({ state: 'dismissed' });
});

test('the numbers that it was decided on, and the reason of a cancel', () => {
  let chart = started('ovirt-minimal-downtime');
  for (const pass of [31, 62, 93, 124, 155, 186, 217]) {
    chart = fired('ovirt-minimal-downtime', chart).when(info(70_000, pass));
  }
  expect(chart.told).toEqual([
    {
      to: 'migration',
      type: 'CANCEL',
      because: 'aborted by ovirt-minimal-downtime: pass 217 was seen with a limit of 500 ms',
    },
  ]);
  expect(chart.facts.at(-1)).toMatchObject({
    verdict: 'abort',
    because: { elapsedMs: 70_000, remainingBytes: GIB, downtimeLimitMs: 300, pass: 217, newPasses: 186 },
  });
});
