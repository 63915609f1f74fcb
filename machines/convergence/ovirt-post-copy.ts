/**
 * oVirt's policy "post-copy migration": 100 ms, then 150 and 200 ms as passes go by, then post-copy.
 *
 * What the three schedules of oVirt share, and where it is published, is ovirt-schedule.ts. Where post-copy was refused it
 * looks on, and the next new pass is an abort. Needs the capability postcopy-ram.
 */
import { heardByPoller, type ManagerEntry, postCopyStarted, startingPostCopy } from './manager.ts';
import {
  endingInAbort,
  looking,
  type OvirtContext,
  type OvirtParameters,
  ovirtBecause,
  ovirtContext,
  ovirtEntry,
  ovirtSetup,
  schedule,
} from './ovirt-schedule.ts';

const NAME = 'ovirt-post-copy';

export const ovirtPostCopy = ovirtSetup.extend({ actions: startingPostCopy }).createMachine({
  id: 'manager-ovirt-post-copy',
  description:
    'A limit that rises with two new passes, then post-copy. oVirt: ConvergenceSchedule.java; VDSM: migration.py.',
  context: ovirtContext,
  options: { maxIterations: 100 },
  initial: 'waiting',
  on: heardByPoller,
  states: {
    ...schedule(NAME, 'startingPostCopy'),
    startingPostCopy: {
      description: 'It is dismissed once post-copy runs.',
      entry: postCopyStarted<OvirtContext>(NAME, ovirtBecause),
      initial: 'watching',
      states: {
        ...looking('#manager-ovirt-post-copy.unwatched'),
        deciding: {
          always: [
            { guard: 'seesNewPass', target: '#manager-ovirt-post-copy.aborting', actions: 'countPasses' },
            { target: 'watching' },
          ],
        },
      },
    },
    aborting: endingInAbort(NAME, ({ lastPass }) => `pass ${lastPass} was seen though post-copy had been ordered`),
    dismissed: {},
  },
});

export const ovirtPostCopyManager: ManagerEntry<OvirtParameters> = {
  ...ovirtEntry,
  name: NAME,
  description:
    'oVirt: the limit rises with passes, looked for every 10 s, from 100 to 200 ms, then post-copy; with auto-converge (VDSM caps it at 52 MiB/s: vmm.maxBandwidth)',
  machine: ovirtPostCopy,
  defaults: { pollMs: 10_000, initialDowntimeMs: 100, stepsMs: [150, 200], stepPasses: [1, 2] },
  needsPostCopy: () => true,
};
