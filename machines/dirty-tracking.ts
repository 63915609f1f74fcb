/**
 * A container's choice of who tracks its devices' writes: the devices themselves, the IOMMU, or nobody (perpetual).
 *
 * QEMU's rule, hw/vfio/container.c: every device of the container can log DMA -> device; else the container can track ->
 * IOMMU; else everything is dirty at every sync, for ever. One device that cannot log drops all of them. The choice is made
 * anew at each START, and when a device comes or goes while tracking is on: then who is new is started first, who is no longer
 * needed is read for the last time, and only then stopped, so that no write falls between. Two other rules may be asked for: the IOMMU first where it tracks, or each
 * device that can log and the IOMMU for the others. Where every device that cannot log has a guest driver that helps, neither
 * is needed: the logs of the others run, and KVM's log learns the rest from the guest (`guest`; QEMU has no such case). A start that fails stops what had been started and says so; a sync
 * that fails is answered with its errno, because some of the log may already have been cleared; a stop that fails warns.
 * The file is long because a change while it tracks is the same choice, with the same orders in every state.
 */
import { assign, setup } from 'xstate';
import { iovaRanges } from './iova-ranges.ts';
import { type Address, commands, facts, messages, type Received } from './messages.ts';
import { type ChangedDevices, members, missing, reason, surplus, type TrackingInput } from './tracker-choice.ts';
import type { Answer, Errno, Tracker } from './words.ts';

export type { TrackingInput } from './tracker-choice.ts';

interface Context extends TrackingInput {
  asker: Address;
  goal: 'tracking' | 'off';
  tracker: Tracker;
  /** Who has been started so far, and must be stopped. */
  started: readonly string[];
  /** Devices that came or went and are not seen to yet. */
  next: ChangedDevices | undefined;
  /** Being seen to: who tracked before, and whether the IOMMU, which sees every device of the container, was on. */
  change: (ChangedDevices & { readonly from: Tracker; readonly iommuWasOn: boolean }) | undefined;
  /** Writes since the last sync that nobody can have seen: the next report says that everything is dirty. */
  everything: boolean;
  /** Of a last report that failed: the next sync fails with it. */
  lostErrno: Errno | undefined;
  syncAsked: boolean;
  /** The sync that is asked for comes after the devices have stopped. */
  syncIsFinal: boolean;
  errno: Errno | undefined;
}

type Events = Received<'tracking'> | Answer<'startTracking' | 'reportDirty' | 'stopTracking'>;

/** A command is under way: an order is taken up when it has been answered, the latest one. */
const rememberedForLater = {
  START: { actions: 'rememberStart' },
  STOP: { actions: 'rememberStop' },
  SYNC: { actions: 'rememberSync' },
  DEVICES_CHANGED: { actions: 'rememberChange' },
} as const;

