/**
 * KubeVirt's stall detector (VEP 248): at each pass it compares what remains with the least of a while ago, and acts at a low
 * point of the curve.
 *
 * It stalls when what remains is no less than the smallest remainder that is older than 40 s, but for 4 %. Then it waits for
 * a remainder within 4 % of the least that it has seen; each time its patience runs out (40 s, half of it, ...) the next
 * smallest will do. It acts unless the estimate, what remains over a moving average of the bandwidth, is longer than what
 * is left to twice the deadline: post-copy; or, where the workload may be disrupted, a limit of 2000 s; or the most that it
 * allows, if the estimate is within half as much again; or an abort. What was acted on has 60 s to switch over.
 * Source: KubeVirt pkg/virt-launcher/virtwrap/stall-detector.go, VEP 248. It reads at the event of a new pass.
 */
import { assign, setup } from 'xstate';
import { commands } from '../messages.ts';
import type { MigrateInfo } from '../words.ts';
import { acceptableMs } from './kubevirt-legacy.ts';
import {
  aborting,
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
  postCopyStarted,
  remainingOf,
  seenNumbers,
  settingDowntime,
  startingPostCopy,
  tellingDecisions,
} from './manager.ts';

export interface KubevirtStallParameters {
  readonly initialDowntimeMs: number;
  readonly downtimeMaxMs: number;
  readonly stallWindowMs: number;
  readonly stallPercent: number;
  readonly patienceMs: number;
  readonly patienceFactor: number;
  readonly bandwidthWeight: number;
  readonly overshootFactor: number;
  readonly forcedDowntimeMs: number;
  readonly switchoverTimeoutMs: number;
  readonly allowWorkloadDisruption: boolean;
  readonly completionTimeoutPerGbMs: number;
  readonly diskGb: number;
}

interface Sample {
  readonly atMs: number;
  readonly remainingBytes: number;
}

const NAME = 'kubevirt-stall';

interface Context {
  parameters: KubevirtStallParameters;
  vm: ManagedVm;
  seen: MigrateInfo;
  /** Of the last window, the newest last. */
  recent: readonly Sample[];
  /** The least that is older than the window; undefined: nothing is so old. */
  oldMinBytes: number | undefined;
  /** The least remainders, smallest first. */
  least: readonly number[];
  /** How many of them its patience has given up. */
  givenUp: number;
  patienceMs: number;
  bandwidthBytesPerSecond: number;
}

/** Of the least remainders it keeps so many: patience that is halved each time does not outlast them. This project's own. */
const LEAST_KEPT_MAX = 16;

/** What a sample changes. */
function noted(context: Context, info: MigrateInfo): Partial<Context> {
  const { parameters, recent, oldMinBytes, least, bandwidthBytesPerSecond: before } = context;
  const sample = { atMs: info.totalTimeMs, remainingBytes: remainingOf(info) };
  const isOld = ({ atMs }: Sample) => sample.atMs - atMs > parameters.stallWindowMs;
  const old = recent.filter(isOld).map(({ remainingBytes }) => remainingBytes);
  const minimum = Math.min(oldMinBytes ?? Number.POSITIVE_INFINITY, ...old);
  const measured = ((info.ram?.mbps ?? 0) * 1e6) / 8;
  const weight = parameters.bandwidthWeight;
  return {
    seen: info,
    recent: [...recent.filter((one) => !isOld(one)), sample],
    oldMinBytes: minimum === Number.POSITIVE_INFINITY ? undefined : minimum,
    least: [...new Set([...least, sample.remainingBytes])].sort((a, b) => a - b).slice(0, LEAST_KEPT_MAX),
    bandwidthBytesPerSecond: before === 0 ? measured : weight * measured + (1 - weight) * before,
  };
}

const margin = ({ parameters }: Context) => parameters.stallPercent / 100;
const bestBytes = ({ least, givenUp }: Context) => least[Math.min(givenUp, least.length - 1)] ?? 0;

/** null: no bandwidth is known. */
function estimateMs({ seen, bandwidthBytesPerSecond }: Context): number | null {
  return bandwidthBytesPerSecond === 0 ? null : Math.ceil((1000 * remainingOf(seen)) / bandwidthBytesPerSecond);
}

