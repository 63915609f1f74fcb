/**
 * The guest's driver of one device whose DMA nobody can track: it is asked to halt it, and to write every page itself.
 *
 * One of these stands beside a device's `device-control` where the guest helps to migrate it. The order is what makes it safe
 * (kvm list, December 2015, on live migration of SR-IOV NICs): DMA is halted and read back as halted first, and only then
 * does the driver write to every page that the device could have written, so that the vCPUs' log knows them. A write to a
 * page while the device may still write it races, and its next write is in no log. So nothing is dirtied before the halt is
 * confirmed, and an answer that names fewer pages than the driver has mapped for DMA is a failure, not a small loss. Orders
 * are goals: the latest wins, and a halt that failed leaves the driver in doubt until it is told to go on.
 */
import { assign, setup } from 'xstate';
import { type Address, commands, messages, type Received } from './messages.ts';
import type { Answer, Errno, RoundEnd } from './words.ts';

/** How often a driver is asked to go on before its device is given up; this project's own default. */
export const RESUME_DMA_ATTEMPTS_MAX = 3;

export interface GuestDriverInput {
  /** The device that it drives. */
  readonly device: string;
}

/** Drivers of the guest that halt their devices' DMA before the vCPUs stop, and the pass that sends what they wrote. */
export interface Cooperation {
  readonly drivers: readonly { readonly id: string; readonly address: Address }[];
  /** Number of that pass. */
  readonly round: number;
  readonly ends: RoundEnd;
}

interface Context extends GuestDriverInput {
  asker: Address;
  goal: 'halted' | 'running';
  /** Where it is to go on: on the destination after the switchover. */
  host: 'source' | 'destination';
  /** Pages that the device could reach when its DMA was halted. */
  dmaPages: number;
  attempts: number;
  errno: Errno | undefined;
}

type Events =
  | Received<'guest-driver'>
  | Answer<'notifyGuest' | 'haltDma' | 'confirmDmaHalted' | 'dirtyDmaPages' | 'resumeDma'>;

