/**
 * The switchover: stop the vCPUs, quiesce and stop every device, collect for the last time, copy what is left, hand over.
 *
 * The order is what makes it safe (include/uapi/linux/vfio.h, QEMU docs/devel/migration/vfio.rst): all devices are in
 * P2P before the first one is stopped, so none can be written by another that still runs; all are stopped before the last
 * collect; the last collect comes before the last copy. Then the destination loads and proves every image, the storage
 * changes hands, and only then may the destination run. From `handingOver` on this chart cannot be cancelled.
 *
 * A device that only the guest's driver can tell about comes before all that, while the vCPUs still run: its DMA is halted,
 * the driver writes every page of it, and what that made dirty is collected and sent. None of it is downtime of the guest.
 * The file is long because it is one order with its failures.
 */
import { assign, setup } from 'xstate';
import { arrived, everyoneArrived, expecting } from './barrier.ts';
import { during } from './failure.ts';
import type { Cooperation } from './guest-driver.ts';
import { type Address, commands, facts, messages, type Received, type SwitchoverPhase } from './messages.ts';
import type { Answer, DeviceStatesWay, Errno } from './words.ts';

export interface StopAndCopyDevice {
  readonly id: string;
  readonly address: Address;
  readonly p2p: boolean;
  /** It is in PRE_COPY now, so that its way leads straight to STOP_COPY and its stream goes on. */
  readonly preCopy: boolean;
}

export interface StopAndCopyInput {
  /** Absent: no device needs it. */
  readonly cooperation?: Cooperation;
  readonly devices: readonly StopAndCopyDevice[];
  readonly pauseBeforeSwitchover: boolean;
  /**
   * Device states travel over multifd's channels: all at once after the memory, or beside it, over channels of their own.
   * Absent: one after the other on the main channel.
   */
  readonly deviceStates?: DeviceStatesWay;
  /** What is left is not copied now: the destination is told to drop what it has of it, and fetches it when it runs. */
  readonly postCopy?: true;
}

interface Context extends StopAndCopyInput {
  waitingFor: readonly string[];
  dirtySet: number;
  /** Devices whose state is still to be sent, in order. */
  toSend: readonly string[];
  during: string;
  errno: Errno | undefined;
}

type Events =
  | Received<'stop-and-copy'>
  | Answer<'sendRound' | 'sendRemaining' | 'discardDirty' | 'sendDeviceState' | 'releaseStorage' | 'haltRound'>;

const withP2p = (context: Context) => context.devices.filter((device) => device.p2p);
const driversOf = (context: Context) => context.cooperation?.drivers ?? [];
const addresses = (devices: readonly StopAndCopyDevice[]) => devices.map((device) => device.address);
const ids = (devices: readonly StopAndCopyDevice[]) => devices.map((device) => device.id);

/** Where a stopped device waits for its state to be read: QEMU chooses STOP_COPY only for one that was in pre-copy. */
const stopTarget = (device: StopAndCopyDevice) => (device.preCopy ? 'STOP_COPY' : 'STOP');

/** The order that moves these devices with P2P to the quiet state of their present one. */
function quietTarget(preCopy: boolean) {
  return preCopy ? ('PRE_COPY_P2P' as const) : ('RUNNING_P2P' as const);
}

const enter = (phase: SwitchoverPhase) => ({ type: 'tellPhase', params: { phase } }) as const;

/** Every device's stream is opened, and all of them are open, before anything is sent. */
const openingAll = {
  entry: [
    'expectAll',
    {
      type: 'openAllStreams',
      params: ({ context }: { readonly context: Context }) => ({
        to: addresses(context.devices),
        target: 'STOP_COPY' as const,
      }),
    },
  ],
  on: {
    DEVICE_REACHED: [
      { guard: 'streamOpened', actions: 'countArrival' },
      { target: '#stop-and-copy.failed', actions: 'rememberFailure' },
    ],
  },
  always: { guard: 'everyoneArrived', target: 'sending' },
} as const;

