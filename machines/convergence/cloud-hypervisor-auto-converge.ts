/**
 * The prototype of auto-converge for Cloud Hypervisor: its rule as it is, and a guest that is slowed down by the number of
 * passes. After 4 passes 10 % more every 2, at most 99 %, of windows of 100 ms; see stepped-throttle.ts.
 *
 * It is a prototype, so its figures are parameters here.
 */
import {
  CLOUD_HYPERVISOR_DEFAULTS,
  CLOUD_HYPERVISOR_PARAMETERS,
  type CloudHypervisorParameters,
  cloudHypervisorRule,
} from './cloud-hypervisor.ts';
import type { PolicyEntry } from './contract.ts';
import { STEPPED_THROTTLE_DEFAULTS } from './stepped-throttle.ts';

export interface CloudHypervisorAutoConvergeParameters extends CloudHypervisorParameters {
  readonly afterPassesCount: number;
  readonly everyPassesCount: number;
  readonly stepPercent: number;
  readonly maxPercent: number;
  readonly windowMs: number;
}

export const cloudHypervisorAutoConverge = cloudHypervisorRule('cloud-hypervisor-auto-converge');

export const cloudHypervisorAutoConvergePolicy: PolicyEntry<CloudHypervisorAutoConvergeParameters> = {
  name: 'cloud-hypervisor-auto-converge',
  version: '1',
  role: 'vmm',
  description: "Cloud Hypervisor's prototype: its rule, and vCPUs 10 % slower every 2 passes after the first 4",
  source: 'Cloud Hypervisor: prototype of vCPU throttling for live migration',
  machine: cloudHypervisorAutoConverge,
  defaults: {
    ...CLOUD_HYPERVISOR_DEFAULTS,
    afterPassesCount: STEPPED_THROTTLE_DEFAULTS.afterPasses,
    everyPassesCount: STEPPED_THROTTLE_DEFAULTS.everyPasses,
    stepPercent: STEPPED_THROTTLE_DEFAULTS.stepPercent,
    maxPercent: STEPPED_THROTTLE_DEFAULTS.maxPercent,
    windowMs: 100,
  },
  parameters: {
    ...CLOUD_HYPERVISOR_PARAMETERS,
    afterPassesCount: 'Passes without a throttle.',
    everyPassesCount: 'Passes from one step to the next.',
    stepPercent: 'Of each step.',
    maxPercent: 'At most.',
    windowMs: 'The vCPUs sleep for their share of each.',
  },
  words: { timeoutStrategy: ['cancel', 'ignore'] },
  least: { afterPassesCount: 1, everyPassesCount: 1, stepPercent: 1, maxPercent: 1, windowMs: 1 },
  loops: ['cloud-hypervisor', 'textbook'],
  seesPasses: true,
  throttle: ({ afterPassesCount, everyPassesCount, stepPercent, maxPercent, windowMs }) => ({
    afterPasses: afterPassesCount,
    everyPasses: everyPassesCount,
    stepPercent,
    maxPercent,
    windowMs,
  }),
};
