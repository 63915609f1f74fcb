/**
 * oVirt's policy "minimal downtime": 100 ms, then 150, 200, 300, 400 and 500 ms as passes go by, then abort.
 *
 * What the three schedules of oVirt share, and where it is published, is ovirt-schedule.ts.
 */
import type { ManagerEntry } from './manager.ts';
import { abortingSchedule, type OvirtParameters, ovirtEntry } from './ovirt-schedule.ts';

export const ovirtMinimalDowntime = abortingSchedule(
  'ovirt-minimal-downtime',
  'A limit that rises with new passes to 500 ms, then abort. oVirt: ConvergenceSchedule.java; VDSM: migration.py.',
);

export const ovirtMinimalDowntimeManager: ManagerEntry<OvirtParameters> = {
  ...ovirtEntry,
  name: 'ovirt-minimal-downtime',
  description:
    'oVirt: the limit rises with passes, looked for every 10 s, from 100 to 500 ms, then it aborts; with auto-converge (VDSM caps it at 52 MiB/s: vmm.maxBandwidth)',
  machine: ovirtMinimalDowntime,
  defaults: {
    pollMs: 10_000,
    initialDowntimeMs: 100,
    stepsMs: [150, 200, 300, 400, 500],
    stepPasses: [1, 2, 3, 4, 6],
  },
};
