/**
 * Devices that come and go while a migration runs: an operator's PLUG and UNPLUG, carried out one at a time.
 *
 * Nothing changes in the middle of something: an order waits until the dirty log says that a sync is being made, which is
 * when nothing is sent and nothing decided. A device that comes is plugged, tracked, brought to RESUMING on the destination
 * and, where it can, to PRE_COPY. One that goes is let go of by the guest first, so that it writes no more; then its tracker
 * is read for the last time and stopped; only then is it taken out, because what its log knew goes with it. Every chart that
 * has a list of devices is told. What may not be is refused with a warning and changes nothing (plan-change.ts): QEMU
 * refuses both orders while it migrates. A change that fails half-way fails the migration, and the way back knows the device.
 */
import { assign, setup } from 'xstate';
import { arrived, everyoneArrived, expecting } from './barrier.ts';
import { type Address, closes, commands, facts, messages, opens, type Received } from './messages.ts';
import {
  changeOfTracking,
  controls,
  devicesNow,
  mirrorOf,
  mirrors,
  onDestination,
  onSource,
  trackingOf,
} from './openings.ts';
import { type Plan, plannedDevices } from './plan.ts';
import { changedPlan, changingContainer, type DeviceChange, refusal } from './plan-change.ts';
import type { Answer, DeviceState, Errno } from './words.ts';

export interface HotPlugInput {
  readonly plan: Plan;
}

interface Context extends HotPlugInput {
  /** As it is now: a change is in it from the moment when the device is there, or no longer writes. */
  plan: Plan;
  /** In the order in which they were asked for; the first is under way. */
  changes: readonly DeviceChange[];
  waitingFor: readonly string[];
  during: string;
  errno: Errno | undefined;
  /** Why nothing may change any more. */
  because: string;
}

type Events = Received<'hot-plug'> | Answer<'plugDevice' | 'ejectDevice' | 'removeDevice'>;

/** The change under way. Only asked for where there is one. */
const current = ({ changes }: Context) => changes[0] as DeviceChange;
const isPlug = ({ changes }: Context) => changes[0]?.to === 'plug';
/** Whom a device that comes must be brought to which state by: on the destination, and where it can on the source. */
function wanted(context: Context): readonly { readonly address: Address; readonly target: DeviceState }[] {
  const { device } = current(context);
  const preCopy = plannedDevices(context.plan).some(({ id, preCopy }) => id === device && preCopy);
  const resuming = { address: onDestination(device), target: 'RESUMING' as const };
  return preCopy ? [resuming, { address: onSource(device), target: 'PRE_COPY' as const }] : [resuming];
}

