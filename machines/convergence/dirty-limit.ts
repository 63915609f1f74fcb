/**
 * QEMU's dirty limit: the same alarm as auto-converge, and then a quota of dirtied memory for each vCPU, so that only those
 * who write are slowed down. The control of each vCPU is the vmm's (commands), at every exit for a full dirty ring.
 *
 * Source: migration/ram.c, migration_trigger_throttle and migration_dirty_limit_guest (8.1, commits acac51ba24 and
 * following); system/dirtylimit.c. The quota is set once, and goes when the migration ends. What the control may do wrong
 * is not decided here: a vmm that cannot set it leaves the guest at its speed.
 */
import { assign, setup } from 'xstate';
import { commands, facts, type Received } from '../messages.ts';
import type { Answer } from '../words.ts';
import {
  countedIn,
  type DirtyRate,
  dirtiesTooFast,
  isLastHit,
  NO_PERIOD,
  newPeriod,
  periodIsOver,
} from './dirty-rate.ts';

export interface DirtyLimitParameters {
  /** vcpu-dirty-limit: of each vCPU. QEMU takes whole MB/s (2^20 bytes) and 1 by default. */
  readonly bytesPerSecond: number;
  /** x-vcpu-dirty-limit-period: how often each vCPU's rate is measured and its sleep set. */
  readonly periodMs: number;
  /** throttle-trigger-threshold, shared with auto-converge. */
  readonly triggerThresholdPercent: number;
}

/** migration/options.c: 1 MB/s, 1000 ms, 50 %. */
export const DIRTY_LIMIT_DEFAULTS: DirtyLimitParameters = {
  bytesPerSecond: 2 ** 20,
  periodMs: 1000,
  triggerThresholdPercent: 50,
};

export interface DirtyLimitInput extends DirtyLimitParameters {
  /** A period of the alarm is over when more than this has passed: QEMU's is PERIOD_OVER_MS. */
  readonly periodOverMs: number;
}

interface Context extends DirtyLimitInput {
  rate: DirtyRate;
}

type Events = Received<'dirty-limit'> | Answer<'limitVcpuDirtyRate'>;

export const dirtyLimit = setup({
  types: {} as { context: Context; events: Events; input: DirtyLimitInput },
  actions: {
    ...commands('limitVcpuDirtyRate'),
    ...facts({ warn: 'WARNED' }),
    countIn: assign(({ context, event }) => (event.type === 'SYNCED' ? { rate: countedIn(context.rate, event) } : {})),
    beginPeriod: assign(({ context }) => ({ rate: newPeriod(context.rate) })),
    countHit: assign(({ context }) => ({ rate: { ...context.rate, hits: context.rate.hits + 1 } })),
  },
  guards: {
    periodRuns: ({ context }) => !periodIsOver(context.rate, context.periodOverMs),
    sendsFastEnough: ({ context }) => !dirtiesTooFast(context.rate, context.triggerThresholdPercent),
    isFirstHit: ({ context }) => !isLastHit(context.rate),
  },
}).createMachine({
  id: 'dirty-limit',
  description: 'Each vCPU may dirty so much and no more. QEMU migration/ram.c, system/dirtylimit.c.',
  context: ({ input }) => ({ ...input, rate: NO_PERIOD }),
  options: { maxIterations: 100 },
  initial: 'watching',
  on: {
    PRECOPY_ENDED: { description: 'A quota stays until the guest has stopped.' },
    RELEASE: { target: '.released' },
    SYNCED: { description: 'The quota is set, or nothing is judged any more.' },
    'DONE.limitVcpuDirtyRate': { description: 'In force, or gone.' },
    'FAILED.limitVcpuDirtyRate': {
      description: 'The guest goes on at its speed.',
      actions: { type: 'warn', params: ({ event }) => ({ of: 'limitVcpuDirtyRate', errno: event.errno }) },
    },
  },
  states: {
    watching: {
      initial: 'waiting',
      on: { SYNCED: { target: '.judging', actions: 'countIn' }, PRECOPY_ENDED: 'released' },
      states: {
        waiting: {},
        judging: {
          always: [
            { guard: 'periodRuns', target: 'waiting', description: 'A second or less since the last look.' },
            { guard: 'sendsFastEnough', target: 'good' },
            { guard: 'isFirstHit', target: 'firstHit' },
            { target: '#dirty-limit.limited' },
          ],
        },
        good: { description: 'A good period takes no hit away.', entry: 'beginPeriod', always: 'waiting' },
        firstHit: { entry: ['countHit', 'beginPeriod'], always: 'waiting' },
      },
    },
    limited: {
      description: 'All vCPUs have the quota; QEMU sets it once.',
      entry: {
        type: 'limitVcpuDirtyRate',
        params: ({ context }) => ({ bytesPerSecond: context.bytesPerSecond, periodMs: context.periodMs }),
      },
      on: { RELEASE: { target: 'cancelling' } },
    },
    cancelling: {
      entry: { type: 'limitVcpuDirtyRate', params: { bytesPerSecond: 0, periodMs: 0 } },
      on: { RELEASE: { description: 'Under way.' } },
    },
    released: {},
  },
});
