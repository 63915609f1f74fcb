/**
 * Stop when another pass would not help: the set of the last sync shrank by less than a share of the one before.
 *
 * The vGPU practice of 2017 (Kevin Tian on qemu-devel, June 2017, Intel GVT-g): everything that the GPU has mapped is dirty
 * at every query, so the set stops shrinking after the first passes and only costs link time; about three rounds: all, then
 * vGPU and CPU, then the same again. It looks at page counts only, never at a downtime limit. The share is this project's
 * own default.
 */
import { assign, setup } from 'xstate';
import type { Observation } from '../words.ts';
import {
  goesOn,
  measured,
  type PolicyEntry,
  type PolicyEvents,
  type PolicyInput,
  stopsNow,
  verdicts,
} from './contract.ts';

export interface NoProgressParameters {
  /** A set that shrinks by less than this share of the previous one is no progress, in percent. */
  readonly shrinkPercent: number;
}

interface Context {
  parameters: NoProgressParameters;
  observation: Observation | undefined;
  /** The set that the last pass sent; unknown before the second decision. */
  previousPages: number | undefined;
}

export const noProgress = setup({
  types: {} as { context: Context; events: PolicyEvents; input: PolicyInput<NoProgressParameters> },
  actions: {
    ...verdicts,
    remember: assign(({ context, event }) => ({
      observation: event.observation,
      previousPages: context.observation?.remainingPages,
    })),
  },
  guards: {
    nothingRemains: ({ context }) => context.observation?.remainingPages === 0,
    isFirstSet: ({ context }) => context.previousPages === undefined,
    setShrank: ({ context }) => shrinkPercent(context) >= context.parameters.shrinkPercent,
  },
}).createMachine({
  id: 'convergence-no-progress',
  description: 'Stop when the dirty set no longer shrinks. Kevin Tian, qemu-devel, June 2017 (vGPU).',
  context: ({ input }) => ({ parameters: input.parameters, observation: undefined, previousPages: undefined }),
  options: { maxIterations: 100 },
  initial: 'watching',
  on: { ASSESS: { target: '.comparing', actions: 'remember' } },
  states: {
    watching: {},
    comparing: {
      always: [
        { guard: 'nothingRemains', target: 'drained' },
        { guard: 'isFirstSet', target: 'shrinking' },
        { guard: 'setShrank', target: 'shrinking' },
        { target: 'noProgress' },
      ],
    },
    drained: {
      entry: stopsNow<Context>(reason),
    },
    shrinking: {
      description: 'The set is still getting smaller: another pass pays.',
      entry: goesOn<Context>(reason),
    },
    noProgress: {
      description: 'The same pages again: another pass would send them for nothing.',
      entry: stopsNow<Context>(reason),
    },
  },
});

/** By how much the set shrank since the previous one, in percent of that; negative when it grew. */
function shrinkPercent({ observation, previousPages }: Context): number {
  if (observation === undefined || previousPages === undefined || previousPages === 0) return 0;
  return (100 * (previousPages - observation.remainingPages)) / previousPages;
}

function reason(context: Context) {
  const { observation, previousPages, parameters } = context;
  if (observation === undefined) return {};
  const numbers = { ...measured(observation), dirtyPages: observation.remainingPages };
  if (previousPages === undefined) return numbers;
  return {
    ...numbers,
    previousDirtyPages: previousPages,
    shrankPercent: Number(shrinkPercent(context).toFixed(3)),
    neededPercent: parameters.shrinkPercent,
  };
}

export const noProgressPolicy: PolicyEntry<NoProgressParameters> = {
  name: 'no-progress',
  version: '1',
  role: 'vmm',
  description: 'stop when the dirty set no longer shrinks: the vGPU practice of 2017',
  source:
    "Kevin Tian on qemu-devel, June 2017 (Intel GVT-g); the share by which the set must shrink is this project's own.",
  machine: noProgress,
  defaults: { shrinkPercent: 5 },
};
