/**
 * VFIO migration v2: the device state machine of Linux, include/uapi/linux/vfio.h and drivers/vfio/vfio_main.c.
 *
 * One flat chart for three uses: a modelled device (a SET waits for an `ARC` event per arc, so that arcs can take time and
 * fail), the mirror of a real one (it follows what a read-back reported), and a served one. It holds the arcs a driver
 * implements and the rule that picks among them; every path follows from these two and no path is written down.
 *
 * The file is long because the eight states are one picture. Refused here: orders, deadlines and retries (device-control.ts), dirty tracking (independent of this machine in the uAPI),
 * and what ends at the system call: struct sizes, user pointers, positioned I/O.
 */
import { assertEvent, assign, emit, enqueueActions, setup } from 'xstate';
import { ARCS, nextArc, path, type StreamEffect } from './vfio-arcs.ts';
import type { DeviceContext, DeviceEvent, DeviceFact, DeviceInput, Walk } from './vfio-protocol.ts';
import {
  type DeviceState,
  type Errno,
  type FeatureMask,
  VFIO_MIGRATION_P2P as P2P,
  VFIO_MIGRATION_PRE_COPY as PRE,
} from './words.ts';

/**
 * A SET that a reset or a read-back overtook. The uAPI serialises these under one mutex and names no errno; EIO, as for a driver
 * that failed midway, is this chart's choice. So is EBUSY for a second SET while one is under way: the kernel would make it wait.
 */
const OVERTAKEN: Errno = 'EIO';
const SECOND_SET: Errno = 'EBUSY';

const EMPTY_IMAGE = { bytes: 0, complete: false, bad: false };
const NOTHING_UNREAD = { initialBytes: 0, dirtyBytes: 0, stopCopyBytes: 0, reinitUntold: false };

const supports = (features: FeatureMask, state: DeviceState): boolean => path(features, state, state) !== 'EINVAL';

/** Bytes come from callers of this library: anything but a whole number is their mistake, and throws. */
function whole(bytes: number): number {
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw new RangeError(`not a number of bytes: ${bytes}`);
  return bytes;
}

function follow(state: DeviceState): Walk {
  return { why: 'read-back', target: state, walk: 'whole', arcDue: false, opened: -1, handOutErrno: null };
}

function initialContext(input: DeviceInput): DeviceContext {
  const { features, initial = 'RUNNING' } = input;
  if (initial !== 'ERROR' && !supports(features, initial))
    throw new RangeError(`a device with features ${features} cannot be found in ${initial}`);
  return {
    features,
    initialSizeBytes: whole(input.initialBytes ?? 0),
    stopCopySizeBytes: whole(input.stopCopyBytes ?? 0),
    onBadImage: input.onBadImage,
    badImageErrno: input.badImageErrno ?? 'EIO',
    at: 'RUNNING',
    walk: initial === 'RUNNING' ? null : follow(initial),
    stream: 'none',
    session: 0,
    ...NOTHING_UNREAD,
    image: EMPTY_IMAGE,
    reinitOptedIn: false,
  };
}

const mayTake = ({ walk, features, at }: DeviceContext, to: DeviceState): boolean =>
  walk !== null && (walk.walk === 'whole' || walk.arcDue) && nextArc(features, at, walk.target) === to;

/**
 * Why a session's fd cannot be used for what `wanted` is for; null when it can. An fd that was never handed out, or is for the
 * other direction: EBADF, as any descriptor. One whose session is over: ENODEV, as mlx5 (drivers/vfio/pci/mlx5/main.c) answers.
 */
function streamErrno(c: DeviceContext, wanted: 'saving' | 'resuming', session = c.session): Errno | null {
  if (session < 1 || session > c.session) return 'EBADF';
  if (session < c.session || c.stream === 'none') return 'ENODEV';
  return c.stream === wanted ? null : 'EBADF';
}

const sessionOf = (event: DeviceEvent): number | undefined => ('session' in event ? event.session : undefined);
const isReadable = (c: DeviceContext, event: DeviceEvent) => streamErrno(c, 'saving', sessionOf(event)) === null;

