/**
 * Pre-copy: set up the dirty logs (epoch first, then the first copy), then rounds until the policy says enough.
 *
 * A round is one command, `sendRound`, that carries where it ends; the rule is `roundEnds` below, the one visible place,
 * which whoever sends calls at each window. A window is not a record. After a round every log is collected, the devices'
 * sizes are asked, and the policy decides on the exact remainder. Which sizes count and how they compare is the dialect's
 * row in loops.ts; this chart has no releases in it.
 * The file is long because it is one loop with its ways out.
 */
import { assign, setup } from 'xstate';
import { arrived, everyoneArrived, expecting } from './barrier.ts';
import { during } from './failure.ts';
import { exactRemainingBytes, type LoopName, roundEnd } from './loops.ts';
import {
  type Address,
  type BitmapSynced,
  type ChangedDevice,
  commands,
  facts,
  messages,
  type Received,
} from './messages.ts';
import type {
  Answer,
  Because,
  DeviceSizes,
  Errno,
  Observation,
  PagesBySource,
  PassFigures,
  RoundEnd,
  RoundSent,
  Verdict,
} from './words.ts';

/** What a sender knows at the start of a window. */
export interface Window {
  readonly ramBytes: number;
  readonly precopyBytes: number;
  readonly stopCopyBytes: number;
  /** Of the last window that was measured, 0 while none has been. */
  readonly bandwidthBytesPerSecond: number;
}

/**
 * Does a pass end here? QEMU has no passes in its sender: a pass is over at the first window whose remainder is below the
 * threshold (last window's bandwidth x downtime limit), not at zero; the leftover joins the next pass. 11.1 also asks
 * again when all that can be sent before the stop has been sent. migration/migration.c, migration_iteration_run.
 */
export function roundEnds(end: RoundEnd, window: Window): boolean {
  const sendableBytes = window.ramBytes + window.precopyBytes;
  if (end.rule === 'drained') return sendableBytes === 0;
  const bandwidth = end.availSwitchoverBytesPerSecond || window.bandwidthBytesPerSecond;
  const thresholdBytes = (bandwidth * end.downtimeLimitMs) / 1000;
  const countedBytes = {
    ram: window.ramBytes,
    'ram+precopy': sendableBytes,
    'ram+precopy+stopcopy': window.ramBytes + Math.max(window.precopyBytes, window.stopCopyBytes),
  }[end.counts];
  if (end.compare === 'below') return countedBytes < thresholdBytes || sendableBytes === 0;
  return countedBytes <= thresholdBytes || sendableBytes === 0;
}

export interface PreCopyInput {
  readonly loop: LoopName;
  readonly downtimeLimitMs: number;
  readonly availSwitchoverBytesPerSecond: number;
  /** Devices that can migrate; those with `preCopy` offer their state early. */
  readonly devices: readonly { readonly id: string; readonly address: Address; readonly preCopy: boolean }[];
  readonly switchoverAck: boolean;
  /** Drivers of the guest that halt their devices' DMA at each sync, write every page of it and go on; absent: none. */
  readonly drivers?: readonly { readonly id: string; readonly address: Address }[];
  /** Policies that only watch: they are told what the policy is told; absent: none. */
  readonly shadows?: readonly Address[];
  /** Who is told of each pass; absent: nobody. */
  readonly manager?: Address | undefined;
  /** Post-copy has been ordered already; absent: not yet. */
  readonly startsPostCopy?: true;
  /** Charts of the vmm's own throttles, which hear of every sync; absent: it has none. */
  readonly throttles?: readonly Address[];
  /** The policy is told what passes send; absent: it does not ask. */
  readonly seesPasses?: true;
  /** The policy is asked before the first pass, too; absent: only after each. */
  readonly asksFirst?: true;
  /** Passes leave out what is dirty again; absent: they send it. */
  readonly skipsDirtied?: true;
  /** How fast a pass may go until the policy says otherwise; absent: as fast as it can. */
  readonly paceBytesPerSecond?: number;
}

