/**
 * KubeVirt's stall detector (VEP 248): at each pass it compares what remains with the least of a while ago, and acts at a low
 * point of the curve; and its time limits, which it looks at every 400 ms as well.
 *
 * It stalls when what remains is no less than the smallest remainder that is 40 s old or older, but for 4 %. Then it waits for
 * a remainder within 4 % of the least that it kept; at the first pass after its patience (40 s, half of it, ...) the least
 * since the stall will do. It acts unless the estimate, what remained at the pass over a moving average of the bandwidth at
 * the polls, is longer than what is left to twice the acceptable time: where the workload may be disrupted, post-copy, or a
 * limit of 2000 s; else the most that it allows, if the estimate is within half as much again; or an abort.
 * Past the acceptable time, in whole seconds: post-copy, or the limit of 2000 s where the workload may be disrupted, if the
 * estimate fits into twice that time; or an abort. A limit that it set has 60 s to switch over, post-copy any time.
 * Source: KubeVirt pkg/virt-launcher/virtwrap, migration-monitor.go at 258adf035b (`startMonitor`, `handleStallDetection`,
 * `triggerConvergenceAction`, `processCompletionTimeouts`), and stall-detector.go at 00eaaa9497
 * (`processStallDetectionIteration`, `decideAction`, `canFinishByDeadline`). Its limit for a guest that stands is not here: a
 * manager is dismissed by then.
 */
import { assign, setup } from 'xstate';
import { commands } from '../messages.ts';
import type { MigrateInfo } from '../words.ts';
import { acceptableMs, wholeSeconds } from './kubevirt-legacy.ts';
import {
  estimateMs as estimateOfMs,
  isNearBest,
  isStall,
  NOTHING_KEPT,
  type PassRecord,
  relaxed,
  type StallDetector,
  stalledAt,
  withBandwidth,
  withPass,
} from './kubevirt-stall-detector.ts';
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
  readonly pollMs: number;
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
  readonly completionTimeoutFactor: number;
  readonly diskGb: number;
}

const NAME = 'kubevirt-stall';

interface Context {
  parameters: KubevirtStallParameters;
  vm: ManagedVm;
  seen: MigrateInfo;
  detector: StallDetector;
  /** The last pass that it saw begin. */
  pass: PassRecord;
  /** Passes that began while it was being asked. */
  passesWaitingCount: number;
  /** Once it has acted: the last whole second in which it may still switch over. */
  switchoverByS: number;
}

/** KubeVirt's channel of passes holds so many; what does not fit is dropped. */
const PASSES_WAITING_MAX = 16;

const margin = ({ parameters }: Context) => parameters.stallPercent / 100;
const estimateMs = ({ detector, pass }: Context) => estimateOfMs(detector, pass.remainingBytes);
const elapsedS = ({ seen }: Context) => wholeSeconds(seen.totalTimeMs);
const acceptable = ({ parameters, vm }: Context) => acceptableMs(parameters, vm.ramBytes);

/** To the acceptable time, stretched. */
function leftMs(context: Context): number {
  const { completionTimeoutFactor } = context.parameters;
  return 1000 * (wholeSeconds(acceptable(context) * completionTimeoutFactor) - elapsedS(context));
}

/** A safeguard against acting while the network is gone. */
function isCompletable(context: Context): boolean {
  return context.detector.bandwidthBytesPerSecond > 0 && estimateMs(context) <= leftMs(context);
}