/** STOP_COPY reads, in this order, what pre-copy left of initial and dirty data, and then the part that had to wait for the stop. */
const unreadBytes = (c: DeviceContext): number =>
  c.initialBytes + c.dirtyBytes + (c.at === 'STOP_COPY' ? c.stopCopyBytes : 0);

/** The named actions that an arc's stream effect stands for; the drawing shows them on the arc. */
const STREAM_ACTIONS = {
  none: [],
  opensSaving: ['openSaving'],
  endsSaving: ['endSaving'],
  continues: ['continueSaving'],
  opensResuming: ['openResuming'],
  endsResuming: ['endResuming'],
} as const satisfies Record<StreamEffect, readonly string[]>;

/** The arcs out of a state, as eventless transitions: an arc is taken when the walk has it as its next step. */
const arcsFrom = (from: DeviceState) =>
  ARCS.filter((a) => a.from === from).map(({ to, needs, without, stream }) => ({
    target: to,
    guard: { type: 'next' as const, params: { to } },
    actions: STREAM_ACTIONS[stream],
    description: describe(needs, without),
  }));

function describe(needs: number, without: number): string {
  const words = [needs & P2P && 'P2P', needs & PRE && 'PRE_COPY', without & P2P && 'no P2P'].filter((word) => word);
  return words.length === 0 ? 'every device' : `needs ${words.join(' and ')}`;
}

const enter = (state: DeviceState) => ({ type: 'enter' as const, params: { state } });

const PRE_COPY_EVENTS = {
  READ: [
    { guard: 'dataUnread', actions: 'answerRead' },
    {
      guard: 'allRead',
      actions: 'answerNothingNow',
      description: 'ENOMSG: initial and dirty bytes are both 0 for now, more may come (uapi/linux/vfio.h)',
    },
  ],
  GET_PRECOPY_INFO: [{ guard: 'readable', actions: 'answerPrecopyInfo' }, { actions: 'refuseDeadFd' }],
  STATE_CHANGED: { actions: 'addDirtyBytes' },
  REINITIALISED: {
    actions: 'relabelUnread',
    description: 'Linux 7.1: initial_bytes jumps and dirty_bytes restarts at 0, but only for a user who opted in',
  },
} as const;