interface Context extends PreCopyInput {
  waitingFor: readonly string[];
  round: number;
  dirtySet: number;
  remainingPages: number;
  remainingBytes: number;
  dirtyPagesBySource: PagesBySource;
  bandwidthBytesPerSecond: number;
  sizes: Readonly<Record<string, DeviceSizes>>;
  /** Devices whose destination has not acknowledged their initial data yet. */
  unacked: readonly string[];
  throttlePercent: number;
  /** Sent since the last sync. */
  sentBytes: number;
  /** The pass was cut short for a sync in its middle, and goes on. */
  goesOn: boolean;
  /** The policy has decided in the middle of the pass: it is not asked again at the end of it. */
  verdictStands: boolean;
  /** What passes have sent, for a policy that asks. */
  tally: Tally | undefined;
  observation: Observation | undefined;
  because: Because;
  verdict: Verdict;
  during: string;
  errno: Errno | undefined;
}

interface Tally extends PassFigures {
  readonly firstSyncNs: number;
  readonly lastSyncNs: number;
  readonly pageBytes: number;
}

type Events = Received<'pre-copy'> | Answer<'sendRound' | 'haltRound' | 'queryDeviceSizes' | 'setDowntimeLimit'>;

const driversOf = (context: Context) => context.drivers ?? [];

/** Every sync is told to the vmm's throttles, and what is sent from here on belongs to the next one. */
const syncTold = [
  {
    type: 'tellThrottles',
    params: ({
      context,
      event,
    }: {
      readonly context: Context;
      readonly event: { readonly newDirtyPages?: number };
    }) => ({
      to: context.throttles ?? [],
      round: context.round,
      newDirtyPages: event.newDirtyPages ?? 0,
      sentBytes: context.sentBytes,
    }),
  },
  'forgetSent',
] as const;
const askPolicy = () =>
  ({
    type: 'askPolicy',
    params: ({ context }: { readonly context: Context }) => ({ observation: context.observation as Observation }),
  }) as const;
const preCopyDevices = (context: Context) => context.devices.filter((device) => device.preCopy);

