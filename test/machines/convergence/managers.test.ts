/** libvirt's knobs against its published rule; the other managers have files of their own. */
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

/** What it ordered in this step, in short. */
function orderOf(chart: Given): string | number | undefined {
  const [order] = chart.told;
  if (order === undefined) return undefined;
  if (order.type === 'SET_DOWNTIME_LIMIT') return order.downtimeLimitMs as number;
  return order.type === 'STOP' ? 'suspend' : order.type === 'START_POSTCOPY' ? 'postcopy' : 'abort';
}

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
