/**
 * Who has the guest? Opened when nobody here can say, and asked again whenever an operator wants it settled.
 *
 * It takes a host's own answer, or an operator's word that the host is dead (fenced), and nothing else: a host that does not
 * answer may be running a guest. So the source goes on only when the destination has said that it does not run and has been
 * ended, or is fenced; the destination goes on only when it runs already, or the source is fenced. Until then the doubt
 * remains. This chart refuses to conclude anything from silence, and from who holds the storage: a lease can run out under a
 * guest that still runs. That is asked only to be told.
 */
import { assign, setup } from 'xstate';
import { during } from './failure.ts';
import { commands, messages, type Received } from './messages.ts';
import type { Answer, Errno } from './words.ts';

/** How often a destination that is about to run is asked again before it is left alone; this project's own default. */
export const ASK_ATTEMPTS_MAX = 60;
/** ms until then, each time; this project's own default. */
export const ASK_AGAIN_MS = 1_000;

export interface InDoubtInput {
  /** What failed, for whoever reads the reason. */
  readonly why: string;
  /** `may-run`: it had loaded everything and was told to take over. `given-up`: it was never told to, and never will be. */
  readonly destination: 'may-run' | 'given-up';
}

interface Context extends InDoubtInput {
  fenced: 'nobody' | 'source' | 'destination';
  attempts: number;
  /** Why the doubt remains, if it does. */
  because: string;
}

type Events =
  | Received<'in-doubt'>
  | Answer<'queryDestination' | 'queryStorage' | 'quitDestination'>
  | { type: 'xstate.after.askAgain.in-doubt.waiting' };

