/**
 * VDSM 4.18 to 4.30 without a schedule ("legacy"): the downtime limit rises in steps that grow exponentially, and a
 * migration that takes too long or no longer shrinks is aborted.
 *
 * Step i of 0..S-1 sets int(D/S + b^i), b being (D - D/S)^(1/(S-1)) and D the most that is allowed. The first is set at once.
 * The second is set when a look, one in 10 s, first sees more remain than the look before; from then on a step is taken each
 * delay x GiB / S, 60 s at most, in whole seconds. After the last step nothing more is set. Each look also aborts what has
 * taken longer than a time for each GiB, and what has not seen less remain than ever for too long. An error of the look ends
 * both threads. 4.17 was else: 10 steps, 75 s for each GiB and 2 GiB at least, the steps from the beginning on, no progress
 * for 150 s; 75 s never went with 5 steps.
 * Source: VDSM d8ff8959d^ (2019, the last before "Remove support for legacy migrations"; the steps' wait since fc4527800, 2016),
 * lib/vdsm/virt/migration.py (exponential_downtime, DowntimeThread, MonitorThread.monitor_migration) and
 * lib/vdsm/common/config.py.in (migration_*).
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
  remainingOf,
  seenNumbers,
  settingDowntime,
  tellingDecisions,
} from './manager.ts';

export interface VdsmExponentialParameters {
  /** migration_monitor_interval. */
  readonly pollMs: number;
  readonly downtimeMs: number;
  readonly stepsCount: number;
  /** migration_downtime_delay: per GiB, for all steps together. */
  readonly delayMs: number;
  /** migration_max_time_per_gib_mem; 0: never. */
  readonly maxTimePerGibMs: number;
  readonly progressTimeoutMs: number;
}

const NAME = 'vdsm-exponential';

interface Context {
  parameters: VdsmExponentialParameters;
  vm: ManagedVm;
  seen: MigrateInfo;
  /** The least that was seen to remain, and when; undefined: it has not looked. */
  lowBytes: number | undefined;
  lowAtMs: number;
  /** A look has seen more remain than the one before. */
  grew: boolean;
  /** Of the step in force, from 0 on. */
  step: number;
}

/** DowntimeThread._WAIT_STEP_LIMIT. */
const WAIT_MAX_S = 60;
const MIB = 2 ** 20;
const MIB_PER_GIB = 1024;

/** What step `i` sets; cut, not rounded, as the source does: D itself may come out a millisecond short. */
export function exponentialDowntimeMs(
  { downtimeMs, stepsCount }: Pick<VdsmExponentialParameters, 'downtimeMs' | 'stepsCount'>,
  i: number,
): number {
  const offset = downtimeMs / stepsCount;
  const base = (downtimeMs - offset) ** (1 / (stepsCount - 1));
  return Math.floor(offset + base ** i);
}

const ramMib = ({ vm }: Context) => Math.floor(vm.ramBytes / MIB);

/** Between two steps. */
function waitMs(context: Context): number {
  const { delayMs, stepsCount } = context.parameters;
  const seconds = ((delayMs / 1000) * ramMib(context)) / (MIB_PER_GIB * stepsCount);
  return Math.floor(Math.min(seconds, WAIT_MAX_S)) * 1000;
}

/** Of the whole migration, in whole seconds that have begun; 0: without end. */
function maxTimeMs(context: Context): number {
  return Math.ceil(((context.parameters.maxTimePerGibMs / 1000) * ramMib(context)) / MIB_PER_GIB) * 1000;
}

/** What a look changes. */
function looked({ seen: before, lowBytes, lowAtMs, grew }: Context, seen: MigrateInfo): Partial<Context> {
  const remaining = remainingOf(seen);
  const isLower = lowBytes === undefined || remaining < lowBytes;
  return {
    seen,
    lowBytes: isLower ? remaining : lowBytes,
    lowAtMs: isLower ? seen.totalTimeMs : lowAtMs,
    grew: grew || (lowBytes !== undefined && remaining > remainingOf(before)),
  };
}

const why = (context: Context) => ({
  ...seenNumbers(context.seen),
  maxTimeMs: maxTimeMs(context),
  sinceProgressMs: context.seen.totalTimeMs - context.lowAtMs,
});

