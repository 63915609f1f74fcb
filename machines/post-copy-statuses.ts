/**
 * The statuses of post-copy, as states of the root chart: what a release says, and what may still be ordered.
 *
 * Up to 9.2 the source says `postcopy-active` as soon as it begins, before it stops the guest; later it goes through `device`
 * and `postcopy-device`, so that a destination that is lost before it has loaded lets the source go on. Until the storage
 * changes hands the way back is the same as ever. From then on neither host has the whole guest: nothing can be cancelled.
 * QEMU up to 9.2 takes a cancel here and destroys the guest; this chart refuses it for every release.
 * Sources: migration/migration.c (postcopy_start, postcopy_pause, postcopy_do_resume), qapi/migration.json.
 */
import { postCopy, shadows, stopForPostCopy } from './openings.ts';
import type { Plan } from './plan.ts';
import { destinationMayFail, handOver, settleDevices, status, tellThrottle } from './statuses.ts';

interface Near {
  readonly context: { readonly plan: Plan };
}

/** An operator's orders where they do nothing: QEMU answers with an error, and the migration goes on as it is. */
export const ordersOutOfPlace = {
  START_POSTCOPY: [
    {
      guard: 'lacksPostcopyRam',
      description: 'QEMU: a capability cannot be set while a migration runs.',
      actions: {
        type: 'warn',
        params: { of: 'post-copy was ordered, and postcopy-ram is off, or a VFIO device is there' },
      },
    },
    { description: 'Not begun yet, or harmless at the end.' },
  ],
  PAUSE: { description: 'QEMU: only post-copy can be paused.' },
  RECOVER: { description: 'QEMU: only a paused post-copy can be recovered.' },
} as const;

/** What becomes of the order to start post-copy while pre-copy runs. */
export const forwardPostCopy = {
  START_POSTCOPY: { guard: 'hasPostcopyRam', actions: 'startPostCopy' },
} as const;

/** Where a pre-copy that ends for post-copy goes on. */
export const postCopyDecided = [
  { guard: 'saysPostcopyActiveFirst', target: '#migration.postcopy-active', actions: 'notePostCopy' },
  { target: '#migration.reversible.active.switching', actions: 'notePostCopy' },
] as const;

const refused = {
  CANCEL: { description: 'Neither host has the whole guest: there is no way back (refused from 10.0 on, 646119088f).' },
  CONTINUE: { description: 'Nothing is paused before a switchover.' },
} as const;

/** Before the storage changes hands. */
const turnsBack = {
  HANDING_OVER: 'handingOver',
  SWITCHOVER_FAILED: { target: '#migration.failing', actions: 'noteFailure' },
} as const;

export const postCopyStatuses = {
  'postcopy-device': {
    description: 'The package is sent and not loaded yet: a destination that is lost now lets the source go on.',
    entry: status('postcopy-device'),
    initial: 'loading',
    on: {
      CONTINUE: { description: 'Nothing is paused.' },
      DESTINATION_REACHED: destinationMayFail,
    },
    states: {
      loading: {
        on: { ...turnsBack, CANCEL: { description: 'QEMU refuses it in every status of post-copy from 10.0 on.' } },
      },
      handingOver: { on: handOver('#migration.postcopy-active.opening') },
    },
  },
  'postcopy-active': {
    description: 'The guest runs on the destination, or is about to, and fetches what it lacks.',
    entry: status('postcopy-active'),
    initial: 'choosing',
    states: {
      choosing: {
        description: 'After pause-before-switchover the guest stands still already.',
        always: [{ guard: 'isSwitching', target: 'switching' }, { target: 'stopping' }],
      },
      stopping: {
        entry: [
          settleDevices('the switchover had begun'),
          'noteSwitching',
          tellThrottle('endThrottle'),
          'closePreCopy',
          'closePolicy',
          {
            type: 'closeShadows',
            params: ({ context }: Near) => ({ addresses: shadows(context.plan).map(({ address }) => address) }),
          },
          { type: 'openStopAndCopy', params: ({ context }: Near) => ({ charts: stopForPostCopy(context.plan) }) },
        ],
        always: 'switching',
      },
      switching: {
        on: {
          ...turnsBack,
          DEVICES_STOPPED: { description: 'The status does not change.' },
          PACKAGE_SENT: { description: 'The status does not change.' },
          CONTINUE: { description: 'Nothing is paused.' },
          CANCEL: { target: '#migration.cancelling', actions: 'noteCancel' },
          DESTINATION_REACHED: destinationMayFail,
        },
      },
      handingOver: {
        on: { ...handOver('#migration.postcopy-active.opening'), CONTINUE: { description: 'Nothing is paused.' } },
      },
      opening: {
        entry: [
          'closeStopAndCopy',
          { type: 'openPostCopy', params: ({ context }: Near) => ({ charts: postCopy(context.plan) }) },
        ],
        always: 'pushing',
      },
      pushing: {
        on: {
          ...refused,
          PAUSE: { actions: 'pausePostCopy' },
          POSTCOPY_COMPLETED: { target: '#migration.completed', actions: 'closePostCopy' },
          POSTCOPY_PAUSED: '#migration.postcopy-paused',
        },
      },
    },
  },
  'postcopy-paused': {
    description: 'Both sides keep what they have. The guest runs until it touches a page that it lacks.',
    entry: status('postcopy-paused'),
    on: {
      ...refused,
      RECOVER: { actions: 'recoverPostCopy' },
      POSTCOPY_RECONNECTING: [
        { guard: 'reportsRecoverSetup', target: 'postcopy-recover-setup' },
        { description: 'Up to 9.0 the status stays until the connection is there.' },
      ],
      POSTCOPY_RECONNECTED: 'postcopy-recover',
      POSTCOPY_PAUSED: { description: 'It could not be connected.' },
      POSTCOPY_UNRECOVERED: { target: 'unrecovered', actions: 'noteUnrecovered' },
    },
  },
  'postcopy-recover-setup': {
    entry: status('postcopy-recover-setup'),
    on: {
      ...refused,
      POSTCOPY_RECONNECTED: 'postcopy-recover',
      POSTCOPY_PAUSED: 'postcopy-paused',
      POSTCOPY_UNRECOVERED: { target: 'unrecovered', actions: 'noteUnrecovered' },
    },
  },
  'postcopy-recover': {
    entry: status('postcopy-recover'),
    on: {
      ...refused,
      POSTCOPY_RESUMED: 'postcopy-active.pushing',
      POSTCOPY_PAUSED: 'postcopy-paused',
      POSTCOPY_UNRECOVERED: { target: 'unrecovered', actions: 'noteUnrecovered' },
    },
  },
} as const;
