/**
 * oVirt's policy "minimal downtime": 100 ms, then 150, 200, 300, 400 and 500 ms as passes go by, then abort.
 *
 * What the three schedules of oVirt share is ovirt-schedule.ts.
 * Source: VDSM lib/vdsm/virt/migration.py; oVirt engine ConvergenceSchedule.java and its MigrationPolicies value.
 */
import type { ManagerEntry } from './manager.ts';
import { abortingSchedule, type OvirtParameters } from './ovirt-schedule.ts';

export const ovirtMinimalDowntime = abortingSchedule(
  'ovirt-minimal-downtime',
  'A limit that rises with each pass to 500 ms, then abort. oVirt: ConvergenceSchedule.java.',
);

export const ovirtMinimalDowntimeManager: ManagerEntry<OvirtParameters> = {
  name: 'ovirt-minimal-downtime',
  version: '1',
  role: 'manager',
  description: 'oVirt: the limit rises with each pass from 100 to 500 ms, then it aborts',
  source: 'VDSM lib/vdsm/virt/migration.py; oVirt engine ConvergenceSchedule.java, MigrationPolicies',
  machine: ovirtMinimalDowntime,
  defaults: { initialDowntimeMs: 100, stepsMs: [150, 200, 300, 400, 500], stepPasses: [1, 2, 3, 4, 6] },
  parameters: {
    initialDowntimeMs: 'The limit that it begins with.',
    stepsMs: 'The limits that follow, one at most at each new pass.',
    stepPasses: 'Each is due after this pass; one that has none here, at the next new pass.',
  },
};
