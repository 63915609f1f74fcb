/**
 * A throttle by the number of passes: nothing in the first few, then a step every so many, whatever the guest does.
 *
 * The prototype of auto-converge for Cloud Hypervisor: after 4 passes, 10 % more every 2, at most 99 %, in windows of
 * 100 ms. It is a prototype, so its figures are parameters here. The first step comes when the passes are through, the next
 * one with the second pass after it.
 */
import { assign, setup } from 'xstate';
import { messages, type Received } from '../messages.ts';

export interface SteppedThrottleParameters {
  /** Passes without a throttle. */
  readonly afterPasses: number;
  /** Passes from one step to the next. */
  readonly everyPasses: number;
  readonly stepPercent: number;
  readonly maxPercent: number;
  /** A step only after a pass in whose time more was dirtied than sent (VMware's SDPS); absent: whatever the guest does. */
  readonly whileLosing?: true;
}

export interface SteppedThrottleInput extends SteppedThrottleParameters {
  /** Needed where dirtied pages are compared with sent bytes. */
  readonly pageBytes?: number;
}

export const STEPPED_THROTTLE_DEFAULTS: SteppedThrottleParameters = {
  afterPasses: 4,
  everyPasses: 2,
  stepPercent: 10,
  maxPercent: 99,
};

interface Context extends SteppedThrottleInput {
  round: number;
  /** More was dirtied than sent between the last two syncs. */
  loses: boolean;
  throttlePercent: number;
}

type Events = Received<'stepped-throttle'>;

export const steppedThrottle = setup({
  types: {} as { context: Context; events: Events; input: SteppedThrottleInput },
  actions: {
    ...messages({ throttleGuest: ['guest', 'THROTTLE'], tellThrottle: ['pre-copy', 'THROTTLED'] }),
    rememberRound: assign(({ context, event }) =>
      event.type === 'SYNCED'
        ? { round: event.round, loses: event.newDirtyPages * (context.pageBytes ?? 0) > event.sentBytes }
        : {},
    ),
    raise: assign(({ context }) => ({
      throttlePercent: Math.min(context.throttlePercent + context.stepPercent, context.maxPercent),
    })),
    forgetThrottle: assign({ throttlePercent: 0 }),
  },
  guards: {
    isEarly: ({ context }) => context.round < context.afterPasses,
    isBetweenSteps: ({ context }) => (context.round - context.afterPasses) % context.everyPasses !== 0,
    keepsUp: ({ context }) => context.whileLosing === true && !context.loses,
    isAtMaximum: ({ context }) => context.throttlePercent >= context.maxPercent,
    isThrottling: ({ context }) => context.throttlePercent > 0,
  },
}).createMachine({
  id: 'stepped-throttle',
  description: "The guest is slowed down pass by pass. Cloud Hypervisor's prototype of auto-converge.",
  context: ({ input }) => ({ ...input, round: 0, loses: false, throttlePercent: 0 }),
  options: { maxIterations: 100 },
  initial: 'watching',
  on: {
    PRECOPY_ENDED: { description: 'The throttle stays until the guest has stopped.', target: '.keeping' },
    RELEASE: [{ guard: 'isThrottling', target: '.releasing' }, { target: '.released' }],
    SYNCED: { description: 'Nothing is judged any more.' },
  },
  states: {
    watching: {
      initial: 'waiting',
      on: { SYNCED: { target: '.counting', actions: 'rememberRound' } },
      states: {
        waiting: {},
        counting: {
          always: [
            { guard: 'isEarly', target: 'waiting' },
            { guard: 'isBetweenSteps', target: 'waiting' },
            { guard: 'keepsUp', target: 'waiting' },
            { guard: 'isAtMaximum', target: 'waiting' },
            { target: 'raising' },
          ],
        },
        raising: {
          entry: [
            'raise',
            { type: 'throttleGuest', params: ({ context }) => ({ percent: context.throttlePercent }) },
            { type: 'tellThrottle', params: ({ context }) => ({ percent: context.throttlePercent }) },
          ],
          always: 'waiting',
        },
      },
    },
    keeping: { description: 'Pre-copy is over, and the guest is being stopped.' },
    releasing: { entry: [{ type: 'throttleGuest', params: { percent: 0 } }, 'forgetThrottle'], always: 'released' },
    released: {},
  },
});