export const vfioDevice = setup({
  types: {} as {
    context: DeviceContext;
    input: DeviceInput;
    events: DeviceEvent;
    emitted: DeviceFact;
    /** dma: may start DMA. p2p: may also aim it at other devices. The others: which stream the state has. */
    tags: 'dma' | 'p2p' | 'pre-copy' | 'saving' | 'resuming';
  },
  guards: {
    next: ({ context }, { to }: { to: DeviceState }) => mayTake(context, to),
    arrived: ({ context: { walk, at } }) => walk?.target === at,
    arrivedWithoutFd: ({ context: { walk, at } }) =>
      walk?.target === at && walk.opened !== -1 && walk.handOutErrno !== null,
    foundInError: ({ context: { walk } }) => walk?.target === 'ERROR',
    underWay: ({ context: { walk } }) => walk !== null,
    waitsForArc: ({ context: { walk } }) => walk?.walk === 'stepwise',
    noWay: ({ context, event }) => {
      assertEvent(event, 'SET');
      return path(context.features, context.at, event.target) === 'EINVAL';
    },
    deviceBroke: ({ event }) => event.type === 'ARC_FAILED' && event.rests === 'ERROR',
    imageRefused: ({ context }, { rests }: { rests: 'stay' | 'error' }) =>
      mayTake(context, 'STOP') &&
      context.walk?.why === 'set' &&
      (!context.image.complete || context.image.bad) &&
      context.onBadImage === rests,
    notAStateOfThis: ({ context, event }) => {
      assertEvent(event, 'STATE_READ_BACK');
      return event.state !== 'ERROR' && !supports(context.features, event.state);
    },
    onlyResetExplains: ({ context, event }) => {
      assertEvent(event, 'STATE_READ_BACK');
      return event.state !== 'ERROR' && path(context.features, context.at, event.state) === 'EINVAL';
    },
    readable: ({ context, event }) => isReadable(context, event),
    dataUnread: ({ context, event }) => isReadable(context, event) && unreadBytes(context) > 0,
    allRead: ({ context, event }) => isReadable(context, event) && unreadBytes(context) === 0,
    writable: ({ context, event }) => streamErrno(context, 'resuming', sessionOf(event)) === null,
    hasPreCopy: ({ context }) => (context.features & PRE) !== 0,
  },
  actions: {
    enter: assign(({ context }, { state }: { state: DeviceState }) => ({
      at: state,
      walk: context.walk && { ...context.walk, arcDue: false },
    })),

    beginSet: assign(({ event }) => {
      assertEvent(event, 'SET');
      const { target, walk, handOutErrno = null } = event;
      return { walk: { why: 'set' as const, target, walk, arcDue: false, opened: -1, handOutErrno } };
    }),
    permitArc: assign(({ context }) => ({ walk: context.walk && { ...context.walk, arcDue: true } })),
    refuseSet: emit(({ context, event }, { errno }: { errno: Errno }) => {
      assertEvent(event, 'SET');
      return { type: 'SET_FAILED' as const, errno, target: event.target, state: context.at };
    }),
    finishWalk: enqueueActions(({ context: { walk, at }, enqueue }) => {
      if (walk?.why === 'set') enqueue.emit({ type: 'SET_DONE', state: at, stream: walk.opened });
      enqueue.assign({ walk: null });
    }),
    failHandOut: enqueueActions(({ context: { walk, at }, enqueue }) => {
      if (walk?.handOutErrno) enqueue.emit({ type: 'SET_FAILED', errno: walk.handOutErrno, target: at, state: at });
      enqueue.assign({ walk: null });
    }),
    failSet: enqueueActions(({ context: { walk, at }, event, enqueue }) => {
      assertEvent(event, 'ARC_FAILED');
      const state = event.rests === 'ERROR' ? 'ERROR' : at;
      if (walk) enqueue.emit({ type: 'SET_FAILED', errno: event.errno, target: walk.target, state });
      enqueue.assign({ walk: null });
    }),
    refuseImage: enqueueActions(({ context: { walk, badImageErrno, image }, enqueue }, p: { state: DeviceState }) => {
      if (walk) enqueue.emit({ type: 'SET_FAILED', errno: badImageErrno, target: walk.target, state: p.state });
      // An incomplete image can be completed, a bad one has to be written again from its start.
      enqueue.assign({ walk: null, image: image.bad ? EMPTY_IMAGE : image });
    }),
    overtakeSet: enqueueActions(({ context: { walk }, event, enqueue }) => {
      const state = event.type === 'STATE_READ_BACK' ? event.state : 'RUNNING';
      if (walk?.why === 'set') enqueue.emit({ type: 'SET_FAILED', errno: OVERTAKEN, target: walk.target, state });
      enqueue.assign({ walk: null });
    }),
    reportReset: emit(({ context }) => ({ type: 'RESET_DONE' as const, from: context.at })),
    followReadBack: assign(({ event }) => {
      assertEvent(event, 'STATE_READ_BACK');
      return { walk: follow(event.state) };
    }),
    refuseReadBack: emit(({ event }) => {
      assertEvent(event, 'STATE_READ_BACK');
      return { type: 'READ_BACK_REFUSED' as const, state: event.state };
    }),

    openSaving: enqueueActions(({ context, enqueue }) => {
      const session = context.session + 1;
      enqueue.assign({
        session,
        stream: 'saving',
        ...NOTHING_UNREAD,
        initialBytes: context.initialSizeBytes,
        stopCopyBytes: context.stopCopySizeBytes,
        walk: context.walk && { ...context.walk, opened: session },
      });
      enqueue.emit({ type: 'SAVING_STREAM_OPENED', session });
    }),
    continueSaving: enqueueActions(({ context: { stream, session }, enqueue }) => {
      if (stream === 'saving') enqueue.emit({ type: 'SAVING_STREAM_CONTINUED', session });
    }),
    endSaving: enqueueActions(({ context: { stream, session }, enqueue }) => {
      if (stream === 'saving') enqueue.emit({ type: 'SAVING_STREAM_ENDED', session });
      enqueue.assign({ stream: 'none', ...NOTHING_UNREAD });
    }),
    openResuming: enqueueActions(({ context, enqueue }) => {
      const session = context.session + 1;
      const walk = context.walk && { ...context.walk, opened: session };
      enqueue.assign({ session, stream: 'resuming', walk });
      enqueue.emit({ type: 'RESUMING_STREAM_OPENED', session });
    }),
    endResuming: enqueueActions(({ context: { stream, session }, enqueue }) => {
      if (stream === 'resuming') enqueue.emit({ type: 'RESUMING_STREAM_ENDED', session });
      enqueue.assign({ stream: 'none', image: EMPTY_IMAGE });
    }),
    killStream: enqueueActions(({ context: { stream, session }, enqueue }) => {
      if (stream !== 'none') enqueue.emit({ type: 'STREAM_DIED', session, stream });
      enqueue.assign({ stream: 'none', ...NOTHING_UNREAD, image: EMPTY_IMAGE });
    }),

    answerRead: enqueueActions(({ context: c, event, enqueue }) => {
      assertEvent(event, 'READ');
      const bytes = Math.min(whole(event.bytes), unreadBytes(c));
      const initialBytes = Math.max(0, c.initialBytes - bytes);
      const dirtyBytes = Math.max(0, c.dirtyBytes - Math.max(0, bytes - c.initialBytes));
      const stopCopyBytes = c.stopCopyBytes - Math.max(0, bytes - c.initialBytes - c.dirtyBytes);
      enqueue.assign({ initialBytes, dirtyBytes, stopCopyBytes });
      enqueue.emit({ type: 'READ_ANSWERED', session: c.session, bytes });
    }),
    answerNothingNow: emit({ type: 'READ_ANSWERED', errno: 'ENOMSG' }),
    answerEnd: emit(({ context }) => ({ type: 'READ_ANSWERED' as const, session: context.session, bytes: 0 })),
    refuseRead: emit(({ context, event }) => ({
      type: 'READ_ANSWERED' as const,
      errno: streamErrno(context, 'saving', sessionOf(event)) ?? 'EBADF',
    })),
    answerPrecopyInfo: enqueueActions(({ context: c, enqueue }) => {
      const { initialBytes, dirtyBytes, reinitUntold: reinit } = c;
      enqueue.emit({ type: 'PRECOPY_INFO_ANSWERED', initialBytes, dirtyBytes, reinit });
      enqueue.assign({ reinitUntold: false });
    }),
    refusePrecopyInfo: emit({ type: 'PRECOPY_INFO_ANSWERED', errno: 'EINVAL' }),
    refuseDeadFd: emit(({ context, event }) => ({
      type: 'PRECOPY_INFO_ANSWERED' as const,
      errno: streamErrno(context, 'saving', sessionOf(event)) ?? 'EBADF',
    })),
    // The estimate includes what pre-copy could still take: mlx5 answers with all that remains.
    answerDataSize: emit(({ context: c }) => ({
      type: 'MIG_DATA_SIZE_ANSWERED' as const,
      stopCopyBytes:
        c.stream === 'saving'
          ? c.initialBytes + c.dirtyBytes + c.stopCopyBytes
          : c.initialSizeBytes + c.stopCopySizeBytes,
    })),
    addDirtyBytes: assign(({ context, event }) => {
      assertEvent(event, 'STATE_CHANGED');
      return context.stream === 'saving' ? { dirtyBytes: context.dirtyBytes + whole(event.bytes) } : {};
    }),
    optIn: enqueueActions(({ enqueue }) => {
      enqueue.assign({ reinitOptedIn: true });
      enqueue.emit({ type: 'REINIT_OPT_IN_ANSWERED' });
    }),
    refuseOptIn: emit({ type: 'REINIT_OPT_IN_ANSWERED', errno: 'EINVAL' }),
    // Without opt-in initial_bytes may only fall, as it did before 7.1: the same bytes are then told as dirty.
    relabelUnread: assign(({ context: c, event }) => {
      assertEvent(event, 'REINITIALISED');
      const unread = whole(event.initialBytes);
      if (c.stream !== 'saving') return {};
      const initialBytes = c.reinitOptedIn ? unread : Math.min(c.initialBytes, unread);
      return { initialBytes, dirtyBytes: unread - initialBytes, reinitUntold: c.reinitOptedIn };
    }),
    answerWrite: enqueueActions(({ context: { image, session }, event, enqueue }) => {
      assertEvent(event, 'IMAGE_WRITTEN');
      const bytes = whole(event.bytes);
      const complete = image.complete || event.complete;
      enqueue.assign({ image: { bytes: image.bytes + bytes, complete, bad: image.bad || event.bad === true } });
      enqueue.emit({ type: 'WRITE_ANSWERED', session, bytes });
    }),
    refuseWrite: emit(({ context, event }) => ({
      type: 'WRITE_ANSWERED' as const,
      errno: streamErrno(context, 'resuming', sessionOf(event)) ?? 'EBADF',
    })),
  },
}).createMachine({
  id: 'vfio-device',
  description:
    'VFIO migration v2 (include/uapi/linux/vfio.h; vfio_mig_get_next_state in drivers/vfio/vfio_main.c). ' +
    'Arcs between the states have no event of their own: a SET remembers its target and the arcs on the way are taken one by one.',
  context: ({ input }) => initialContext(input),
  initial: 'RUNNING',
  always: [
    {
      guard: 'arrivedWithoutFd',
      actions: ['failHandOut', 'killStream'],
      description:
        'The state has changed, and yet the SET fails: the kernel drops a stream whose fd it cannot hand out',
    },
    { guard: 'arrived', actions: 'finishWalk' },
    { guard: 'foundInError', target: '.ERROR', description: 'A read-back, or the state it was opened in, is ERROR' },
  ],
  on: {
    SET: [
      { guard: 'underWay', actions: { type: 'refuseSet', params: { errno: SECOND_SET } } },
      {
        guard: 'noWay',
        actions: { type: 'refuseSet', params: { errno: 'EINVAL' } },
        description:
          'Unsupported target, ERROR as target, in ERROR, or STOP_COPY back to pre-copy. The last one did not return at all in ' +
          'Linux 6.2 to June 2026 (fixed by a26b499b757c): a user never asks for it.',
      },
      { actions: 'beginSet' },
    ],
    ARC: { guard: 'waitsForArc', actions: 'permitArc' },
    ARC_FAILED: [
      {
        guard: 'deviceBroke',
        target: '.ERROR',
        actions: 'failSet',
        description: 'Failed, and the old state could not be restored',
      },
      {
        guard: 'waitsForArc',
        actions: 'failSet',
        description: 'A failed SET rests in any state along its way: the user reads the state back',
      },
    ],
    STATE_READ_BACK: [
      { guard: 'notAStateOfThis', actions: 'refuseReadBack' },
      {
        guard: 'onlyResetExplains',
        target: '.RUNNING',
        actions: ['overtakeSet', 'killStream', 'reportReset', 'followReadBack'],
        description:
          'No way leads there, and nothing but a reset changes the state behind the user: it was reset and went on',
      },
      { actions: ['overtakeSet', 'followReadBack'] },
    ],
    RESET: {
      target: '.RUNNING',
      actions: ['overtakeSet', 'killStream', 'reportReset'],
      description: 'At any time, by the user or by the guest (FLR). Every data_fd dies; dirty tracking is not touched.',
    },
    READ: { actions: 'refuseRead' },
    GET_PRECOPY_INFO: { actions: 'refusePrecopyInfo', description: 'EINVAL outside PRE_COPY and PRE_COPY_P2P' },
    MIG_DATA_SIZE: { actions: 'answerDataSize', description: 'Callable in any state; only an estimate' },
    STATE_CHANGED: { description: 'Nothing of this state was sent: nothing to send again' },
    REINIT_OPT_IN: [{ guard: 'hasPreCopy', actions: 'optIn' }, { actions: 'refuseOptIn' }],
    REINITIALISED: { description: 'No pre-copy session: the next one begins with initial data anyway' },
    IMAGE_WRITTEN: { actions: 'refuseWrite' },
  },
  states: {
    ERROR: {
      entry: [enter('ERROR'), 'killStream'],
      description:
        'A transition failed and the old state could not be restored; contents unusable. Entered by the kernel alone, left by reset alone (uapi/linux/vfio.h).',
    },
    STOP: {
      entry: enter('STOP'),
      always: arcsFrom('STOP'),
      description:
        'No interrupts, no DMA, no change of internal state; config space and MSI-X table still answer (uapi/linux/vfio.h).',
    },
    RUNNING: {
      entry: enter('RUNNING'),
      tags: ['dma', 'p2p'],
      always: arcsFrom('RUNNING'),
      description: 'Normal operation; the state after open and after reset (uapi/linux/vfio.h).',
    },
    STOP_COPY: {
      entry: enter('STOP_COPY'),
      tags: 'saving',
      always: arcsFrom('STOP_COPY'),
      on: {
        READ: [
          { guard: 'dataUnread', actions: 'answerRead' },
          {
            guard: 'allRead',
            actions: 'answerEnd',
            description: '0 bytes: the end, for good. ENOMSG is not allowed here (uapi/linux/vfio.h)',
          },
        ],
      },
      description:
        'As STOP, and the saving stream serialises the internal state. No arc leads back to pre-copy (uapi/linux/vfio.h).',
    },
    RESUMING: {
      entry: enter('RESUMING'),
      tags: 'resuming',
      always: [
        {
          guard: { type: 'imageRefused', params: { rests: 'error' } },
          target: 'ERROR',
          actions: { type: 'refuseImage', params: { state: 'ERROR' } },
          description:
            'Leaving means "the image is complete": the kernel validates it, and this device breaks on a bad one',
        },
        {
          guard: { type: 'imageRefused', params: { rests: 'stay' } },
          actions: { type: 'refuseImage', params: { state: 'RESUMING' } },
          description: 'The same, on a device that survives: it may be fed again. To abandon a load is RESET',
        },
        ...arcsFrom('RESUMING'),
      ],
      on: { IMAGE_WRITTEN: { guard: 'writable', actions: 'answerWrite' } },
      description: 'As STOP, and the resuming stream loads the internal state (uapi/linux/vfio.h).',
    },
    RUNNING_P2P: {
      entry: enter('RUNNING_P2P'),
      tags: 'dma',
      always: arcsFrom('RUNNING_P2P'),
      description:
        'Runs, but starts no peer-to-peer DMA (one that cannot tell starts none at all); what was outstanding is finished before the arc ' +
        'returns. Still answers incoming accesses (uapi/linux/vfio.h).',
    },
    PRE_COPY: {
      entry: enter('PRE_COPY'),
      tags: ['dma', 'p2p', 'pre-copy', 'saving'],
      always: arcsFrom('PRE_COPY'),
      on: PRE_COPY_EVENTS,
      description: 'Runs normally while the saving stream offers device state early (uapi/linux/vfio.h).',
    },
    PRE_COPY_P2P: {
      entry: enter('PRE_COPY_P2P'),
      tags: ['dma', 'pre-copy', 'saving'],
      always: arcsFrom('PRE_COPY_P2P'),
      on: PRE_COPY_EVENTS,
      description: 'RUNNING_P2P and PRE_COPY at once (uapi/linux/vfio.h).',
    },
  },
  options: { maxIterations: 100 },
});
