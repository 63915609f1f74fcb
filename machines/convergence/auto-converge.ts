/**
 * QEMU's auto-converge: a guest that dirties memory faster than it can be sent is slowed down, step by step, until it is
 * not. It decides nothing about the switchover; that is the loop's own rule.
 *
 * Source: migration/ram.c, migration_trigger_throttle and mig_throttle_guest_down (dynamic since commit 070afca258 of 2015);
 * system/cpu-throttle.c, cpu_throttle_dirty_sync_timer_tick for the sync in the middle of a long pass (52ac968ab2, 9.2). The throttle appears after two bad periods and goes only when the migration ends.
 */
import { assign, setup } from 'xstate';
import { messages, type Received } from '../messages.ts';
import {
  allowedBytes,
  countedIn,
  type DirtyRate,
  dirtiesTooFast,
  dirtyBytes,
  isLastHit,
  NO_PERIOD,
  newPeriod,
  periodIsOver,
} from './dirty-rate.ts';

/** QEMU's parameters of the capability auto-converge, in percent; migration/options.c has the defaults. */
export interface AutoConvergeParameters {
  /** cpu-throttle-initial. */
  readonly initialPercent: number;
  /** cpu-throttle-increment. */
  readonly incrementPercent: number;
  /** max-cpu-throttle. */
  readonly maxPercent: number;
  /** cpu-throttle-tailslow: near the end no step is larger than what is still missing. */
  readonly tailslow: boolean;
  /** throttle-trigger-threshold: of what was sent. */
  readonly triggerThresholdPercent: number;
}

export const AUTO_CONVERGE_DEFAULTS: AutoConvergeParameters = {
  initialPercent: 20,
  incrementPercent: 10,
  maxPercent: 99,
  tailslow: false,
  triggerThresholdPercent: 50,
};

export interface AutoConvergeInput extends AutoConvergeParameters {
  /** A period is over when more than this has passed: QEMU's is PERIOD_OVER_MS. */
  readonly periodOverMs: number;
  /** A pass that has not ended since the last tick is synced in its middle; 0: the release has no such timer. */
  readonly syncTickMs: number;
}

interface Context extends AutoConvergeInput {
  rate: DirtyRate;
  throttlePercent: number;
  syncs: number;
  syncsAtTick: number;
  nextTickMs: number;
}

type Events = Received<'auto-converge'>;