export const inDoubt = setup({
  types: {} as { context: Context; events: Events; input: InDoubtInput },
  actions: {
    ...commands('queryDestination', 'queryStorage', 'quitDestination'),
    ...messages({
      takeOver: ['destination', 'TAKE_OVER'],
      tellResolved: ['migration', 'DOUBT_RESOLVED'],
      tellRemains: ['migration', 'DOUBT_REMAINS'],
    }),
    noteSourceFenced: assign({ fenced: 'source' as const }),
    noteDestinationFenced: assign({ fenced: 'destination' as const, destination: 'given-up' as const }),
    noteGivenUp: assign({ destination: 'given-up' as const }),
    countAttempt: assign(({ context }) => ({ attempts: context.attempts + 1 })),
    forgetAttempts: assign({ attempts: 0 }),
    noteSilence: assign(({ event }) => ({ because: silence(event) })),
    noteStarting: assign({ because: 'the destination has been told to run and does not run yet: recover again later' }),
  },
  guards: {
    isGivenUp: ({ context }) => context.destination === 'given-up',
    isGivenUpAndSourceFenced: ({ context }) => context.destination === 'given-up' && context.fenced === 'source',
    isFenced: ({ context }) => context.fenced !== 'nobody',
    sourceIsFenced: ({ context }) => context.fenced === 'source',
    runs: ({ event }) => event.type === 'DONE.queryDestination' && event.state === 'running',
    willRun: ({ context, event }) =>
      event.type === 'DONE.queryDestination' && event.state === 'starting' && context.attempts < ASK_ATTEMPTS_MAX,
    stillStarting: ({ event }) => event.type === 'DONE.queryDestination' && event.state === 'starting',
    loadedAndSourceFenced: ({ context, event }) =>
      event.type === 'DONE.queryDestination' && event.state === 'loaded' && context.fenced === 'source',
    isGone: ({ event }) => event.type === 'DONE.queryDestination' && event.state === 'gone',
    tookOver: ({ event }) => event.type === 'DESTINATION_REACHED' && event.state === 'running',
  },
  delays: { askAgain: ASK_AGAIN_MS },
}).createMachine({
  id: 'in-doubt',
  description: 'Never two guests outranks never none: a host is asked, or fenced, before the other one may run.',
  context: ({ input }) => ({ ...input, fenced: 'nobody', attempts: 0, because: '' }),
  options: { maxIterations: 100 },
  initial: 'resting',
  on: {
    RESOLVE: { description: 'It is being found out.' },
    SOURCE_FENCED: { description: 'One host can be fenced, once: who gives the order is told so.' },
    DESTINATION_FENCED: { description: 'One host can be fenced, once: who gives the order is told so.' },
    DESTINATION_REACHED: { description: 'An answer to an order that a later one has replaced.' },
    'DONE.*': { description: 'Too late to matter.' },
    'FAILED.*': { description: 'Too late to matter.' },
  },
  states: {
    resting: {
      description: 'Nothing happens by itself.',
      entry: 'forgetAttempts',
      on: {
        RESOLVE: [
          { guard: 'isGivenUpAndSourceFenced', target: 'resting', actions: resolved('lost') },
          {
            guard: 'isGivenUp',
            description: 'It was never told to run: only the way back has to be tried again.',
            target: 'resting',
            actions: resolved('source'),
          },
          { target: 'asking' },
        ],
        SOURCE_FENCED: [
          { guard: 'isFenced', description: 'One host can be fenced, once: who gives the order is told so.' },
          {
            guard: 'isGivenUp',
            description: 'The destination has been ended, or never had everything.',
            target: 'resting',
            actions: ['noteSourceFenced', resolved('lost')],
          },
          { target: 'asking', actions: 'noteSourceFenced' },
        ],
        DESTINATION_FENCED: [
          { guard: 'isFenced', description: 'One host can be fenced, once: who gives the order is told so.' },
          { target: 'resting', actions: ['noteDestinationFenced', resolved('source')] },
        ],
      },
    },
    asking: {
      description: "QEMU's query-status on the destination, or whatever says it as surely.",
      entry: ['countAttempt', 'queryDestination'],
      on: {
        'DONE.queryDestination': [
          { guard: 'runs', target: 'resting', actions: resolved('destination') },
          { guard: 'willRun', target: 'waiting' },
          { guard: 'stillStarting', target: 'askingStorage', actions: 'noteStarting' },
          { guard: 'loadedAndSourceFenced', target: 'takingOver' },
          {
            guard: 'sourceIsFenced',
            description: 'It does not have all of the guest, and the host that had it is dead.',
            target: 'resting',
            actions: resolved('lost'),
          },
          { guard: 'isGone', target: 'resting', actions: ['noteGivenUp', resolved('source')] },
          { target: 'endingDestination' },
        ],
        'FAILED.queryDestination': [
          {
            guard: 'sourceIsFenced',
            description: 'It had loaded everything when it was told to take over.',
            target: 'takingOver',
          },
          { target: 'askingStorage', actions: 'noteSilence' },
        ],
      },
    },
    waiting: { after: { askAgain: 'asking' } },
    endingDestination: {
      description: 'It does not run; now it never will.',
      entry: 'quitDestination',
      on: {
        'DONE.quitDestination': { target: 'resting', actions: ['noteGivenUp', resolved('source')] },
        'FAILED.quitDestination': { target: 'askingStorage', actions: 'noteSilence' },
      },
    },
    takingOver: {
      description: 'The source is dead: whoever is left acquires the storage and runs.',
      entry: 'takeOver',
      on: {
        DESTINATION_REACHED: [
          { guard: 'tookOver', target: 'resting', actions: resolved('destination') },
          { target: 'askingStorage', actions: 'noteSilence' },
        ],
      },
    },
    askingStorage: {
      description: 'For the words only: who holds it does not say who runs.',
      entry: 'queryStorage',
      on: {
        'DONE.queryStorage': {
          target: 'resting',
          actions: {
            type: 'tellRemains',
            params: ({ context, event }) => ({
              because: `${remains(context)}; the storage is held by ${event.holder}`,
            }),
          },
        },
        'FAILED.queryStorage': {
          target: 'resting',
          actions: { type: 'tellRemains', params: ({ context }) => ({ because: remains(context) }) },
        },
      },
    },
  },
});

function resolved(guest: 'destination' | 'source' | 'lost') {
  return {
    type: 'tellResolved',
    params: ({ context }: { context: Context }) => ({
      guest,
      sourceFenced: context.fenced === 'source',
      because: outcome(guest, context),
    }),
  } as const;
}

function outcome(guest: 'destination' | 'source' | 'lost', { why, fenced }: Context): string {
  switch (guest) {
    case 'destination':
      return '';
    case 'source':
      return fenced === 'destination' ? `${why}; the destination was fenced` : `${why}; the destination does not run`;
    case 'lost':
      return `${why}; the source was fenced and the destination does not have all of the guest: the guest is lost`;
    default:
      return guest satisfies never;
  }
}

function silence(event: Events): string {
  const errno: Errno | undefined = 'errno' in event ? event.errno : undefined;
  return `${during(event)}${errno === undefined ? '' : ` (${errno})`}`;
}

function remains({ fenced, because }: Context): string {
  return fenced === 'source'
    ? `the source is fenced, and the destination could not take over: ${because}`
    : `ask the destination again later, or fence a host: ${because}`;
}
