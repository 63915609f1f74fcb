/**
 * oVirt's policy "post-copy migration": 100 ms, then 150 and 200 ms as passes go by, then post-copy.
 *
 * A pass that begins all the same, because post-copy was refused, is an abort. Needs the capability postcopy-ram.
 * Source: VDSM lib/vdsm/virt/migration.py; oVirt engine ConvergenceSchedule.java and its MigrationPolicies value.
 */
import { assign, setup } from 'xstate';
import type { Received } from '../messages.ts';
import {
  aborting,
  heard,
  type ManagerEntry,
  type ManagerInput,
  settingDowntime,
  startingPostCopy,
  tellingDecisions,
} from './manager.ts';
import {
  isThrough,
  itemIsDue,
  nextItem,
  type OvirtContext,
  type OvirtParameters,
  ovirtBecause,
  ovirtContext,
} from './ovirt-schedule.ts';

export const ovirtPostCopy = setup({
  types: {} as { context: OvirtContext; events: Received<'manager'>; input: ManagerInput<OvirtParameters> },
  actions: {
    ...settingDowntime,
    ...startingPostCopy,
    ...aborting,
    ...tellingDecisions,
    rememberPass: assign(({ event }) => (event.type === 'MIGRATION_PASS' ? { pass: event.pass } : {})),
    takeItem: assign(({ context }) => nextItem(context)),
  },
  guards: {
    isThrough: ({ context }) => isThrough(context),
    itemIsDue: ({ context }) => itemIsDue(context),
  },
}).createMachine({
  id: 'manager-ovirt-post-copy',
  description: 'A limit that rises with two passes, then post-copy. oVirt: ConvergenceSchedule.java.',
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
            manager: 'ovirt-post-copy',
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
        { guard: 'isThrough', target: 'startingPostCopy' },
        { guard: 'itemIsDue', target: 'settingDowntime', actions: 'takeItem' },
        { target: 'watching' },
      ],
    },
    startingPostCopy: {
      entry: [
        'startPostCopy',
        {
          type: 'tellDecision',
          params: ({ context }) => ({
            manager: 'ovirt-post-copy',
            verdict: 'postcopy',
            because: ovirtBecause(context),
          }),
        },
      ],
      on: { MIGRATION_PASS: { target: 'aborting', actions: 'rememberPass' } },
    },
    aborting: {
      entry: [
        {
          type: 'abort',
          params: ({ context }) => ({
            because: `aborted by ovirt-post-copy: pass ${context.pass} began though post-copy had been ordered`,
          }),
        },
        {
          type: 'tellDecision',
          params: ({ context }) => ({ manager: 'ovirt-post-copy', verdict: 'abort', because: ovirtBecause(context) }),
        },
      ],
    },
    dismissed: {},
  },
});

export const ovirtPostCopyManager: ManagerEntry<OvirtParameters> = {
  name: 'ovirt-post-copy',
  version: '1',
  role: 'manager',
  description: 'oVirt: the limit rises with two passes from 100 to 200 ms, then post-copy',
  source: 'VDSM lib/vdsm/virt/migration.py; oVirt engine ConvergenceSchedule.java, MigrationPolicies',
  machine: ovirtPostCopy,
  defaults: { initialDowntimeMs: 100, stepsMs: [150, 200] },
  parameters: {
    initialDowntimeMs: 'The limit that it begins with.',
    stepsMs: 'The limit at each new pass, from the second pass on; then post-copy.',
  },
  needsPostCopy: () => true,
};