export const autoConverge = setup({
  types: {} as { context: Context; events: Events; input: AutoConvergeInput },
  actions: {
    ...messages({
      throttleGuest: ['guest', 'THROTTLE'],
      tellThrottle: ['pre-copy', 'THROTTLED'],
      askSync: ['pre-copy', 'SYNC_NOW'],
    }),
    countIn: assign(({ context, event }) =>
      event.type === 'SYNCED' ? { rate: countedIn(context.rate, event), syncs: context.syncs + 1 } : {},
    ),
    startTicking: assign(({ context }) => ({ nextTickMs: context.rate.nowMs + context.syncTickMs })),
    countTick: assign(({ context }) => ({ ...ticked(context), syncsAtTick: context.syncs })),
    // throttle_dirty_sync_count_prev is read once the sync is over: the one that is asked for is no pass that ended.
    countAskedTick: assign(({ context }) => ({ ...ticked(context), syncsAtTick: context.syncs + 1 })),
    beginPeriod: assign(({ context }) => ({ rate: newPeriod(context.rate) })),
    countHit: assign(({ context }) => ({ rate: { ...context.rate, hits: context.rate.hits + 1 } })),
    forgetHits: assign(({ context }) => ({ rate: { ...context.rate, hits: 0 } })),
    setInitial: assign(({ context }) => ({ throttlePercent: context.initialPercent })),
    raise: assign(({ context }) => ({ throttlePercent: raised(context) })),
    forgetThrottle: assign({ throttlePercent: 0 }),
  },
  guards: {
    periodRuns: ({ context }) => !periodIsOver(context.rate, context.periodOverMs),
    sendsFastEnough: ({ context }) => !dirtiesTooFast(context.rate, context.triggerThresholdPercent),
    isFirstHit: ({ context }) => !isLastHit(context.rate),
    isThrottling: ({ context }) => context.throttlePercent > 0,
    ticks: ({ context }) => context.syncTickMs > 0,
    passDragsOn: ({ context }) => context.syncs > 1 && context.syncs === context.syncsAtTick,
  },
  delays: {
    untilNextTick: ({ context }) => Math.max(0, context.nextTickMs - context.rate.nowMs),
  },
}).createMachine({
  id: 'auto-converge',
  description: 'The guest is slowed down until it dirties less than half of what is sent. QEMU migration/ram.c.',
  context: ({ input }) => ({
    ...input,
    rate: NO_PERIOD,
    throttlePercent: 0,
    syncs: 0,
    syncsAtTick: 0,
    nextTickMs: 0,
  }),
  options: { maxIterations: 100 },
  initial: 'beforeFirstSync',
  on: {
    PRECOPY_ENDED: { description: 'The throttle stays until the guest has stopped.', target: '.keeping' },
    RELEASE: [{ guard: 'isThrottling', target: '.releasing' }, { target: '.released' }],
    SYNCED: { description: 'Nothing is judged any more.' },
  },
  states: {
    beforeFirstSync: {
      description: 'All of memory is dirty at the first sync, and nothing has been sent.',
      on: { SYNCED: { target: 'watching', actions: ['countIn', 'startTicking'] } },
    },
    watching: {
      initial: 'waiting',
      on: { SYNCED: { target: '.judging', actions: 'countIn' } },
      states: {
        waiting: { always: [{ guard: 'ticks', target: 'waitingForTick' }, { target: 'waitingForSync' }] },
        waitingForSync: { description: 'Up to 9.1 only the end of a pass brings a sync.' },
        waitingForTick: {
          description: 'From 9.2 on a pass of more than five seconds is looked at in its middle; the first one never.',
          after: {
            untilNextTick: [
              { guard: 'passDragsOn', target: 'waiting', actions: ['askSync', 'countAskedTick'] },
              { target: 'waiting', actions: 'countTick' },
            ],
          },
        },
        judging: {
          always: [
            { guard: 'periodRuns', target: 'waiting', description: 'A second or less since the last look.' },
            { guard: 'sendsFastEnough', target: 'good' },
            { guard: 'isFirstHit', target: 'firstHit' },
            { guard: 'isThrottling', target: 'raising' },
            { target: 'starting' },
          ],
        },
        good: {
          description: 'A good period takes no hit away.',
          entry: 'beginPeriod',
          always: 'waiting',
        },
        firstHit: {
          description: 'Dirtied too fast: the second time counts.',
          entry: ['countHit', 'beginPeriod'],
          always: 'waiting',
        },
        starting: {
          entry: [
            'setInitial',
            { type: 'throttleGuest', params: ({ context }) => ({ percent: context.throttlePercent }) },
            { type: 'tellThrottle', params: ({ context }) => ({ percent: context.throttlePercent }) },
            'forgetHits',
            'beginPeriod',
          ],
          always: 'waiting',
        },
        raising: {
          description: 'By the increment, or with tailslow by no more than is missing; never beyond the maximum.',
          entry: [
            'raise',
            { type: 'throttleGuest', params: ({ context }) => ({ percent: context.throttlePercent }) },
            { type: 'tellThrottle', params: ({ context }) => ({ percent: context.throttlePercent }) },
            'forgetHits',
            'beginPeriod',
          ],
          always: 'waiting',
        },
      },
    },
    keeping: { description: 'Pre-copy is over, and the guest is being stopped.' },
    releasing: {
      description: 'cpu_throttle_stop: finished, failed or cancelled.',
      entry: [{ type: 'throttleGuest', params: { percent: 0 } }, 'forgetThrottle'],
      always: 'released',
    },
    released: {},
  },
});

function ticked({ rate, nextTickMs, syncTickMs }: Context): Pick<Context, 'rate' | 'nextTickMs'> {
  return { rate: { ...rate, nowMs: nextTickMs }, nextTickMs: nextTickMs + syncTickMs };
}

/** mig_throttle_guest_down: whole percents, cut off as its integers are. */
function raised({ rate, throttlePercent, incrementPercent, maxPercent, tailslow, ...rest }: Context): number {
  const runsPercent = 100 - throttlePercent;
  const idealPercent = Math.floor(runsPercent * (allowedBytes(rate, rest.triggerThresholdPercent) / dirtyBytes(rate)));
  const step = tailslow ? Math.min(runsPercent - idealPercent, incrementPercent) : incrementPercent;
  return Math.min(throttlePercent + step, maxPercent);
}
