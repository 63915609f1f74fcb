/**
 * The incoming side: prepared, loaded, taken over, or given up.
 *
 * Devices go to RESUMING before anything arrives, and leave it by STOP, where the kernel finalises and validates the image:
 * that proof comes before the storage is acquired, so that a bad image still lets the source go on. Acquiring the storage
 * is the point of no return: what fails after it leaves the outcome in doubt, never two guests. This chart refuses to
 * start a vCPU before it owns the storage.
 */
import { assign, setup } from 'xstate';
import { arrived, everyoneArrived, expecting } from './barrier.ts';
import { during } from './failure.ts';
import { type Address, commands, messages, type Received } from './messages.ts';
import type { Answer, DeviceState, Errno } from './words.ts';

export interface DestinationInput {
  readonly devices: readonly { readonly id: string; readonly address: Address; readonly p2p: boolean }[];
}

interface Context extends DestinationInput {
  asker: Address;
  /** The state that the barrier waits for. */
  target: DeviceState;
  waitingFor: readonly string[];
  during: string | undefined;
  errno: Errno | undefined;
}

type Events =
  | Received<'destination'>
  | Answer<'prepareDestination' | 'loadDestination' | 'acquireStorage' | 'startDestination' | 'quitDestination'>;

type Asked = 'prepared' | 'loaded' | 'running' | 'gone';