export const guestDriver = setup({
  types: {} as { context: Context; events: Events; input: GuestDriverInput },
  actions: {
    ...commands('notifyGuest', 'haltDma', 'confirmDmaHalted', 'dirtyDmaPages', 'resumeDma'),
    ...messages({ answer: [['pre-copy', 'stop-and-copy', 'roll-back', 'migration'], 'DRIVER_REACHED'] }),
    rememberHalt: assign(({ event }) => ({
      goal: 'halted' as const,
      asker: (event as Received<'guest-driver'>).from,
      errno: undefined,
    })),
    rememberResume: assign(({ event }) =>
      event.type === 'RESUME_DMA'
        ? { goal: 'running' as const, host: event.host, asker: event.from, errno: undefined }
        : {},
    ),
    rememberDmaPages: assign(({ event }) => (event.type === 'DONE.haltDma' ? { dmaPages: event.dmaPages } : {})),
    rememberErrno: assign(({ event }) => ('errno' in event ? { errno: event.errno } : {})),
    noteStillOn: assign({ errno: 'EBUSY' as const }),
    noteHoles: assign({ errno: 'EIO' as const }),
    countAttempt: assign(({ context }) => ({ attempts: context.attempts + 1 })),
    forgetAttempts: assign({ attempts: 0 }),
  },
  guards: {
    wantsRunning: ({ context }) => context.goal === 'running',
    wantsHalted: ({ context }) => context.goal === 'halted',
    readsBackHalted: ({ event }) => event.type === 'DONE.confirmDmaHalted' && event.halted,
    wroteEveryPage: ({ context, event }) =>
      event.type === 'DONE.dirtyDmaPages' && event.dirtiedPages >= context.dmaPages,
    mayTryAgain: ({ context }) => context.attempts < RESUME_DMA_ATTEMPTS_MAX,
  },
}).createMachine({
  id: 'guest-driver',
  description:
    'The guest driver of a device without DMA tracking. Tianyu Lan and Alexander Duyck, kvm list, December 2015.',
  context: ({ input }) => ({
    ...input,
    asker: 'migration',
    goal: 'running',
    host: 'source',
    dmaPages: 0,
    attempts: 0,
    errno: undefined,
  }),
  options: { maxIterations: 100 },
  initial: 'driving',
  on: {
    HALT_DMA: { description: 'Carried out once what runs has been answered.', actions: 'rememberHalt' },
    RESUME_DMA: { description: 'Carried out once what runs has been answered.', actions: 'rememberResume' },
  },
  states: {
    driving: {
      entry: 'forgetAttempts',
      on: {
        HALT_DMA: { target: 'notifying', actions: 'rememberHalt' },
        RESUME_DMA: {
          description: 'Already so: the answer says it.',
          actions: ['rememberResume', { type: 'answer', params: ({ context }) => reached(context, 'running') }],
        },
      },
    },
    notifying: {
      description: 'The guest is told, by an interrupt of the device; its vCPUs must run to hear it.',
      entry: 'notifyGuest',
      on: {
        'DONE.notifyGuest': [{ guard: 'wantsRunning', target: 'resuming' }, { target: 'halting' }],
        'FAILED.notifyGuest': [
          {
            guard: 'wantsRunning',
            description: 'It may have been heard all the same.',
            target: 'resuming',
            actions: 'rememberErrno',
          },
          { target: 'uncertain', actions: 'rememberErrno' },
        ],
      },
    },
    halting: {
      description: 'The driver hands out no more buffers and turns bus mastering off.',
      entry: 'haltDma',
      on: {
        'DONE.haltDma': [
          { guard: 'wantsRunning', target: 'resuming' },
          { target: 'confirming', actions: 'rememberDmaPages' },
        ],
        'FAILED.haltDma': [
          { guard: 'wantsRunning', target: 'resuming', actions: 'rememberErrno' },
          { target: 'uncertain', actions: 'rememberErrno' },
        ],
      },
    },
    confirming: {
      description:
        'Bus mastering is read back as off: from here on no write of the device can come after the dummy write.',
      entry: 'confirmDmaHalted',
      on: {
        'DONE.confirmDmaHalted': [
          { guard: 'wantsRunning', target: 'resuming' },
          { guard: 'readsBackHalted', target: 'dirtying' },
          {
            description: 'Said and not done: a dummy write now would race with the device.',
            target: 'uncertain',
            actions: 'noteStillOn',
          },
        ],
        'FAILED.confirmDmaHalted': [
          { guard: 'wantsRunning', target: 'resuming', actions: 'rememberErrno' },
          { target: 'uncertain', actions: 'rememberErrno' },
        ],
      },
    },
    dirtying: {
      description:
        'A dummy write to every page that the device could have written, those handed out last and coherent ones included.',
      entry: 'dirtyDmaPages',
      on: {
        'DONE.dirtyDmaPages': [
          { guard: 'wantsRunning', target: 'resuming' },
          { guard: 'wroteEveryPage', target: 'quiet' },
          {
            description: 'Holes were left: what the device wrote there is in no log.',
            target: 'uncertain',
            actions: 'noteHoles',
          },
        ],
        'FAILED.dirtyDmaPages': [
          { guard: 'wantsRunning', target: 'resuming', actions: 'rememberErrno' },
          { target: 'uncertain', actions: 'rememberErrno' },
        ],
      },
    },
    quiet: {
      description: 'The device writes nothing, and whatever it wrote is in the log of the vCPUs.',
      entry: { type: 'answer', params: ({ context }) => reached(context, 'halted') },
      on: {
        HALT_DMA: { target: 'quiet', reenter: true, actions: 'rememberHalt' },
        RESUME_DMA: { target: 'resuming', actions: 'rememberResume' },
      },
    },
    resuming: {
      description: 'A suspended driver sets its device up anew, on the destination too; a quiesced one goes on.',
      entry: ['countAttempt', { type: 'resumeDma', params: ({ context }) => ({ host: context.host }) }],
      on: {
        'DONE.resumeDma': [
          { guard: 'wantsHalted', target: 'notifying', actions: 'forgetAttempts' },
          {
            target: 'driving',
            actions: { type: 'answer', params: ({ context }) => reached(context, 'running') },
          },
        ],
        'FAILED.resumeDma': [
          { guard: 'wantsHalted', target: 'notifying', actions: 'forgetAttempts' },
          { guard: 'mayTryAgain', target: 'resuming', reenter: true, actions: 'rememberErrno' },
          { target: 'uncertain', actions: 'rememberErrno' },
        ],
      },
    },
    uncertain: {
      description: 'Nobody may count on it: the device may write, or stand still. Each order is tried anew.',
      entry: [{ type: 'answer', params: ({ context }) => reached(context, 'unknown') }, 'forgetAttempts'],
      on: {
        HALT_DMA: { target: 'notifying', actions: 'rememberHalt' },
        RESUME_DMA: { target: 'resuming', actions: 'rememberResume' },
      },
    },
  },
});

/** An order that was reached carries no errno of an earlier one. */
function reached(context: Context, state: 'halted' | 'running' | 'unknown') {
  const { asker, device, goal } = context;
  return { to: asker, device, asked: goal, state, errno: state === 'unknown' ? (context.errno ?? 'EIO') : undefined };
}
