/**
 * The root chart in doubt: it rests, and is taken up again by an operator's order.
 *
 * QEMU's status is `failed` by then and stays that. Resting is announced as an end, with the outcome `in-doubt`; whatever
 * settles it announces another one. Who may run is `in-doubt`'s to find out; what follows from it is decided here: the guest
 * is cleaned up behind, goes back to the source by the same way as ever, or is lost.
 */
import type { InDoubtInput } from './in-doubt.ts';
import { inDoubt, rollBack } from './openings.ts';
import type { Plan } from './plan.ts';
import { status, tellThrottle } from './statuses.ts';

/** The same orders in every other state. */
export const takenUpElsewhere = {
  TAKE_UP: { description: 'An orchestrator goes on where another one died: noted, so that the journal tells it.' },
  SOURCE_FENCED: { description: 'Nothing is in doubt: who gives the order is told so.' },
  DESTINATION_FENCED: { description: 'Nothing is in doubt: who gives the order is told so.' },
} as const;

interface Near {
  readonly context: {
    readonly plan: Plan;
    readonly reason: string;
    readonly doubt: InDoubtInput;
  };
}

const open = {
  type: 'openInDoubt',
  params: ({ context }: Near) => ({ charts: inDoubt(context.doubt) }),
} as const;

export const inDoubtStatus = {
  'in-doubt': {
    description: 'Never two guests: who holds it now must be asked, or fenced.',
    entry: [status('failed'), open],
    initial: 'resting',
    on: {
      CANCEL: { description: 'There is nothing to cancel: nobody knows who has the guest.' },
      CONTINUE: { description: 'Nothing is paused.' },
      DESTINATION_REACHED: { description: 'Too late to matter.' },
    },
    states: {
      resting: {
        description: 'An end, as long as nobody takes it up.',
        tags: ['rests'],
        entry: {
          type: 'tellEnd',
          params: ({ context }: Near) => ({ outcome: 'in-doubt' as const, reason: context.reason }),
        },
        on: {
          TAKE_UP: { target: 'asking', actions: 'resolveDoubt' },
          SOURCE_FENCED: { target: 'asking', actions: 'tellSourceFenced' },
          DESTINATION_FENCED: { target: 'asking', actions: 'tellDestinationFenced' },
        },
      },
      asking: {
        on: {
          DOUBT_REMAINS: { target: 'resting', actions: 'noteStillInDoubt' },
          DOUBT_RESOLVED: [
            {
              guard: 'runsThereAndFetches',
              description: 'Post-copy: it runs there, and what it lacks is here.',
              target: '#migration.postcopy-active.opening',
            },
            {
              guard: 'runsWithoutAllItsPages',
              description: 'Post-copy: it runs there, and pages that it needs were on the host that is fenced.',
              target: 'resting',
              actions: 'noteHalfThere',
            },
            {
              guard: 'runsThereAndSourceIsFenced',
              description: 'There is nothing to be cleaned up on a host that is dead.',
              target: '#migration.cleanedUp',
              actions: ['noteCompleted', status('completed')],
            },
            { guard: 'runsThere', target: '#migration.completed' },
            { guard: 'sourceMayRun', target: 'rollingBack', actions: 'noteResolved' },
            { description: 'It is lost.', target: '#migration.failedAfterDoubt', actions: 'noteResolved' },
          ],
        },
      },
      rollingBack: {
        description: 'The destination will never run: the same way back as for every failure.',
        entry: [
          tellThrottle('releaseThrottle'),
          'closeRollBack',
          { type: 'openRollBack', params: ({ context }: Near) => ({ charts: rollBack(context.plan, 'nobody', true) }) },
        ],
        on: {
          ROLLED_BACK: [
            { guard: 'sourceRuns', target: '#migration.failedAfterDoubt' },
            { target: 'resting', actions: 'noteSourceStopped' },
          ],
        },
      },
    },
  },
  failedAfterDoubt: {
    description: 'The status has been `failed` since the doubt arose.',
    type: 'final',
    entry: [
      'closePreCopy',
      'closeStopAndCopy',
      'closeRollBack',
      {
        type: 'tellEnd',
        params: ({ context }: Near) => ({ outcome: 'failed' as const, reason: context.reason }),
      },
    ],
  },
} as const;
