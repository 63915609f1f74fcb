/**
 * Orders to one device: SET with its deadline, read-back after a failed SET, reset as the last resort.
 *
 * It stands beside `vfio-device`, which is where the device *is*. This chart is what an orchestrator does about it: a
 * failed SET may have left the device in any state along the path (uapi vfio.h), so the state is read back before anyone
 * decides. Orders are goals: one that comes while a SET is in flight waits for it, because the ioctl is synchronous and
 * cannot be called back. Only a goal of RUNNING justifies a reset, and only on the source: it is how a roll-back gets a device out of ERROR.
 */
import { assign, setup } from 'xstate';
import { type Address, commands, facts, messages, type Received } from './messages.ts';
import type { Answer, DeviceState, Errno } from './words.ts';

export interface DeviceControlInput {
  /** The device's own name, as answers carry it. */
  readonly device: string;
  /** Address of the `vfio-device` chart that mirrors it. */
  readonly mirror: Address;
  readonly state: DeviceState;
  /**
   * A reset may bring it back to RUNNING: on the source, whose guest had it running. Not on the destination, where it would
   * throw away the state that was loaded and let the guest find another device than the one it left.
   */
  readonly mayReset: boolean;
}

interface Context {
  device: string;
  mirror: Address;
  mayReset: boolean;
  asker: Address;
  known: DeviceState;
  goal: DeviceState;
  /** What the SET in flight asks for; differs from `goal` when a newer order waits. */
  setting: DeviceState;
  errno: Errno | undefined;
}

type Events = Received<'device'> | Answer<'setDeviceState' | 'getDeviceState' | 'resetDevice'>;

