/**
 * Xen since 4.6: five passes, or fewer when a bitmap has fewer than 50 pages.
 *
 * It is asked twice a pass: with the bitmap in hand and before it is sent (few pages: these are sent while the guest runs,
 * and then it stops), and when it has been sent (five are enough: it stops without reading the bitmap again). Here the
 * bitmap has been read by then, which finds the same pages as the final read does. Pages that could not be sent (ballooned,
 * in transition) are deferred to the last copy; the model has none.
 * Source: Xen tools/libs/guest/xg_sr_save.c, simple_precopy_policy and send_memory_live.
 */
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

export interface XenNowParameters {
  readonly passesMaxCount: number;
  readonly fewPagesCount: number;
}

type Context = Judging<XenNowParameters>;

export const xenNow = judging<XenNowParameters>()
  .extend({
    guards: {
      passesAreUp: ({ context: { observation, parameters } }) =>
        observation !== undefined && observation.round >= parameters.passesMaxCount,
      nothingIsDirty,
      fewAreDirty: ({ context: { observation, parameters } }) =>
        observation !== undefined && observation.remainingPages < parameters.fewPagesCount,
    },
  })
  .createMachine({
    id: 'convergence-xen-now',
    description: 'Five passes, or fewer than 50 dirty pages. Xen tools/libs/guest/xg_sr_save.c, simple_precopy_policy.',
    context: nothingObserved,
    ...judgesEach,
    states: {
      watching: {},
      judging: {
        always: [
          { guard: 'passesAreUp', target: 'passesAreUp' },
          { guard: 'nothingIsDirty', target: 'drained' },
          { guard: 'fewAreDirty', target: 'sendingTheFew' },
          { target: 'another' },
        ],
      },
      another: { entry: goesOn<Context>(reason) },
      sendingTheFew: {
        description: 'The few that are dirty go while the guest runs, whatever is dirtied meanwhile.',
        entry: goesOn<Context>(reason),
        on: { ASSESS: { target: 'sentTheFew', actions: 'remember' } },
      },
      sentTheFew: { entry: stopsNow<Context>(reason) },
      drained: { description: 'There is nothing to send before the stop.', entry: stopsNow<Context>(reason) },
      passesAreUp: { description: 'SPP_MAX_ITERATIONS.', entry: stopsNow<Context>(reason) },
    },
  });

function reason({ observation, parameters }: Context) {
  if (observation === undefined) return {};
  const { round, remainingPages, remainingBytes } = observation;
  return {
    pass: round,
    passesMax: parameters.passesMaxCount,
    dirtyPages: remainingPages,
    fewPages: parameters.fewPagesCount,
    remainingBytes,
  };
}

export const xenNowPolicy: PolicyEntry<XenNowParameters> = {
  name: 'xen-now',
  version: '1',
  role: 'vmm',
  description: 'Xen since 4.6: five passes, or fewer than 50 dirty pages',
  source: 'Xen tools/libs/guest/xg_sr_save.c, simple_precopy_policy',
  machine: xenNow,
  defaults: { passesMaxCount: 5, fewPagesCount: 50 },
  parameters: {
    passesMaxCount: 'SPP_MAX_ITERATIONS: so many passes at most.',
    fewPagesCount: 'SPP_TARGET_DIRTY_COUNT: with fewer dirty pages than this, one more pass.',
  },
  least: { passesMaxCount: 1 },
  loops: ['xen', 'textbook'],
};
