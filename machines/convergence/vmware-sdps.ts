/**
 * VMware's vMotion with Stun During Page Send, as far as it is published: passes until the rest would go in less than a second;
 * a guest that dirties memory faster than it is sent has its vCPUs put to sleep, a few ms at a time, until it does not.
 *
 * Sources: yellow-bricks.com (SDPS: vCPUs sleep for a few ms), mysticmarvin.eu (switchover below 1 s). The ladder of the sleeps
 * is not published: 10 % more after each pass in which more was dirtied than sent, of windows of 10 ms, at most 99 %, are this
 * project's defaults. Nor is the wire format: it runs in the textbook's loop.
 */
import type { Observation } from '../words.ts';
import {
  goesOn,
  type Judging,
  judgesEach,
  judging,
  nothingIsDirty,
  nothingObserved,
  type PolicyEntry,
  stopsNow,
} from './contract.ts';

export interface VmwareSdpsParameters {
  readonly switchoverMs: number;
  readonly stepPercent: number;
  readonly maxPercent: number;
  readonly windowMs: number;
}

type Context = Judging<VmwareSdpsParameters>;

export const vmwareSdps = judging<VmwareSdpsParameters>()
  .extend({
    guards: {
      nothingIsDirty,
      isBelowSwitchover: ({ context: { observation, parameters } }) =>
        observation !== undefined && switchoverMs(observation) < parameters.switchoverMs,
    },
  })
  .createMachine({
    id: 'convergence-vmware-sdps',
    description: 'Passes until the rest takes less than a second; vCPUs sleep meanwhile. VMware vMotion, SDPS.',
    context: nothingObserved,
    ...judgesEach,
    states: {
      watching: {},
      judging: {
        always: [
          { guard: 'nothingIsDirty', target: 'drained' },
          { guard: 'isBelowSwitchover', target: 'converged' },
          { target: 'another' },
        ],
      },
      another: { entry: goesOn<Context>(reason) },
      drained: { entry: stopsNow<Context>(reason) },
      converged: { description: 'The rest would go within the goal.', entry: stopsNow<Context>(reason) },
    },
  });

/** What the rest takes at the speed of the last pass; nothing is known of it before one was measured. */
function switchoverMs({ remainingBytes, bandwidthBytesPerSecond }: Observation): number {
  return bandwidthBytesPerSecond === 0 ? Number.POSITIVE_INFINITY : (1000 * remainingBytes) / bandwidthBytesPerSecond;
}

function reason({ observation, parameters }: Context) {
  if (observation === undefined) return {};
  const { remainingBytes, bandwidthBytesPerSecond, throttlePercent } = observation;
  const ms = switchoverMs(observation);
  return {
    remainingBytes,
    bandwidthBytesPerSecond,
    ...(Number.isFinite(ms) ? { switchoverMs: Number(ms.toFixed(3)) } : {}),
    switchoverGoalMs: parameters.switchoverMs,
    throttlePercent,
  };
}

export const vmwareSdpsPolicy: PolicyEntry<VmwareSdpsParameters> = {
  name: 'vmware-sdps',
  version: '1',
  role: 'vmm',
  description:
    'VMware vMotion as far as published: the rest in less than 1 s, vCPUs sleep while they dirty more than is sent',
  source: 'yellow-bricks.com (Stun During Page Send), mysticmarvin.eu; the ladder is not published',
  machine: vmwareSdps,
  defaults: { switchoverMs: 1000, stepPercent: 10, maxPercent: 99, windowMs: 10 },
  parameters: {
    switchoverMs: 'The rest must take less than this.',
    stepPercent: 'Of each step of the sleep; not published.',
    maxPercent: 'At most; not published.',
    windowMs: 'The vCPUs sleep for their share of each: a few ms at a time.',
  },
  least: { stepPercent: 1, maxPercent: 1, windowMs: 1 },
  loops: ['textbook'],
  throttle: ({ stepPercent, maxPercent, windowMs }) => ({
    afterPasses: 1,
    everyPasses: 1,
    stepPercent,
    maxPercent,
    whileLosing: true,
    windowMs,
  }),
};