export const preCopy = setup({
  types: {} as { context: Context; events: Events; input: PreCopyInput },
  actions: {
    ...commands('sendRound', 'haltRound', 'queryDeviceSizes', 'setDowntimeLimit'),
    ...messages({
      startLog: ['dirty-log', 'START'],
      syncLog: ['dirty-log', 'SYNC'],
      haltDrivers: ['guest-driver', 'HALT_DMA'],
      resumeDrivers: ['guest-driver', 'RESUME_DMA'],
      setDevices: ['device', 'SET_STATE'],
      askShadows: ['shadow', 'ASSESS'],
      askPolicy: ['policy', 'ASSESS'],
      tellStarted: ['migration', 'PRECOPY_STARTED'],
      tellDecision: ['migration', 'SWITCHOVER_DECIDED'],
      tellPostCopy: ['migration', 'POSTCOPY_DECIDED'],
      askCancel: ['migration', 'CANCEL'],
      tellFailure: ['migration', 'PRECOPY_FAILED'],
      tellPass: ['manager', 'MIGRATION_PASS'],
      tellHalted: ['roll-back', 'SENDING_HALTED'],
      tellThrottles: [['auto-converge', 'dirty-limit', 'stepped-throttle'], 'SYNCED'],
    }),
    ...facts({ tellAssessment: 'ROUND_ASSESSED' }),
    expectDrivers: assign(({ context }) => expecting(driversOf(context).map(({ id }) => id))),
    expectDevices: assign(({ context }) => expecting(preCopyDevices(context).map((device) => device.id))),
    countArrival: assign(({ context, event }) =>
      event.type === 'DEVICE_REACHED' || event.type === 'DRIVER_REACHED' ? arrived(context, event.device) : {},
    ),
    countRound: assign(({ context }) =>
      context.goesOn ? { goesOn: false } : { round: context.round + 1, ...newPass(context) },
    ),
    noteGoesOn: assign({ goesOn: true }),
    noteVerdictStands: assign({ verdictStands: true }),
    forgetVerdict: assign({ verdictStands: false }),
    forgetSent: assign({ sentBytes: 0 }),
    rememberThrottle: assign(({ event }) => (event.type === 'THROTTLED' ? { throttlePercent: event.percent } : {})),
    rememberSync: assign(({ context, event }) =>
      event.type === 'BITMAP_SYNCED'
        ? {
            dirtySet: event.dirtySet,
            remainingPages: event.remainingPages,
            remainingBytes: event.remainingBytes,
            dirtyPagesBySource: event.dirtyPagesBySource,
            ...(context.seesPasses === true ? { tally: syncCounted(context.tally, event) } : {}),
          }
        : {},
    ),
    rememberSent: assign(({ context, event }) =>
      event.type === 'DONE.sendRound'
        ? {
            bandwidthBytesPerSecond: event.bandwidthBytesPerSecond,
            sentBytes: context.sentBytes + event.sentBytes,
            ...passCounted(context, event),
          }
        : {},
    ),
    rememberSizes: assign(({ context, event }) =>
      event.type === 'DONE.queryDeviceSizes'
        ? { sizes: event.devices, unacked: stillUnacked(context, event.devices) }
        : {},
    ),
    observe: assign(({ context, event }) => ({ observation: observation(context, event) })),
    rememberVerdict: assign(({ event }) =>
      event.type === 'VERDICT'
        ? {
            verdict: event.verdict,
            because: event.because,
            ...(event.paceBytesPerSecond === undefined ? {} : { paceBytesPerSecond: event.paceBytesPerSecond }),
          }
        : {},
    ),
    rememberAck: assign(({ context, event }) =>
      event.type === 'SWITCHOVER_ACKED' ? { unacked: context.unacked.filter((device) => device !== event.device) } : {},
    ),
    rememberDevices: assign(({ context, event }) =>
      event.type === 'DEVICES_CHANGED' ? changedDevices(context, event.devices) : {},
    ),
    rememberLimit: assign(({ event }) =>
      event.type === 'SET_DOWNTIME_LIMIT' ? { downtimeLimitMs: event.downtimeLimitMs } : {},
    ),
    rememberManaged: assign(({ event }) =>
      event.type === 'MANAGER_CHANGED' ? { manager: event.managed ? 'manager' : undefined } : {},
    ),
    rememberPostCopy: assign({ startsPostCopy: true as const }),
    rememberPolicyFailure: assign(({ event }) =>
      event.type === 'POLICY_FAILED' ? { during: event.during, errno: event.errno } : {},
    ),
    rememberFailure: assign(({ event }) => ({
      during: during(event),
      errno: 'errno' in event ? event.errno : undefined,
    })),
  },
  guards: {
    everyoneArrived: ({ context }) => everyoneArrived(context),
    logIsOn: ({ event }) => event.type === 'DIRTY_LOG_REACHED' && event.asked === 'on' && event.state === 'on',
    logFailed: ({ event }) => event.type === 'DIRTY_LOG_REACHED' && event.asked === 'on' && event.state === 'off',
    deviceIsInPreCopy: ({ event }) =>
      event.type === 'DEVICE_REACHED' && event.asked === 'PRE_COPY' && event.state === 'PRE_COPY',
    deviceFailed: ({ event }) =>
      event.type === 'DEVICE_REACHED' && event.asked === 'PRE_COPY' && event.state !== 'PRE_COPY',
    driversHalt: ({ context }) => driversOf(context).length > 0,
    driverReached: ({ event }) => event.type === 'DRIVER_REACHED' && event.state === event.asked,
    hasDevices: ({ context }) => context.devices.length > 0,
    saysSwitchover: ({ context }) => context.verdict === 'switchover',
    saysAbort: ({ context }) => context.verdict === 'abort',
    everyoneArrivedAndPolicyAsks: ({ context }) => everyoneArrived(context) && context.asksFirst === true,
    startsPostCopy: ({ context }) => context.startsPostCopy === true,
    allAcked: ({ context }) => context.unacked.length === 0,
    isToSwitchOver: ({ event }) => event.type === 'VERDICT' && event.verdict === 'switchover',
    verdictStands: ({ context }) => context.verdictStands,
  },
}).createMachine({
  id: 'pre-copy',
  description: 'Rounds of sending while the guest runs. QEMU: migration/migration.c, migration/ram.c.',
  context: ({ input }) => ({
    ...input,
    waitingFor: [],
    round: 0,
    dirtySet: 0,
    remainingPages: 0,
    remainingBytes: 0,
    dirtyPagesBySource: {},
    bandwidthBytesPerSecond: 0,
    sizes: {},
    unacked: input.switchoverAck ? input.devices.filter((device) => device.preCopy).map((device) => device.id) : [],
    throttlePercent: 0,
    sentBytes: 0,
    goesOn: false,
    verdictStands: false,
    tally: undefined,
    observation: undefined,
    because: {},
    verdict: 'continue',
    during: '',
    errno: undefined,
  }),
  options: { maxIterations: 100 },
  initial: 'setup',
  on: {
    HALT: { target: '.halting' },
    SWITCHOVER_ACKED: { description: "The destination has loaded this device's initial data.", actions: 'rememberAck' },
    SET_DOWNTIME_LIMIT: {
      description: 'QEMU: migrate-set-parameters, in force within a window of 100 ms, for the pass under way too.',
      actions: [
        'rememberLimit',
        { type: 'setDowntimeLimit', params: ({ event }) => ({ downtimeLimitMs: event.downtimeLimitMs }) },
      ],
    },
    MANAGER_CHANGED: { description: 'Who is told of the passes to come.', actions: 'rememberManaged' },
    POLICY_CHANGED: { description: 'The policy that came is asked at the end of the pass.' },
    'DONE.setDowntimeLimit': { description: 'The pass under way ends by the new limit.' },
    'FAILED.setDowntimeLimit': { description: 'The next pass carries the new limit anyway.' },
    START_POSTCOPY: {
      description:
        'QEMU: a flag that the loop sees at its next turn; where what remains fits, it switches over instead.',
      actions: 'rememberPostCopy',
    },
    DEVICES_CHANGED: { description: 'During the sync: those that came are in PRE_COPY.', actions: 'rememberDevices' },
    THROTTLED: { description: 'In force for what is sent from here on.', actions: 'rememberThrottle' },
    SYNC_NOW: { description: 'The pass has ended meanwhile, and is being looked at anyway.' },
    DEVICE_REACHED: { description: 'An answer to an order that a later one has replaced.' },
    DRIVER_REACHED: { description: 'An answer to an order that a later one has replaced.' },
    DIRTY_LOG_REACHED: { description: 'An answer to an order that a later one has replaced.' },
  },
  states: {
    setup: {
      initial: 'startingLog',
      states: {
        startingLog: {
          description:
            'The epoch begins before the first copy: what was written before is covered by the first round, which sends everything.',
          entry: 'startLog',
          on: {
            DIRTY_LOG_REACHED: [
              { guard: 'logIsOn', target: 'firstSync' },
              { guard: 'logFailed', target: '#pre-copy.failed', actions: 'rememberFailure' },
            ],
          },
        },
        firstSync: {
          description: 'Everything is dirty. QEMU counts it: MIGRATION_PASS 1 comes before status active (up to 11.0).',
          entry: { type: 'syncLog', params: { final: false } },
          on: { BITMAP_SYNCED: { target: 'enteringPreCopy', actions: ['rememberSync', ...syncTold] } },
        },
        enteringPreCopy: {
          description: 'Devices that can offer their state early begin to.',
          entry: [
            'expectDevices',
            {
              type: 'setDevices',
              params: ({ context }) => ({
                to: preCopyDevices(context).map((device) => device.address),
                target: 'PRE_COPY',
              }),
            },
          ],
          on: {
            DEVICE_REACHED: [
              { guard: 'deviceIsInPreCopy', actions: 'countArrival' },
              { guard: 'deviceFailed', target: '#pre-copy.failed', actions: 'rememberFailure' },
            ],
          },
          always: [
            {
              guard: 'everyoneArrivedAndPolicyAsks',
              target: '#pre-copy.iterating.beforeFirst',
              actions: 'tellStarted',
            },
            { guard: 'everyoneArrived', target: '#pre-copy.iterating', actions: 'tellStarted' },
          ],
        },
      },
      on: { SYNC_FAILED: { target: 'failed', actions: 'rememberFailure' } },
    },
    iterating: {
      initial: 'sending',
      states: {
        beforeFirst: {
          description: 'A rule that may do without any pass is asked before the first.',
          always: [
            { guard: 'hasDevices', target: 'sizing' },
            { target: 'assessing', actions: 'observe' },
          ],
        },
        sending: {
          description:
            'One pass. It ends where `roundEnds` says: at the low-water mark (QEMU) or when the set is drained (textbook).',
          entry: [
            'countRound',
            {
              type: 'sendRound',
              params: ({ context }) => ({
                round: context.round,
                dirtySet: context.dirtySet,
                ends: roundEnd(context.loop, context),
                ...(context.skipsDirtied === undefined ? {} : { skipsDirtied: context.skipsDirtied }),
                ...(context.paceBytesPerSecond === undefined ? {} : { paceBytesPerSecond: context.paceBytesPerSecond }),
              }),
            },
            {
              type: 'tellPass',
              params: ({ context }) => ({
                to: context.manager === undefined ? [] : context.manager,
                pass: context.round,
              }),
            },
          ],
          always: { guard: 'startsPostCopy', target: 'endingPass' },
          on: {
            'DONE.sendRound': [
              { guard: 'driversHalt', target: 'haltingDma', actions: 'rememberSent' },
              { target: 'syncing', actions: 'rememberSent' },
            ],
            SYNC_NOW: 'cuttingPass',
            VERDICT: [
              { guard: 'isToSwitchOver', target: 'cuttingShort', actions: ['rememberVerdict', 'noteVerdictStands'] },
              { description: 'A policy that was asked in the middle of the pass lets it go on.' },
            ],
          },
        },
        cuttingShort: {
          description:
            'A policy that was asked in the middle of the pass has decided: what is dirty now is the last set.',
          entry: 'haltRound',
          on: {
            'DONE.sendRound': [
              { guard: 'driversHalt', target: 'haltingDma', actions: 'rememberSent' },
              { target: 'syncing', actions: 'rememberSent' },
            ],
          },
        },
        cuttingPass: {
          description:
            "A throttle asks for a sync in the middle of a long pass (QEMU 9.2 on): the sender waits for the bitmap's lock.",
          entry: 'haltRound',
          on: {
            'DONE.sendRound': { target: 'syncingInPass', actions: ['rememberSent', 'noteGoesOn'] },
          },
        },
        syncingInPass: {
          entry: { type: 'syncLog', params: { final: false } },
          on: { BITMAP_SYNCED: { target: 'sending', actions: ['rememberSync', ...syncTold] } },
        },
        endingPass: {
          description: 'What is on the wire is the last that goes out while the guest runs here.',
          entry: 'haltRound',
          on: {
            'DONE.sendRound': { actions: 'rememberSent' },
            'DONE.haltRound': '#pre-copy.decidedPostCopy',
            'FAILED.haltRound': { target: '#pre-copy.failed', actions: 'rememberFailure' },
          },
        },
        haltingDma: {
          description: 'Drivers that help at each sync halt their DMA and write every page of it before the collect.',
          entry: [
            'expectDrivers',
            {
              type: 'haltDrivers',
              params: ({ context }) => ({ to: driversOf(context).map(({ address }) => address) }),
            },
          ],
          on: {
            DRIVER_REACHED: [
              { guard: 'driverReached', actions: 'countArrival' },
              { target: '#pre-copy.failed', actions: 'rememberFailure' },
            ],
          },
          always: { guard: 'everyoneArrived', target: 'syncing' },
        },
        syncing: {
          description: 'Every log is collected: what was written since the last sync, and what this pass left.',
          entry: { type: 'syncLog', params: { final: false } },
          on: {
            BITMAP_SYNCED: [
              { guard: 'driversHalt', target: 'resumingDma', actions: ['rememberSync', ...syncTold] },
              { guard: 'hasDevices', target: 'sizing', actions: ['rememberSync', ...syncTold] },
              {
                guard: 'verdictStands',
                description: 'It is over: a throttle has nothing to judge any more.',
                target: 'judged',
                actions: ['rememberSync', 'observe'],
              },
              { target: 'assessing', actions: ['rememberSync', 'observe', ...syncTold] },
            ],
          },
        },
        resumingDma: {
          description: 'What the devices write from here on is found by the next halt.',
          entry: [
            'expectDrivers',
            {
              type: 'resumeDrivers',
              params: ({ context }) => ({ to: driversOf(context).map(({ address }) => address), host: 'source' }),
            },
          ],
          on: {
            DRIVER_REACHED: [
              { guard: 'driverReached', actions: 'countArrival' },
              { target: '#pre-copy.failed', actions: 'rememberFailure' },
            ],
          },
          always: { guard: 'everyoneArrived', target: 'sizing' },
        },
        sizing: {
          description:
            'What the devices would still have to send: PRECOPY_INFO and MIG_DATA_SIZE. A failure ends the migration, where QEMU warns and counts 100 GiB.',
          entry: { type: 'queryDeviceSizes', params: { exact: true } },
          on: {
            'DONE.queryDeviceSizes': [
              { guard: 'verdictStands', target: 'judged', actions: ['rememberSizes', 'observe'] },
              { target: 'assessing', actions: ['rememberSizes', 'observe'] },
            ],
          },
        },
        assessing: {
          description: 'The policy decides, on the exact remainder.',
          entry: [
            {
              type: 'askShadows',
              params: ({ context }) => ({
                to: context.shadows ?? [],
                observation: context.observation as Observation,
              }),
            },
            askPolicy(),
          ],
          on: {
            POLICY_CHANGED: {
              description: 'The one that was asked is gone: the one that came is asked, with the limit as it is now.',
              actions: ['observe', askPolicy()],
            },
            VERDICT: { target: 'judged', actions: 'rememberVerdict' },
            POLICY_FAILED: { target: '#pre-copy.failed', actions: 'rememberPolicyFailure' },
          },
        },
        judged: {
          exit: {
            type: 'tellAssessment',
            params: ({ context }) => ({
              round: context.round,
              verdict: context.verdict,
              because: context.because,
              observation: context.observation as Observation,
              waitingForAck: context.verdict === 'switchover' && context.unacked.length > 0,
            }),
          },
          entry: 'forgetVerdict',
          always: [
            { guard: 'saysSwitchover', target: 'agreed' },
            { guard: 'saysAbort', target: '#pre-copy.givenUp' },
            { guard: 'startsPostCopy', target: '#pre-copy.decidedPostCopy' },
            { target: 'sending' },
          ],
        },
        agreed: {
          description: 'With switchover-ack, the destination must be ready as well (QEMU 8.1 on).',
          always: [{ guard: 'allAcked', target: '#pre-copy.decided' }, { target: 'sending' }],
        },
      },
      on: {
        SYNC_FAILED: { target: 'failed', actions: 'rememberFailure' },
        'FAILED.sendRound': { target: 'failed', actions: 'rememberFailure' },
        'FAILED.queryDeviceSizes': { target: 'failed', actions: 'rememberFailure' },
        'DONE.haltRound': { description: 'Of a pass that was cut short.' },
        'FAILED.haltRound': { description: 'The pass runs to its end before it is looked at.' },
        VERDICT: { description: 'Of a policy that was asked in the middle of the pass: at its end it is asked anew.' },
      },
    },
    decided: {
      entry: { type: 'tellDecision', params: ({ context }) => ({ round: context.round, because: context.because }) },
      on: { HALT: { description: 'Nothing is being sent.', target: 'halted' } },
    },
    givenUp: {
      description: "The rule's own time is over: Cloud Hypervisor, timeout_strategy=cancel.",
      entry: { type: 'askCancel', params: { because: "aborted by the vmm's own rule" } },
      on: { HALT: { description: 'Nothing is being sent.', target: 'halted' } },
    },
    decidedPostCopy: {
      entry: { type: 'tellPostCopy', params: ({ context }) => ({ round: context.round }) },
      on: { HALT: { description: 'Nothing is being sent.', target: 'halted' } },
    },
    failed: {
      entry: {
        type: 'tellFailure',
        params: ({ context }) => ({ during: context.during, errno: context.errno ?? 'EIO' }),
      },
      on: { HALT: { description: 'Nothing is being sent.', target: 'halted' } },
    },
    halting: {
      description: 'A pass that runs is ended early; a sync that runs ends by itself.',
      entry: 'haltRound',
      on: {
        HALT: { description: 'Under way.' },
        'DONE.haltRound': 'halted',
        'FAILED.haltRound': { description: 'Its answers are no longer waited for.', target: 'halted' },
        'DONE.sendRound': {},
        'FAILED.sendRound': {},
        'DONE.queryDeviceSizes': {},
        'FAILED.queryDeviceSizes': {},
        BITMAP_SYNCED: {},
        SYNC_FAILED: {},
        VERDICT: {},
        POLICY_FAILED: {},
      },
    },
    halted: {
      entry: 'tellHalted',
      on: {
        HALT: { target: 'halted', reenter: true },
        'DONE.haltRound': { description: 'Of a pass that was to end for post-copy.' },
        'FAILED.haltRound': { description: 'Of a pass that was to end for post-copy.' },
        'DONE.sendRound': {},
        'FAILED.sendRound': {},
        'DONE.queryDeviceSizes': {},
        'FAILED.queryDeviceSizes': {},
        BITMAP_SYNCED: {},
        SYNC_FAILED: {},
        VERDICT: {},
        POLICY_FAILED: {},
      },
    },
  },
});

