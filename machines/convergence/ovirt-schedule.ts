/**
 * What oVirt's convergence schedules share: a limit to begin with, a list of steps, one at each new pass, and then an end.
 *
 * An item of the list is run when the number of the pass is greater than the item's limit; each new pass runs one at most. The
 * published limits are 1, 2, 3, 4 and 6, so that pass 6 runs none; the last items have none and are run at the next pass. VDSM
 * learns of passes from QEMU's event MIGRATION_PASS (libvirt's migration iteration), so nothing is polled.
 * Source: VDSM lib/vdsm/virt/migration.py; oVirt engine ConvergenceSchedule.java and its MigrationPolicies value.
 */
import { assign, setup } from 'xstate';
import type { Received } from '../messages.ts';
import {
  aborting,
  cancelled,
  decided,
  heard,
  limited,
  type ManagedVm,
  type ManagerInput,
  settingDowntime,
  tellingDecisions,
} from './manager.ts';

export interface OvirtParameters {
  /** Before the first item. */
  readonly initialDowntimeMs: number;
  /** What each item sets. */
  readonly stepsMs: readonly number[];
  /** stallingLimit: each item is due in the passes after this one; an item without one, in any. */
  readonly stepPasses: readonly number[];
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

/** What each schedule can do; the one that ends in post-copy adds to it. */
export const ovirtSetup = setup({
  types: {} as { context: OvirtContext; events: Received<'manager'>; input: ManagerInput<OvirtParameters> },
  actions: {
    ...settingDowntime,
    ...aborting,
    ...tellingDecisions,
    rememberPass: assign(({ event }) => (event.type === 'MIGRATION_PASS' ? { pass: event.pass } : {})),
    takeItem: assign(({ context }) => ({
      done: context.done + 1,
      currentMs: context.parameters.stepsMs[context.done] ?? context.currentMs,
    })),
  },
  guards: {
    /** What follows then is the chart's own. */
    isThrough: ({ context: { parameters, done } }) => done >= parameters.stepsMs.length,
    itemIsDue: ({ context: { parameters, pass, done } }) => pass > (parameters.stepPasses[done] ?? 0),
  },
});

/** The way through the list; `through` is the state that comes after it. */
export function schedule<T extends string>(manager: string, through: T) {
  return {
    waiting: { on: { MIGRATION_ACTIVE: 'settingDowntime' } },
    settingDowntime: {
      entry: limited<OvirtContext>(
        manager,
        ({ currentMs }) => currentMs,
        ({ pass }) => ({ pass }),
      ),
      always: 'watching',
    },
    watching: { on: { MIGRATION_PASS: { target: 'readingSchedule', actions: 'rememberPass' } } },
    readingSchedule: {
      description: 'One item at most for each new pass.',
      always: [
        { guard: 'isThrough', target: through },
        { guard: 'itemIsDue', target: 'settingDowntime', actions: 'takeItem' },
        { target: 'watching' },
      ],
    },
  } as const;
}

/** Cancels, and tells of it. */
export function endingInAbort(manager: string, reason: (context: OvirtContext) => string) {
  return { entry: [cancelled(manager, reason), decided<OvirtContext>(manager, () => 'abort', ovirtBecause)] } as const;
}

/** The two schedules that end in an abort differ in their steps alone. */
export function abortingSchedule<N extends string>(name: N, description: string) {
  return ovirtSetup.createMachine({
    id: `manager-${name}`,
    description,
    context: ovirtContext,
    options: { maxIterations: 100 },
    initial: 'waiting',
    on: heard,
    states: {
      ...schedule(name, 'aborting'),
      aborting: endingInAbort(name, ({ pass, currentMs }) => `pass ${pass} began with a limit of ${currentMs} ms`),
      dismissed: {},
    },
  });
}