export const destination = setup({
  types: {} as { context: Context; events: Events; input: DestinationInput },
  actions: {
    ...commands('prepareDestination', 'loadDestination', 'acquireStorage', 'startDestination', 'quitDestination'),
    ...messages({
      orderResuming: ['device', 'SET_STATE'],
      orderStop: ['device', 'SET_STATE'],
      orderP2p: ['device', 'SET_STATE'],
      orderRunning: ['device', 'SET_STATE'],
      answer: [['migration', 'stop-and-copy', 'roll-back', 'in-doubt'], 'DESTINATION_REACHED'],
    }),
    rememberDevices: assign(({ event }) =>
      event.type === 'DEVICES_CHANGED'
        ? { devices: event.devices.map(({ id, address, p2p }) => ({ id, address, p2p })) }
        : {},
    ),
    rememberAsker: assign(({ event }) => ({
      asker: (event as Received<'destination'>).from,
      during: undefined,
      errno: undefined,
    })),
    rememberAskerOnly: assign(({ event }) => ({ asker: (event as Received<'destination'>).from })),
    rememberErrno: assign(({ event }) => ('errno' in event ? { during: during(event), errno: event.errno } : {})),
    expectResuming: assign(({ context }) => ({
      target: 'RESUMING' as const,
      ...expecting(context.devices.map(({ id }) => id)),
    })),
    expectStop: assign(({ context }) => ({
      target: 'STOP' as const,
      ...expecting(context.devices.map(({ id }) => id)),
    })),
    expectP2p: assign(({ context }) => ({
      target: 'RUNNING_P2P' as const,
      ...expecting(context.devices.filter(({ p2p }) => p2p).map(({ id }) => id)),
    })),
    expectRunning: assign(({ context }) => ({
      target: 'RUNNING' as const,
      ...expecting(context.devices.map(({ id }) => id)),
    })),
    countArrival: assign(({ context, event }) =>
      event.type === 'DEVICE_REACHED' ? arrived(context, event.device) : {},
    ),
  },
  guards: {
    everyoneArrived: ({ context }) => everyoneArrived(context),
    lacksOnlyTheStorage: ({ context }) => context.during === 'acquireStorage',
    deviceArrived: ({ context, event }) =>
      event.type === 'DEVICE_REACHED' && event.asked === context.target && event.state === context.target,
    deviceFailed: ({ context, event }) =>
      event.type === 'DEVICE_REACHED' && event.asked === context.target && event.state !== context.target,
  },
}).createMachine({
  id: 'destination',
  description: 'The incoming migration. QEMU: migrate-incoming, process_incoming_migration_co.',
  context: ({ input }) => ({
    ...input,
    asker: 'migration',
    target: 'RUNNING',
    waitingFor: [],
    during: undefined,
    errno: undefined,
  }),
  options: { maxIterations: 100 },
  initial: 'inmigrate',
  on: {
    DEVICES_CHANGED: {
      description: 'Those that came are in RESUMING already; those that went are not proved.',
      actions: 'rememberDevices',
    },
  },
  states: {
    inmigrate: {
      description: "QEMU's run state of a process started with -incoming.",
      on: {
        PREPARE: { target: 'incoming', actions: 'rememberAsker' },
        ABANDON: { target: 'quitting', actions: 'rememberAsker' },
      },
    },
    incoming: {
      description: 'Everything up to here can be given up.',
      initial: 'preparing',
      on: {
        ABANDON: { target: 'quitting', actions: 'rememberAsker' },
        DEVICE_REACHED: [
          { guard: 'deviceFailed', target: 'failed', actions: 'rememberErrno' },
          { description: 'An answer to an order that a later one has replaced.' },
        ],
        'FAILED.*': { target: 'failed', actions: 'rememberErrno' },
      },
      states: {
        preparing: { entry: 'prepareDestination', on: { 'DONE.prepareDestination': 'resumingDevices' } },
        resumingDevices: {
          description: "RUNNING to RESUMING opens each device's load stream.",
          entry: [
            'expectResuming',
            {
              type: 'orderResuming',
              params: ({ context }) => ({ to: context.devices.map(({ address }) => address), target: 'RESUMING' }),
            },
          ],
          on: {
            DEVICE_REACHED: [
              { guard: 'deviceArrived', actions: 'countArrival' },
              { target: '#destination.failed', actions: 'rememberErrno' },
            ],
          },
          always: { guard: 'everyoneArrived', target: 'prepared' },
        },
        prepared: {
          entry: { type: 'answer', params: ({ context }) => reached(context, 'prepared', 'prepared') },
          on: { LOAD: { target: 'loading', actions: 'rememberAsker' } },
        },
        loading: {
          description:
            "What has been received is loaded: allocation of the devices' resources is most of it (mlx5: 1480 ms of 1900).",
          entry: 'loadDestination',
          on: { 'DONE.loadDestination': 'provingDevices' },
        },
        provingDevices: {
          description: 'RESUMING to STOP: the kernel finalises and validates what was written; a bad image fails here.',
          entry: [
            'expectStop',
            {
              type: 'orderStop',
              params: ({ context }) => ({ to: context.devices.map(({ address }) => address), target: 'STOP' }),
            },
          ],
          on: {
            DEVICE_REACHED: [
              { guard: 'deviceArrived', actions: 'countArrival' },
              { target: '#destination.failed', actions: 'rememberErrno' },
            ],
          },
          always: { guard: 'everyoneArrived', target: 'loaded' },
        },
        loaded: {
          entry: { type: 'answer', params: ({ context }) => reached(context, 'loaded', 'loaded') },
          on: { TAKE_OVER: { target: '#destination.acquiring', actions: 'rememberAsker' } },
        },
      },
    },
    acquiring: {
      description:
        'The storage is the arbiter: who holds it may run. Not acquired means not started, and the source may go on.',
      entry: { type: 'acquireStorage', params: { host: 'destination' } },
      on: {
        DEVICE_REACHED: { description: 'From before the doubt: every device is told again.' },
        'DONE.acquireStorage': 'owning',
        'FAILED.acquireStorage': { target: 'failed', actions: 'rememberErrno' },
      },
    },
    owning: {
      description: 'Past the point of no return: forward only.',
      initial: 'startingP2p',
      on: {
        DEVICE_REACHED: [
          { guard: 'deviceFailed', target: 'inDoubt', actions: 'rememberErrno' },
          { description: 'An answer to an order that a later one has replaced.' },
        ],
        'FAILED.*': { target: 'inDoubt', actions: 'rememberErrno' },
      },
      states: {
        startingP2p: {
          description: 'All devices answer each other before the first one may write to another.',
          entry: [
            'expectP2p',
            {
              type: 'orderP2p',
              params: ({ context }) => ({
                to: context.devices.filter(({ p2p }) => p2p).map(({ address }) => address),
                target: 'RUNNING_P2P',
              }),
            },
          ],
          on: {
            DEVICE_REACHED: { guard: 'deviceArrived', actions: 'countArrival' },
          },
          always: { guard: 'everyoneArrived', target: 'startingDevices' },
        },
        startingDevices: {
          entry: [
            'expectRunning',
            {
              type: 'orderRunning',
              params: ({ context }) => ({ to: context.devices.map(({ address }) => address), target: 'RUNNING' }),
            },
          ],
          on: {
            DEVICE_REACHED: { guard: 'deviceArrived', actions: 'countArrival' },
          },
          always: { guard: 'everyoneArrived', target: 'startingVcpus' },
        },
        startingVcpus: {
          description: 'Once this is on its way, the guest may run there, answered or not.',
          entry: 'startDestination',
          on: { 'DONE.startDestination': '#destination.running' },
        },
      },
    },
    running: { entry: { type: 'answer', params: ({ context }) => reached(context, 'running', 'running') } },
    inDoubt: {
      entry: { type: 'answer', params: ({ context }) => reached(context, 'running', 'unknown') },
      on: {
        ABANDON: {
          description: 'Only once it is known not to run, or fenced.',
          target: 'quitting',
          actions: 'rememberAsker',
        },
        TAKE_OVER: {
          description: 'Only once the source is fenced: there is nobody else to run the guest.',
          target: 'acquiring',
          actions: 'rememberAsker',
        },
        DEVICE_REACHED: { description: 'Too late to matter.' },
        'DONE.*': { description: 'Too late to matter.' },
        'FAILED.*': { description: 'Too late to matter.' },
      },
    },
    failed: {
      entry: { type: 'answer', params: ({ context }) => reached(context, 'loaded', 'failed') },
      on: {
        ABANDON: { target: 'quitting', actions: 'rememberAsker' },
        LOAD: { target: 'failed', reenter: true, actions: 'rememberAskerOnly' },
        TAKE_OVER: {
          guard: 'lacksOnlyTheStorage',
          description: 'Once more, after it could not acquire the storage: the source is fenced.',
          target: 'acquiring',
          actions: 'rememberAsker',
        },
        DEVICE_REACHED: { description: 'Too late to matter.' },
        'DONE.*': { description: 'Too late to matter.' },
        'FAILED.*': { description: 'Too late to matter.' },
      },
    },
    quitting: {
      entry: 'quitDestination',
      on: {
        ABANDON: { actions: 'rememberAsker' },
        'DONE.quitDestination': 'gone',
        'FAILED.quitDestination': {
          description:
            'It was never started. If it holds the storage all the same, the source cannot have it and stays stopped.',
          target: 'gone',
          actions: 'rememberErrno',
        },
        DEVICE_REACHED: { description: 'The process is being ended.' },
        'DONE.*': { description: 'The process is being ended.' },
        'FAILED.*': { description: 'The process is being ended.' },
        LOAD: { description: 'The process is being ended.' },
      },
    },
    gone: {
      entry: { type: 'answer', params: ({ context }) => reached(context, 'gone', 'gone') },
      on: {
        ABANDON: { target: 'gone', reenter: true, actions: 'rememberAsker' },
        DEVICE_REACHED: { description: 'Too late to matter.' },
        'DONE.*': { description: 'Too late to matter.' },
        'FAILED.*': { description: 'Too late to matter.' },
      },
    },
  },
});

function reached(context: Context, asked: Asked, state: Asked | 'failed' | 'unknown') {
  return { to: context.asker, asked, state, during: context.during, errno: context.errno };
}
