/**
 * Xen's first live migration (Clark et al., NSDI 2005): each pass goes a little faster than the guest dirtied memory in the one
 * before, so that early passes are gentle on the link. The last copy goes at full rate.
 *
 * The pace of a pass is the dirty rate of the previous one and 50 Mbit/s, at most 500 Mbit/s. It stops when a pass at that
 * maximum sent more than the one before, and where Xen's later rule stops: passes, few pages, traffic.
 * Source: Xen, git commit e5901452e9 (October 2004), tools/libxc/xc_linux_save.c. The first pace was the administrator's
 * choice: 100 Mbit/s here is this project's default, and so are the 29 passes and 3 times the memory of its successor. The
 * limiter's burst of 100 KiB is finer than the sender's turn in the model.
 *
 * No pass takes longer than the one before it, or than all of memory does at the maximum: what was dirtied in the time T of a
 * pass goes at that rate and a step more.
 */
import { assign, setup } from 'xstate';
import { goesOn, type PolicyEntry, type PolicyEvents, type PolicyInput, stopsNow, verdicts } from './contract.ts';
import {
  type Counting,
  hadFewPages,
  passesAreUp,
  passNumbers,
  sentTooMuch,
  XEN_LEGACY_PARAMETERS,
  type XenLegacyParameters,
} from './xen-legacy.ts';

export interface Xen2004Parameters extends XenLegacyParameters {
  readonly firstPaceBytesPerSecond: number;
  readonly paceStepBytesPerSecond: number;
  readonly paceMaxBytesPerSecond: number;
}

interface Context extends Counting {
  parameters: Xen2004Parameters;
  /** Of the pass before the one that has just ended; undefined before the second. */
  previousPages: number | undefined;
  /** Of the pass that has just ended, or is under way. */
  paceBytesPerSecond: number;
}

export const xen2004 = setup({
  types: {} as { context: Context; events: PolicyEvents; input: PolicyInput<Xen2004Parameters> },
  actions: {
    ...verdicts,
    remember: assign(({ context, event }) => ({
      previousPages: context.observation?.pass?.sentPages,
      observation: event.observation,
    })),
    followDirtyRate: assign(({ context }) => ({ paceBytesPerSecond: followedPace(context) })),
    goAtMaximum: assign(({ context }) => ({ paceBytesPerSecond: context.parameters.paceMaxBytesPerSecond })),
  },
  guards: {
    growsAtMaximum: ({ context }) => {
      const { observation, previousPages, paceBytesPerSecond, parameters } = context;
      if (observation?.pass === undefined || previousPages === undefined) return false;
      return observation.pass.sentPages > previousPages && paceBytesPerSecond === parameters.paceMaxBytesPerSecond;
    },
    wasLastPass: ({ context }) => passesAreUp(context),
    hadFewPages: ({ context }) => hadFewPages(context),
    sentTooMuch: ({ context }) => sentTooMuch(context),
    wantsMoreThanMaximum: ({ context }) => followedPace(context) >= context.parameters.paceMaxBytesPerSecond,
  },
}).createMachine({
  id: 'convergence-xen-2004',
  description: 'Each pass at the last dirty rate and 50 Mbit/s, up to 500. Clark et al. 2005; Xen e5901452e9 (2004).',
  context: ({ input: { parameters } }) => ({
    parameters,
    observation: undefined,
    previousPages: undefined,
    paceBytesPerSecond: parameters.firstPaceBytesPerSecond,
  }),
  options: { maxIterations: 100 },
  initial: 'atFirstPace',
  on: { ASSESS: { target: '.judging', actions: 'remember' } },
  states: {
    atFirstPace: { description: "The administrator's minimum." },
    judging: {
      always: [
        { guard: 'growsAtMaximum', target: 'growing' },
        { guard: 'wasLastPass', target: 'passesAreUp' },
        { guard: 'hadFewPages', target: 'converged' },
        { guard: 'sentTooMuch', target: 'trafficIsUp' },
        { target: 'pacing' },
      ],
    },
    pacing: {
      description: 'What the guest dirtied in the time of the last pass, and a step more.',
      always: [
        { guard: 'wantsMoreThanMaximum', target: 'atMaximum', actions: 'goAtMaximum' },
        { target: 'following', actions: 'followDirtyRate' },
      ],
    },
    following: { entry: goesOn<Context>(paceNumbers, nextPace) },
    atMaximum: { entry: goesOn<Context>(paceNumbers, nextPace) },
    growing: {
      description: 'More was sent than in the pass before, and it cannot go faster: it will not converge.',
      entry: stopsNow<Context>(paceNumbers),
    },
    passesAreUp: { description: 'max_iters.', entry: stopsNow<Context>(paceNumbers) },
    converged: { description: 'The pass had next to nothing to send.', entry: stopsNow<Context>(paceNumbers) },
    trafficIsUp: { description: 'max_factor times the memory has been sent.', entry: stopsNow<Context>(paceNumbers) },
  },
});

function nextPace({ paceBytesPerSecond }: Context): number {
  return paceBytesPerSecond;
}

/** What the last sync found, each page once, over the time since the one before it, and the step. */
function followedPace(context: Context): number {
  return dirtyBytesPerSecond(context) + context.parameters.paceStepBytesPerSecond;
}

function dirtyBytesPerSecond({ observation }: Context): number {
  if (observation?.pass === undefined) return 0;
  const { newDirtyBytes, sinceSyncMs } = observation.pass;
  return sinceSyncMs === 0 ? 0 : Math.round((1000 * newDirtyBytes) / sinceSyncMs);
}

function paceNumbers(context: Context) {
  const { paceBytesPerSecond, previousPages } = context;
  return {
    ...passNumbers(context),
    ...(previousPages === undefined ? {} : { previousPages }),
    dirtyBytesPerSecond: dirtyBytesPerSecond(context),
    paceBytesPerSecond,
  };
}

const MBIT = 125_000;

export const xen2004Policy: PolicyEntry<Xen2004Parameters> = {
  name: 'xen-2004',
  version: '1',
  role: 'vmm',
  description: 'the first Xen: each pass at the dirty rate of the last and 50 Mbit/s, at most 500',
  source: 'Clark et al., Live Migration of Virtual Machines, NSDI 2005; Xen commit e5901452e9',
  machine: xen2004,
  defaults: {
    firstPaceBytesPerSecond: 100 * MBIT,
    paceStepBytesPerSecond: 50 * MBIT,
    paceMaxBytesPerSecond: 500 * MBIT,
    passesMaxCount: 29,
    fewPagesCount: 50,
    memoryFactor: 3,
  },
  parameters: {
    firstPaceBytesPerSecond:
      "Of the first pass: the administrator's minimum. A pass may take twice as long as all of memory at it, or an hour.",
    paceStepBytesPerSecond: 'More than the guest dirtied in the pass before.',
    paceMaxBytesPerSecond: 'Of any pass; the last copy is not held to it.',
    ...XEN_LEGACY_PARAMETERS,
  },
  least: { firstPaceBytesPerSecond: 1, paceMaxBytesPerSecond: 1, passesMaxCount: 1 },
  loops: ['xen', 'textbook'],
  seesPasses: true,
  skipsDirtied: true,
  firstPace: ({ firstPaceBytesPerSecond }) => firstPaceBytesPerSecond,
  slowestPace: ({ firstPaceBytesPerSecond, paceMaxBytesPerSecond }) =>
    Math.min(firstPaceBytesPerSecond, paceMaxBytesPerSecond),
};