/** Acks are waited for from the devices that are there now. */
function changedDevices(context: Context, changed: readonly ChangedDevice[]): Partial<Context> {
  const was = context.devices.map(({ id }) => id);
  const unacked = changed
    .filter(({ id, preCopy }) => (was.includes(id) ? context.unacked.includes(id) : context.switchoverAck && preCopy))
    .map(({ id }) => id);
  return { devices: changed.map(({ id, address, preCopy }) => ({ id, address, preCopy })), unacked };
}

/** New initial data is to be loaded and acknowledged anew, by a release that asks for it (QEMU 11.1, hw/vfio/migration.c). */
function stillUnacked({ switchoverAck, unacked }: Context, devices: Context['sizes']): readonly string[] {
  const again = Object.keys(devices).filter((id) => devices[id]?.reinit === true && !unacked.includes(id));
  return switchoverAck ? [...unacked, ...again] : unacked;
}

function newPass({ tally }: Context): Partial<Context> {
  return tally === undefined ? {} : { tally: { ...tally, sentPages: 0, skippedPages: 0 } };
}

function passCounted({ tally }: Context, { sentPages, skippedPages = 0 }: RoundSent): Partial<Context> {
  if (tally === undefined) return {};
  const counted = {
    sentPages: tally.sentPages + sentPages,
    skippedPages: tally.skippedPages + skippedPages,
    totalSentPages: tally.totalSentPages + sentPages,
  };
  return { tally: { ...tally, ...counted } };
}

