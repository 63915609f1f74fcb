/**
 * KubeVirt's first rule: abort what makes no progress or takes too long, or force its end where the workload may be disturbed.
 *
 * Every 400 ms, in whole seconds that must be exceeded. Acceptable are 150 s for each decimal GB, begun ones counted whole,
 * though the option is named per GiB; it makes progress whenever less remains than at the poll before, or nothing remained then.
 * First it looks whether the end must be forced: past the acceptable time, once, and only if the workload may be disrupted:
 * post-copy; or, with VFIO devices, a downtime limit of twice the acceptable time, at most 2000 s; or the guest is paused.
 * Either of the last two gets it the same time again. Then: 150 s without progress is an abort. Then: the time being over is
 * one. A time of 0 is none.
 * Source: KubeVirt pkg/virt-launcher/virtwrap/migration-monitor.go at 258adf035b (`handleLegacyConvergence`,
 * `processInflightMigration`, `isMigrationProgressing`, `shouldTriggerTimeout`), live-migration-source.go
 * (`getVMIMigrationDataSize`), pkg/virt-config/virt-config.go.
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
  remainingOf,
  seenNumbers,
  settingDowntime,
  startingPostCopy,
  suspending,
  tellingDecisions,
} from './manager.ts';

export interface KubevirtLegacyParameters {
  readonly pollMs: number;
  readonly completionTimeoutPerGbMs: number;
  readonly progressTimeoutMs: number;
  readonly allowWorkloadDisruption: boolean;
  readonly downtimeMaxMs: number;
  readonly diskGb: number;
}

const NAME = 'kubevirt-legacy';

interface Context {
  parameters: KubevirtLegacyParameters;
  vm: ManagedVm;
  seen: MigrateInfo;
  /** At the poll before; 0 before the first. */
  previousBytes: number;
  /** Elapsed when less remained than before. */
  lastProgressMs: number;
  /** It has acted once and waits for the same time again. */
  hasActed: boolean;
}

/** Whole decimal GB of what is to be copied, times the time for each. */
export function acceptableMs(
  parameters: { completionTimeoutPerGbMs: number; diskGb: number },
  ramBytes: number,
): number {
  return parameters.completionTimeoutPerGbMs * Math.ceil(ramBytes / 1e9 + parameters.diskGb);
}

/** KubeVirt compares whole seconds: those that have begun do not count. */
export function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}

const acceptable = ({ parameters, vm }: Context) => acceptableMs(parameters, vm.ramBytes);
const deadlineMs = (context: Context) => acceptable(context) * (context.hasActed ? 2 : 1);
const tookTooLong = (context: Context) =>
  deadlineMs(context) !== 0 && wholeSeconds(context.seen.totalTimeMs) * 1000 > deadlineMs(context);
const forcedMs = (context: Context) => Math.min(2 * acceptable(context), context.parameters.downtimeMaxMs);