export const dirtyTracking = setup({
  types: {} as { context: Context; events: Events; input: TrackingInput },
  actions: {
    ...commands('startTracking', 'reportDirty', 'stopTracking'),
    ...messages({
      answerReached: ['dirty-log', 'TRACKING_REACHED'],
      answerSynced: ['dirty-log', 'TRACKING_SYNCED'],
      answerChanged: ['hot-plug', 'TRACKING_CHANGED'],
    }),
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
    countStarted: assign(({ context }) => ({ started: [...context.started, missing(context)[0] as string] })),
    forgetStarted: assign({ started: [] as readonly string[] }),
    forgetSurplus: assign(({ context }) => {
      const gone = surplus(context);
      return { started: context.started.filter((member) => !gone.includes(member)) };
    }),
    rememberChange: assign(({ context, event }) =>
      event.type === 'DEVICES_CHANGED' ? { next: together(context.next, event) } : {},
    ),
    takeChange: assign(({ context }) => ({ ...taken(context), errno: undefined })),
    finishChange: assign(({ context }) => ({
      everything: context.everything || isUnseen(context),
      change: undefined,
    })),
    forgetChange: assign({ change: undefined }),
    rememberLost: assign(({ event }) => (event.type === 'FAILED.reportDirty' ? { lostErrno: event.errno } : {})),
    forgetLost: assign({ everything: false, lostErrno: undefined }),
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
    someAreMissing: ({ context }) => missing(context).length > 0,
    someAreSurplus: ({ context }) => surplus(context).length > 0,
    devicesChanged: ({ context }) => context.next !== undefined,
    isChanging: ({ context }) => context.change !== undefined,
    changeFailed: ({ context }) =>
      context.change !== undefined && context.goal === 'tracking' && context.errno !== undefined,
    mayHaveStarted: ({ event }) =>
      event.type === 'FAILED.startTracking' && (event.errno === 'ETIMEDOUT' || event.errno === 'ECONNRESET'),
    noneToStop: ({ context }) => context.started.length === 0,
    syncIsAsked: ({ context }) => context.syncAsked,
    // A last report that failed is told at once, skipped or not.
    skipsThisSync: ({ context, event }) => skips(context) && event.type === 'SYNC' && !event.final,
    skipsAskedSync: ({ context }) => skips(context) && context.syncAsked && !context.syncIsFinal,
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
    next: undefined,
    change: undefined,
    everything: false,
    lostErrno: undefined,
    syncAsked: false,
    syncIsFinal: false,
    errno: undefined,
  }),
  options: { maxIterations: 100 },
  initial: 'off',
  states: {
    off: {
      always: [
        {
          guard: 'syncIsAsked',
          description: 'A sync was asked for while the start ran, and the start failed.',
          actions: ['forgetSync', { type: 'answerSynced', params: notTracking }],
        },
        {
          guard: 'devicesChanged',
          description: 'The next START chooses for them.',
          actions: ['takeChange', 'forgetChange', { type: 'answerChanged', params: changed('off') }],
        },
      ],
      on: {
        DEVICES_CHANGED: { actions: 'rememberChange' },
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
          target: 'comparing',
          actions: ['chooseDevice', { type: 'tellChoice', params: choice }],
        },
        {
          guard: 'iommuComesFirst',
          description: 'Where it is asked for: the devices need not log.',
          target: 'comparing',
          actions: ['chooseIommu', { type: 'tellChoice', params: choice }],
        },
        {
          guard: 'allDevicesLog',
          target: 'comparing',
          actions: ['chooseDevice', { type: 'tellChoice', params: choice }],
        },
        {
          guard: 'someLogAndIommuTracksRest',
          description: 'Where it is asked for: a device that can log does not lose its log to one that cannot.',
          target: 'comparing',
          actions: ['choosePerDevice', { type: 'tellChoice', params: choice }],
        },
        { guard: 'iommuTracks', target: 'comparing', actions: ['chooseIommu', { type: 'tellChoice', params: choice }] },
        {
          guard: 'guestTracksAlone',
          description: 'Nothing to start: what the guest writes is in the log of the vCPUs.',
          target: 'comparing',
          actions: ['chooseGuest', { type: 'tellChoice', params: choice }],
        },
        { guard: 'guestTracks', target: 'comparing', actions: ['chooseGuest', { type: 'tellChoice', params: choice }] },
        { target: 'comparing', actions: ['choosePerpetual', { type: 'tellChoice', params: choice }] },
      ],
    },
    comparing: {
      description: 'Who is to be on against who is. New ones first: what the old ones have seen is safe with them.',
      always: [
        { guard: 'someAreMissing', target: 'starting' },
        { guard: 'someAreSurplus', target: 'retiring' },
        {
          guard: 'isChanging',
          target: 'tracking',
          actions: ['finishChange', { type: 'answerChanged', params: changed('tracking') }],
        },
        {
          target: 'tracking',
          actions: {
            type: 'answerReached',
            params: ({ context }) => reached(context, 'tracking', 'tracking'),
          },
        },
      ],
    },
    starting: {
      description: 'DMA_LOGGING_START on each device in turn, or SET_DIRTY_TRACKING on the container.',
      entry: {
        type: 'startTracking',
        params: ({ context }) => ({
          tracker: context.tracker,
          of: missing(context)[0] as string,
          ranges: iovaRanges(context.sections, context.ranges, context.pageBytes),
        }),
      },
      on: {
        ...rememberedForLater,
        'DONE.startTracking': [
          { guard: 'wantsOff', target: 'leaving', actions: 'countStarted' },
          { target: 'comparing', actions: 'countStarted' },
        ],
        'FAILED.startTracking': [
          {
            guard: 'mayHaveStarted',
            description: 'Nobody said that it has not: it is stopped with the others.',
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
    retiring: {
      description:
        'The last report of who is no longer needed: nobody else has seen what was written since the last sync, and a log is gone when it is stopped (uapi vfio.h, DMA_LOGGING_STOP).',
      entry: {
        type: 'reportDirty',
        params: ({ context }) => ({ tracker: context.change?.from ?? context.tracker, of: surplus(context) }),
      },
      on: {
        ...rememberedForLater,
        'DONE.reportDirty': 'dismissing',
        'FAILED.reportDirty': {
          description: 'What it knew is lost: the next sync is told.',
          target: 'dismissing',
          actions: 'rememberLost',
        },
      },
    },
    dismissing: {
      entry: {
        type: 'stopTracking',
        params: ({ context }) => ({ tracker: context.change?.from ?? context.tracker, of: surplus(context) }),
      },
      on: {
        ...rememberedForLater,
        'DONE.stopTracking': [
          { guard: 'wantsOff', target: 'leaving', actions: 'forgetSurplus' },
          { target: 'comparing', actions: 'forgetSurplus' },
        ],
        'FAILED.stopTracking': [
          { guard: 'wantsOff', target: 'leaving', actions: ['forgetSurplus', { type: 'warn', params: notStopped }] },
          { target: 'comparing', actions: ['forgetSurplus', { type: 'warn', params: notStopped }] },
        ],
      },
    },
    changing: { entry: 'takeChange', always: 'choosing' },
    tracking: {
      initial: 'resting',
      states: {
        resting: {
          always: [
            {
              guard: 'skipsAskedSync',
              actions: ['forgetSync', { type: 'answerSynced', params: nothingYet }],
            },
            { guard: 'syncIsAsked', target: 'reporting' },
            { guard: 'devicesChanged', target: '#dirty-tracking.changing' },
          ],
          on: {
            DEVICES_CHANGED: { target: '#dirty-tracking.changing', actions: 'rememberChange' },
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
            DEVICES_CHANGED: { actions: 'rememberChange' },
            'DONE.reportDirty': [
              { guard: 'wantsOff', target: '#dirty-tracking.leaving' },
              {
                target: 'resting',
                actions: [{ type: 'answerSynced', params: reported }, 'forgetLost'],
              },
            ],
            'FAILED.reportDirty': [
              { guard: 'wantsOff', target: '#dirty-tracking.leaving' },
              {
                description: 'Some windows may be cleared already: the whole log is worthless (uapi vfio.h).',
                target: 'resting',
                actions: [
                  {
                    type: 'answerSynced',
                    params: ({ context, event }) => ({
                      to: context.asker,
                      tracking: context.tracking,
                      dirtyPages: 0,
                      errno: event.errno,
                    }),
                  },
                  'forgetLost',
                ],
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
        DEVICES_CHANGED: { actions: 'rememberChange' },
        'DONE.stopTracking': 'stopped',
        'FAILED.stopTracking': {
          description: 'Only a warning (QEMU): the log costs time, it loses nothing.',
          target: 'stopped',
          actions: { type: 'warn', params: notStopped },
        },
      },
    },
    stopped: {
      entry: ['forgetStarted', 'forgetLost'],
      always: [
        {
          guard: 'changeFailed',
          description: 'Nobody tracks any more, so that the migration fails.',
          target: 'off',
          actions: [{ type: 'answerChanged', params: changed('off') }, 'forgetChange'],
        },
        {
          guard: 'startFailed',
          target: 'off',
          actions: { type: 'answerReached', params: ({ context }) => reached(context, 'tracking', 'off') },
        },
        { guard: 'wantsTracking', target: 'choosing', actions: 'forgetChange' },
        {
          target: 'off',
          actions: ['forgetChange', { type: 'answerReached', params: ({ context }) => reached(context, 'off', 'off') }],
        },
      ],
    },
  },
});

function choice({ context }: { context: Context }) {
  const { tracking, tracker, change } = context;
  const because = reason(context, tracker);
  if (change === undefined) return { tracking, tracker, because };
  return { tracking, tracker, because: `${change.news}: ${because}`, again: true as const };
}

/** Of two changes that wait, the later one's devices; what either of them means still holds. */
function together(earlier: ChangedDevices | undefined, { devices, collects, joined, news }: ChangedDevices) {
  if (earlier === undefined) return { devices, collects, joined, news };
  return { devices, collects, joined: joined || earlier.joined, news: `${earlier.news}, ${news}` };
}

/** The container as it is from now on. */
function taken(context: Context): Partial<Context> {
  const { next, tracker, started, devices } = context;
  if (next === undefined) return {};
  return {
    devices: next.devices,
    collects: next.collects === 'when-stopped' ? 'when-stopped' : undefined,
    // Who watched nothing knows everything about it.
    change: { ...next, from: devices.length === 0 ? 'device' : tracker, iommuWasOn: started.includes('iommu') },
    next: undefined,
  } as Partial<Context>;
}

/**
 * Whether something may have been written since the last sync that no tracker of before or after has seen: by a device that
 * came, between its plug and its start, unless an IOMMU that was on all the time saw it (type1 sets every bit for the same
 * reason when a group leaves it); and by any device while nobody tracked.
 */
function isUnseen(context: Context): boolean {
  const { change } = context;
  if (change === undefined) return false;
  if (change.from === 'perpetual' || change.from === 'guest') return true;
  return change.joined && !(change.iommuWasOn && members(context).includes('iommu'));
}

function changed(state: 'tracking' | 'off') {
  return ({ context }: { context: Context }) => ({
    tracking: context.tracking,
    state,
    errno: state === 'off' ? context.errno : undefined,
  });
}

function notStopped({ context, event }: { context: Context; event: { readonly errno?: Errno } }) {
  return { of: `stopTracking ${context.tracking}`, errno: event.errno };
}

function reported({ context, event }: { context: Context; event: { readonly dirtyPages: number } }) {
  const { asker: to, tracking, everything, lostErrno: errno } = context;
  const rest = { ...(errno === undefined ? {} : { errno }), ...(everything ? { everything: true as const } : {}) };
  return { to, tracking, dirtyPages: event.dirtyPages, ...rest };
}

function notTracking({ context }: { context: Context }) {
  return { to: context.asker, tracking: context.tracking, dirtyPages: 0, errno: 'EINVAL' as const };
}

function skips({ collects, lostErrno }: Context): boolean {
  return collects === 'when-stopped' && lostErrno === undefined;
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