export const deviceControl = setup({
  types: {} as { context: Context; events: Events; input: DeviceControlInput },
  actions: {
    ...commands('setDeviceState', 'getDeviceState', 'resetDevice'),
    ...messages({
      answer: [['pre-copy', 'stop-and-copy', 'destination', 'roll-back', 'migration', 'hot-plug'], 'DEVICE_REACHED'],
      moveMirror: ['vfio', 'STATE_READ_BACK'],
    }),
    ...facts({ warn: 'WARNED' }),
    rememberOrder: assign(({ event }) => {
      const order = event as Received<'device'>;
      return { goal: order.target, asker: order.from };
    }),
    rememberState: assign(({ event }) => ('state' in event ? { known: event.state } : {})),
    rememberErrno: assign(({ event }) => ('errno' in event ? { errno: event.errno } : {})),
    forgetErrno: assign({ errno: undefined }),
    beginSet: assign(({ context }) => ({ setting: context.goal })),
  },
  guards: {
    alreadyThere: ({ context }) => context.known === context.goal,
    orderChanged: ({ context }) => context.goal !== context.setting,
    resetHelps: ({ context }) => context.mayReset && context.goal === 'RUNNING',
    isInError: ({ context }) => context.known === 'ERROR',
    readsError: ({ event }) => event.type === 'DONE.getDeviceState' && event.state === 'ERROR',
    asksToRun: ({ context, event }) => context.mayReset && event.type === 'SET_STATE' && event.target === 'RUNNING',
  },
}).createMachine({
  id: 'device-control',
  description: 'Orders to one VFIO device. QEMU: vfio_migration_set_state, hw/vfio/migration.c.',
  context: ({ input }) => ({
    device: input.device,
    mirror: input.mirror,
    mayReset: input.mayReset,
    asker: 'migration',
    known: input.state,
    goal: input.state,
    setting: input.state,
    errno: undefined,
  }),
  options: { maxIterations: 100 },
  initial: 'resting',
  on: {
    SET_STATE: { description: 'A newer order waits until the ioctl in flight has returned.', actions: 'rememberOrder' },
  },
  states: {
    resting: {
      on: { SET_STATE: { target: 'deciding', actions: ['rememberOrder', 'forgetErrno'] } },
    },
    deciding: {
      always: [
        {
          guard: 'alreadyThere',
          description: 'Already in the requested state: no ioctl, success (QEMU).',
          target: 'answering',
        },
        { guard: 'isInError', target: 'recovering' },
        { target: 'setting' },
      ],
    },
    setting: {
      entry: ['beginSet', { type: 'setDeviceState', params: ({ context }) => ({ target: context.goal }) }],
      on: {
        'DONE.setDeviceState': [
          {
            guard: 'orderChanged',
            target: 'deciding',
            actions: ['rememberState', { type: 'moveMirror', params: moved }],
          },
          { target: 'answering', actions: ['rememberState', { type: 'moveMirror', params: moved }] },
        ],
        'FAILED.setDeviceState': {
          description: 'The device may rest in any state along the path, or in ERROR: read back, then decide.',
          target: 'reading',
          actions: 'rememberErrno',
        },
      },
    },
    reading: {
      entry: 'getDeviceState',
      on: {
        'DONE.getDeviceState': [
          {
            guard: 'readsError',
            target: 'recovering',
            actions: ['rememberState', { type: 'moveMirror', params: moved }],
          },
          { target: 'settling', actions: ['rememberState', { type: 'moveMirror', params: moved }] },
        ],
        'FAILED.getDeviceState': { target: 'recovering', actions: 'rememberErrno' },
      },
    },
    settling: {
      description:
        'The state is known again. A newer order gets its turn; a roll-back that could not reach RUNNING resets; else the answer says where the device rests.',
      always: [
        { guard: 'alreadyThere', target: 'answering', actions: 'forgetErrno' },
        { guard: 'orderChanged', target: 'setting', actions: 'forgetErrno' },
        { guard: 'resetHelps', target: 'resetting' },
        { target: 'answering' },
      ],
    },
    recovering: {
      description: 'In ERROR, or not to be read: only a reset helps, and only a goal of RUNNING asks for one.',
      always: [{ guard: 'resetHelps', target: 'resetting' }, { target: 'answeringLost' }],
    },
    resetting: {
      description: 'VFIO_DEVICE_RESET: from any state to RUNNING; every data_fd dies (uapi vfio.h).',
      entry: 'resetDevice',
      on: {
        'DONE.resetDevice': [
          {
            guard: 'resetHelps',
            target: 'answering',
            actions: [
              'rememberState',
              { type: 'warn', params: resetTold },
              'forgetErrno',
              { type: 'moveMirror', params: moved },
            ],
          },
          {
            target: 'deciding',
            actions: [
              'rememberState',
              { type: 'warn', params: resetTold },
              'forgetErrno',
              { type: 'moveMirror', params: moved },
            ],
          },
        ],
        'FAILED.resetDevice': { target: 'answeringLost', actions: 'rememberErrno' },
      },
    },
    answering: {
      entry: {
        type: 'answer',
        params: ({ context }) => ({
          to: context.asker,
          device: context.device,
          asked: context.goal,
          state: context.known,
          errno: context.errno,
        }),
      },
      always: 'resting',
    },
    answeringLost: {
      entry: {
        type: 'answer',
        params: ({ context }) => ({
          to: context.asker,
          device: context.device,
          asked: context.goal,
          state: context.known === 'ERROR' ? 'ERROR' : 'unknown',
          errno: context.errno ?? 'EIO',
        }),
      },
      always: 'lost',
    },
    lost: {
      description:
        'In ERROR or unreachable. QEMU aborts the process when a reset fails; here each order to run resets anew, and no other order can help.',
      on: {
        SET_STATE: [
          { guard: 'asksToRun', target: 'resetting', actions: ['rememberOrder', 'forgetErrno'] },
          { target: 'answeringLost', actions: 'rememberOrder' },
        ],
      },
    },
  },
});

/** A guest finds a device that was reset under it: worth a warning, also where it was the way back. */
function resetTold({ context }: { context: Context }) {
  return { of: `device ${context.device} was reset and lost its state`, errno: context.errno };
}

function moved({ context, event }: { context: Context; event: Events }) {
  return { to: context.mirror, state: 'state' in event ? event.state : context.known };
}
