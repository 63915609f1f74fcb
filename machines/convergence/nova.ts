/**
 * OpenStack Nova: the downtime limit is raised in steps, and a time limit that grows with the VM ends it.
 *
 * Step i of 0..S is due when more than i x delay x GiB have passed, and sets D/S + i x (D - D/S)/S, D being the most that is
 * allowed and GiB the RAM, at least 2, and of each disk that is copied, at least 2. Past the time limit it aborts, or forces
 * the end: post-copy where that is permitted, else the guest is paused. It looks every 0.5 s.
 * Source: OpenStack Nova, commit 00a030403f (August 2026): nova/conf/libvirt.py (constants and their least values),
 * nova/virt/libvirt/migration.py (downtime_steps, update_downtime, should_trigger_timeout_action),
 * nova/virt/libvirt/driver.py (_live_migration_data_gb, _live_migration_monitor).
 */
import { assign, setup } from 'xstate';
import { commands } from '../messages.ts';
import type { MigrateInfo } from '../words.ts';
import {
  aborting,
  asking,
  cancelled,
  decided,
  guestPaused,
  heardByPoller,
  infoOf,
  isSending,
  limited,
  type ManagedVm,
  type ManagerEntry,
  type ManagerInput,
  nothingSeen,
  type PollerEvents,
  postCopyStarted,
  seenNumbers,
  settingDowntime,
  startingPostCopy,
  suspending,
  tellingDecisions,
} from './manager.ts';

export interface NovaParameters {
  readonly pollMs: number;
  /** live_migration_downtime: D. */
  readonly downtimeMs: number;
  readonly downtimeStepsCount: number;
  readonly downtimeDelayMs: number;
  readonly completionTimeoutMs: number;
  readonly timeoutAction: 'abort' | 'force_complete';
  /** Of each disk that is copied. */
  readonly diskGib: readonly number[];
}

const NAME = 'nova';

interface Context {
  parameters: NovaParameters;
  vm: ManagedVm;
  seen: MigrateInfo;
  /** The limit that it set last; undefined: none yet. */
  currentMs: number | undefined;
}

/** Nova counts less than 2 GiB as 2, of RAM and of a disk (_live_migration_data_gb). */
const DATA_GIB_MIN = 2;

/** What the steps and the time limit are multiplied with. */
export function novaDataGib(ramBytes: number, diskGib: readonly number[]): number {
  return [ramBytes / 2 ** 30, ...diskGib].reduce((sum, gib) => sum + Math.max(DATA_GIB_MIN, gib), 0);
}

/**
 * The whole ladder: when each step is due, in ms, and what it sets. In its order and in floating point, as Python computes it,
 * and cut off: 110 ms in 12 steps end at 109.
 */
export function novaSteps(
  parameters: NovaParameters,
  dataGib: number,
): readonly { afterMs: number; downtimeMs: number }[] {
  const { downtimeMs, downtimeStepsCount: steps, downtimeDelayMs } = parameters;
  const delayMs = Math.floor((downtimeDelayMs / 1000) * dataGib) * 1000;
  const baseMs = downtimeMs / steps;
  const offsetMs = (downtimeMs - baseMs) / steps;
  return Array.from({ length: steps + 1 }, (_, i) => ({
    afterMs: delayMs * i,
    downtimeMs: Math.floor(baseMs + offsetMs * i),
  }));
}

/** 0: never. */
function timeoutMs({ parameters, vm }: Context): number {
  const dataGib = novaDataGib(vm.ramBytes, parameters.diskGib);
  return Math.floor((parameters.completionTimeoutMs / 1000) * dataGib) * 1000;
}

function dueStepMs({ parameters, vm, seen }: Context): number | undefined {
  const steps = novaSteps(parameters, novaDataGib(vm.ramBytes, parameters.diskGib));
  return steps.findLast(({ afterMs }) => seen.totalTimeMs > afterMs)?.downtimeMs;
}

