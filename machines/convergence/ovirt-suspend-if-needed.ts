/**
 * oVirt's policy "suspend workload if needed": as "minimal downtime", but before the abort it tries 5 s.
 *
 * What the three schedules of oVirt share, and where it is published, is ovirt-schedule.ts. This one also compresses what it
 * sends (migrationCompression), which this chart does not do.
 */
import type { ManagerEntry } from './manager.ts';
import { abortingSchedule, type OvirtParameters, ovirtEntry } from './ovirt-schedule.ts';

export const ovirtSuspendIfNeeded = abortingSchedule(
  'ovirt-suspend-if-needed',
  'A limit that rises with new passes to 5 s, then abort. oVirt: ConvergenceSchedule.java; VDSM: migration.py.',
);

export const ovirtSuspendIfNeededManager: ManagerEntry<OvirtParameters> = {
  ...ovirtEntry,
  name: 'ovirt-suspend-if-needed',
  description:
    'oVirt: the limit rises with passes, looked for every 10 s, from 100 to 500 ms, to 5 s, then it aborts; with auto-converge, without its compression (VDSM caps it at 52 MiB/s: vmm.maxBandwidth)',
  machine: ovirtSuspendIfNeeded,
  defaults: {
    pollMs: 10_000,
    initialDowntimeMs: 100,
    stepsMs: [150, 200, 300, 400, 500, 5000],
    stepPasses: [1, 2, 3, 4, 6],
  },
};
