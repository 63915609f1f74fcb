/**
 * Hyper-V: up to ten passes, then the guest is suspended and the rest is copied. It must be back before its TCP connections
 * give up; nothing is published that would make the rule look at that, so it is no part of it.
 *
 * Source: Directions on Microsoft's chart of live migration (2009, revised 2020). That passes end early when nothing is dirty
 * is this project's reading of "up to". Its wire format is not published: it runs in the textbook's loop.
 */
import type { PolicyEntry } from './contract.ts';
import { type CountedPassesParameters, countedPasses } from './counted-passes.ts';

export const hyperV = countedPasses(
  'hyper-v',
  'Up to ten passes, then the rest. Directions on Microsoft, 2009 and 2020.',
  ({ passesMaxCount }: CountedPassesParameters) => passesMaxCount,
);

export const hyperVPolicy: PolicyEntry<CountedPassesParameters> = {
  name: 'hyper-v',
  version: '1',
  role: 'vmm',
  description: 'Hyper-V: up to ten passes, then the rest with the guest suspended',
  source: 'Directions on Microsoft, chart of Hyper-V live migration, 2009 and 2020',
  machine: hyperV,
  defaults: { passesMaxCount: 10 },
  parameters: { passesMaxCount: 'So many passes at most, that of all memory among them.' },
  least: { passesMaxCount: 1 },
  loops: ['textbook'],
};