export const nova = setup({
  types: {} as { context: Context; events: PollerEvents; input: ManagerInput<NovaParameters> },
  actions: {
    ...commands('queryMigrate'),
    ...settingDowntime,
    ...startingPostCopy,
    ...aborting,
    ...suspending,
    ...tellingDecisions,
    remember: assign(({ event }) => (event.type === 'DONE.queryMigrate' ? { seen: infoOf(event) } : {})),
    rememberStep: assign(({ context }) => ({ currentMs: dueStepMs(context) })),
  },
  guards: {
    isSending,
    timedOut: ({ context }) => timeoutMs(context) > 0 && context.seen.totalTimeMs > timeoutMs(context),
    anotherStepIsDue: ({ context }) => {
      const due = dueStepMs(context);
      return due !== undefined && due !== context.currentMs;
    },
    aborts: ({ context }) => context.parameters.timeoutAction === 'abort',
    mayGoPostCopy: ({ context }) => context.vm.postCopy,
  },
  delays: { poll: ({ context }) => context.parameters.pollMs },
}).createMachine({
  id: 'manager-nova',
  description: 'A downtime limit that rises in steps, and a time limit. Nova: nova/virt/libvirt/migration.py.',
  context: ({ input: { parameters, vm } }) => ({ parameters, vm, seen: nothingSeen(vm), currentMs: undefined }),
  options: { maxIterations: 100 },
  initial: 'waiting',
  on: heardByPoller,
  states: {
    waiting: { on: { MIGRATION_ACTIVE: 'watching' } },
    watching: { after: { poll: 'asking' } },
    asking,
    deciding: {
      always: [
        { guard: 'timedOut', target: 'timedOut' },
        { guard: 'anotherStepIsDue', target: 'raisingDowntime' },
        { target: 'watching' },
      ],
    },
    raisingDowntime: {
      entry: [
        'rememberStep',
        ...limited<Context>(
          NAME,
          (context) => context.currentMs ?? 0,
          (context) => seenNumbers(context.seen),
        ),
      ],
      always: 'watching',
    },
    timedOut: {
      description: 'live_migration_timeout_action; not tried again, whatever comes of it.',
      always: [
        { guard: 'aborts', target: 'aborting' },
        { guard: 'mayGoPostCopy', target: 'startingPostCopy' },
        { target: 'pausingGuest' },
      ],
    },
    aborting: {
      entry: [
        cancelled<Context>(NAME, (context) => `not over after ${timeoutMs(context) / 1000} s`),
        decided<Context>(
          NAME,
          () => 'abort',
          (context) => why(context),
        ),
      ],
    },
    startingPostCopy: {
      entry: [...postCopyStarted<Context>(NAME, (context) => why(context))],
    },
    pausingGuest: {
      description: 'A guest that stands writes nothing: the next pass converges.',
      entry: [...guestPaused<Context>(NAME, (context) => why(context))],
      on: { GUEST_REACHED: 'paused' },
    },
    paused: {},
    dismissed: {},
  },
});

function why(context: Context) {
  return { ...seenNumbers(context.seen), timeoutMs: timeoutMs(context) };
}

export const novaManager: ManagerEntry<NovaParameters> = {
  name: NAME,
  version: '1',
  role: 'manager',
  description: 'OpenStack: the downtime limit rises in steps; past a time limit by size it aborts or forces the end',
  source: 'OpenStack Nova, nova/conf/libvirt.py, nova/virt/libvirt/migration.py and driver.py',
  machine: nova,
  defaults: {
    pollMs: 500,
    downtimeMs: 500,
    downtimeStepsCount: 10,
    downtimeDelayMs: 75_000,
    completionTimeoutMs: 800_000,
    timeoutAction: 'abort',
    diskGib: [],
  },
  parameters: {
    pollMs: 'How often it looks.',
    downtimeMs: 'live_migration_downtime: the last step.',
    downtimeStepsCount: 'live_migration_downtime_steps.',
    downtimeDelayMs: 'live_migration_downtime_delay: between steps, per GiB.',
    completionTimeoutMs: 'live_migration_completion_timeout: per GiB; 0 is never.',
    timeoutAction: 'live_migration_timeout_action.',
    diskGib: 'GiB of each disk that is copied as well; one number is one disk, and 0 none.',
  },
  words: { timeoutAction: ['abort', 'force_complete'] },
  least: { pollMs: 1, downtimeMs: 100, downtimeStepsCount: 3, downtimeDelayMs: 3000 },
  maySuspend: ({ timeoutAction }, postCopy) => timeoutAction === 'force_complete' && !postCopy,
};