/** The first sync finds all of memory. */
function syncCounted(tally: Tally | undefined, event: BitmapSynced & { readonly atNs: number }): Tally {
  const { newDirtyPages, remainingPages, remainingBytes, atNs } = event;
  if (tally === undefined) {
    const times = { firstSyncNs: atNs, lastSyncNs: atNs, sinceSyncMs: 0, elapsedMs: 0 };
    const pageBytes = remainingPages === 0 ? 0 : remainingBytes / remainingPages;
    const none = { sentPages: 0, skippedPages: 0, totalSentPages: 0 };
    return { ...none, memoryPages: remainingPages, newDirtyBytes: remainingBytes, pageBytes, ...times };
  }
  const sinceSyncMs = (atNs - tally.lastSyncNs) / 1e6;
  const newDirtyBytes = newDirtyPages * tally.pageBytes;
  return { ...tally, newDirtyBytes, lastSyncNs: atNs, sinceSyncMs, elapsedMs: (atNs - tally.firstSyncNs) / 1e6 };
}

function passOf({ tally }: Context): Pick<Observation, 'pass'> {
  if (tally === undefined) return {};
  const { firstSyncNs, lastSyncNs, pageBytes, ...pass } = tally;
  return { pass };
}

/** What the policy sees; `event` is the answer that completed the picture. */
function observation(context: Context, event: Events): Observation {
  const sizes = event.type === 'DONE.queryDeviceSizes' ? event.devices : context.sizes;
  const ramBytes = event.type === 'BITMAP_SYNCED' ? event.remainingBytes : context.remainingBytes;
  return {
    cause: 'round',
    round: context.round,
    remainingBytes: exactRemainingBytes(context.loop, ramBytes, sizes),
    remainingPages: context.remainingPages,
    dirtyPagesBySource: context.dirtyPagesBySource,
    bandwidthBytesPerSecond: context.availSwitchoverBytesPerSecond || context.bandwidthBytesPerSecond,
    downtimeLimitMs: context.downtimeLimitMs,
    throttlePercent: context.throttlePercent,
    ...passOf(context),
  };
}
