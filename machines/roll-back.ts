/**
 * The one way back, for a cancel, a failure and a run that gave up alike.
 *
 * In this order: nothing is sent any more; the destination is given up; the source holds its storage again; the devices run
 * (quiet together first, as they were stopped); the logs are off; only then the vCPUs run, because a guest must not find
 * its device stopped (QEMU: the notifier sets RUNNING for every device before the VM is started); and drivers of the guest
 * that had halted their devices' DMA go on, for which it must run. What cannot be undone is
 * passed over with a warning, except the storage: a source that cannot have it again stays stopped and says so.
 */
import { assign, setup } from 'xstate';
import { arrived, everyoneArrived, expecting } from './barrier.ts';
import { driverSilent } from './failure.ts';
import { type Address, commands, facts, messages, type Received } from './messages.ts';
import type { Answer, DeviceState, Errno } from './words.ts';

/** How often the source tries to have its storage again; this project's own default. */
export const REACQUIRE_ATTEMPTS_MAX = 3;

export interface RollBackInput {
  /** Which chart was sending. */
  readonly sending: 'pre-copy' | 'stop-and-copy' | 'nobody';
  /** The switchover had begun: the guest may be stopped and the storage released. */
  readonly switching: boolean;
  readonly devices: readonly { readonly id: string; readonly address: Address; readonly p2p: boolean }[];
  /** Drivers of the guest that may have halted their devices' DMA; absent: none. */
  readonly drivers?: readonly { readonly id: string; readonly address: Address }[];
  /** A manager may have stopped the guest before the switchover; absent: nobody may have. */
  readonly managed?: true;
}

interface Context extends RollBackInput {
  target: DeviceState;
  waitingFor: readonly string[];
  attempts: number;
  because: string;
  errno: Errno | undefined;
}

type Events = Received<'roll-back'> | Answer<'acquireStorage'>;

const driversOf = (context: Context) => context.drivers ?? [];
const withP2p = (context: Context) => context.devices.filter((device) => device.p2p);