export const kubevirtLegacy = setup({
  types: {} as { context: Context; events: PollerEvents; input: ManagerInput<KubevirtLegacyParameters> },
  actions: {
    ...commands('queryMigrate'),
    ...settingDowntime,
    ...startingPostCopy,
    ...aborting,
    ...suspending,
    ...tellingDecisions,
    remember: assign(({ context, event }) => {
      if (event.type !== 'DONE.queryMigrate') return {};
      const { previousBytes } = context;
      const remainingBytes = remainingOf(event);
      const progressed = previousBytes === 0 || remainingBytes < previousBytes;
      const lastProgressMs = progressed ? event.totalTimeMs : context.lastProgressMs;
      return { seen: infoOf(event), previousBytes: remainingBytes, lastProgressMs };
    }),
    rememberActed: assign({ hasActed: true }),
  },
  guards: {
    isSending,
    mustForceEnd: ({ context }) =>
      context.parameters.allowWorkloadDisruption && tookTooLong(context) && !context.hasActed,
    isStuck: ({ context: { seen, lastProgressMs, parameters } }) =>
      parameters.progressTimeoutMs !== 0 &&
      wholeSeconds(seen.totalTimeMs - lastProgressMs) * 1000 > parameters.progressTimeoutMs,
    tookTooLong: ({ context }) => tookTooLong(context),
    mayGoPostCopy: ({ context }) => context.vm.postCopy && !context.vm.vfio,
    hasVfio: ({ context }) => context.vm.vfio,
  },
  delays: { poll: ({ context }) => context.parameters.pollMs },
}).createMachine({
  id: 'manager-kubevirt-legacy',
  description: 'Time by size, and progress. KubeVirt: live-migration-source.go.',
  context: ({ input: { parameters, vm } }) => ({
    parameters,
    vm,
    seen: nothingSeen(vm),
    previousBytes: 0,
    lastProgressMs: 0,
    hasActed: false,
  }),
  options: { maxIterations: 100 },
  initial: 'waiting',
  on: heardByPoller,
  states: {
    waiting: { on: { MIGRATION_ACTIVE: 'watching' } },
    watching: { after: { poll: 'asking' } },
    asking,
    deciding: {
      always: [
        { guard: 'mustForceEnd', target: 'forcingEnd' },
        { guard: 'isStuck', target: 'abortingStuck' },
        { guard: 'tookTooLong', target: 'abortingLate' },
        { target: 'watching' },
      ],
    },
    forcingEnd: {
      description: 'The time is over, and the workload may be disrupted.',
      always: [
        { guard: 'mayGoPostCopy', target: 'startingPostCopy' },
        { guard: 'hasVfio', target: 'raisingDowntime' },
        { target: 'pausingGuest' },
      ],
    },
    raisingDowntime: {
      description: 'A guest with VFIO devices is not paused: the limit is so high that QEMU does it.',
      entry: [
        ...limited<Context>(
          NAME,
          (context) => forcedMs(context),
          (context) => why(context),
        ),
        'rememberActed',
      ],
      always: 'watching',
    },
    pausingGuest: {
      entry: [...guestPaused<Context>(NAME, (context) => why(context)), 'rememberActed'],
      on: { GUEST_REACHED: 'watching' },
    },
    startingPostCopy: {
      entry: [...postCopyStarted<Context>(NAME, (context) => why(context))],
    },
    abortingStuck: {
      entry: cancelled<Context>(NAME, (context) => `no progress for ${context.parameters.progressTimeoutMs / 1000} s`),
      always: 'aborted',
    },
    abortingLate: {
      entry: cancelled<Context>(NAME, (context) => `not over after ${deadlineMs(context) / 1000} s`),
      always: 'aborted',
    },
    aborted: {
      entry: decided<Context>(
        NAME,
        () => 'abort',
        (context) => why(context),
      ),
    },
    dismissed: {},
  },
});

function why(context: Context) {
  const { seen, lastProgressMs } = context;
  return {
    ...seenNumbers(seen),
    deadlineMs: deadlineMs(context),
    withoutProgressMs: seen.totalTimeMs - lastProgressMs,
  };
}

export const kubevirtLegacyManager: ManagerEntry<KubevirtLegacyParameters> = {
  name: NAME,
  version: '1',
  role: 'manager',
  description:
    'KubeVirt: 150 s for each GB, and 150 s without progress; then abort, or force the end where that is allowed',
  source: 'KubeVirt pkg/virt-launcher/virtwrap/live-migration-source.go, pkg/virt-config/virt-config.go',
  machine: kubevirtLegacy,
  defaults: {
    pollMs: 400,
    completionTimeoutPerGbMs: 150_000,
    progressTimeoutMs: 150_000,
    allowWorkloadDisruption: false,
    downtimeMaxMs: 2_000_000,
    diskGb: 0,
  },
  parameters: {
    pollMs: 'How often it looks.',
    completionTimeoutPerGbMs: 'completionTimeoutPerGiB: the time for each begun decimal GB; 0: any.',
    progressTimeoutMs: 'progressTimeout: without less remaining than at the poll before; 0: any.',
    allowWorkloadDisruption: 'Whether the end may be forced.',
    downtimeMaxMs: 'The downtime limit of a forced end with VFIO devices is at most this.',
    diskGb: 'Disks that are copied as well, in decimal GB.',
  },
  least: { pollMs: 1 },
  maySuspend: ({ allowWorkloadDisruption }, postCopy) => allowWorkloadDisruption && !postCopy,
};
