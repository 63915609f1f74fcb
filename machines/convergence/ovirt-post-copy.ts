/**
 * oVirt's policy "post-copy migration": 100 ms, then 150 and 200 ms as passes go by, then post-copy.
 *
 * A pass that begins all the same, because post-copy was refused, is an abort. Needs the capability postcopy-ram.
 * Source: VDSM lib/vdsm/virt/migration.py; oVirt engine ConvergenceSchedule.java and its MigrationPolicies value.
 */
import { heard, type ManagerEntry, postCopyStarted, startingPostCopy } from './manager.ts';
import {
  endingInAbort,
  type OvirtContext,
  type OvirtParameters,
  ovirtBecause,
  ovirtContext,
  ovirtSetup,
  schedule,
} from './ovirt-schedule.ts';

const NAME = 'ovirt-post-copy';

export const ovirtPostCopy = ovirtSetup.extend({ actions: startingPostCopy }).createMachine({
  id: 'manager-ovirt-post-copy',
  description: 'A limit that rises with two passes, then post-copy. oVirt: ConvergenceSchedule.java.',
  context: ovirtContext,
  options: { maxIterations: 100 },
  initial: 'waiting',
  on: heard,
  states: {
    ...schedule(NAME, 'startingPostCopy'),
    startingPostCopy: {
      entry: postCopyStarted<OvirtContext>(NAME, ovirtBecause),
      on: { MIGRATION_PASS: { target: 'aborting', actions: 'rememberPass' } },
    },
    aborting: endingInAbort(NAME, ({ pass }) => `pass ${pass} began though post-copy had been ordered`),
    dismissed: {},
  },
});

export const ovirtPostCopyManager: ManagerEntry<OvirtParameters> = {
  name: NAME,
  version: '1',
  role: 'manager',
  description: 'oVirt: the limit rises with two passes from 100 to 200 ms, then post-copy',
  source: 'VDSM lib/vdsm/virt/migration.py; oVirt engine ConvergenceSchedule.java, MigrationPolicies',
  machine: ovirtPostCopy,
  defaults: { initialDowntimeMs: 100, stepsMs: [150, 200], stepPasses: [1, 2] },
  parameters: {
    initialDowntimeMs: 'The limit that it begins with.',
    stepsMs: 'The limits that follow, one at most at each new pass; then post-copy.',
    stepPasses: 'Each is due after this pass; one that has none here, at the next new pass.',
  },
  needsPostCopy: () => true,
};
