/**
 * KubeVirt's first rule: abort what makes no progress or takes too long, or force its end where the workload may be disturbed.
 *
 * Every 400 ms. Acceptable are 150 s for each decimal GB, begun ones counted whole, though the option is named per GiB. It
 * makes progress whenever less remains than at the poll before; 150 s without is an abort. Past the acceptable time, and only
 * if the workload may be disrupted: post-copy; or, with VFIO devices, a downtime limit of twice the acceptable time, at most
 * 2000 s; or the guest is paused. Either gets it the same time again, and then it aborts.
 * Source: KubeVirt pkg/virt-launcher/virtwrap/live-migration-source.go, pkg/virt-config/virt-config.go.
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
  /** At the poll before; undefined before the first. */
  previousBytes: number | undefined;
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

const acceptable = ({ parameters, vm }: Context) => acceptableMs(parameters, vm.ramBytes);
const deadlineMs = (context: Context) => acceptable(context) * (context.hasActed ? 2 : 1);
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
      const progressed = previousBytes === undefined || remainingBytes < previousBytes;
      const lastProgressMs = progressed ? event.totalTimeMs : context.lastProgressMs;
      return { seen: infoOf(event), previousBytes: remainingBytes, lastProgressMs };
    }),
    rememberActed: assign({ hasActed: true }),
  },
  guards: {
    isSending,
    isStuck: ({ context: { seen, lastProgressMs, parameters } }) =>
      seen.totalTimeMs - lastProgressMs > parameters.progressTimeoutMs,
    tookTooLong: ({ context }) => context.seen.totalTimeMs > deadlineMs(context),
    mayNotDisrupt: ({ context }) => !context.parameters.allowWorkloadDisruption || context.hasActed,
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
    previousBytes: undefined,
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
        { guard: 'isStuck', target: 'abortingStuck' },
        { guard: 'tookTooLong', target: 'tookTooLong' },
        { target: 'watching' },
      ],
    },
    tookTooLong: {
      always: [
        { guard: 'mayNotDisrupt', target: 'abortingLate' },
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
    completionTimeoutPerGbMs: 'completionTimeoutPerGiB: the time for each begun decimal GB.',
    progressTimeoutMs: 'progressTimeout: without less remaining than at the poll before.',
    allowWorkloadDisruption: 'Whether the end may be forced.',
    downtimeMaxMs: 'The downtime limit of a forced end with VFIO devices is at most this.',
    diskGb: 'Disks that are copied as well, in decimal GB.',
  },
  least: { pollMs: 1 },
  maySuspend: ({ allowWorkloadDisruption }, postCopy) => allowWorkloadDisruption && !postCopy,
};
