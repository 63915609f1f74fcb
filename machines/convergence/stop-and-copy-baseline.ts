/**
 * The baseline without pre-copy: the guest is stopped at once, and all of its memory goes while it stands. The dirty logs are
 * started as for any migration (and devices that can offer state early are in PRE_COPY), because the decision falls
 * after the setup; nothing is sent before it.
 */
import { atFirstSight } from './at-first-sight.ts';
import type { PolicyEntry } from './contract.ts';

export const stopAndCopyBaseline = atFirstSight(
  'stop-and-copy',
  'No pass at all: everything goes with the guest stopped. A baseline.',
);

export const stopAndCopyPolicy: PolicyEntry<object> = {
  name: 'stop-and-copy',
  version: '1',
  role: 'vmm',
  description: 'baseline: no pre-copy, all memory goes while the guest stands',
  source: 'what migration was before it was live (suspend, copy, resume)',
  machine: stopAndCopyBaseline,
  defaults: {},
  parameters: {},
  asksFirst: true,
};
