/**
 * One whole migration, with QEMU's MigrationStatus names: the root chart. Read this one first.
 *
 * It opens every other chart when it is needed, with what is true then, and decides only what is nobody else's: may it
 * start, is it over, who may still turn back. A cancel, a failure and a run that gave up take the same way back (roll-back).
 * From `handingOver` on there is no way back: the destination may own the storage. Sources: QEMU qapi/migration.json and
 * migration/migration.c at 7.2 to 11.1; `device` without a pause is 10.0 on, `failing` is 11.0 on.
 * The file is long because it names every status of QEMU's MigrationStatus.
 */
import { assign, setup } from 'xstate';
import { arrived, everyoneArrived, expecting } from './barrier.ts';
import { branched, branchedAtFirst, branchedInPreCopy, branchedPlan } from './branched.ts';
import { driverSilent, during } from './failure.ts';
import type { InDoubtInput } from './in-doubt.ts';
import { inDoubtStatus, takenUpElsewhere } from './in-doubt-status.ts';
import { loop } from './loops.ts';
import { closes, facts, messages, type Outcome, opens, type Received } from './messages.ts';
import {
  autoConverge,
  controls,
  destination,
  dirtyLimit,
  dirtyLog,
  driverOf,
  guestDrivers,
  hotPlug,
  manager,
  mirrors,
  preCopy,
  rollBack,
  shadows,
  source,
  steppedThrottle,
  stopAndCopy,
  stopForPostCopy,
  trackings,
} from './openings.ts';
import { blockers, cooperatingDevices, mayGoPostCopy, type Plan, plannedDevices } from './plan.ts';
import { forwardPostCopy, ordersOutOfPlace, postCopyDecided, postCopyStatuses } from './post-copy-statuses.ts';
import type { RollBackInput } from './roll-back.ts';
import {
  destinationMayFail,
  devicesChange,
  handOver,
  onTheWayBack,
  settleDevices,
  status,
  tellThrottle,
} from './statuses.ts';
import type { DeviceState } from './words.ts';

export interface Ended {
  readonly outcome: Outcome;
  readonly reason: string;
}

interface Context {
  plan: Plan;
  sending: RollBackInput['sending'];
  /** Devices that are still being cleaned up. */
  waitingFor: readonly string[];
  /** What the run comes to if the way back succeeds. */
  outcome: Outcome;
  reason: string;
  /** What `in-doubt` is opened with if it comes to that. */
  doubt: InDoubtInput;
  /** An operator has ordered post-copy before pre-copy began; pre-copy has ended for it. */
  postCopy: 'no' | 'wanted' | 'going';
}

type Events = Received<'migration'>;

const shadowsOf = ({ plan }: Context) => shadows(plan).map(({ address }) => address);

/** Not before: a function that watches may still have to answer what it was asked when the policy decided. */
const shadowsGo = {
  type: 'closeShadows',
  params: ({ context }: { readonly context: Context }) => ({ addresses: shadowsOf(context) }),
} as const;

