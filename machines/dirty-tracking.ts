/**
 * A container's choice of who tracks its devices' writes: the devices themselves, the IOMMU, or nobody (perpetual).
 *
 * QEMU's rule, hw/vfio/container.c: every device of the container can log DMA -> device; else the container can track ->
 * IOMMU; else everything is dirty at every sync, for ever. One device that cannot log drops all of them. The choice is made
 * anew at each START, so that hot-plug changes it. A start that fails stops what had been started and says so; a sync
 * that fails is answered with its errno, because some of the log may already have been cleared; a stop that fails warns.
 */
import { assign, setup } from 'xstate';
import { type IovaSection, iovaRanges, type RangeRule } from './iova-ranges.ts';
import { type Address, commands, facts, messages, type Received } from './messages.ts';
import type { Answer, Errno, Tracker } from './words.ts';

export interface TrackingInput {
  /** The container's name. */
  readonly tracking: string;
  readonly devices: readonly { readonly id: string; readonly logsDma: boolean }[];
  readonly iommuTracks: boolean;
  readonly sections: readonly IovaSection[];
  readonly ranges: RangeRule;
  readonly pageBytes: number;
}

interface Context extends TrackingInput {
  asker: Address;
  goal: 'tracking' | 'off';
  tracker: Tracker;
  /** Who has been started so far, and must be stopped. */
  started: readonly string[];
  syncAsked: boolean;
  errno: Errno | undefined;
}

type Events = Received<'tracking'> | Answer<'startTracking' | 'reportDirty' | 'stopTracking'>;

/** Who is started, in order: each device, or the container's IOMMU, or nobody. */
function members(context: Context): readonly string[] {
  if (context.tracker === 'device') return context.devices.map((device) => device.id);
  return context.tracker === 'iommu' ? ['iommu'] : [];
}

function reason(context: Context, tracker: Tracker): string {
  const cannot = context.devices.filter((device) => !device.logsDma).map((device) => device.id);
  if (tracker === 'device') return 'every device of the container logs its DMA';
  const without = `${cannot.join(', ')} cannot log DMA`;
  if (tracker === 'iommu') return `${without}, the IOMMU tracks`;
  return `${without} and the IOMMU cannot track: all mapped memory is dirty at every sync`;
}

