/**
 * Cloud Hypervisor from 2020 to 2026: a full copy, at most 5 passes over what was dirtied, then the guest is paused for the last.
 * Source: Cloud Hypervisor vmm/src/lib.rs at commit 3ac9b6c40.
 */
import type { PolicyEntry } from './contract.ts';
import { countedPasses } from './counted-passes.ts';

export interface CloudHypervisorOldParameters {
  /** After the full copy. */
  readonly dirtyPassesMaxCount: number;
}

export const cloudHypervisorOld = countedPasses(
  'cloud-hypervisor-old',
  'A full copy and at most five dirty passes. Cloud Hypervisor vmm/src/lib.rs, 2020 to 2026.',
  ({ dirtyPassesMaxCount }: CloudHypervisorOldParameters) => 1 + dirtyPassesMaxCount,
);

export const cloudHypervisorOldPolicy: PolicyEntry<CloudHypervisorOldParameters> = {
  name: 'cloud-hypervisor-old',
  version: '1',
  role: 'vmm',
  description: 'Cloud Hypervisor from 2020 to 2026: a full copy and at most five passes over what was dirtied',
  source: 'Cloud Hypervisor vmm/src/lib.rs at commit 3ac9b6c40',
  machine: cloudHypervisorOld,
  defaults: { dirtyPassesMaxCount: 5 },
  parameters: { dirtyPassesMaxCount: 'Passes after the full copy, at most.' },
  loops: ['cloud-hypervisor', 'textbook'],
};