function leftMs({ parameters, vm, seen }: Context): number {
  return 2 * acceptableMs(parameters, vm.ramBytes) - seen.totalTimeMs;
}

function withinMs(context: Context, limitMs: number): boolean {
  const estimate = estimateMs(context);
  return estimate !== null && estimate <= limitMs;
}

/** Where it looks, once a pass; `comparing` is what each phase makes of it. */
const askingAtPasses = {
  sending: { on: { MIGRATION_PASS: 'asking' } },
  asking: {
    entry: 'queryMigrate',
    on: {
      MIGRATION_PASS: { description: 'It is being asked.' },
      'DONE.queryMigrate': [
        { guard: 'isSending', target: 'comparing', actions: 'note' },
        { description: 'Nothing is sent.', target: 'sending' },
      ],
      'FAILED.queryMigrate': { description: 'Asked again at the next pass.', target: 'sending' },
    },
  },
} as const;

export const kubevirtStall = setup({
  types: {} as { context: Context; events: PollerEvents; input: ManagerInput<KubevirtStallParameters> },
  actions: {
    ...commands('queryMigrate'),
    ...settingDowntime,
    ...startingPostCopy,
    ...aborting,
    ...tellingDecisions,
    note: assign(({ context, event }) => (event.type === 'DONE.queryMigrate' ? noted(context, infoOf(event)) : {})),
    losePatience: assign(({ context: { givenUp, patienceMs, parameters } }) => ({
      givenUp: givenUp + 1,
      patienceMs: patienceMs * parameters.patienceFactor,
    })),
  },
  guards: {
    isSending,
    isStalled: ({ context }) =>
      context.oldMinBytes !== undefined && remainingOf(context.seen) >= context.oldMinBytes * (1 - margin(context)),
    isNearBest: ({ context }) => remainingOf(context.seen) <= bestBytes(context) * (1 + margin(context)),
    wouldTakeTooLong: ({ context }) => !withinMs(context, leftMs(context)),
    mayGoPostCopy: ({ context }) => context.vm.postCopy && !context.vm.vfio,
    mayDisrupt: ({ context }) => context.parameters.allowWorkloadDisruption,
    // Halved for ever it would run out at one instant without end.
    hasPatience: ({ context }) => context.givenUp < LEAST_KEPT_MAX,
    isWithinReach: ({ context }) =>
      withinMs(context, context.parameters.downtimeMaxMs * context.parameters.overshootFactor),
  },
  delays: {
    patience: ({ context }) => context.patienceMs,
    switchoverTimeout: ({ context }) => context.parameters.switchoverTimeoutMs,
  },
}).createMachine({
  id: 'manager-kubevirt-stall',
  description: 'Acts at a low point once nothing moves. KubeVirt: stall-detector.go, VEP 248.',
  context: ({ input: { parameters, vm } }) => ({
    parameters,
    vm,
    seen: nothingSeen(vm),
    recent: [],
    oldMinBytes: undefined,
    least: [],
    givenUp: 0,
    patienceMs: parameters.patienceMs,
    bandwidthBytesPerSecond: 0,
  }),
  options: { maxIterations: 100 },
  initial: 'waiting',
  on: heardByPoller,
  states: {
    waiting: { on: { MIGRATION_ACTIVE: 'beginning' } },
    beginning: {
      entry: [
        ...limited<Context>(
          NAME,
          (context) => beginsWithMs(context),
          (context) => ({ downtimeMaxMs: context.parameters.downtimeMaxMs }),
        ),
      ],
      always: 'watching',
    },
    watching: {
      description: 'Something still moves.',
      initial: 'sending',
      states: {
        ...askingAtPasses,
        comparing: {
          always: [{ guard: 'isStalled', target: '#manager-kubevirt-stall.stalled' }, { target: 'sending' }],
        },
      },
    },
    stalled: {
      description: 'Nothing moves any more: it waits for a low point, with less patience each time.',
      initial: 'comparing',
      after: {
        patience: [
          { guard: 'hasPatience', target: 'stalled', reenter: true, actions: 'losePatience' },
          { description: 'Every remainder that it keeps is given up: any will do.' },
        ],
      },
      states: {
        ...askingAtPasses,
        comparing: {
          always: [{ guard: 'isNearBest', target: 'estimating' }, { target: 'sending' }],
        },
        estimating: {
          always: [
            { guard: 'wouldTakeTooLong', target: 'sending' },
            { guard: 'mayGoPostCopy', target: '#manager-kubevirt-stall.startingPostCopy' },
            { guard: 'mayDisrupt', target: '#manager-kubevirt-stall.forcing' },
            { guard: 'isWithinReach', target: '#manager-kubevirt-stall.allowingMost' },
            { target: '#manager-kubevirt-stall.aborting' },
          ],
        },
      },
    },
    startingPostCopy: {
      entry: [...postCopyStarted<Context>(NAME, (context) => why(context))],
      after: { switchoverTimeout: 'abortingLate' },
    },
    forcing: {
      description: 'The workload may be disrupted: whatever remains fits.',
      entry: [
        ...limited<Context>(
          NAME,
          (context) => context.parameters.forcedDowntimeMs,
          (context) => why(context),
        ),
      ],
      after: { switchoverTimeout: 'abortingLate' },
    },
    allowingMost: {
      entry: [
        ...limited<Context>(
          NAME,
          (context) => context.parameters.downtimeMaxMs,
          (context) => why(context),
        ),
      ],
      after: { switchoverTimeout: 'abortingLate' },
    },
    aborting: {
      description: 'Nothing that it may do would be enough.',
      entry: cancelled<Context>(
        NAME,
        (context) => `it stalled, and the switchover would take ${estimateMs(context) ?? 'unknown'} ms`,
      ),
      always: 'aborted',
    },
    abortingLate: {
      entry: cancelled<Context>(
        NAME,
        (context) => `no switchover within ${context.parameters.switchoverTimeoutMs / 1000} s`,
      ),
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

/** 300 ms as QEMU has it, or what the scenario says, and never more than it allows. */
function beginsWithMs({ parameters }: Context): number {
  return Math.min(parameters.initialDowntimeMs, parameters.downtimeMaxMs);
}

function why(context: Context) {
  const estimate = estimateMs(context);
  return {
    ...seenNumbers(context.seen),
    oldMinBytes: context.oldMinBytes ?? 0,
    bestBytes: bestBytes(context),
    bandwidthBytesPerSecond: Math.round(context.bandwidthBytesPerSecond),
    ...(estimate === null ? {} : { estimateMs: estimate }),
    leftMs: leftMs(context),
  };
}

export const kubevirtStallManager: ManagerEntry<KubevirtStallParameters> = {
  name: NAME,
  version: '1',
  role: 'manager',
  description: 'KubeVirt (VEP 248): once nothing moves, it acts at a low point: post-copy, more downtime, or abort',
  source: 'KubeVirt pkg/virt-launcher/virtwrap/stall-detector.go, VEP 248',
  machine: kubevirtStall,
  defaults: {
    initialDowntimeMs: 300,
    downtimeMaxMs: 900,
    stallWindowMs: 40_000,
    stallPercent: 4,
    patienceMs: 40_000,
    patienceFactor: 0.5,
    bandwidthWeight: 0.4,
    overshootFactor: 1.5,
    forcedDowntimeMs: 2_000_000,
    switchoverTimeoutMs: 60_000,
    allowWorkloadDisruption: false,
    completionTimeoutPerGbMs: 150_000,
    diskGb: 0,
  },
  parameters: {
    initialDowntimeMs: 'The limit that it begins with, if it allows so much.',
    downtimeMaxMs: 'The most that it allows.',
    stallWindowMs: 'How old the least remainder is that the newest is compared with.',
    stallPercent: 'How much less must remain not to have stalled, and how near the best is near.',
    patienceMs: 'How long it waits for the best remainder again.',
    patienceFactor: 'What its patience is multiplied with each time that it runs out.',
    bandwidthWeight: 'Of the newest bandwidth in the moving average.',
    overshootFactor: 'How far above the most the estimate may be.',
    forcedDowntimeMs: 'The limit of a forced end.',
    switchoverTimeoutMs: 'What it acted on has so long to switch over.',
    allowWorkloadDisruption: 'Whether the end may be forced.',
    completionTimeoutPerGbMs: 'The time for each begun decimal GB; twice that is its deadline.',
    diskGb: 'Disks that are copied as well, in decimal GB.',
  },
};
