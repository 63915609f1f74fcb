/**
 * Post-copy: the guest runs on the destination, and the pages that it lacks come after it.
 *
 * Missing pages are pushed in order, and one that a vCPU touches goes first. A link that breaks pauses it: both sides keep
 * what they have, the guest runs on until it touches a page that is not there, and an operator's RECOVER connects them
 * again, compares what has arrived, and goes on. There is no way back and no cancel: neither host has the whole guest any
 * more, so this chart never tells anybody to run. One that is not recovered in time is left as it is, and says so.
 * Sources: QEMU docs/devel/migration/postcopy.rst; migration/migration.c (postcopy_pause, postcopy_do_resume).
 */
import { assign, setup } from 'xstate';
import { during } from './failure.ts';
import { commands, messages, type Received } from './messages.ts';
import type { Answer, Errno } from './words.ts';

export interface PostCopyInput {
  /** How long a pause may last, however often it is tried to end it. */
  readonly giveUpAfterMs: number;
}

interface Context extends PostCopyInput {
  /** As far as the source knows; undefined before it has heard of it. */
  missingPages: number | undefined;
  during: string;
  errno: Errno | undefined;
}

type Events = Received<'post-copy'> | Answer<'sendMissing' | 'haltRound' | 'reconnect' | 'compareReceived'>;

export const postCopy = setup({
  types: {} as { context: Context; events: Events; input: PostCopyInput },
  actions: {
    ...commands('sendMissing', 'haltRound', 'reconnect', 'compareReceived'),
    ...messages({
      tellPaused: ['migration', 'POSTCOPY_PAUSED'],
      tellReconnecting: ['migration', 'POSTCOPY_RECONNECTING'],
      tellReconnected: ['migration', 'POSTCOPY_RECONNECTED'],
      tellResumed: ['migration', 'POSTCOPY_RESUMED'],
      tellCompleted: ['migration', 'POSTCOPY_COMPLETED'],
      tellUnrecovered: ['migration', 'POSTCOPY_UNRECOVERED'],
    }),
    rememberMissing: assign(({ event }) => ('missingPages' in event ? { missingPages: event.missingPages } : {})),
    rememberFailure: assign(({ event }) => ({
      during: during(event),
      errno: 'errno' in event ? event.errno : undefined,
    })),
    rememberPause: assign({ during: 'paused by the operator', errno: undefined }),
    rememberCutShort: assign({ during: 'sendMissing, cut short', errno: undefined }),
  },
  guards: {
    everythingArrived: ({ event }) => event.type === 'DONE.sendMissing' && event.missingPages === 0,
  },
  delays: {
    giveUpAfter: ({ context }) => context.giveUpAfterMs,
  },
}).createMachine({
  id: 'post-copy',
  description: 'The guest runs on the destination with pages missing. QEMU: migration/postcopy-ram.c, userfaultfd.',
  context: ({ input }) => ({ ...input, missingPages: undefined, during: '', errno: undefined }),
  options: { maxIterations: 100 },
  initial: 'pushing',
  on: {
    PAUSE: { description: 'It is paused, or on its way back from a pause.' },
    RECOVER: { description: 'QEMU: an error unless it is paused.' },
    'DONE.*': { description: 'An answer that nobody waits for any more.' },
    'FAILED.*': { description: 'An answer that nobody waits for any more.' },
  },
  states: {
    pushing: {
      description:
        'One command for all that is missing: faults first, the rest in order (ram_save_postcopy_requested). Its cap is max-postcopy-bandwidth.',
      entry: 'sendMissing',
      on: {
        'DONE.sendMissing': [
          { guard: 'everythingArrived', target: 'completed' },
          { target: 'interrupted', actions: ['rememberMissing', 'rememberCutShort'] },
        ],
        'FAILED.sendMissing': {
          description: 'Any I/O error pauses: nobody can tell a broken link from a host that died (postcopy_pause).',
          target: 'interrupted',
          actions: 'rememberFailure',
        },
        PAUSE: { description: 'QEMU: migrate-pause.', target: 'pausing' },
      },
    },
    pausing: {
      description: 'The sockets are shut down; what is on the wire is lost and will be sent again.',
      entry: 'haltRound',
      on: {
        'DONE.sendMissing': [
          { guard: 'everythingArrived', description: 'It was done before it could be paused.', target: 'completed' },
          { description: 'How far it has come is asked when it goes on.', actions: 'rememberMissing' },
        ],
        'DONE.haltRound': { target: 'interrupted', actions: 'rememberPause' },
        'FAILED.haltRound': {
          description: 'Its answers are no longer waited for.',
          target: 'interrupted',
          actions: 'rememberPause',
        },
      },
    },
    interrupted: {
      initial: 'paused',
      after: {
        giveUpAfter: {
          description: "This project's own limit: QEMU waits for an operator for ever.",
          target: 'unrecovered',
        },
      },
      states: {
        paused: {
          description: 'The guest runs on until it touches a page that it does not have.',
          entry: {
            type: 'tellPaused',
            params: ({ context }) => ({ during: context.during, errno: context.errno }),
          },
          on: {
            RECOVER: {
              description: 'QEMU: migrate-recover on the destination, then migrate with resume on the source.',
              target: 'reconnecting',
            },
          },
        },
        reconnecting: {
          description: 'A connection that fails leaves it paused (migrate_fd_connect, postcopy-recover-setup).',
          entry: ['tellReconnecting', 'reconnect'],
          on: {
            'DONE.reconnect': 'comparing',
            'FAILED.reconnect': { target: 'paused', actions: 'rememberFailure' },
          },
        },
        comparing: {
          description:
            'The destination says page by page what it has received, so that what was on the wire is sent again (ram_dirty_bitmap_reload).',
          entry: ['tellReconnected', 'compareReceived'],
          on: {
            'DONE.compareReceived': {
              target: '#post-copy.pushing',
              actions: ['rememberMissing', 'tellResumed'],
            },
            'FAILED.compareReceived': { target: 'paused', actions: 'rememberFailure' },
          },
        },
      },
    },
    completed: { entry: 'tellCompleted' },
    unrecovered: {
      description: 'Neither host has the whole guest. Both stay as they are: what is missing may still be fetched.',
      entry: { type: 'tellUnrecovered', params: ({ context }) => ({ because: unrecovered(context) }) },
    },
  },
});

function unrecovered({ during: what, errno, missingPages, giveUpAfterMs }: Context): string {
  const cause = errno === undefined ? what : `${what} (${errno})`;
  const pages = missingPages === undefined ? 'pages' : `${missingPages} pages`;
  return `post-copy was paused and not recovered in ${giveUpAfterMs / 1000} s: ${cause}; the guest is on the destination, if that lives, and lacks ${pages} that only the source has. Keep both hosts: fencing either one loses the guest`;
}