export const dirtyTracking = setup({
  types: {} as { context: Context; events: Events; input: TrackingInput },
  actions: {
    ...commands('startTracking', 'reportDirty', 'stopTracking'),
    ...messages({ answerReached: ['dirty-log', 'TRACKING_REACHED'], answerSynced: ['dirty-log', 'TRACKING_SYNCED'] }),
    ...facts({ tellChoice: 'TRACKER_CHOSEN', warn: 'WARNED' }),
    rememberStart: assign(({ event }) => ({
      goal: 'tracking' as const,
      asker: (event as Received<'tracking'>).from,
      errno: undefined,
    })),
    rememberStop: assign(({ event }) => ({
      goal: 'off' as const,
      asker: (event as Received<'tracking'>).from,
      syncAsked: false,
    })),
    rememberSync: assign({ syncAsked: true }),
    forgetSync: assign({ syncAsked: false }),
    chooseDevice: assign({ tracker: 'device' as const }),
    chooseIommu: assign({ tracker: 'iommu' as const }),
    choosePerpetual: assign({ tracker: 'perpetual' as const }),
    countStarted: assign(({ context }) => ({
      started: [...context.started, members(context)[context.started.length] as string],
    })),
    forgetStarted: assign({ started: [] as readonly string[] }),
    rememberErrno: assign(({ event }) => ('errno' in event ? { errno: event.errno } : {})),
  },
  guards: {
    noDevices: ({ context }) => context.devices.length === 0,
    allDevicesLog: ({ context }) => context.devices.every((device) => device.logsDma),
    iommuTracks: ({ context }) => context.iommuTracks,
    wantsOff: ({ context }) => context.goal === 'off',
    wantsTracking: ({ context }) => context.goal === 'tracking',
    startFailed: ({ context }) => context.goal === 'tracking' && context.errno !== undefined,
    isLastMember: ({ context }) => context.started.length + 1 >= members(context).length,
    timedOut: ({ event }) => event.type === 'FAILED.startTracking' && event.errno === 'ETIMEDOUT',
    noneToStop: ({ context }) => context.started.length === 0,
    syncIsAsked: ({ context }) => context.syncAsked,
  },
}).createMachine({
  id: 'dirty-tracking',
  description: "Who tracks the writes of a container's devices. QEMU: hw/vfio/container.c, hw/vfio/listener.c.",
  context: ({ input }) => ({
    ...input,
    asker: 'dirty-log',
    goal: 'off',
    tracker: 'perpetual',
    started: [],
    syncAsked: false,
    errno: undefined,
  }),
  options: { maxIterations: 100 },
  initial: 'off',
  states: {
    off: {
      always: {
        guard: 'syncIsAsked',
        description: 'A sync was asked for while the start ran, and the start failed.',
        actions: ['forgetSync', { type: 'answerSynced', params: notTracking }],
      },
      on: {
        START: { target: 'choosing', actions: 'rememberStart' },
        STOP: {
          description: 'Already so: the answer says it.',
          actions: ['rememberStop', { type: 'answerReached', params: ({ context }) => reached(context, 'off', 'off') }],
        },
        SYNC: {
          description: 'Not tracking: everything may be dirty, which the answer says as an error.',
          actions: { type: 'answerSynced', params: notTracking },
        },
      },
    },
    choosing: {
      always: [
        {
          guard: 'noDevices',
          description: 'Vacuously, every device logs (QEMU); there is nothing to start.',
          target: 'tracking',
          actions: ['chooseDevice', { type: 'tellChoice', params: choice }],
        },
        {
          guard: 'allDevicesLog',
          target: 'starting',
          actions: ['chooseDevice', { type: 'tellChoice', params: choice }],
        },
        { guard: 'iommuTracks', target: 'starting', actions: ['chooseIommu', { type: 'tellChoice', params: choice }] },
        { target: 'tracking', actions: ['choosePerpetual', { type: 'tellChoice', params: choice }] },
      ],
    },
    starting: {
      description: 'DMA_LOGGING_START on each device in turn, or SET_DIRTY_TRACKING on the container.',
      entry: {
        type: 'startTracking',
        params: ({ context }) => ({
          tracker: context.tracker,
          of: members(context)[context.started.length] as string,
          ranges: iovaRanges(context.sections, context.ranges, context.pageBytes),
        }),
      },
      on: {
        START: { actions: 'rememberStart' },
        STOP: { actions: 'rememberStop' },
        SYNC: { actions: 'rememberSync' },
        'DONE.startTracking': [
          { guard: 'wantsOff', target: 'leaving', actions: 'countStarted' },
          { guard: 'isLastMember', target: 'tracking', actions: 'countStarted' },
          { target: 'starting', reenter: true, actions: 'countStarted' },
        ],
        'FAILED.startTracking': [
          {
            guard: 'timedOut',
            description: 'It may have started all the same: it is stopped with the others.',
            target: 'leaving',
            actions: ['rememberErrno', 'countStarted'],
          },
          {
            description: 'The started ones are stopped and the migration fails (QEMU).',
            target: 'leaving',
            actions: 'rememberErrno',
          },
        ],
      },
    },
    tracking: {
      entry: { type: 'answerReached', params: ({ context }) => reached(context, 'tracking', 'tracking') },
      initial: 'resting',
      states: {
        resting: {
          always: { guard: 'syncIsAsked', target: 'reporting' },
          on: {
            SYNC: 'reporting',
            STOP: { target: '#dirty-tracking.leaving', actions: 'rememberStop' },
          },
        },
        reporting: {
          description:
            'Read and clear. The final report comes after the device has stopped and before the log is (uapi vfio.h).',
          entry: [
            'forgetSync',
            { type: 'reportDirty', params: ({ context }) => ({ tracker: context.tracker, of: members(context) }) },
          ],
          on: {
            SYNC: { actions: 'rememberSync' },
            STOP: { actions: 'rememberStop' },
            'DONE.reportDirty': [
              { guard: 'wantsOff', target: '#dirty-tracking.leaving' },
              {
                target: 'resting',
                actions: {
                  type: 'answerSynced',
                  params: ({ context, event }) => ({
                    to: context.asker,
                    tracking: context.tracking,
                    dirtyPages: event.dirtyPages,
                  }),
                },
              },
            ],
            'FAILED.reportDirty': [
              { guard: 'wantsOff', target: '#dirty-tracking.leaving' },
              {
                description: 'Some windows may be cleared already: the whole log is worthless (uapi vfio.h).',
                target: 'resting',
                actions: {
                  type: 'answerSynced',
                  params: ({ context, event }) => ({
                    to: context.asker,
                    tracking: context.tracking,
                    dirtyPages: 0,
                    errno: event.errno,
                  }),
                },
              },
            ],
          },
        },
      },
      on: {
        START: {
          description: 'Already so: the answer says it.',
          actions: [
            'rememberStart',
            { type: 'answerReached', params: ({ context }) => reached(context, 'tracking', 'tracking') },
          ],
        },
      },
    },
    leaving: {
      always: [{ guard: 'noneToStop', target: 'stopped' }, { target: 'stopping' }],
    },
    stopping: {
      entry: { type: 'stopTracking', params: ({ context }) => ({ tracker: context.tracker, of: context.started }) },
      on: {
        START: { description: 'Carried out once the stop has been answered.', actions: 'rememberStart' },
        STOP: { actions: 'rememberStop' },
        SYNC: { description: 'Answered by the START that must come first.', actions: 'rememberSync' },
        'DONE.stopTracking': 'stopped',
        'FAILED.stopTracking': {
          description: 'Only a warning (QEMU): the log costs time, it loses nothing.',
          target: 'stopped',
          actions: {
            type: 'warn',
            params: ({ context, event }) => ({ of: `stopTracking ${context.tracking}`, errno: event.errno }),
          },
        },
      },
    },
    stopped: {
      entry: 'forgetStarted',
      always: [
        {
          guard: 'startFailed',
          target: 'off',
          actions: { type: 'answerReached', params: ({ context }) => reached(context, 'tracking', 'off') },
        },
        { guard: 'wantsTracking', target: 'choosing' },
        { target: 'off', actions: { type: 'answerReached', params: ({ context }) => reached(context, 'off', 'off') } },
      ],
    },
  },
});

function choice({ context }: { context: Context }) {
  return { tracking: context.tracking, tracker: context.tracker, because: reason(context, context.tracker) };
}

function notTracking({ context }: { context: Context }) {
  return { to: context.asker, tracking: context.tracking, dirtyPages: 0, errno: 'EINVAL' as const };
}

/** An order that was reached carries no errno of an earlier one. */
function reached(context: Context, asked: 'tracking' | 'off', state: 'tracking' | 'off') {
  const errno = asked === state ? undefined : context.errno;
  return { to: context.asker, tracking: context.tracking, asked, state, errno };
}