export const vdsmExponential = setup({
  types: {} as { context: Context; events: PollerEvents; input: ManagerInput<VdsmExponentialParameters> },
  actions: {
    ...commands('queryMigrate'),
    ...settingDowntime,
    ...aborting,
    ...tellingDecisions,
    remember: assign(({ context, event }) =>
      event.type === 'DONE.queryMigrate' ? looked(context, infoOf(event)) : {},
    ),
    takeStep: assign(({ context }) => ({ step: context.step + 1 })),
  },
  guards: {
    isSending,
    hasGrown: ({ context }) => context.grew,
    isFirstStep: ({ context }) => context.step === 0,
    isLastStep: ({ context }) => context.step >= context.parameters.stepsCount - 1,
    tookTooLong: ({ context }) => maxTimeMs(context) > 0 && context.seen.totalTimeMs > maxTimeMs(context),
    isStuck: ({ context }) => context.seen.totalTimeMs - context.lowAtMs > context.parameters.progressTimeoutMs,
  },
  delays: {
    poll: ({ context }) => context.parameters.pollMs,
    nextStep: ({ context }) => waitMs(context),
  },
}).createMachine({
  id: 'manager-vdsm-exponential',
  description: 'A downtime limit in exponential steps, and two time limits. VDSM 4.18 to 4.30: migration.py.',
  context: ({ input: { parameters, vm } }) => ({
    parameters,
    vm,
    seen: nothingSeen(vm),
    lowBytes: undefined,
    lowAtMs: 0,
    grew: false,
    step: 0,
  }),
  options: { maxIterations: 100 },
  initial: 'waiting',
  on: heardByPoller,
  states: {
    waiting: { on: { MIGRATION_ACTIVE: 'migrating' } },
    migrating: {
      type: 'parallel',
      states: {
        limit: {
          description: 'DowntimeThread.',
          initial: 'settingDowntime',
          states: {
            settingDowntime: {
              entry: limited<Context>(
                NAME,
                ({ parameters, step }) => exponentialDowntimeMs(parameters, step),
                ({ step }) => ({ step }),
              ),
              always: [
                { guard: 'isFirstStep', target: 'first' },
                { guard: 'isLastStep', target: 'atMost' },
                { target: 'holding' },
              ],
            },
            first: {
              description: 'Adjusting it makes no sense before what remains has grown once.',
              always: { guard: 'hasGrown', target: 'settingDowntime', actions: 'takeStep' },
            },
            holding: { after: { nextStep: { target: 'settingDowntime', actions: 'takeStep' } } },
            atMost: {},
          },
        },
        look: {
          description: 'MonitorThread.',
          initial: 'watching',
          states: {
            watching: { after: { poll: 'asking' } },
            asking: {
              entry: asking.entry,
              on: {
                'DONE.queryMigrate': asking.on['DONE.queryMigrate'],
                'FAILED.queryMigrate': {
                  description: 'It ends both threads.',
                  target: '#manager-vdsm-exponential.unwatched',
                },
              },
            },
            deciding: {
              always: [
                { guard: 'tookTooLong', target: '#manager-vdsm-exponential.abortingLate' },
                { guard: 'isStuck', target: '#manager-vdsm-exponential.abortingStuck' },
                { target: 'watching' },
              ],
            },
          },
        },
      },
    },
    abortingLate: {
      entry: [
        cancelled<Context>(NAME, (context) => `not over after ${maxTimeMs(context) / 1000} s`),
        decided<Context>(NAME, () => 'abort', why),
      ],
    },
    abortingStuck: {
      entry: [
        cancelled<Context>(NAME, ({ parameters }) => `no progress for ${parameters.progressTimeoutMs / 1000} s`),
        decided<Context>(NAME, () => 'abort', why),
      ],
    },
    unwatched: { description: 'The look failed: nobody looks any more.' },
    dismissed: {},
  },
});

export const vdsmExponentialManager: ManagerEntry<VdsmExponentialParameters> = {
  name: NAME,
  version: '2',
  role: 'manager',
  description:
    'VDSM 4.18 to 4.30: the limit rises to 500 ms in five exponential steps; past a time limit by size, or stuck, it aborts',
  source:
    'VDSM d8ff8959d^ (2019), lib/vdsm/virt/migration.py (DowntimeThread, MonitorThread), lib/vdsm/common/config.py.in',
  machine: vdsmExponential,
  defaults: {
    pollMs: 10_000,
    downtimeMs: 500,
    stepsCount: 5,
    delayMs: 100_000,
    maxTimePerGibMs: 64_000,
    progressTimeoutMs: 240_000,
  },
  parameters: {
    pollMs: 'How often it looks.',
    downtimeMs: 'migration_downtime: the last step.',
    stepsCount: 'migration_downtime_steps: how many steps.',
    delayMs: 'migration_downtime_delay: per GiB of memory, for all steps together; 60 s at most for each.',
    maxTimePerGibMs: 'migration_max_time_per_gib_mem: it aborts past so much per GiB of memory; 0 is never.',
    progressTimeoutMs: 'migration_progress_timeout: it aborts when no less was seen to remain for so long.',
  },
  least: { pollMs: 1, stepsCount: 2 },
};
