/**
 * A predictor's rule: stop when the next copy would itself be over within the downtime limit, headers and all.
 *
 * Source: "Migration time prediction using calc-dirty-rate" (A. Gudkov, qemu-devel, v2, April 2023), whose loop ends with the
 * first copy that takes no longer than the limit. QEMU compares the bare content of the pages with what fits; here every page
 * costs its header, too (8 bytes there), and a copy that takes exactly as long as the limit fits. It has no limit of passes.
 */
import { goesOn, type Judging, judging, measured, nothingObserved, type PolicyEntry, stopsNow } from './contract.ts';

export interface PredictorParameters {
  /** What a page costs on the wire beside its content. */
  readonly pageHeaderBytes: number;
}

type Context = Judging<PredictorParameters>;

export const predictor = judging<PredictorParameters>()
  .extend({
    guards: {
      nextCopyFits: ({ context }) =>
        context.observation !== undefined && nextCopyMs(context) <= context.observation.downtimeLimitMs,
    },
  })
  .createMachine({
    id: 'convergence-predictor',
    description: 'How long the next copy takes against the downtime limit. A. Gudkov, qemu-devel, April 2023.',
    context: nothingObserved,
    options: { maxIterations: 100 },
    initial: 'watching',
    on: { ASSESS: { target: '.comparing', actions: 'remember' } },
    states: {
      watching: {},
      comparing: { always: [{ guard: 'nextCopyFits', target: 'fits' }, { target: 'takesTooLong' }] },
      fits: {
        description: 'The next copy is over within the limit: it is the last one.',
        entry: stopsNow<Context>(reason),
      },
      takesTooLong: {
        description: 'The next copy takes longer than the limit: it is a pass.',
        entry: goesOn<Context>(reason),
      },
    },
  });

/** Nothing takes no time, even where no bandwidth was measured. */
function nextCopyMs({ observation, parameters }: Context): number {
  if (observation === undefined) return Number.POSITIVE_INFINITY;
  const bytes = observation.remainingBytes + observation.remainingPages * parameters.pageHeaderBytes;
  return bytes === 0 ? 0 : (1000 * bytes) / observation.bandwidthBytesPerSecond;
}

function reason(context: Context) {
  const { observation } = context;
  if (observation === undefined) return {};
  const ms = nextCopyMs(context);
  return { ...measured(observation), ...(Number.isFinite(ms) ? { nextCopyMs: Number(ms.toFixed(3)) } : {}) };
}

export const predictorPolicy: PolicyEntry<PredictorParameters> = {
  name: 'predictor',
  version: '1',
  role: 'vmm',
  description: 'stop when the next copy, with its headers, is over within the downtime limit: a predictor of 2023',
  source: '"Migration time prediction using calc-dirty-rate" (A. Gudkov, qemu-devel, v2, April 2023).',
  machine: predictor,
  defaults: { pageHeaderBytes: 8 },
};
