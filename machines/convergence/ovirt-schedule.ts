/**
 * What oVirt's convergence schedules share: a limit to begin with, a list of steps, one at each new pass, and then an end.
 *
 * VDSM hears of no event: every 10 s it looks at libvirt's memory_iteration, which is QEMU's dirty-sync-count. What it sees
 * first counts as 0, so the passes before that look are not counted; a look that finds more than the one before runs the item
 * at the head of the list if the count is greater than the item's limit, and one at most, however many passes have begun. The
 * published limits are 1, 2, 3, 4 and 6, so that at 6 none is run; the last items have -1 and are run at the next new pass. A
 * remainder that no longer shrinks is only logged: with a schedule no time limit and no lack of progress ends a migration. An
 * error of the look ends VDSM's monitor thread, and nothing is ordered any more.
 *
 * The engine's policies come with auto-converge. VDSM caps the bandwidth at 52 MiB/s where the engine asks for none.
 * Source: VDSM fd4b0df20, lib/vdsm/virt/migration.py (MonitorThread.monitor_migration, _next_action) and
 * lib/vdsm/common/config.py.in (migration_monitor_interval, migration_max_bandwidth); oVirt engine ConvergenceSchedule.java
 * and its MigrationPolicies value (4.1).
 */
import { assign, setup } from 'xstate';
import { commands } from '../messages.ts';
import type { MigrateInfo } from '../words.ts';
import {
  aborting,
  asking,
  cancelled,
  decided,
  heardByPoller,
  infoOf,
  isSending,
  limited,
  type ManagedVm,
  type ManagerEntry,
  type ManagerInput,
  nothingSeen,
  type PollerEvents,
  seenNumbers,
  settingDowntime,
  tellingDecisions,
} from './manager.ts';

export interface OvirtParameters {
  /** migration_monitor_interval. */
  readonly pollMs: number;
  /** Before the first item. */
  readonly initialDowntimeMs: number;
  /** What each item sets. */
  readonly stepsMs: readonly number[];
  /** stallingLimit: each item is due when more passes than this are counted; an item without one, at any new pass. */
  readonly stepPasses: readonly number[];
}

export interface OvirtContext {
  parameters: OvirtParameters;
  vm: ManagedVm;
  seen: MigrateInfo;
  /** dirty-sync-count at the first look; undefined: it has not looked. */
  firstPass: number | undefined;
  /** The greatest since. */
  lastPass: number;
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
  seen: nothingSeen(vm),
  firstPass: undefined,
  lastPass: 0,
  done: 0,
  currentMs: parameters.initialDowntimeMs,
});

const seenPass = ({ seen }: OvirtContext) => seen.ram?.dirtySyncCount ?? 0;
/** New passes since the first look. */
const passesCounted = ({ firstPass, lastPass }: OvirtContext) => lastPass - (firstPass ?? lastPass);

export const ovirtBecause = (context: OvirtContext) => ({
  ...seenNumbers(context.seen),
  ...(context.firstPass === undefined ? {} : { pass: seenPass(context), newPasses: passesCounted(context) }),
});

/** What each schedule can do; the one that ends in post-copy adds to it. */
export const ovirtSetup = setup({
  types: {} as { context: OvirtContext; events: PollerEvents; input: ManagerInput<OvirtParameters> },
  actions: {
    ...commands('queryMigrate'),
    ...settingDowntime,
    ...aborting,
    ...tellingDecisions,
    remember: assign(({ event }) => (event.type === 'DONE.queryMigrate' ? { seen: infoOf(event) } : {})),
    beginCounting: assign(({ context }) => ({ firstPass: seenPass(context), lastPass: seenPass(context) })),
    countPasses: assign(({ context }) => ({ lastPass: seenPass(context) })),
    takeItem: assign(({ context }) => ({
      done: context.done + 1,
      currentMs: context.parameters.stepsMs[context.done] ?? context.currentMs,
    })),
  },
  guards: {
    isSending,
    isFirstLook: ({ context }) => context.firstPass === undefined,
    seesNewPass: ({ context }) => seenPass(context) > context.lastPass,
    /** What follows then is the chart's own. */
    isThrough: ({ context: { parameters, done } }) => done >= parameters.stepsMs.length,
    itemIsDue: ({ context }) => passesCounted(context) > (context.parameters.stepPasses[context.done] ?? -1),
  },
  delays: { poll: ({ context }) => context.parameters.pollMs },
});

/** One look; an error of it is `unwatched`, an absolute target where the look is in a state of its own. */
export function looking<T extends string>(unwatched: T) {
  return {
    watching: { after: { poll: 'asking' } },
    asking: {
      entry: asking.entry,
      on: {
        'DONE.queryMigrate': asking.on['DONE.queryMigrate'],
        'FAILED.queryMigrate': { description: "It ends VDSM's monitor thread.", target: unwatched },
      },
    },
  } as const;
}

/** The way through the list; `through` is the state that comes after it. */
export function schedule<T extends string>(manager: string, through: T) {
  return {
    waiting: { on: { MIGRATION_ACTIVE: 'settingDowntime' } },
    settingDowntime: {
      entry: limited<OvirtContext>(manager, ({ currentMs }) => currentMs, ovirtBecause),
      always: 'watching',
    },
    ...looking('unwatched'),
    deciding: {
      always: [
        { guard: 'isFirstLook', target: 'watching', actions: 'beginCounting' },
        { guard: 'seesNewPass', target: 'readingSchedule', actions: 'countPasses' },
        { target: 'watching' },
      ],
    },
    readingSchedule: {
      description: 'One item at most for each look.',
      always: [
        { guard: 'isThrough', target: through },
        { guard: 'itemIsDue', target: 'settingDowntime', actions: 'takeItem' },
        { target: 'watching' },
      ],
    },
    unwatched: { description: 'The look failed: nobody looks any more.' },
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
    on: heardByPoller,
    states: {
      ...schedule(name, 'aborting'),
      aborting: endingInAbort(
        name,
        (context) => `pass ${seenPass(context)} was seen with a limit of ${context.currentMs} ms`,
      ),
      dismissed: {},
    },
  });
}

/** What the entries of the schedules have in common. */
export const ovirtEntry = {
  version: '2',
  role: 'manager',
  source:
    'VDSM fd4b0df20, lib/vdsm/virt/migration.py (MonitorThread); oVirt engine ConvergenceSchedule.java, MigrationPolicies',
  parameters: {
    pollMs: 'How often it looks whether a pass has begun.',
    initialDowntimeMs: 'The limit that it begins with.',
    stepsMs: 'The limits that follow, one at most at each look that sees a new pass.',
    stepPasses:
      'Each is due when more passes than this have begun since the first look; one that has none here, at the next new pass.',
  },
  least: { pollMs: 1 },
  throttle: 'auto-converge',
} as const satisfies Partial<ManagerEntry<OvirtParameters>>;
