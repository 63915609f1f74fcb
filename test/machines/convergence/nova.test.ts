/**
 * Nova's manager on its own clock, against what its source says: the example in the documentation of downtime_steps, and that
 * function's arithmetic carried out by hand or in Python (nova/virt/libvirt/migration.py); the bounds of nova/conf/libvirt.py.
 */
import { describe, expect, test } from 'vitest';
import { novaDataGib, novaManager, novaSteps } from '../../../machines/convergence/nova.ts';
import { type Manager, printManager } from '../../../src/lab/scenario/manager.ts';
import { scenarioFrom } from '../../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../../src/lab/scenario/schema.ts';
import { active, failed, GIB, setup, startedManager } from './managed.ts';
import { watched } from './watched.ts';

/** What is wrong with its keys in a scenario; empty: nothing. */
function problemsOf(keys: object): string {
  const input: ScenarioInput = { name: 'n', vm: { memory: '1GiB' }, manager: { policy: 'nova', ...keys } };
  try {
    scenarioFrom(input);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the ladder', () => {
  test('of its own example: 10 steps, 30 s, 3 GB, 400 ms', () => {
    const { orders } = watched('nova', {
      parameters: { downtimeMs: 400, downtimeDelayMs: 30_000, completionTimeoutMs: 0 },
      vm: { ramBytes: 3 * GIB },
      untilS: 1000,
    });
    // Applied when more has passed, and it looks every half second.
    expect(orders).toEqual([
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

  test('by default: 50, 95, 140 ... 500 ms, every 150 s up to 2 GiB', () => {
    const { orders } = watched('nova', { parameters: { completionTimeoutMs: 0 }, untilS: 1600 });
    expect(orders.map(([, limit]) => limit)).toEqual([50, 95, 140, 185, 230, 275, 320, 365, 410, 455, 500]);
    expect(orders.map(([atMs]) => atMs)).toEqual(orders.map((_, i) => i * 150_000 + 500));
  });

  // As Python computes it, in floating point and cut off: the last step may be a millisecond short of the most.
  test.each([
    [110, 12, [9, 17, 25, 34, 42, 51, 59, 67, 76, 84, 93, 101, 109]],
    [103, 10, [10, 19, 28, 38, 47, 56, 65, 75, 84, 93, 102]],
    [100, 3, [33, 55, 77, 100]],
  ])('of %i ms in %i steps', (downtimeMs, downtimeStepsCount, limits) => {
    const steps = novaSteps({ ...novaManager.defaults, downtimeMs, downtimeStepsCount }, 2);
    expect(steps.map((step) => step.downtimeMs)).toEqual(limits);
  });

  test('its delay is in whole seconds: 3 s at 2.5 GiB are 7', () => {
    const steps = novaSteps({ ...novaManager.defaults, downtimeDelayMs: 3000 }, 2.5);
    expect(steps.slice(0, 3).map(({ afterMs }) => afterMs)).toEqual([0, 7000, 14_000]);
  });
});

describe('the size', () => {
  // max(2, RAM) and max(2, disk) of each disk that is copied.
  test.each([
    [1, [], 2],
    [2, [], 2],
    [4.5, [], 4.5],
    [1, [1], 4],
    [2, [1, 1, 1], 8],
    [4, [0, 1.5, 20], 28],
  ])('of %d GiB of RAM and disks of %j GiB is %d', (ramGib, disks, size) => {
    expect(novaDataGib(ramGib * GIB, disks)).toBe(size);
  });

  test('in a scenario: a list, or the one number', () => {
    const read = (diskGib: unknown) => {
      const input = { name: 'n', vm: { memory: '1GiB' }, manager: { policy: 'nova', diskGib } } as ScenarioInput;
      const { manager } = scenarioFrom(input);
      return [(manager as Manager).parameters.diskGib, printManager(manager)];
    };
    const printed = (diskGib: readonly number[]) => ({ policy: 'nova', diskGib });
    expect(read([1, 1, 1])).toEqual([[1, 1, 1], printed([1, 1, 1])]);
    expect(read(3)).toEqual([[3], printed([3])]);
    for (const none of [undefined, 0, []]) expect(read(none)).toEqual([[], { policy: 'nova' }]);
    expect(problemsOf({ diskGib: '3GiB' })).toContain('manager.diskGib: expected a number such as 10, got "3GiB"');
    expect(problemsOf({ diskGib: [1, -1] })).toContain('manager.diskGib[1]: expected a number such as 10, got -1');
  });
});

// 800 s for each GiB, at least 2 of them.
test.each([
  [{}, {}, 1600, 'abort'],
  [{ diskGib: [1] }, {}, 3200, 'abort'],
  [{ diskGib: [1, 1, 1] }, {}, 6400, 'abort'],
  [{}, { ramBytes: 4 * GIB }, 3200, 'abort'],
  [{ timeoutAction: 'force_complete' }, {}, 1600, 'suspend'],
  [{ timeoutAction: 'force_complete' }, { postCopy: true }, 1600, 'postcopy'],
  [{ timeoutAction: 'abort' }, { postCopy: true }, 1600, 'abort'],
] as const)('past the time limit: %j, %j after %i s: %s, once', (parameters, vm, afterS, order) => {
  const { orders } = watched('nova', { parameters, vm, untilS: 7000 });
  expect(orders.filter(([, one]) => typeof one === 'string')).toEqual([[afterS * 1000 + 500, order]]);
});

describe('its clock', () => {
  test('looks every half second', () => {
    expect(watched('nova', { untilS: 2 }).askedMs).toEqual([500, 1000, 1500, 2000]);
    startedManager('nova').then({ state: 'watching', timers: [500] });
  });

  test.each([
    ['status setup', setup],
    ['a query that fails', failed],
  ])('and again after %s', (_, answer) => {
    const asking = startedManager('nova').when({ type: 'xstate.after.poll.manager-nova.watching' });
    asking.when(answer).then({ state: 'watching', timers: [500] });
  });
});

test('the bounds and defaults of its configuration', () => {
  expect(novaManager.defaults).toMatchObject({
    downtimeMs: 500,
    downtimeStepsCount: 10,
    downtimeDelayMs: 75_000,
    completionTimeoutMs: 800_000,
    timeoutAction: 'abort',
  });
  expect(problemsOf({ downtime: '100ms', downtimeSteps: 3, downtimeDelay: '3s', completionTimeout: 0 })).toBe('');
  expect(problemsOf({ downtime: '99ms' })).toContain('manager.downtime: must be 100ms or more');
  expect(problemsOf({ downtimeSteps: 2 })).toContain('manager.downtimeSteps: must be 3 or more');
  expect(problemsOf({ downtimeDelay: '2999ms' })).toContain('manager.downtimeDelay: must be 3s or more');
});

test('the reason is in numbers, and the cancel names it', () => {
  const asking = startedManager('nova').when({ type: 'xstate.after.poll.manager-nova.watching' });
  const late = asking.when(active({ totalTimeMs: 1_600_500, remainingBytes: 7 }));
  late.then({
    state: 'aborting',
    told: [{ to: 'migration', type: 'CANCEL', because: 'aborted by nova: not over after 1600 s' }],
    facts: [
      {
        type: 'MANAGER_DECIDED',
        manager: 'nova',
        verdict: 'abort',
        because: { elapsedMs: 1_600_500, remainingBytes: 7, downtimeLimitMs: 300, timeoutMs: 1_600_000 },
      },
    ],
  });
});

test('once dismissed it does nothing, and a late answer is taken', () => {
  startedManager('nova')
    .when({ type: 'DISMISS' })
    .then({ state: 'dismissed', timers: ['cleared'] })
    .when(active({}));
});
