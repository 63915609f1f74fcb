/**
 * oVirt's policy "minimal downtime": 100 ms, then 150, 200, 300, 400 and 500 ms as passes go by, then abort.
 *
 * What the three schedules of oVirt share is ovirt-schedule.ts.
 * Source: VDSM lib/vdsm/virt/migration.py; oVirt engine ConvergenceSchedule.java and its MigrationPolicies value.
 */
import { heard, type ManagerEntry } from './manager.ts';
import { type OvirtParameters, ovirtBecause, ovirtContext, ovirtSetup } from './ovirt-schedule.ts';

export const ovirtMinimalDowntime = ovirtSetup.createMachine({
  id: 'manager-ovirt-minimal-downtime',
  description: 'A limit that rises with each pass to 500 ms, then abort. oVirt: ConvergenceSchedule.java.',
  context: ovirtContext,
  options: { maxIterations: 100 },
  initial: 'waiting',
  on: heard,
  states: {
    waiting: { on: { MIGRATION_ACTIVE: 'settingDowntime' } },
    settingDowntime: {
      entry: [
        { type: 'setDowntime', params: ({ context }) => ({ downtimeLimitMs: context.currentMs }) },
        {
          type: 'tellDecision',
          params: ({ context }) => ({
            manager: 'ovirt-minimal-downtime',
            verdict: { downtimeLimitMs: context.currentMs },
            because: { pass: context.pass },
          }),
        },
      ],
      always: 'watching',
    },
    watching: { on: { MIGRATION_PASS: { target: 'readingSchedule', actions: 'rememberPass' } } },
    readingSchedule: {
      description: 'One item at most for each new pass.',
      always: [
        { guard: 'isThrough', target: 'aborting' },
        { guard: 'itemIsDue', target: 'settingDowntime', actions: 'takeItem' },
        { target: 'watching' },
      ],
    },
    aborting: {
      entry: [
        {
          type: 'abort',
          params: ({ context }) => ({
            because: `aborted by ovirt-minimal-downtime: pass ${context.pass} began with a limit of ${context.currentMs} ms`,
          }),
        },
        {
          type: 'tellDecision',
          params: ({ context }) => ({
            manager: 'ovirt-minimal-downtime',
            verdict: 'abort',
            because: ovirtBecause(context),
          }),
        },
      ],
    },
    dismissed: {},
  },
});

export const ovirtMinimalDowntimeManager: ManagerEntry<OvirtParameters> = {
  name: 'ovirt-minimal-downtime',
  version: '1',
  role: 'manager',
  description: 'oVirt: the limit rises with each pass from 100 to 500 ms, then it aborts',
  source: 'VDSM lib/vdsm/virt/migration.py; oVirt engine ConvergenceSchedule.java, MigrationPolicies',
  machine: ovirtMinimalDowntime,
  defaults: { initialDowntimeMs: 100, stepsMs: [150, 200, 300, 400, 500] },
  parameters: {
    initialDowntimeMs: 'The limit that it begins with.',
    stepsMs: 'The limit at each new pass, from the second pass on.',
  },
};