export const migration = setup({
  types: {} as { context: Context; events: Events; input: Plan; output: Ended },
  actions: {
    ...messages({
      prepareDestination: ['destination', 'PREPARE'],
      continueSwitchover: ['stop-and-copy', 'CONTINUE'],
      startPostCopy: ['pre-copy', 'START_POSTCOPY'],
      pausePostCopy: ['post-copy', 'PAUSE'],
      recoverPostCopy: ['post-copy', 'RECOVER'],
      resumeDrivers: ['guest-driver', 'RESUME_DMA'],
      cleanDevices: ['device', 'SET_STATE'],
      stopLog: ['dirty-log', 'STOP'],
      settleDevices: ['hot-plug', 'SETTLE'],
      endThrottle: [['auto-converge', 'dirty-limit', 'stepped-throttle'], 'PRECOPY_ENDED'],
      releaseThrottle: [['auto-converge', 'dirty-limit', 'stepped-throttle'], 'RELEASE'],
      resolveDoubt: ['in-doubt', 'RESOLVE'],
      tellSourceFenced: ['in-doubt', 'SOURCE_FENCED'],
      tellDestinationFenced: ['in-doubt', 'DESTINATION_FENCED'],
      tellManager: ['manager', 'MIGRATION_ACTIVE'],
      dismissManager: ['manager', 'DISMISS'],
      tellLimit: ['pre-copy', 'SET_DOWNTIME_LIMIT'],
      tellManaged: ['pre-copy', 'MANAGER_CHANGED'],
      tellExchanged: ['pre-copy', 'POLICY_CHANGED'],
    }),
    ...opens({
      openGuest: 'guest',
      openMirrors: 'vfio',
      openDevices: 'device',
      openDrivers: 'guest-driver',
      openTrackings: 'tracking',
      openDirtyLog: 'dirty-log',
      openPolicy: 'policy',
      openShadows: 'shadow',
      openAutoConverge: 'auto-converge',
      openDirtyLimit: 'dirty-limit',
      openSteppedThrottle: 'stepped-throttle',
      openManager: 'manager',
      openDestination: 'destination',
      openPreCopy: 'pre-copy',
      openStopAndCopy: 'stop-and-copy',
      openPostCopy: 'post-copy',
      openRollBack: 'roll-back',
      openInDoubt: 'in-doubt',
      openHotPlug: 'hot-plug',
    }),
    ...closes({ closePreCopy: 'pre-copy', closeStopAndCopy: 'stop-and-copy', closeRollBack: 'roll-back' }),
    ...closes({ closePostCopy: 'post-copy', closePolicy: 'policy', closeShadows: 'shadow', closeManager: 'manager' }),
    ...facts({ announce: 'STATUS_CHANGED', tellEnd: 'ENDED', warn: 'WARNED' }),
    expectDevices: assign(({ context: { plan } }) =>
      expecting([...plannedDevices(plan).map(({ id }) => id), ...cooperatingDevices(plan).map(driverOf)]),
    ),
    countArrival: assign(({ context, event }) =>
      event.type === 'DEVICE_REACHED' ? arrived(context, event.device) : arrived(context, event.from),
    ),
    rememberDevices: assign(({ context, event }) =>
      event.type === 'DEVICES_CHANGED' ? { plan: { ...context.plan, containers: event.containers } } : {},
    ),
    rememberBranch: assign(({ context, event }) => ({ plan: branchedPlan(context.plan, event) })),
    notePreCopy: assign({ sending: 'pre-copy' as const }),
    notePostCopyWanted: assign({ postCopy: 'wanted' as const }),
    notePostCopy: assign({ postCopy: 'going' as const }),
    noteSwitching: assign({ sending: 'stop-and-copy' as const }),
    noteBlocked: assign(({ context }) => ({ outcome: 'blocked' as const, reason: blockers(context.plan).join('; ') })),
    noteCancel: assign(({ event }) => ({
      outcome: 'cancelled' as const,
      reason: (event.type === 'CANCEL' ? event.because : undefined) ?? 'cancelled by the operator',
    })),
    noteGivenUp: assign(({ context }) => ({
      outcome: 'unconverged' as const,
      reason: `gave up after ${context.plan.giveUpAfterMs / 1000} s`,
    })),
    noteFailure: assign(({ event }) => ({ outcome: 'failed' as const, reason: failure(event) })),
    noteCompleted: assign({ outcome: 'completed' as const, reason: '' }),
    noteSourceStopped: assign(({ event }) => {
      const why = event.type === 'ROLLED_BACK' ? event.because : '';
      const reason = `ask or fence the source, and the destination for its storage: ${why}`;
      return { outcome: 'in-doubt' as const, reason, doubt: { why, destination: 'given-up' as const } };
    }),
    noteUnrecovered: assign(({ event }) => ({
      outcome: 'in-doubt' as const,
      reason: event.type === 'POSTCOPY_UNRECOVERED' ? event.because : '',
    })),
    noteInDoubt: assign(({ event }) => ({
      outcome: 'in-doubt' as const,
      reason: `ask or fence the destination: it may be running (${failure(event)})`,
      doubt: { why: failure(event), destination: 'may-run' as const },
    })),
    noteStillInDoubt: assign(({ event }) => ({ reason: event.type === 'DOUBT_REMAINS' ? event.because : '' })),
    noteHalfThere: assign({ reason: 'the guest runs on the destination, which does not have all of its pages' }),
    noteResolved: assign(({ event }) => ({
      outcome: 'failed' as const,
      reason: event.type === 'DOUBT_RESOLVED' ? event.because : '',
    })),
  },
  guards: {
    isBlocked: ({ context }) => blockers(context.plan).length > 0,
    reportsDevice: ({ context }) => loop(context.plan.loop).reportsDevice,
    reportsFailing: ({ context }) => loop(context.plan.loop).reportsFailing,
    hasPostcopyRam: ({ context }) => mayGoPostCopy(context.plan),
    lacksPostcopyRam: ({ context }) => !mayGoPostCopy(context.plan),
    isSwitching: ({ context }) => context.sending === 'stop-and-copy',
    saysPostcopyActiveFirst: ({ context: { plan } }) =>
      loop(plan.loop).postcopyActive === 'before-stop' && !plan.pauseBeforeSwitchover,
    saysPostcopyActiveAfterPause: ({ context }) =>
      context.postCopy === 'going' && loop(context.plan.loop).postcopyActive === 'before-stop',
    reportsRecoverSetup: ({ context }) => loop(context.plan.loop).reportsRecoverSetup,
    destinationPrepared: ({ event }) => event.type === 'DESTINATION_REACHED' && event.state === 'prepared',
    destinationFailed: ({ event }) => event.type === 'DESTINATION_REACHED' && event.state === 'failed',
    mayStillRun: ({ event }) => event.type === 'SWITCHOVER_FAILED' && event.destination === 'unknown',
    sourceRuns: ({ event }) => event.type === 'ROLLED_BACK' && event.guest === 'running',
    runsThere: ({ event }) => event.type === 'DOUBT_RESOLVED' && event.guest === 'destination',
    runsThereAndSourceIsFenced: ({ event }) =>
      event.type === 'DOUBT_RESOLVED' && event.guest === 'destination' && event.sourceFenced,
    runsThereAndFetches: ({ context, event }) =>
      event.type === 'DOUBT_RESOLVED' &&
      event.guest === 'destination' &&
      !event.sourceFenced &&
      context.postCopy === 'going',
    runsWithoutAllItsPages: ({ context, event }) =>
      event.type === 'DOUBT_RESOLVED' && event.guest === 'destination' && context.postCopy === 'going',
    sourceMayRun: ({ event }) => event.type === 'DOUBT_RESOLVED' && event.guest === 'source',
    everyoneArrived: ({ context }) => everyoneArrived(context),
    driverRuns: ({ event }) => event.type === 'DRIVER_REACHED' && event.state === 'running',
    deviceIsClean: ({ event }) => event.type === 'DEVICE_REACHED' && event.state === 'STOP',
    logIsOff: ({ event }) => event.type === 'DIRTY_LOG_REACHED' && event.asked === 'off',
  },
  delays: {
    giveUpAfter: ({ context }) => context.plan.giveUpAfterMs,
  },
}).createMachine({
  id: 'migration',
  description: 'One whole migration. QEMU: qapi/migration.json MigrationStatus, migration/migration.c.',
  context: ({ input }) => ({
    plan: input,
    sending: 'nobody',
    waitingFor: [],
    outcome: 'completed',
    reason: '',
    doubt: { why: '', destination: 'given-up' },
    postCopy: 'no',
  }),
  options: { maxIterations: 100 },
  initial: 'none',
  on: {
    MIGRATE: { description: 'QEMU: refused while a migration is in progress.' },
    ...ordersOutOfPlace,
    ...devicesChange,
    ...takenUpElsewhere,
    ...branched,
  },
  output: ({ context }) => ({ outcome: context.outcome, reason: context.reason }),
  states: {
    none: {
      entry: status('none'),
      on: {
        MIGRATE: [{ guard: 'isBlocked', target: 'blocked', actions: 'noteBlocked' }, { target: 'reversible' }],
        CANCEL: { description: 'QEMU: migrate_cancel on an idle source is OK and does nothing.' },
        ...branchedAtFirst,
        CONTINUE: { description: 'Nothing is paused.' },
      },
    },
    blocked: {
      description: 'QEMU: any blocker makes `migrate` fail at once; query-migrate lists them as blocked-reasons.',
      type: 'final',
      entry: end(),
    },
    reversible: {
      description: 'Whatever happens here, the guest goes on where it is.',
      initial: 'setup',
      on: {
        CANCEL: { target: 'cancelling', actions: 'noteCancel' },
        CONTINUE: { description: 'Nothing is paused.' },
        DESTINATION_REACHED: destinationMayFail,
        PRECOPY_FAILED: { target: 'failing', actions: 'noteFailure' },
        SWITCHOVER_FAILED: { target: 'failing', actions: 'noteFailure' },
      },
      states: {
        setup: {
          entry: [
            status('setup'),
            { type: 'openGuest', params: () => ({ charts: [{ address: 'guest', input: {} }] }) },
            { type: 'openMirrors', params: ({ context }) => ({ charts: mirrors(context.plan) }) },
            { type: 'openDevices', params: ({ context }) => ({ charts: controls(context.plan) }) },
            { type: 'openDrivers', params: ({ context }) => ({ charts: guestDrivers(context.plan) }) },
            { type: 'openTrackings', params: ({ context }) => ({ charts: trackings(context.plan) }) },
            { type: 'openDirtyLog', params: ({ context }) => ({ charts: dirtyLog(context.plan) }) },
            {
              type: 'openPolicy',
              params: ({ context }) => ({
                charts: [{ address: 'policy', input: { parameters: context.plan.policy.parameters } }],
              }),
            },
            { type: 'openShadows', params: ({ context }) => ({ charts: shadows(context.plan) }) },
            { type: 'openManager', params: ({ context }) => ({ charts: manager(context.plan) }) },
            { type: 'openDestination', params: ({ context }) => ({ charts: destination(context.plan) }) },
            { type: 'openAutoConverge', params: ({ context }) => ({ charts: autoConverge(context.plan) }) },
            { type: 'openDirtyLimit', params: ({ context }) => ({ charts: dirtyLimit(context.plan) }) },
            { type: 'openSteppedThrottle', params: ({ context }) => ({ charts: steppedThrottle(context.plan) }) },
            { type: 'openHotPlug', params: ({ context }) => ({ charts: hotPlug(context.plan) }) },
          ],
          initial: 'preparingDestination',
          states: {
            preparingDestination: {
              description: 'Its devices go to RESUMING before anything is sent.',
              entry: 'prepareDestination',
              on: {
                START_POSTCOPY: { guard: 'hasPostcopyRam', actions: 'notePostCopyWanted' },
                DESTINATION_REACHED: [
                  { guard: 'destinationPrepared', target: 'startingPreCopy' },
                  { target: '#migration.failing', actions: 'noteFailure' },
                ],
              },
            },
            startingPreCopy: {
              entry: [
                'notePreCopy',
                {
                  type: 'openPreCopy',
                  params: ({ context }) => ({ charts: preCopy(context.plan, context.postCopy === 'wanted') }),
                },
              ],
              on: {
                ...forwardPostCopy,
                PRECOPY_STARTED: '#migration.reversible.active',
              },
            },
          },
        },
        active: {
          entry: [
            status('active'),
            {
              type: 'tellManager',
              params: ({ context }) => ({ to: manager(context.plan).map(({ address }) => address) }),
            },
          ],
          initial: 'iterating',
          states: {
            iterating: {
              exit: {
                type: 'dismissManager',
                params: ({ context }) => ({ to: manager(context.plan).map(({ address }) => address) }),
              },
              on: {
                SWITCHOVER_DECIDED: 'switching',
                ...branchedInPreCopy,
                ...forwardPostCopy,
                POSTCOPY_DECIDED: postCopyDecided,
              },
              after: {
                giveUpAfter: {
                  description: "This project's own limit: QEMU's default rule never gives up.",
                  target: '#migration.cancelling',
                  actions: 'noteGivenUp',
                },
              },
            },
            switching: {
              entry: [
                'noteSwitching',
                settleDevices('the switchover had begun'),
                tellThrottle('endThrottle'),
                'closePreCopy',
                'closePolicy',
                {
                  type: 'closeShadows',
                  params: ({ context, event }) => ({
                    addresses: event.type === 'POSTCOPY_DECIDED' ? shadowsOf(context) : [],
                  }),
                },
                {
                  type: 'openStopAndCopy',
                  params: ({ context, event }) => ({
                    charts:
                      event.type === 'POSTCOPY_DECIDED'
                        ? stopForPostCopy(context.plan)
                        : stopAndCopy(context.plan, event.type === 'SWITCHOVER_DECIDED' ? event.round : undefined),
                  }),
                },
              ],
              on: {
                PAUSED_BEFORE_SWITCHOVER: '#migration.reversible.pre-switchover',
                DEVICES_STOPPED: [
                  { guard: 'reportsDevice', target: '#migration.reversible.device', actions: shadowsGo },
                  { description: 'Up to 9.2 the status stays active without a pause.', actions: shadowsGo },
                ],
                HANDING_OVER: '#migration.handingOver',
              },
            },
          },
        },
        'pre-switchover': {
          description:
            'pause-before-switchover: everything is stopped, nothing given away. The pause counts as downtime.',
          entry: status('pre-switchover'),
          on: {
            CONTINUE: { actions: 'continueSwitchover' },
            DEVICES_STOPPED: [
              { guard: 'saysPostcopyActiveAfterPause', target: '#migration.postcopy-active' },
              { target: 'device', actions: shadowsGo },
            ],
          },
        },
        device: {
          description: 'The guest and its devices are stopped; what is left is being copied.',
          entry: status('device'),
          on: {
            PACKAGE_SENT: '#migration.postcopy-device',
            HANDING_OVER: '#migration.handingOver',
          },
        },
      },
    },
    handingOver: {
      description: 'The destination may own the storage: there is no way back but one that asks who does.',
      on: { ...handOver('#migration.completed'), CONTINUE: { description: 'Nothing is paused.' } },
    },
    ...postCopyStatuses,
    completed: {
      entry: ['noteCompleted', status('completed'), 'closeStopAndCopy', tellThrottle('releaseThrottle')],
      initial: 'cleaningDevices',
      on: {
        CANCEL: { description: 'Completed: there is nothing to cancel.' },
        CONTINUE: { description: 'Nothing is paused.' },
        DEVICE_REACHED: { description: 'It has been counted.' },
        DRIVER_REACHED: { description: 'It has been counted.' },
      },
      states: {
        cleaningDevices: {
          description:
            'STOP_COPY to STOP belongs to cleanup, deliberately outside the downtime (QEMU vfio_save_cleanup). Drivers of the guest that had halted their DMA go on where it runs now.',
          entry: [
            'expectDevices',
            {
              type: 'resumeDrivers',
              params: ({ context }) => ({ to: cooperatingDevices(context.plan).map(driverOf), host: 'destination' }),
            },
            {
              type: 'cleanDevices',
              params: ({ context }) => ({
                to: plannedDevices(context.plan).map(source),
                target: 'STOP' as DeviceState,
              }),
            },
          ],
          on: {
            DRIVER_REACHED: [
              { guard: 'driverRuns', actions: 'countArrival' },
              { actions: ['countArrival', { type: 'warn', params: ({ event }) => driverSilent(event) }] },
            ],
            DEVICE_REACHED: [
              { guard: 'deviceIsClean', actions: 'countArrival' },
              {
                description: 'The guest runs elsewhere: a device that cannot be cleaned up is only worth a warning.',
                actions: [
                  'countArrival',
                  {
                    type: 'warn',
                    params: ({ event }) => ({ of: `device ${event.device} is ${event.state}`, errno: event.errno }),
                  },
                ],
              },
            ],
          },
          always: { guard: 'everyoneArrived', target: 'stoppingLog' },
        },
        stoppingLog: {
          entry: 'stopLog',
          on: { DIRTY_LOG_REACHED: { guard: 'logIsOff', target: '#migration.cleanedUp' } },
        },
      },
    },
    cleanedUp: {
      description: 'The source is in run state postmigrate.',
      type: 'final',
      entry: end(),
    },
    cancelling: {
      entry: [
        status('cancelling'),
        settleDevices('the migration is over'),
        tellThrottle('releaseThrottle'),
        { type: 'openRollBack', params: ({ context }) => ({ charts: rollBack(context.plan, context.sending) }) },
      ],
      on: onTheWayBack('cancelled'),
    },
    failing: {
      initial: 'announcing',
      on: onTheWayBack('failed'),
      states: {
        announcing: {
          always: [
            { guard: 'reportsFailing', target: 'rollingBack', actions: status('failing') },
            { description: 'Up to 10.2 the status stays what it was until `failed`.', target: 'rollingBack' },
          ],
        },
        rollingBack: {
          entry: [
            settleDevices('the migration is over'),
            tellThrottle('releaseThrottle'),
            { type: 'openRollBack', params: ({ context }) => ({ charts: rollBack(context.plan, context.sending) }) },
          ],
        },
      },
    },
    cancelled: {
      type: 'final',
      entry: [status('cancelled'), 'closePreCopy', 'closeStopAndCopy', 'closeRollBack', end()],
    },
    failed: { type: 'final', entry: [status('failed'), 'closePreCopy', 'closeStopAndCopy', 'closeRollBack', end()] },
    unrecovered: {
      description: 'Paused for too long: the status stays what it was, and so do both hosts.',
      type: 'final',
      entry: end(),
    },
    ...inDoubtStatus,
  },
});

function end() {
  return {
    type: 'tellEnd',
    params: ({ context }: { context: Context }) => ({ outcome: context.outcome, reason: context.reason }),
  } as const;
}

function failure(event: Events): string {
  const what = 'during' in event && event.type !== 'DESTINATION_REACHED' ? event.during : during(event);
  return 'errno' in event && event.errno !== undefined ? `${what} (${event.errno})` : what;
}
