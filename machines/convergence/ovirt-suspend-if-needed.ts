/**
 * oVirt's policy "suspend if needed": as "minimal downtime", but before the abort it tries one pass with 5 s.
 *
 * What the three schedules of oVirt share is ovirt-schedule.ts.
 * Source: VDSM lib/vdsm/virt/migration.py; oVirt engine ConvergenceSchedule.java and its MigrationPolicies value.
 */
import type { ManagerEntry } from './manager.ts';
import { abortingSchedule, type OvirtParameters } from './ovirt-schedule.ts';

export const ovirtSuspendIfNeeded = abortingSchedule(
  'ovirt-suspend-if-needed',
  'A limit that rises with each pass to 5 s, then abort. oVirt: ConvergenceSchedule.java.',
);

export const ovirtSuspendIfNeededManager: ManagerEntry<OvirtParameters> = {
  name: 'ovirt-suspend-if-needed',
  version: '1',
  role: 'manager',
  description: 'oVirt: the limit rises with each pass from 100 to 500 ms, then to 5 s, then it aborts',
  source: 'VDSM lib/vdsm/virt/migration.py; oVirt engine ConvergenceSchedule.java, MigrationPolicies',
  machine: ovirtSuspendIfNeeded,
  defaults: { initialDowntimeMs: 100, stepsMs: [150, 200, 300, 400, 500, 5000], stepPasses: [1, 2, 3, 4, 6] },
  parameters: {
    initialDowntimeMs: 'The limit that it begins with.',
    stepsMs: 'The limits that follow, one at most at each new pass.',
    stepPasses: 'Each is due after this pass; one that has none here, at the next new pass.',
  },
};