export const stopAndCopy = setup({
  types: {} as { context: Context; events: Events; input: StopAndCopyInput },
  actions: {
    ...commands('sendRound', 'sendRemaining', 'discardDirty', 'sendDeviceState', 'releaseStorage', 'haltRound'),
    ...messages({
      haltDrivers: ['guest-driver', 'HALT_DMA'],
      stopGuest: ['guest', 'STOP'],
      quiescePreCopyDevices: ['device', 'SET_STATE'],
      quiesceRunningDevices: ['device', 'SET_STATE'],
      stopPreCopyDevices: ['device', 'SET_STATE'],
      stopRunningDevices: ['device', 'SET_STATE'],
      openStateStream: ['device', 'SET_STATE'],
      openAllStreams: ['device', 'SET_STATE'],
      syncLog: ['dirty-log', 'SYNC'],
      loadDestination: ['destination', 'LOAD'],
      handOver: ['destination', 'TAKE_OVER'],
      tellDevicesStopped: ['migration', 'DEVICES_STOPPED'],
      tellPaused: ['migration', 'PAUSED_BEFORE_SWITCHOVER'],
      tellPackageSent: ['migration', 'PACKAGE_SENT'],
      tellHandingOver: ['migration', 'HANDING_OVER'],
      tellDone: ['migration', 'SWITCHED_OVER'],
      tellFailure: ['migration', 'SWITCHOVER_FAILED'],
      tellInDoubt: ['migration', 'SWITCHOVER_FAILED'],
      tellHalted: ['roll-back', 'SENDING_HALTED'],
    }),
    ...facts({ tellPhase: 'SWITCHOVER_PHASE_ENTERED' }),
    expectDrivers: assign(({ context }) => expecting(driversOf(context).map(({ id }) => id))),
    expectP2p: assign(({ context }) => expecting(ids(withP2p(context)))),
    expectAll: assign(({ context }) => expecting(ids(context.devices))),
    countArrival: assign(({ context, event }) =>
      event.type === 'DEVICE_REACHED' || event.type === 'DRIVER_REACHED' ? arrived(context, event.device) : {},
    ),
    rememberSync: assign(({ event }) => (event.type === 'BITMAP_SYNCED' ? { dirtySet: event.dirtySet } : {})),
    dropSent: assign(({ context }) => ({ toSend: context.toSend.slice(1) })),
    rememberFailure: assign(({ event }) => ({
      during: during(event),
      errno: 'errno' in event ? event.errno : undefined,
    })),
  },
  guards: {
    everyoneArrived: ({ context }) => everyoneArrived(context),
    driversHelp: ({ context }) => context.cooperation !== undefined,
    driverHalted: ({ event }) =>
      event.type === 'DRIVER_REACHED' && event.asked === 'halted' && event.state === 'halted',
    guestStopped: ({ event }) =>
      event.type === 'GUEST_REACHED' && event.asked === 'stopped' && event.state === 'stopped',
    guestDidNotStop: ({ event }) =>
      event.type === 'GUEST_REACHED' && event.asked === 'stopped' && event.state !== 'stopped',
    deviceQuiet: ({ event }) =>
      event.type === 'DEVICE_REACHED' &&
      event.state === event.asked &&
      (event.asked === 'PRE_COPY_P2P' || event.asked === 'RUNNING_P2P'),
    deviceStopped: ({ event }) =>
      event.type === 'DEVICE_REACHED' &&
      event.state === event.asked &&
      (event.asked === 'STOP' || event.asked === 'STOP_COPY'),
    streamOpened: ({ event }) =>
      event.type === 'DEVICE_REACHED' && event.asked === 'STOP_COPY' && event.state === 'STOP_COPY',
    deviceFailed: ({ event }) => event.type === 'DEVICE_REACHED' && event.state !== event.asked,
    everyoneHereAndWantsPause: ({ context }) => everyoneArrived(context) && context.pauseBeforeSwitchover,
    goesPostCopy: ({ context }) => context.postCopy === true,
    statesBesideMemory: ({ context }) => context.deviceStates === 'beside-memory' && context.devices.length > 0,
    statesTogether: ({ context }) => context.deviceStates === 'together' && context.devices.length > 0,
    allSent: ({ context }) => context.toSend.length === 0,
    destinationLoaded: ({ event }) => event.type === 'DESTINATION_REACHED' && event.state === 'loaded',
    destinationRuns: ({ event }) => event.type === 'DESTINATION_REACHED' && event.state === 'running',
    destinationFailed: ({ event }) => event.type === 'DESTINATION_REACHED' && event.state === 'failed',
  },
}).createMachine({
  id: 'stop-and-copy',
  description: 'The switchover, in the order that loses nothing. QEMU: migration_completion, hw/vfio/migration.c.',
  context: ({ input }) => ({
    ...input,
    waitingFor: [],
    dirtySet: 0,
    toSend: ids(input.devices),
    during: '',
    errno: undefined,
  }),
  options: { maxIterations: 100 },
  initial: 'switching',
  states: {
    switching: {
      initial: 'choosing',
      on: {
        HALT: 'halting',
        GUEST_REACHED: [
          { guard: 'guestDidNotStop', target: 'failed', actions: 'rememberFailure' },
          { description: 'An answer that has been counted.' },
        ],
        DRIVER_REACHED: { description: 'An answer to an order that a later one has replaced.' },
        DEVICE_REACHED: [
          { guard: 'deviceFailed', target: 'failed', actions: 'rememberFailure' },
          { description: 'An answer to an order that a later one has replaced.' },
        ],
        SYNC_FAILED: { target: 'failed', actions: 'rememberFailure' },
        DIRTY_LOG_REACHED: { description: 'An answer to an order that a later one has replaced.' },
        CONTINUE: { description: 'Only a paused switchover waits for it.' },
        DESTINATION_REACHED: [
          { guard: 'destinationFailed', target: 'failed', actions: 'rememberFailure' },
          { description: 'An answer to an order that a later one has replaced.' },
        ],
        'FAILED.*': { target: 'failed', actions: 'rememberFailure' },
      },
      states: {
        choosing: {
          always: [{ guard: 'driversHelp', target: 'haltingDma' }, { target: 'stoppingGuest' }],
        },
        haltingDma: {
          description:
            'The vCPUs run until every driver has halted its DMA and written every page of it: stopped ones could not.',
          entry: [
            'expectDrivers',
            {
              type: 'haltDrivers',
              params: ({ context }) => ({ to: driversOf(context).map(({ address }) => address) }),
            },
          ],
          on: {
            DRIVER_REACHED: [
              { guard: 'driverHalted', actions: 'countArrival' },
              { target: '#stop-and-copy.failed', actions: 'rememberFailure' },
            ],
          },
          always: { guard: 'everyoneArrived', target: 'collectingDummyWrites' },
        },
        collectingDummyWrites: {
          description: 'Only now: a collect that comes before the dummy writes leaves what the devices wrote unknown.',
          entry: { type: 'syncLog', params: { final: false } },
          on: { BITMAP_SYNCED: { target: 'copyingDummyWrites', actions: 'rememberSync' } },
        },
        copyingDummyWrites: {
          description: 'One pass more while the vCPUs run, so that a large DMA area is not sent in the downtime.',
          entry: {
            type: 'sendRound',
            params: ({ context }) => ({
              round: context.cooperation?.round ?? 0,
              dirtySet: context.dirtySet,
              ends: context.cooperation?.ends ?? { rule: 'drained' },
            }),
          },
          on: { 'DONE.sendRound': 'stoppingGuest' },
        },
        stoppingGuest: {
          entry: [enter('stop-vcpus'), 'stopGuest'],
          on: {
            GUEST_REACHED: [
              { guard: 'guestStopped', target: 'quiescing' },
              { target: '#stop-and-copy.failed', actions: 'rememberFailure' },
            ],
          },
        },
        quiescing: {
          description: 'The P2P barrier: every device stops writing to the others before any of them stops answering.',
          entry: [
            enter('quiesce'),
            'expectP2p',
            {
              type: 'quiescePreCopyDevices',
              params: ({ context }) => ({
                to: addresses(withP2p(context).filter((device) => device.preCopy)),
                target: quietTarget(true),
              }),
            },
            {
              type: 'quiesceRunningDevices',
              params: ({ context }) => ({
                to: addresses(withP2p(context).filter((device) => !device.preCopy)),
                target: quietTarget(false),
              }),
            },
          ],
          on: {
            DEVICE_REACHED: [
              { guard: 'deviceQuiet', actions: 'countArrival' },
              { target: '#stop-and-copy.failed', actions: 'rememberFailure' },
            ],
          },
          always: { guard: 'everyoneArrived', target: 'stoppingDevices' },
        },
        stoppingDevices: {
          description:
            'One that was in pre-copy goes to STOP_COPY and its stream goes on; the others go to STOP first.',
          entry: [
            'expectAll',
            {
              type: 'stopPreCopyDevices',
              params: ({ context }) => ({
                to: addresses(context.devices.filter((device) => stopTarget(device) === 'STOP_COPY')),
                target: 'STOP_COPY',
              }),
            },
            {
              type: 'stopRunningDevices',
              params: ({ context }) => ({
                to: addresses(context.devices.filter((device) => stopTarget(device) === 'STOP')),
                target: 'STOP',
              }),
            },
          ],
          on: {
            DEVICE_REACHED: [
              { guard: 'deviceStopped', actions: 'countArrival' },
              { target: '#stop-and-copy.failed', actions: 'rememberFailure' },
            ],
          },
          always: [
            { guard: 'everyoneHereAndWantsPause', target: 'paused' },
            { guard: 'everyoneArrived', target: 'finalSync' },
          ],
        },
        paused: {
          description: 'pause-before-switchover: the guest is stopped and nothing has been given away yet.',
          entry: [enter('pause'), 'tellPaused'],
          on: { CONTINUE: 'finalSync' },
        },
        finalSync: {
          description: 'Nothing writes any more: this collect is complete.',
          entry: [enter('final-sync'), 'tellDevicesStopped', { type: 'syncLog', params: { final: true } }],
          on: {
            BITMAP_SYNCED: [
              { guard: 'goesPostCopy', target: 'discarding', actions: 'rememberSync' },
              { guard: 'statesBesideMemory', target: 'copyingBoth', actions: 'rememberSync' },
              { target: 'copyingMemory', actions: 'rememberSync' },
            ],
          },
        },
        discarding: {
          description: 'Pages that were sent and written again are dropped there, or the guest would find old ones.',
          entry: [enter('memory'), { type: 'discardDirty', params: ({ context }) => ({ dirtySet: context.dirtySet }) }],
          on: { 'DONE.discardDirty': { target: 'copyingDevices', actions: 'tellPackageSent' } },
        },
        copyingMemory: {
          description: "The migration's bandwidth cap is lifted here (QEMU: RATE_LIMIT_DISABLED).",
          entry: [
            enter('memory'),
            { type: 'sendRemaining', params: ({ context }) => ({ dirtySet: context.dirtySet }) },
          ],
          on: {
            'DONE.sendRemaining': [
              { guard: 'statesTogether', target: 'copyingDevicesTogether' },
              { target: 'copyingDevices' },
            ],
          },
        },
        copyingBoth: {
          description:
            'Device states on channels of their own beside the memory: proposed in 2024 (multifd-channels-device-state, qemu-devel), in no release.',
          entry: enter('memory'),
          initial: 'opening',
          states: {
            opening: openingAll,
            sending: {
              entry: [
                { type: 'sendRemaining', params: ({ context }) => ({ dirtySet: context.dirtySet }) },
                { type: 'sendDeviceState', params: ({ context }) => allStates(context) },
              ],
              on: {
                'DONE.sendRemaining': { target: 'devicesLeft', actions: enter('device-state') },
                'DONE.sendDeviceState': 'memoryLeft',
              },
            },
            devicesLeft: {
              description: 'Only what the devices take longer than the memory is theirs.',
              on: { 'DONE.sendDeviceState': '#stop-and-copy.switching.loading' },
            },
            memoryLeft: {
              on: {
                'DONE.sendRemaining': {
                  target: '#stop-and-copy.switching.loading',
                  actions: enter('device-state'),
                },
              },
            },
          },
        },
        copyingDevicesTogether: {
          description:
            'A thread per device, and the channels that they share with the memory are free of it (QEMU 10.0, hw/vfio/migration-multifd.c).',
          entry: enter('device-state'),
          initial: 'opening',
          states: {
            opening: openingAll,
            sending: {
              description: 'Each to the end of its stream; the answer comes after the last of them.',
              entry: { type: 'sendDeviceState', params: ({ context }) => allStates(context) },
              on: { 'DONE.sendDeviceState': '#stop-and-copy.switching.loading' },
            },
          },
        },
        copyingDevices: {
          entry: enter('device-state'),
          initial: 'next',
          states: {
            next: { always: [{ guard: 'allSent', target: '#stop-and-copy.switching.loading' }, { target: 'opening' }] },
            opening: {
              description:
                'STOP to STOP_COPY opens a stream; a device that is there already keeps the one from pre-copy.',
              entry: {
                type: 'openStateStream',
                params: ({ context }) => ({ to: addressOf(context, context.toSend[0] as string), target: 'STOP_COPY' }),
              },
              on: {
                DEVICE_REACHED: [
                  { guard: 'streamOpened', target: 'sending' },
                  { target: '#stop-and-copy.failed', actions: 'rememberFailure' },
                ],
              },
            },
            sending: {
              description: 'Read to the end of stream: 0 bytes, never ENOMSG here (uapi vfio.h).',
              entry: { type: 'sendDeviceState', params: ({ context }) => ({ device: context.toSend[0] as string }) },
              on: { 'DONE.sendDeviceState': { target: 'next', actions: 'dropSent' } },
            },
          },
        },
        loading: {
          description: 'The destination loads what it got and proves every image, before anything is given away.',
          entry: [enter('load'), 'loadDestination'],
          on: {
            DESTINATION_REACHED: [
              { guard: 'destinationLoaded', target: 'releasing' },
              { target: '#stop-and-copy.failed', actions: 'rememberFailure' },
            ],
          },
        },
        releasing: {
          entry: [enter('resume'), 'releaseStorage'],
          on: {
            'DONE.releaseStorage': '#stop-and-copy.handingOver',
            HALT: { description: 'The storage may be on its way out.', target: '#stop-and-copy.awaitingRelease' },
          },
        },
      },
    },
    handingOver: {
      description: 'The destination acquires the storage: the point of no return. No cancel from here on.',
      entry: ['tellHandingOver', 'handOver'],
      on: {
        CONTINUE: { description: 'Only a paused switchover waits for it.' },
        DESTINATION_REACHED: [
          { guard: 'destinationRuns', target: 'done' },
          { guard: 'destinationFailed', target: 'failed', actions: 'rememberFailure' },
          { target: 'inDoubt', actions: 'rememberFailure' },
        ],
      },
    },
    done: { entry: 'tellDone' },
    failed: {
      description: 'The destination was never told to run: the source may go on.',
      entry: {
        type: 'tellFailure',
        params: ({ context }) => ({
          during: context.during,
          errno: context.errno ?? 'EIO',
          destination: 'not-started',
        }),
      },
      on: {
        HALT: [
          { description: 'Its other half may still be sent.', guard: 'statesBesideMemory', target: 'halting' },
          { description: 'Nothing is being sent.', target: 'halted' },
        ],
        '*': { description: 'Answers to orders that no longer matter.' },
      },
    },
    awaitingRelease: {
      description: 'Only once the release is over, one way or the other, may the source ask for its storage again.',
      on: {
        'DONE.releaseStorage': 'halting',
        'FAILED.releaseStorage': 'halting',
        '*': { description: 'Answers to orders that no longer matter.' },
      },
    },
    halting: {
      description: 'A copy that runs is ended early.',
      entry: 'haltRound',
      on: {
        'DONE.haltRound': 'halted',
        'FAILED.haltRound': { description: 'Its answers are no longer waited for.', target: 'halted' },
        '*': { description: 'Answers to orders that no longer matter.' },
      },
    },
    halted: {
      entry: 'tellHalted',
      on: {
        HALT: { target: 'halted', reenter: true },
        '*': { description: 'Answers to orders that no longer matter.' },
      },
    },
    inDoubt: {
      description: 'The destination may run. Nothing here may bring the source back.',
      entry: {
        type: 'tellInDoubt',
        params: ({ context }) => ({ during: context.during, errno: context.errno ?? 'EIO', destination: 'unknown' }),
      },
    },
  },
});

/** Of every device, in one order. */
function allStates({ devices }: Context): { device: string; beside: readonly string[] } {
  const [device, ...beside] = ids(devices);
  return { device: device as string, beside };
}

function addressOf(context: Context, id: string): Address {
  const device = context.devices.find((candidate) => candidate.id === id);
  if (device === undefined) throw new Error(`no device "${id}"`);
  return device.address;
}
