/**
 * Cloud Hypervisor's rule of 2026: before each pass it looks whether what is dirty would go within the downtime limit at the
 * speed of the pass before. A migration that has gone on for an hour is cancelled, or, if told to ignore the limit, ends.
 *
 * Source: Cloud Hypervisor vmm/src/lib.rs, is_precopy_converged; vm-migration/src/context.rs; docs/live_migration.md
 * (downtime_ms, timeout_s, timeout_strategy). Guest memory alone is counted: a device's state is not.
 */
import {
  givesUp,
  givingUp,
  goesOn,
  type Judging,
  judgesEach,
  judging,
  measured,
  nothingIsDirty,
  nothingObserved,
  type PolicyEntry,
  stopsNow,
  thresholdBytes,
} from './contract.ts';

export interface CloudHypervisorParameters {
  readonly timeoutMs: number;
  readonly timeoutStrategy: 'cancel' | 'ignore';
}

type Context = Judging<CloudHypervisorParameters>;

/** The rule as a chart of its own name: the prototype of auto-converge has the same one. */
export function cloudHypervisorRule(name: string) {
  return judging<CloudHypervisorParameters>()
    .extend({
      actions: givingUp,
      guards: {
        nothingIsDirty,
        fitsIntoDowntime: ({ context: { observation } }) =>
          observation !== undefined &&
          observation.bandwidthBytesPerSecond > 0 &&
          observation.remainingBytes <= thresholdBytes(observation),
        timeIsUp: ({ context }) => timeIsUp(context),
        timeIsUpAndIgnored: ({ context }) => timeIsUp(context) && context.parameters.timeoutStrategy === 'ignore',
      },
    })
    .createMachine({
      id: `convergence-${name}`,
      description:
        'What is dirty at the speed of the last pass against the downtime limit; an hour at most. vmm/src/lib.rs.',
      context: nothingObserved,
      ...judgesEach,
      states: {
        watching: {},
        judging: {
          always: [
            { guard: 'nothingIsDirty', target: 'drained' },
            { guard: 'fitsIntoDowntime', target: 'converged' },
            { guard: 'timeIsUpAndIgnored', target: 'timeIsIgnored' },
            { guard: 'timeIsUp', target: 'timeIsUp' },
            { target: 'another' },
          ],
        },
        another: { entry: goesOn<Context>(reason) },
        drained: { entry: stopsNow<Context>(reason) },
        converged: {
          description: 'downtime_ms is enough for the rest.',
          entry: stopsNow<Context>(reason),
        },
        timeIsIgnored: {
          description: 'timeout_strategy=ignore: it goes on to the stop, whatever that takes.',
          entry: stopsNow<Context>(reason),
        },
        timeIsUp: {
          description: 'timeout_strategy=cancel: the guest stays here.',
          entry: givesUp<Context>(reason),
        },
      },
    });
}

export const cloudHypervisor = cloudHypervisorRule('cloud-hypervisor');

function timeIsUp({ observation, parameters }: Context): boolean {
  return observation?.pass !== undefined && observation.pass.elapsedMs >= parameters.timeoutMs;
}

function reason({ observation }: Context) {
  if (observation === undefined) return {};
  const { pass } = observation;
  return { ...measured(observation), ...(pass === undefined ? {} : { elapsedMs: Math.round(pass.elapsedMs) }) };
}

export const CLOUD_HYPERVISOR_DEFAULTS: CloudHypervisorParameters = {
  timeoutMs: 3_600_000,
  timeoutStrategy: 'cancel',
};

export const CLOUD_HYPERVISOR_PARAMETERS: { readonly [K in keyof CloudHypervisorParameters]: string } = {
  timeoutMs: 'timeout_s: since the first sync.',
  timeoutStrategy: 'timeout_strategy: cancel keeps the guest here, ignore ends pre-copy whatever remains.',
};

export const cloudHypervisorPolicy: PolicyEntry<CloudHypervisorParameters> = {
  name: 'cloud-hypervisor',
  version: '1',
  role: 'vmm',
  description:
    "Cloud Hypervisor: what is dirty fits into the downtime limit at the last pass's speed; one hour at most",
  source: 'Cloud Hypervisor vmm/src/lib.rs, is_precopy_converged; docs/live_migration.md',
  machine: cloudHypervisor,
  defaults: CLOUD_HYPERVISOR_DEFAULTS,
  parameters: CLOUD_HYPERVISOR_PARAMETERS,
  words: { timeoutStrategy: ['cancel', 'ignore'] },
  loops: ['cloud-hypervisor', 'textbook'],
  seesPasses: true,
};
