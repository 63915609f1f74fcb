/**
 * The whole VM's dirty log: KVM's log and every container's tracker, started, collected and stopped together.
 *
 * QEMU's memory_global_dirty_log_start / migration_bitmap_sync / memory_global_dirty_log_stop. Pre-copy and stop-and-copy
 * both collect, by the same steps in the same order: KVM's log (which drains what the vCPUs hide), then every container
 * (after its devices have changed, if any are to come or go: who no longer tracks is read there for the last time), then the
 * merge into the migration bitmap, which takes the host's own writes with it. None of these covers another, so
 * the dirty set is their union. If one fails, some of it may already be cleared: then everything is dirty, and by
 * `afterSyncError` the sync either fails (QEMU) or goes on with all of memory.
 */
import { assign, setup } from 'xstate';
import { arrived, everyoneArrived, expecting } from './barrier.ts';
import { type Address, commands, facts, messages, type Received } from './messages.ts';
import type { Answer, Commands, Done, Errno } from './words.ts';

export interface DirtyLogInput {
  /** Addresses of the containers' `tracking` charts. */
  readonly trackings: readonly Address[];
  readonly afterSyncError: 'fail' | 'allDirty';
}

interface Context extends DirtyLogInput {
  asker: Address;
  goal: 'on' | 'off';
  final: boolean;
  /** A sync that was asked for while another ran. */
  queued: { readonly final: boolean; readonly asker: Address } | undefined;
  waitingFor: readonly Address[];
  /** Of the start or sync that runs. */
  errno: Errno | undefined;
  everything: boolean;
  /** Devices are to come or go, at a sync that is not the last. */
  changeWaits: boolean;
}

type Events = Received<'dirty-log'> | Answer<'startDirtyLog' | 'getDirtyLog' | 'syncBitmap' | 'stopDirtyLog'>;

