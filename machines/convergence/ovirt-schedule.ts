/**
 * What oVirt's convergence schedules share: a limit to begin with, a list of steps, one at each new pass, and then an end.
 *
 * An item of the list is run when the number of the pass is greater than the item's; each new pass runs one at most. VDSM
 * learns of passes from QEMU's event MIGRATION_PASS (libvirt's migration iteration), so nothing is polled.
 * Source: VDSM lib/vdsm/virt/migration.py; oVirt engine ConvergenceSchedule.java and its MigrationPolicies value.
 */
import { assign, setup } from 'xstate';
import type { Received } from '../messages.ts';
import { aborting, type ManagedVm, type ManagerInput, settingDowntime, tellingDecisions } from './manager.ts';

export interface OvirtParameters {
  /** Before the first item. */
  readonly initialDowntimeMs: number;
  /** Item i, from 1 on, is due in the passes after pass i. */
  readonly stepsMs: readonly number[];
}

export interface OvirtContext {
  parameters: OvirtParameters;
  vm: ManagedVm;
  /** Number of the pass that has begun. */
  pass: number;
  /** Items that have been run. */
  done: number;
  currentMs: number;
}

export const ovirtContext = ({
  input: { parameters, vm },
}: {
  input: ManagerInput<OvirtParameters>;
}): OvirtContext => ({
  parameters,
  vm,
  pass: 1,
  done: 0,
  currentMs: parameters.initialDowntimeMs,
});

export const ovirtBecause = ({ pass, currentMs }: OvirtContext) => ({ pass, downtimeLimitMs: currentMs });

/** The schedule is through: what follows is the chart's own. */
export const isThrough = ({ parameters, done }: OvirtContext) => done >= parameters.stepsMs.length;
export const itemIsDue = ({ pass, done }: OvirtContext) => pass > done + 1;
export const nextItem = (context: OvirtContext) => ({
  done: context.done + 1,
  currentMs: context.parameters.stepsMs[context.done] ?? context.currentMs,
});

/** For the two schedules that end in an abort. */
export const ovirtSetup = setup({
  types: {} as { context: OvirtContext; events: Received<'manager'>; input: ManagerInput<OvirtParameters> },
  actions: {
    ...settingDowntime,
    ...aborting,
    ...tellingDecisions,
    rememberPass: assign(({ event }) => (event.type === 'MIGRATION_PASS' ? { pass: event.pass } : {})),
    takeItem: assign(({ context }) => nextItem(context)),
  },
  guards: {
    isThrough: ({ context }) => isThrough(context),
    itemIsDue: ({ context }) => itemIsDue(context),
  },
});
