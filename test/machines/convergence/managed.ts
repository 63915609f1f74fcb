/** A manager that has been told that pre-copy runs, what query-migrate answers it, and what it orders. */
import type { AnyStateMachine } from 'xstate';
import { type ManagerName, managers } from '../../../machines/index.ts';
import { type Given, given } from '../given.ts';

export const GIB = 2 ** 30;

export interface ManagedVm {
  readonly ramBytes?: number;
  readonly vfio?: boolean;
  readonly postCopy?: boolean;
}

export function startedManager(name: ManagerName, parameters: object = {}, vm: ManagedVm = {}): Given {
  const { machine, defaults } = managers[name];
  const input = {
    parameters: { ...(defaults as object), ...parameters },
    vm: { ramBytes: GIB, vfio: false, postCopy: false, downtimeLimitMs: 300, ...vm },
  };
  return given(machine as AnyStateMachine, input).when({ type: 'MIGRATION_ACTIVE' });
}

export interface Seen {
  readonly totalTimeMs?: number;
  readonly transferredBytes?: number;
  readonly remainingBytes?: number;
}

/** What query-migrate answers while memory is sent. */
export const active = ({ totalTimeMs = 0, transferredBytes = 0, remainingBytes = GIB }: Seen) => ({
  type: 'DONE.queryMigrate',
  status: 'active',
  totalTimeMs,
  downtimeLimitMs: 300,
  ram: {
    totalBytes: GIB,
    transferredBytes,
    remainingBytes,
    dirtySyncCount: 1,
    dirtyPagesPerSecond: 0,
    mbps: 8000,
  },
});
export const setup = { type: 'DONE.queryMigrate', status: 'setup', totalTimeMs: 0, downtimeLimitMs: 300 };
export const failed = { type: 'FAILED.queryMigrate', errno: 'EIO' };

/** What it ordered in its last step, in short: a downtime limit in ms, or a word. */
export function orderOf(chart: Given): string | number | undefined {
  const [order] = chart.told;
  switch (order?.type) {
    case undefined:
      return undefined;
    case 'SET_DOWNTIME_LIMIT':
      return order.downtimeLimitMs as number;
    case 'STOP':
      return 'suspend';
    case 'START_POSTCOPY':
      return 'postcopy';
    default:
      return 'abort';
  }
}
