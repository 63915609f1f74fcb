/**
 * A container's choice of who tracks its devices' writes: the devices themselves, the IOMMU, or nobody (perpetual).
 *
 * QEMU's rule, hw/vfio/container.c: every device of the container can log DMA -> device; else the container can track ->
 * IOMMU; else everything is dirty at every sync, for ever. One device that cannot log drops all of them. The choice is made
 * anew at each START, so that hot-plug changes it. Two other rules may be asked for: the IOMMU first where it tracks, or each
 * device that can log and the IOMMU for the others. Where every device that cannot log has a guest driver that helps, neither
 * is needed: the logs of the others run, and KVM's log learns the rest from the guest (`guest`; QEMU has no such case). A start that fails stops what had been started and says so; a sync
 * that fails is answered with its errno, because some of the log may already have been cleared; a stop that fails warns.
 */
import { assign, setup } from 'xstate';
import { type IovaSection, iovaRanges, overTrackedPages, type RangeRule } from './iova-ranges.ts';
import { type Address, commands, facts, messages, type Received } from './messages.ts';
import type { Answer, Errno, Tracker, TrackerChoice } from './words.ts';

export interface TrackingInput {
  /** The container's name. */
  readonly tracking: string;
  readonly devices: readonly {
    readonly id: string;
    readonly logsDma: boolean;
    /** The guest's driver makes what the device wrote known to KVM's log. */
    readonly cooperates?: boolean;
  }[];
  readonly iommuTracks: boolean;
  /** Absent: QEMU's rule. */
  readonly choice?: TrackerChoice;
  readonly sections: readonly IovaSection[];
  readonly ranges: RangeRule;
  readonly pageBytes: number;
  /** `when-stopped`: a device of it has x-pre-copy-dirty-page-tracking=off. Absent: at every sync. */
  readonly collects?: 'when-stopped';
}

interface Context extends TrackingInput {
  asker: Address;
  goal: 'tracking' | 'off';
  tracker: Tracker;
  /** Who has been started so far, and must be stopped. */
  started: readonly string[];
  syncAsked: boolean;
  /** The sync that is asked for comes after the devices have stopped. */
  syncIsFinal: boolean;
  errno: Errno | undefined;
}

type Events = Received<'tracking'> | Answer<'startTracking' | 'reportDirty' | 'stopTracking'>;

/** Who is started, in order: each device, or the container's IOMMU, or nobody. */
function members(context: Context): readonly string[] {
  if (context.tracker === 'device') return context.devices.map((device) => device.id);
  const logging = context.devices.filter(({ logsDma }) => logsDma).map(({ id }) => id);
  if (context.tracker === 'guest') return logging;
  if (context.tracker === 'per-device') return [...logging, 'iommu'];
  return context.tracker === 'iommu' ? ['iommu'] : [];
}

function reason(context: Context, tracker: Tracker): string {
  const cannot = context.devices.filter((device) => !device.logsDma).map((device) => device.id);
  if (tracker === 'device') return `every device of the container logs its DMA${overTracked(context)}`;
  if (tracker === 'iommu' && context.choice === 'iommu-first') return 'the IOMMU tracks, and it is asked first';
  const without = `${cannot.join(', ')} cannot log DMA`;
  if (tracker === 'per-device') return `${without}: the IOMMU tracks for them, the others log their own`;
  if (tracker === 'iommu') return `${without}, the IOMMU tracks`;
  if (tracker === 'guest') return `${without}, the guest halts their DMA and writes their pages itself`;
  return `${without} and the IOMMU cannot track: all mapped memory is dirty at every sync`;
}