export const rollBack = setup({
  types: {} as { context: Context; events: Events; input: RollBackInput },
  actions: {
    ...commands('acquireStorage'),
    ...messages({
      haltPreCopy: ['pre-copy', 'HALT'],
      haltStopAndCopy: ['stop-and-copy', 'HALT'],
      abandonDestination: ['destination', 'ABANDON'],
      quietDevices: ['device', 'SET_STATE'],
      runDevices: ['device', 'SET_STATE'],
      stopLog: ['dirty-log', 'STOP'],
      resumeGuest: ['guest', 'RESUME'],
      resumeDrivers: ['guest-driver', 'RESUME_DMA'],
      tellDone: ['migration', 'ROLLED_BACK'],
    }),
    ...facts({ warn: 'WARNED' }),
    expectP2p: assign(({ context }) => ({
      target: 'RUNNING_P2P' as const,
      ...expecting(withP2p(context).map(({ id }) => id)),
    })),
    expectRunning: assign(({ context }) => ({
      target: 'RUNNING' as const,
      ...expecting(context.devices.map(({ id }) => id)),
    })),
    expectDrivers: assign(({ context }) => expecting(driversOf(context).map(({ id }) => id))),
    countArrival: assign(({ context, event }) =>
      event.type === 'DEVICE_REACHED' || event.type === 'DRIVER_REACHED' ? arrived(context, event.device) : {},
    ),
    countAttempt: assign(({ context }) => ({ attempts: context.attempts + 1 })),
    rememberErrno: assign(({ event }) => ('errno' in event ? { errno: event.errno } : {})),
    noteStorage: assign({ because: 'the source could not acquire its storage again' }),
    noteGuest: assign({ because: 'the vCPUs of the source could not be resumed' }),
  },
  guards: {
    preCopySends: ({ context }) => context.sending === 'pre-copy',
    stopAndCopySends: ({ context }) => context.sending === 'stop-and-copy',
    wasSwitching: ({ context }) => context.switching,
    mayBeStopped: ({ context }) => context.switching || context.managed === true,
    mayTryAgain: ({ context }) => context.attempts < REACQUIRE_ATTEMPTS_MAX,
    everyoneArrived: ({ context }) => everyoneArrived(context),
    deviceArrived: ({ context, event }) =>
      event.type === 'DEVICE_REACHED' && event.asked === context.target && event.state === context.target,
    deviceFailed: ({ context, event }) =>
      event.type === 'DEVICE_REACHED' && event.asked === context.target && event.state !== context.target,
    destinationIsGone: ({ event }) => event.type === 'DESTINATION_REACHED' && event.asked === 'gone',
    logIsOff: ({ event }) => event.type === 'DIRTY_LOG_REACHED' && event.asked === 'off',
    guestRuns: ({ event }) => event.type === 'GUEST_REACHED' && event.asked === 'running' && event.state === 'running',
    driverRuns: ({ event }) =>
      event.type === 'DRIVER_REACHED' && event.asked === 'running' && event.state === 'running',
    driverDoesNotRun: ({ event }) =>
      event.type === 'DRIVER_REACHED' && event.asked === 'running' && event.state !== 'running',
    guestDoesNotRun: ({ event }) =>
      event.type === 'GUEST_REACHED' && event.asked === 'running' && event.state !== 'running',
  },
}).createMachine({
  id: 'roll-back',
  description: 'Back to a running source, in the order that is safe at every point before the point of no return.',
  context: ({ input }) => ({ ...input, target: 'RUNNING', waitingFor: [], attempts: 0, because: '', errno: undefined }),
  options: { maxIterations: 100 },
  initial: 'halting',
  on: {
    DEVICE_REACHED: { description: 'An answer to an order that a later one has replaced.' },
    GUEST_REACHED: { description: 'An answer to an order that a later one has replaced.' },
    DRIVER_REACHED: { description: 'An answer to an order that a later one has replaced.' },
    DIRTY_LOG_REACHED: { description: 'An answer to an order that a later one has replaced.' },
    DESTINATION_REACHED: { description: 'An answer to an order that a later one has replaced.' },
  },
  states: {
    halting: {
      description: 'Whoever sends stops sending.',
      always: [
        { guard: 'preCopySends', target: 'haltingPreCopy' },
        { guard: 'stopAndCopySends', target: 'haltingStopAndCopy' },
        { target: 'abandoningDestination' },
      ],
    },
    haltingPreCopy: { entry: 'haltPreCopy', on: { SENDING_HALTED: 'abandoningDestination' } },
    haltingStopAndCopy: { entry: 'haltStopAndCopy', on: { SENDING_HALTED: 'abandoningDestination' } },
    abandoningDestination: {
      description: 'It has never been started and owns no storage.',
      entry: 'abandonDestination',
      on: {
        DESTINATION_REACHED: [
          { guard: 'destinationIsGone', target: 'checkingStorage' },
          { description: 'It failed by itself in the meantime.' },
        ],
      },
    },
    checkingStorage: {
      always: [{ guard: 'wasSwitching', target: 'reacquiringStorage' }, { target: 'returningDevices' }],
    },
    reacquiringStorage: {
      description: 'The storage is the arbiter: without it the source must not run.',
      entry: ['countAttempt', { type: 'acquireStorage', params: { host: 'source' } }],
      on: {
        'DONE.acquireStorage': 'quietingDevices',
        'FAILED.acquireStorage': [
          { guard: 'mayTryAgain', target: 'reacquiringStorage', reenter: true },
          { target: 'stuck', actions: ['rememberErrno', 'noteStorage'] },
        ],
      },
    },
    quietingDevices: {
      description: 'All devices answer each other before the first one may write to another.',
      entry: [
        'expectP2p',
        {
          type: 'quietDevices',
          params: ({ context }) => ({ to: withP2p(context).map(({ address }) => address), target: 'RUNNING_P2P' }),
        },
      ],
      on: {
        DEVICE_REACHED: [
          { guard: 'deviceArrived', actions: 'countArrival' },
          { guard: 'deviceFailed', description: 'The order to run resets it.', actions: 'countArrival' },
          { description: 'An answer to an order that a later one has replaced.' },
        ],
      },
      always: { guard: 'everyoneArrived', target: 'returningDevices' },
    },
    returningDevices: {
      description: 'A device that cannot be brought back to RUNNING is reset by its own chart.',
      entry: [
        'expectRunning',
        {
          type: 'runDevices',
          params: ({ context }) => ({ to: context.devices.map(({ address }) => address), target: 'RUNNING' }),
        },
      ],
      on: {
        DEVICE_REACHED: [
          { guard: 'deviceArrived', actions: 'countArrival' },
          {
            guard: 'deviceFailed',
            description: 'Even the reset failed: the guest runs on without it.',
            actions: [
              'countArrival',
              {
                type: 'warn',
                params: ({ event }) => ({ of: `device ${event.device} is ${event.state}`, errno: event.errno }),
              },
            ],
          },
          { description: 'An answer to an order that a later one has replaced.' },
        ],
      },
      always: { guard: 'everyoneArrived', target: 'stoppingLog' },
    },
    stoppingLog: {
      entry: 'stopLog',
      on: {
        DIRTY_LOG_REACHED: [
          { guard: 'logIsOff', target: 'checkingGuest' },
          { description: 'An answer to an order that a later one has replaced.' },
        ],
      },
    },
    checkingGuest: { always: [{ guard: 'mayBeStopped', target: 'resumingGuest' }, { target: 'resumingDma' }] },
    resumingGuest: {
      entry: 'resumeGuest',
      on: {
        GUEST_REACHED: [
          { guard: 'guestRuns', target: 'resumingDma' },
          { guard: 'guestDoesNotRun', target: 'stuck', actions: ['rememberErrno', 'noteGuest'] },
          { description: 'An answer to an order that a later one has replaced.' },
        ],
      },
    },
    resumingDma: {
      description: 'A driver does it on the vCPUs. One that cannot leaves its device silent, and the guest runs on.',
      entry: [
        'expectDrivers',
        {
          type: 'resumeDrivers',
          params: ({ context }) => ({ to: driversOf(context).map(({ address }) => address), host: 'source' }),
        },
      ],
      on: {
        DRIVER_REACHED: [
          { guard: 'driverRuns', actions: 'countArrival' },
          {
            guard: 'driverDoesNotRun',
            actions: ['countArrival', { type: 'warn', params: ({ event }) => driverSilent(event) }],
          },
          { description: 'An answer to an order that a later one has replaced.' },
        ],
      },
      always: { guard: 'everyoneArrived', target: 'done' },
    },
    done: { entry: { type: 'tellDone', params: { guest: 'running', because: '' } } },
    stuck: {
      description: 'The source stays stopped. Never two guests outranks never none.',
      entry: {
        type: 'tellDone',
        params: ({ context }) => ({ guest: 'stopped', because: `${context.because} (${context.errno})` }),
      },
    },
  },
});