export const hotPlug = setup({
  types: {} as { context: Context; events: Events; input: HotPlugInput },
  actions: {
    ...commands('plugDevice', 'ejectDevice', 'removeDevice'),
    ...messages({
      askForASync: ['dirty-log', 'CHANGE_WAITS'],
      tellLog: ['dirty-log', 'DEVICES_CHANGED'],
      tellTracking: ['tracking', 'DEVICES_CHANGED'],
      tellMigration: ['migration', 'DEVICES_CHANGED'],
      tellFailure: ['migration', 'PRECOPY_FAILED'],
      tellPreCopy: ['pre-copy', 'DEVICES_CHANGED'],
      tellDestination: ['destination', 'DEVICES_CHANGED'],
      prepareOnDestination: ['device', 'SET_STATE'],
      prepareOnSource: ['device', 'SET_STATE'],
    }),
    ...opens({ openMirrors: 'vfio', openDevices: 'device' }),
    ...closes({ closeMirrors: 'vfio', closeDevices: 'device' }),
    ...facts({ warn: 'WARNED' }),
    rememberOrder: assign(({ context, event }) => ({ changes: [...context.changes, ...ordered(event)] })),
    forgetChange: assign(({ context }) => ({ changes: context.changes.slice(1) })),
    applyChange: assign(({ context }) => ({ plan: changedPlan(context.plan, current(context)) })),
    expectDevice: assign(({ context }) =>
      expecting([trackingOf(context.plan, current(context).device), ...wanted(context).map(({ address }) => address)]),
    ),
    countArrival: assign(({ context, event }) => arrived(context, (event as Received<'hot-plug'>).from)),
    rememberFailure: assign(({ context, event }) => ({
      during: failing(context, event),
      errno: ('errno' in event && event.errno) || ('EIO' as const),
      waitingFor: [],
    })),
    settle: assign(({ event }) => (event.type === 'SETTLE' ? { because: event.because, waitingFor: [] } : {})),
  },
  guards: {
    isRefused: ({ context, event }) =>
      ordered(event).some((change) => refusal(asOrdered(context), change) !== undefined),
    nothingWaits: ({ context }) => context.changes.length === 0,
    isNowRefused: ({ context }) => refusal(context.plan, current(context)) !== undefined,
    isPlug: ({ context }) => isPlug(context),
    everyoneArrived: ({ context }) => everyoneArrived(context),
    wasNotThere: ({ event }) => event.type === 'FAILED.removeDevice' && event.errno === 'ENODEV',
    tracks: ({ event }) => event.type === 'TRACKING_CHANGED' && event.state === 'tracking',
    deviceIsThere: ({ event }) => event.type === 'DEVICE_REACHED' && event.state === event.asked,
  },
}).createMachine({
  id: 'hot-plug',
  description: 'Devices that come and go while the migration runs. QEMU refuses both: system/qdev-monitor.c.',
  context: ({ input }) => ({
    plan: input.plan,
    changes: [],
    waitingFor: [],
    during: '',
    errno: undefined,
    because: '',
  }),
  options: { maxIterations: 100 },
  initial: 'resting',
  on: {
    PLUG: takesOrder(),
    UNPLUG: takesOrder(),
    CHANGE_NOW: { description: 'It is being done.' },
    SETTLE: { target: '.settling', actions: 'settle' },
    TRACKING_CHANGED: { description: 'Of a change that was given up.' },
    DEVICE_REACHED: { description: 'Of a change that was given up.' },
  },
  states: {
    resting: {
      on: { CHANGE_NOW: 'choosing' },
    },
    choosing: {
      description: 'Looked at once more: what was changed since it was asked for may be in its way.',
      always: [
        { guard: 'nothingWaits', target: 'resting', actions: 'tellLog' },
        {
          guard: 'isNowRefused',
          target: 'choosing',
          reenter: true,
          actions: [{ type: 'warn', params: ({ context }) => refused(context.plan, current(context)) }, 'forgetChange'],
        },
        { guard: 'isPlug', target: 'plugging' },
        { target: 'ejecting' },
      ],
    },
    plugging: {
      entry: { type: 'plugDevice', params: ({ context }) => named(context) },
      on: {
        'DONE.plugDevice': {
          description: 'From here on the way back has one device more to return.',
          target: 'joining',
          actions: [
            'applyChange',
            { type: 'tellMigration', params: ({ context }) => ({ containers: context.plan.containers }) },
          ],
        },
        'FAILED.plugDevice': { target: 'undoing', actions: { type: 'warn', params: notDone } },
      },
    },
    undoing: {
      description: 'It may have been plugged all the same, and nobody tracks it: out with it, and be sure.',
      entry: { type: 'removeDevice', params: ({ context }) => named(context) },
      on: {
        'DONE.removeDevice': 'forgetting',
        'FAILED.removeDevice': [
          { guard: 'wasNotThere', target: 'choosing', actions: 'forgetChange' },
          { target: 'failed', actions: 'rememberFailure' },
        ],
      },
    },
    forgetting: {
      description: 'For a while it was there, and what it wrote nobody knows.',
      entry: { type: 'tellTracking', params: ({ context }) => changeOfTracking(context.plan, current(context)) },
      on: {
        TRACKING_CHANGED: [
          { guard: 'tracks', target: 'choosing', actions: 'forgetChange' },
          { target: 'failed', actions: 'rememberFailure' },
        ],
      },
    },
    joining: {
      description: 'Tracked first: nobody knows what it writes until then. The destination must have its like to load.',
      entry: [
        { type: 'openMirrors', params: ({ context }) => ({ charts: mirrors(context.plan, current(context).device) }) },
        { type: 'openDevices', params: ({ context }) => ({ charts: controls(context.plan, current(context).device) }) },
        'expectDevice',
        {
          type: 'tellTracking',
          params: ({ context }) => changeOfTracking(context.plan, current(context)),
        },
        {
          type: 'prepareOnDestination',
          params: ({ context }) => ({ to: onDestination(current(context).device), target: 'RESUMING' }),
        },
        {
          type: 'prepareOnSource',
          params: ({ context }) => ({
            to: wanted(context).flatMap(({ address, target }) => (target === 'PRE_COPY' ? [address] : [])),
            target: 'PRE_COPY',
          }),
        },
      ],
      on: {
        TRACKING_CHANGED: [
          { guard: 'tracks', actions: 'countArrival' },
          { target: 'failed', actions: 'rememberFailure' },
        ],
        DEVICE_REACHED: [
          { guard: 'deviceIsThere', actions: 'countArrival' },
          { target: 'failed', actions: 'rememberFailure' },
        ],
      },
      always: { guard: 'everyoneArrived', target: 'changed' },
    },
    ejecting: {
      description: "The guest's driver lets the device go, which may refuse: then it stays.",
      entry: { type: 'ejectDevice', params: ({ context }) => named(context) },
      on: {
        'DONE.ejectDevice': 'leaving',
        'FAILED.ejectDevice': {
          target: 'choosing',
          actions: [{ type: 'warn', params: notDone }, 'forgetChange'],
        },
      },
    },
    leaving: {
      description: 'It writes no more. What it wrote is read before its log is stopped.',
      entry: {
        type: 'tellTracking',
        params: ({ context }) => changeOfTracking(context.plan, current(context)),
      },
      on: {
        TRACKING_CHANGED: [
          { guard: 'tracks', target: 'removing' },
          { target: 'failed', actions: 'rememberFailure' },
        ],
      },
    },
    removing: {
      entry: { type: 'removeDevice', params: ({ context }) => named(context) },
      on: {
        'DONE.removeDevice': 'gone',
        'FAILED.removeDevice': {
          description: 'The guest has let it go, and nobody tracks it: it takes no more part.',
          target: 'gone',
          actions: { type: 'warn', params: notDone },
        },
      },
    },
    gone: {
      entry: [
        'applyChange',
        { type: 'tellMigration', params: ({ context }) => ({ containers: context.plan.containers }) },
        {
          type: 'closeDevices',
          params: ({ context }) => ({ addresses: both(context) }),
        },
        {
          type: 'closeMirrors',
          params: ({ context }) => ({ addresses: both(context).map(mirrorOf) }),
        },
      ],
      always: 'changed',
    },
    changed: {
      description: 'Whoever has a list of devices has a new one.',
      entry: [
        { type: 'tellPreCopy', params: ({ context }) => ({ devices: devicesNow(context.plan, onSource) }) },
        { type: 'tellDestination', params: ({ context }) => ({ devices: devicesNow(context.plan, onDestination) }) },
        'forgetChange',
      ],
      always: 'choosing',
    },
    failed: {
      description: 'The migration fails, and whoever waits for the change is told to stop.',
      entry: {
        type: 'tellFailure',
        params: ({ context }) => ({ during: context.during, errno: context.errno ?? 'EIO' }),
      },
    },
    settling: {
      description: 'What has not been begun is refused. What has been begun is not waited for.',
      always: [
        { guard: 'nothingWaits', target: 'settled' },
        {
          target: 'settling',
          reenter: true,
          actions: [{ type: 'warn', params: ({ context }) => settledTold(context, current(context)) }, 'forgetChange'],
        },
      ],
    },
    settled: {
      on: {
        PLUG: { actions: { type: 'warn', params: refusedNow } },
        UNPLUG: { actions: { type: 'warn', params: refusedNow } },
        CHANGE_NOW: { description: 'There is nothing to change.', actions: 'tellLog' },
        SETTLE: { description: 'Already so.', actions: 'settle' },
        'DONE.*': { description: 'Of a change that was given up.' },
        'FAILED.*': { description: 'Of a change that was given up.' },
      },
    },
  },
});