/** What wide ranges cost: memory that a device is asked to watch and that is mapped nowhere. */
function overTracked({ sections, ranges, pageBytes }: Context): string {
  const bytes = overTrackedPages(sections, ranges, pageBytes) * pageBytes;
  return bytes <= 0 ? '' : `; its ranges span ${bytes / 2 ** 20} MiB more than is mapped`;
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
    rememberSync: assign(({ context, event }) => ({
      syncAsked: true,
      syncIsFinal: context.syncIsFinal || (event.type === 'SYNC' && event.final),
    })),
    forgetSync: assign({ syncAsked: false, syncIsFinal: false }),
    chooseDevice: assign({ tracker: 'device' as const }),
    choosePerDevice: assign({ tracker: 'per-device' as const }),
    chooseIommu: assign({ tracker: 'iommu' as const }),
    chooseGuest: assign({ tracker: 'guest' as const }),
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
    iommuComesFirst: ({ context }) => context.choice === 'iommu-first' && context.iommuTracks,
    someLogAndIommuTracksRest: ({ context }) =>
      context.choice === 'per-device' && context.iommuTracks && context.devices.some((device) => device.logsDma),
    guestTracks: ({ context }) => context.devices.every((device) => device.logsDma || device.cooperates === true),
    guestTracksAlone: ({ context }) => context.devices.every((device) => !device.logsDma && device.cooperates === true),
    wantsOff: ({ context }) => context.goal === 'off',
    wantsTracking: ({ context }) => context.goal === 'tracking',
    startFailed: ({ context }) => context.goal === 'tracking' && context.errno !== undefined,
    isLastMember: ({ context }) => context.started.length + 1 >= members(context).length,
    timedOut: ({ event }) => event.type === 'FAILED.startTracking' && event.errno === 'ETIMEDOUT',
    noneToStop: ({ context }) => context.started.length === 0,
    syncIsAsked: ({ context }) => context.syncAsked,
    skipsThisSync: ({ context, event }) => context.collects === 'when-stopped' && event.type === 'SYNC' && !event.final,
    skipsAskedSync: ({ context }) => context.collects === 'when-stopped' && context.syncAsked && !context.syncIsFinal,
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
    syncIsFinal: false,
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
          guard: 'iommuComesFirst',
          description: 'Where it is asked for: the devices need not log.',
          target: 'starting',
          actions: ['chooseIommu', { type: 'tellChoice', params: choice }],
        },
        {
          guard: 'allDevicesLog',
          target: 'starting',
          actions: ['chooseDevice', { type: 'tellChoice', params: choice }],
        },
        {
          guard: 'someLogAndIommuTracksRest',
          description: 'Where it is asked for: a device that can log does not lose its log to one that cannot.',
          target: 'starting',
          actions: ['choosePerDevice', { type: 'tellChoice', params: choice }],
        },
        { guard: 'iommuTracks', target: 'starting', actions: ['chooseIommu', { type: 'tellChoice', params: choice }] },
        {
          guard: 'guestTracksAlone',
          description: 'Nothing to start: what the guest writes is in the log of the vCPUs.',
          target: 'tracking',
          actions: ['chooseGuest', { type: 'tellChoice', params: choice }],
        },
        { guard: 'guestTracks', target: 'starting', actions: ['chooseGuest', { type: 'tellChoice', params: choice }] },
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
          always: [
            {
              guard: 'skipsAskedSync',
              actions: ['forgetSync', { type: 'answerSynced', params: nothingYet }],
            },
            { guard: 'syncIsAsked', target: 'reporting' },
          ],
          on: {
            SYNC: [
              {
                guard: 'skipsThisSync',
                description:
                  'x-pre-copy-dirty-page-tracking=off: nothing is reported while the device runs (hw/vfio/container.c, vfio_log_sync_needed), so the estimate is perfect and the downtime is not.',
                actions: { type: 'answerSynced', params: nothingYet },
              },
              { target: 'reporting' },
            ],
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

/** The log goes on: whatever was written so far shows in the final report. */
function nothingYet({ context }: { context: Context }) {
  return { to: context.asker, tracking: context.tracking, dirtyPages: 0 };
}

/** An order that was reached carries no errno of an earlier one. */
function reached(context: Context, asked: 'tracking' | 'off', state: 'tracking' | 'off') {
  const errno = asked === state ? undefined : context.errno;
  return { to: context.asker, tracking: context.tracking, asked, state, errno };
}