/** Where it looks, at passes and in between; `comparing` is what each phase makes of a pass. */
const looking = {
  sending: { after: { poll: 'asking' }, on: { MIGRATION_PASS: 'askingAtPass' } },
  asking: {
    entry: 'queryMigrate',
    on: {
      MIGRATION_PASS: { description: 'Looked at after this.', actions: 'letPassWait' },
      'DONE.queryMigrate': [
        { guard: 'isSending', target: 'timing', actions: 'notePoll' },
        { description: 'Nothing is sent.', target: 'looked' },
      ],
      'FAILED.queryMigrate': { description: 'Asked again at the next poll.', target: 'looked' },
    },
  },
  askingAtPass: {
    entry: 'queryMigrate',
    on: {
      MIGRATION_PASS: { description: 'Looked at after this.', actions: 'letPassWait' },
      'DONE.queryMigrate': [
        { guard: 'isSending', target: 'comparing', actions: 'notePass' },
        { description: 'Nothing is sent.', target: 'looked' },
      ],
      'FAILED.queryMigrate': { description: 'Asked again at the next poll.', target: 'looked' },
    },
  },
  timing: {
    always: [{ guard: 'isInTime', target: 'looked' }, { target: '#manager-kubevirt-stall.tookTooLong' }],
  },
  looked: {
    always: [{ guard: 'passWaits', target: 'askingAtPass', actions: 'takeWaitingPass' }, { target: 'sending' }],
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
    notePoll: assign(({ context: { detector, parameters }, event }) => {
      if (event.type !== 'DONE.queryMigrate') return {};
      const measured = ((event.ram?.mbps ?? 0) * 1e6) / 8;
      return { seen: infoOf(event), detector: withBandwidth(detector, measured, parameters.bandwidthWeight) };
    }),
    notePass: assign(({ context: { detector, parameters }, event }) => {
      if (event.type !== 'DONE.queryMigrate') return {};
      const pass = { atMs: event.totalTimeMs, remainingBytes: remainingOf(event) };
      return { seen: infoOf(event), pass, detector: withPass(detector, pass, parameters.stallWindowMs) };
    }),
    noteTime: assign(({ event }) => (event.type === 'DONE.queryMigrate' ? { seen: infoOf(event) } : {})),
    letPassWait: assign(({ context: { passesWaitingCount } }) => ({
      passesWaitingCount: Math.min(PASSES_WAITING_MAX, passesWaitingCount + 1),
    })),
    takeWaitingPass: assign(({ context }) => ({ passesWaitingCount: context.passesWaitingCount - 1 })),
    beginStall: assign(({ context: { detector, pass, parameters } }) => ({
      detector: stalledAt(detector, pass, parameters.patienceMs),
    })),
    relax: assign(({ context: { detector, pass, parameters } }) => ({
      detector: relaxed(detector, pass, parameters.patienceFactor),
    })),
    setSwitchoverTimeout: assign(({ context }) => ({
      switchoverByS: elapsedS(context) + context.parameters.switchoverTimeoutMs / 1000,
    })),
  },
  guards: {
    isSending,
    passWaits: ({ context }) => context.passesWaitingCount > 0,
    isStalled: ({ context }) => isStall(context.detector, context.pass.remainingBytes, margin(context)),
    isFarFromBest: ({ context }) => !isNearBest(context.detector, context.pass.remainingBytes, margin(context)),
    wouldTakeTooLong: ({ context }) => !isCompletable(context),
    mayGoPostCopy: ({ context: { parameters, vm } }) => parameters.allowWorkloadDisruption && vm.postCopy && !vm.vfio,
    mayDisrupt: ({ context }) => context.parameters.allowWorkloadDisruption,
    isWithinReach: ({ context }) =>
      estimateMs(context) <= context.parameters.downtimeMaxMs * context.parameters.overshootFactor,
    isInTime: ({ context }) => acceptable(context) === 0 || elapsedS(context) * 1000 <= acceptable(context),
    // The monitor does not ask again whether the workload may be disrupted; a policy without that has no post-copy either.
    mayFinishInPostCopy: ({ context }) => context.vm.postCopy && !context.vm.vfio && isCompletable(context),
    mayForceInTime: ({ context }) => context.parameters.allowWorkloadDisruption && isCompletable(context),
    maySwitchOver: ({ context }) => acceptable(context) === 0 || elapsedS(context) <= context.switchoverByS,
  },
  delays: { poll: ({ context }) => context.parameters.pollMs },
}).createMachine({
  id: 'manager-kubevirt-stall',
  description:
    'Acts at a low point once nothing moves, or when its time is over. KubeVirt: stall-detector.go, VEP 248.',
  context: ({ input: { parameters, vm } }) => ({
    parameters,
    vm,
    seen: nothingSeen(vm),
    detector: NOTHING_KEPT,
    pass: { atMs: 0, remainingBytes: 0 },
    passesWaitingCount: 0,
    switchoverByS: 0,
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
        ...looking,
        comparing: {
          always: [
            { guard: 'isStalled', target: '#manager-kubevirt-stall.stalled', actions: 'beginStall' },
            { target: 'timing' },
          ],
        },
      },
    },
    stalled: {
      description: 'Nothing moves any more: it waits for a low point, with less patience each time.',
      initial: 'choosing',
      states: {
        ...looking,
        comparing: { always: { target: 'choosing', actions: 'relax' } },
        choosing: {
          always: [
            { guard: 'isFarFromBest', target: 'timing' },
            { guard: 'wouldTakeTooLong', target: 'timing' },
            { guard: 'mayGoPostCopy', target: '#manager-kubevirt-stall.startingPostCopy' },
            { guard: 'mayDisrupt', target: '#manager-kubevirt-stall.forcing' },
            { guard: 'isWithinReach', target: '#manager-kubevirt-stall.allowingMost' },
            { target: '#manager-kubevirt-stall.aborting' },
          ],
        },
      },
    },
    tookTooLong: {
      description: 'The acceptable time is over.',
      always: [
        { guard: 'mayFinishInPostCopy', target: 'startingPostCopy' },
        { guard: 'mayForceInTime', target: 'forcing' },
        { target: 'abortingLate' },
      ],
    },
    startingPostCopy: {
      description: 'It has no time limit: an abort would lose the guest.',
      entry: [...postCopyStarted<Context>(NAME, (context) => why(context))],
    },
    forcing: {
      description: 'The workload may be disrupted: whatever remains fits.',
      entry: [
        ...limited<Context>(
          NAME,
          (context) => context.parameters.forcedDowntimeMs,
          (context) => why(context),
        ),
        'setSwitchoverTimeout',
      ],
      always: 'switchingOver',
    },
    allowingMost: {
      entry: [
        ...limited<Context>(
          NAME,
          (context) => context.parameters.downtimeMaxMs,
          (context) => why(context),
        ),
        'setSwitchoverTimeout',
      ],
      always: 'switchingOver',
    },
    switchingOver: {
      description: 'It has acted once, and only looks at the time.',
      initial: 'sending',
      states: {
        sending: { after: { poll: 'asking' }, on: { MIGRATION_PASS: 'asking' } },
        asking: {
          entry: 'queryMigrate',
          on: {
            MIGRATION_PASS: { description: 'It is being asked.' },
            'DONE.queryMigrate': { target: 'timing', actions: 'noteTime' },
            'FAILED.queryMigrate': { description: 'Asked again at the next poll.', target: 'sending' },
          },
        },
        timing: {
          always: [
            { guard: 'maySwitchOver', target: 'sending' },
            { target: '#manager-kubevirt-stall.abortingNotSwitched' },
          ],
        },
      },
    },
    aborting: {
      description: 'Nothing that it may do would be enough.',
      entry: cancelled<Context>(
        NAME,
        (context) => `it stalled, and the switchover would take ${estimateMs(context)} ms`,
      ),
      always: 'aborted',
    },
    abortingLate: {
      entry: cancelled<Context>(NAME, (context) => `not over after ${acceptable(context) / 1000} s`),
      always: 'aborted',
    },
    abortingNotSwitched: {
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
  const { detector, seen } = context;
  return {
    ...seenNumbers(seen),
    oldMinBytes: detector.oldMinBytes ?? 0,
    bestBytes: detector.bestBytes,
    bandwidthBytesPerSecond: Math.round(detector.bandwidthBytesPerSecond),
    ...(detector.bandwidthBytesPerSecond === 0 ? {} : { estimateMs: estimateMs(context) }),
    leftMs: leftMs(context),
  };
}

export const kubevirtStallManager: ManagerEntry<KubevirtStallParameters> = {
  name: NAME,
  version: '1',
  role: 'manager',
  description:
    'KubeVirt (VEP 248): once nothing moves it acts at a low point, or after 150 s for each GB: post-copy, downtime, or abort',
  source: 'KubeVirt pkg/virt-launcher/virtwrap/stall-detector.go, VEP 248',
  machine: kubevirtStall,
  defaults: {
    pollMs: 400,
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
    completionTimeoutFactor: 2,
    diskGb: 0,
  },
  parameters: {
    pollMs: 'How often it looks between passes.',
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
    completionTimeoutPerGbMs: 'The acceptable time for each begun decimal GB; 0: no limit, and it never acts.',
    completionTimeoutFactor: 'What it acts on must fit into the acceptable time, times this.',
    diskGb: 'Disks that are copied as well, in decimal GB.',
  },
  least: { pollMs: 1 },
};