function takesOrder() {
  return [
    { guard: 'isRefused', actions: { type: 'warn', params: refusedOrder } },
    { description: 'Carried out at the next sync.', actions: ['rememberOrder', 'askForASync'] },
  ] as const;
}

/** The plan when all that waits has been carried out: what the next order comes to. */
function asOrdered({ plan, changes }: Context): Plan {
  return changes.reduce(changedPlan, plan);
}

/** The order in an event, if it is one. */
function ordered(event: Events): readonly DeviceChange[] {
  if (event.type !== 'PLUG' && event.type !== 'UNPLUG') return [];
  return [{ to: event.type === 'PLUG' ? 'plug' : 'unplug', device: event.device }];
}

function refused(plan: Plan, change: DeviceChange) {
  return { of: `${change.to} of ${change.device} refused: ${refusal(plan, change) ?? ''}` };
}

function refusedOrder({ context, event }: { context: Context; event: Events }) {
  return refused(asOrdered(context), ordered(event)[0] as DeviceChange);
}

function settledTold({ because }: Context, { to, device }: DeviceChange) {
  return { of: `${to} of ${device} not carried out: ${because}` };
}

function refusedNow({ context, event }: { context: Context; event: Events }) {
  return settledTold(context, ordered(event)[0] as DeviceChange);
}

function notDone({ context, event }: { context: Context; event: { readonly errno: Errno } }) {
  const { to, device } = current(context);
  return { of: `${to} of ${device}`, errno: event.errno };
}

function named(context: Context) {
  const { device } = current(context);
  return { device, container: changingContainer(context.plan, current(context))?.id ?? '' };
}

/** Addresses of the device's charts on both hosts. */
function both(context: Context): readonly Address[] {
  const { device } = current(context);
  return [onSource(device), onDestination(device)];
}

function failing(context: Context, event: Events): string {
  const { to, device } = current(context);
  if (event.type === 'FAILED.removeDevice') return `${to} of ${device}: to take it out again`;
  if (event.type === 'DEVICE_REACHED') return `${to} of ${device}: device ${event.device} to ${event.asked}`;
  return `${to} of ${device}: its container's tracker`;
}