export const dirtyLog = setup({
  types: {} as { context: Context; events: Events; input: DirtyLogInput },
  actions: {
    ...commands('startDirtyLog', 'getDirtyLog', 'syncBitmap', 'stopDirtyLog'),
    ...messages({
      startTrackings: ['tracking', 'START'],
      syncTrackings: ['tracking', 'SYNC'],
      stopTrackings: ['tracking', 'STOP'],
      changeDevices: ['hot-plug', 'CHANGE_NOW'],
      answerReached: [['pre-copy', 'migration', 'roll-back', 'stop-and-copy'], 'DIRTY_LOG_REACHED'],
      answerSynced: [['pre-copy', 'stop-and-copy'], 'BITMAP_SYNCED'],
      answerSyncFailed: [['pre-copy', 'stop-and-copy'], 'SYNC_FAILED'],
    }),
    ...facts({ warn: 'WARNED' }),
    rememberStart: assign(({ event }) => ({
      goal: 'on' as const,
      asker: (event as Received<'dirty-log'>).from,
      errno: undefined,
    })),
    rememberRestart: assign(({ event }) => ({ goal: 'on' as const, asker: (event as Received<'dirty-log'>).from })),
    rememberStop: assign(({ event }) => ({
      goal: 'off' as const,
      asker: (event as Received<'dirty-log'>).from,
      queued: undefined,
    })),
    rememberSync: assign(({ event }) =>
      event.type === 'SYNC' ? { final: event.final, asker: event.from, errno: undefined, everything: false } : {},
    ),
    queueSync: assign(({ event }) =>
      event.type === 'SYNC' ? { queued: { final: event.final, asker: event.from } } : {},
    ),
    takeQueuedSync: assign(({ context }) => ({
      ...context.queued,
      queued: undefined,
      errno: undefined,
      everything: false,
    })),
    expectTrackings: assign(({ context }) => expecting(context.trackings)),
    countArrival: assign(({ context, event }) => arrived(context, (event as Received<'dirty-log'>).from)),
    rememberErrno: assign(({ event }) =>
      'errno' in event && event.errno !== undefined ? { errno: event.errno, everything: true } : {},
    ),
    rememberEverything: assign(({ context, event }) => ({
      everything: context.everything || (event.type === 'TRACKING_SYNCED' && event.everything === true),
    })),
    rememberChange: assign({ changeWaits: true }),
    forgetChange: assign({ changeWaits: false }),
  },
  guards: {
    everyoneArrived: ({ context }) => everyoneArrived(context),
    syncIsQueued: ({ context }) => context.queued !== undefined,
    wantsOff: ({ context }) => context.goal === 'off',
    wantsOn: ({ context }) => context.goal === 'on',
    failed: ({ context }) => context.errno !== undefined,
    startFailed: ({ context }) => context.goal === 'on' && context.errno !== undefined,
    syncIsLost: ({ context }) => context.errno !== undefined && context.afterSyncError === 'fail',
    devicesMayChange: ({ context }) => context.changeWaits && !context.final,
    answersStart: ({ event }) => event.type === 'TRACKING_REACHED' && event.asked === 'tracking',
    answersStop: ({ event }) => event.type === 'TRACKING_REACHED' && event.asked === 'off',
  },
}).createMachine({
  id: 'dirty-log',
  description: "KVM's log and every container's tracker as one. QEMU: system/memory.c, migration/ram.c.",
  context: ({ input }) => ({
    ...input,
    asker: 'pre-copy',
    goal: 'off',
    final: false,
    queued: undefined,
    waitingFor: [],
    errno: undefined,
    everything: false,
    changeWaits: false,
  }),
  options: { maxIterations: 100 },
  initial: 'off',
  on: {
    START: { description: 'Remembered until what runs has been answered.', actions: 'rememberStart' },
    STOP: { description: 'Remembered until what runs has been answered.', actions: 'rememberStop' },
    SYNC: {
      description:
        'No epoch has begun, or it ends: there is nothing to collect. Who waits for the start or the stop still does.',
      actions: { type: 'answerSyncFailed', params: ({ event }) => ({ to: event.from, errno: 'EINVAL' }) },
    },
    CHANGE_WAITS: { description: 'Carried out at the next sync that is not the last.', actions: 'rememberChange' },
    DEVICES_CHANGED: { description: 'The sync that waited for it was given up.' },
    TRACKING_REACHED: { description: 'An answer to an order that a later one has replaced.' },
    TRACKING_SYNCED: { description: 'An answer to a sync that a later order has replaced.' },
  },
  states: {
    off: {
      on: {
        START: { target: 'starting', actions: 'rememberStart' },
        STOP: {
          actions: ['rememberStop', { type: 'answerReached', params: ({ context }) => reached(context, 'off', 'off') }],
        },
      },
    },
    starting: {
      description: 'The epoch begins before the first page is copied.',
      initial: 'trackers',
      states: {
        trackers: {
          entry: ['expectTrackings', { type: 'startTrackings', params: ({ context }) => ({ to: context.trackings }) }],
          on: { TRACKING_REACHED: { guard: 'answersStart', actions: ['countArrival', 'rememberErrno'] } },
          always: [
            { guard: 'wantsOff', target: '#dirty-log.stopping' },
            { guard: 'failed', target: '#dirty-log.stopping' },
            { guard: 'everyoneArrived', target: 'log' },
          ],
        },
        log: {
          entry: 'startDirtyLog',
          on: {
            'DONE.startDirtyLog': [{ guard: 'wantsOff', target: '#dirty-log.stopping' }, { target: '#dirty-log.on' }],
            'FAILED.startDirtyLog': { target: '#dirty-log.stopping', actions: 'rememberErrno' },
          },
        },
      },
    },
    on: {
      entry: { type: 'answerReached', params: ({ context }) => reached(context, 'on', 'on') },
      initial: 'resting',
      states: {
        resting: {
          always: { guard: 'syncIsQueued', target: 'collecting', actions: 'takeQueuedSync' },
          on: {
            SYNC: { target: 'collecting', actions: 'rememberSync' },
            STOP: { target: '#dirty-log.stopping', actions: 'rememberStop' },
            START: {
              actions: [
                'rememberStart',
                { type: 'answerReached', params: ({ context }) => reached(context, 'on', 'on') },
              ],
            },
          },
        },
        collecting: {
          initial: 'log',
          states: {
            log: {
              description: 'KVM_GET_DIRTY_LOG kicks the vCPUs first, so that nothing hides in a PML buffer.',
              entry: 'getDirtyLog',
              on: {
                'DONE.getDirtyLog': [
                  { guard: 'wantsOff', target: '#dirty-log.stopping' },
                  { guard: 'devicesMayChange', target: 'changing' },
                  { target: 'trackers' },
                ],
                'FAILED.getDirtyLog': [
                  { guard: 'wantsOff', target: '#dirty-log.stopping' },
                  { target: 'trackers', actions: 'rememberErrno' },
                ],
              },
            },
            changing: {
              description:
                'Devices come and go while nothing is sent or decided. Who stops tracking is read once more, behind the log of KVM like any other.',
              entry: ['forgetChange', 'changeDevices'],
              on: { DEVICES_CHANGED: 'trackers' },
              always: { guard: 'wantsOff', target: '#dirty-log.stopping' },
            },
            trackers: {
              entry: [
                'expectTrackings',
                { type: 'syncTrackings', params: ({ context }) => ({ to: context.trackings, final: context.final }) },
              ],
              on: { TRACKING_SYNCED: { actions: ['countArrival', 'rememberErrno', 'rememberEverything'] } },
              always: [
                { guard: 'wantsOff', target: '#dirty-log.stopping' },
                { guard: 'everyoneArrived', target: 'merging' },
              ],
            },
            merging: {
              description: "migration_bitmap_sync: the union of every log, and the host's own writes.",
              entry: {
                type: 'syncBitmap',
                params: ({ context }) => ({ final: context.final, everything: context.everything }),
              },
              on: {
                'DONE.syncBitmap': [
                  { guard: 'wantsOff', target: '#dirty-log.stopping' },
                  {
                    guard: 'syncIsLost',
                    target: '#dirty-log.on.resting',
                    actions: {
                      type: 'answerSyncFailed',
                      params: ({ context }) => ({ to: context.asker, errno: context.errno ?? 'EIO' }),
                    },
                  },
                  {
                    target: '#dirty-log.on.resting',
                    actions: {
                      type: 'answerSynced',
                      params: ({ context, event }) => ({ to: context.asker, ...merged(event) }),
                    },
                  },
                ],
                'FAILED.syncBitmap': [
                  { guard: 'wantsOff', target: '#dirty-log.stopping' },
                  {
                    target: '#dirty-log.on.resting',
                    actions: {
                      type: 'answerSyncFailed',
                      params: ({ context, event }) => ({ to: context.asker, errno: event.errno }),
                    },
                  },
                ],
              },
            },
          },
          on: {
            SYNC: {
              description:
                'Collected anew: what the sync that runs has read may be older than this order, and its errors count.',
              actions: 'queueSync',
            },
            START: {
              description: 'Already so: the answer says it. What the sync has met so far still counts.',
              actions: [
                'rememberRestart',
                { type: 'answerReached', params: ({ context }) => reached(context, 'on', 'on') },
              ],
            },
          },
        },
      },
    },
    stopping: {
      initial: 'trackers',
      states: {
        trackers: {
          entry: ['expectTrackings', { type: 'stopTrackings', params: ({ context }) => ({ to: context.trackings }) }],
          on: { TRACKING_REACHED: { guard: 'answersStop', actions: 'countArrival' } },
          always: { guard: 'everyoneArrived', target: 'log' },
        },
        log: {
          entry: 'stopDirtyLog',
          on: {
            'DONE.stopDirtyLog': '#dirty-log.stopped',
            'FAILED.stopDirtyLog': {
              description: 'Only a warning: the log costs time, it loses nothing.',
              target: '#dirty-log.stopped',
              actions: { type: 'warn', params: ({ event }) => ({ of: 'stopDirtyLog', errno: event.errno }) },
            },
          },
        },
      },
    },
    stopped: {
      always: [
        {
          guard: 'startFailed',
          target: 'off',
          actions: { type: 'answerReached', params: ({ context }) => reached(context, 'on', 'off') },
        },
        { guard: 'wantsOn', target: 'starting' },
        { target: 'off', actions: { type: 'answerReached', params: ({ context }) => reached(context, 'off', 'off') } },
      ],
    },
  },
});

/** An order that was reached carries no errno of an earlier one. */
function reached(context: Context, asked: 'on' | 'off', state: 'on' | 'off') {
  return { to: context.asker, asked, state, errno: asked === state ? undefined : context.errno };
}

/** What the merge found, named one by one: the event also says who delivered it and when. */
function merged(event: Done<'syncBitmap'>): Commands['syncBitmap']['result'] {
  const { dirtySet, remainingPages, remainingBytes, newDirtyPages, dirtyPagesBySource, syncNs } = event;
  return { dirtySet, remainingPages, remainingBytes, newDirtyPages, dirtyPagesBySource, syncNs };
}
