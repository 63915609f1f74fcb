/**
 * A migration of somebody else's, as seen over QMP: which status QEMU said when, whether the guest ran, which pass had begun.
 *
 * It decides nothing and asks nothing. What was seen is believed: a walk that QEMU's own machine does not have is told as a
 * warning, and the chart stands where QEMU says it is. A status that only a poll has seen may have been reached through others
 * that nobody saw. Statuses: qapi/migration.json, MigrationStatus; arcs: migrate_set_state in migration/migration.c, of the
 * releases from 7.2 to 11.1 together, on the source.
 */
import { assign, setup } from 'xstate';
import { facts, type Received } from './messages.ts';

/** QEMU's statuses with those that may follow each, in any release. */
export const STATUS_ARCS = {
  none: ['setup'],
  setup: ['wait-unplug', 'active', 'cancelling', 'failing', 'failed'],
  'wait-unplug': ['active', 'cancelling', 'failing', 'failed'],
  active: ['pre-switchover', 'device', 'postcopy-active', 'colo', 'completed', 'cancelling', 'failing', 'failed'],
  'pre-switchover': ['device', 'postcopy-active', 'cancelling', 'failing', 'failed'],
  device: ['completed', 'postcopy-device', 'postcopy-active', 'colo', 'cancelling', 'failing', 'failed'],
  'postcopy-device': ['postcopy-active', 'failing', 'failed'],
  'postcopy-active': ['completed', 'postcopy-paused', 'cancelling', 'failed'],
  'postcopy-paused': ['postcopy-recover-setup', 'postcopy-recover'],
  'postcopy-recover-setup': ['postcopy-recover', 'postcopy-paused'],
  'postcopy-recover': ['postcopy-active', 'postcopy-paused'],
  colo: ['completed', 'failed'],
  cancelling: ['cancelled'],
  failing: ['failed'],
  // Before another migration QEMU passes `none` without saying so.
  cancelled: ['none', 'setup'],
  failed: ['none', 'setup'],
  // The guest has left: only one that failed to start over there can leave again.
  completed: ['none', 'setup'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type ObservedStatus = keyof typeof STATUS_ARCS;
export const OBSERVED_STATUSES = Object.keys(STATUS_ARCS) as readonly ObservedStatus[];

/** Of memory, as query-migrate says it. */
export interface ObservedRam {
  readonly totalBytes: number;
  readonly remainingBytes: number;
  readonly transferredBytes: number;
  readonly dirtySyncCount: number;
}

interface Context {
  status: ObservedStatus;
  /** The latest pass that was told; 0: none. */
  pass: number;
  ram: ObservedRam | undefined;
}

type Events = Received<'observed'>;
type Walk = Pick<Context, 'status'>;

/** Whether one may follow the other, with others between them that nobody saw. */
export function leadsTo(from: ObservedStatus, to: ObservedStatus): boolean {
  const reached = new Set<ObservedStatus>();
  const waiting: ObservedStatus[] = [from];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const after of STATUS_ARCS[next]) {
      if (after === to) return true;
      if (!reached.has(after)) waiting.push(after);
      reached.add(after);
    }
  }
  return false;
}

/** Why a status that is not one of those that may follow was told all the same. */
function walkText({ status: from }: Walk, event: Events): string {
  if (event.type !== 'STATUS_SEEN') return '';
  const { status: to, by } = event;
  if (by === 'poll' && leadsTo(from, to)) return `status ${from} to ${to}: what was between, no poll has seen`;
  const may = STATUS_ARCS[from].join(', ');
  return `illegal walk: status ${from} to ${to}, and QEMU goes from ${from} to ${may} only`;
}

const says = (status: ObservedStatus) => `says ${status}` as const;
const SAYS = Object.fromEntries(
  OBSERVED_STATUSES.map((status) => [
    says(status),
    ({ event }: { readonly event: Events }) => event.type === 'STATUS_SEEN' && event.status === status,
  ]),
) as Record<ReturnType<typeof says>, (args: { readonly event: Events }) => boolean>;

const unforeseen = {
  type: 'warn',
  params: ({ context, event }: { readonly context: Walk; readonly event: Events }) => ({
    of: walkText(context, event),
  }),
} as const;

function statusState(status: ObservedStatus) {
  const arcs: readonly ObservedStatus[] = STATUS_ARCS[status];
  return {
    entry: [
      { type: 'rememberStatus', params: { status } },
      { type: 'announce', params: { status } },
    ],
    on: {
      STATUS_SEEN: [
        { guard: says(status), description: 'Said again.' },
        ...arcs.map((to) => ({ guard: says(to), target: to })),
      ],
    },
  } as const;
}

export const observed = setup({
  types: {} as { context: Context; events: Events },
  actions: {
    ...facts({ announce: 'STATUS_CHANGED', warn: 'WARNED' }),
    rememberStatus: assign((_, { status }: { readonly status: ObservedStatus }) => ({ status })),
    rememberPass: assign(({ event }) => (event.type === 'PASS_SEEN' ? { pass: event.pass } : {})),
    rememberRam: assign(({ context, event }) =>
      event.type === 'POLL_SEEN' && event.ram !== undefined ? { ram: event.ram } : { ram: context.ram },
    ),
  },
  guards: {
    ...SAYS,
    isSource: ({ event }) => 'host' in event && event.host === 'source',
    isDestination: ({ event }) => 'host' in event && event.host === 'destination',
    isNextPass: ({ context, event }) => event.type === 'PASS_SEEN' && event.pass === context.pass + 1,
    isFirstPass: ({ event }) => event.type === 'PASS_SEEN' && event.pass === 1,
  },
}).createMachine({
  id: 'observed',
  description:
    "A migration seen over QMP. QEMU: qapi/migration.json, migration/migration.c, run-state's STOP and RESUME.",
  context: { status: 'none', pass: 0, ram: undefined },
  options: { maxIterations: 100 },
  type: 'parallel',
  states: {
    status: {
      initial: 'none',
      on: {
        STATUS_SEEN: OBSERVED_STATUSES.map((status) => ({
          guard: says(status),
          target: `.${status}` as const,
          description: 'No arc of QEMU leads here from where it was.',
          actions: unforeseen,
        })),
      },
      states: Object.fromEntries(OBSERVED_STATUSES.map((status) => [status, statusState(status)])) as unknown as Record<
        ObservedStatus,
        ReturnType<typeof statusState>
      >,
    },
    source: {
      initial: 'running',
      states: {
        running: {
          on: {
            STOP_SEEN: { guard: 'isSource', target: 'stopped' },
            RESUME_SEEN: { guard: 'isSource', description: 'Said again.' },
          },
        },
        stopped: {
          on: {
            RESUME_SEEN: { guard: 'isSource', target: 'running' },
            STOP_SEEN: { guard: 'isSource', description: 'Said again.' },
          },
        },
      },
    },
    destination: {
      initial: 'waiting',
      states: {
        waiting: {
          on: {
            RESUME_SEEN: { guard: 'isDestination', target: 'running' },
            STOP_SEEN: { guard: 'isDestination', description: 'It has not run yet.' },
          },
        },
        running: {
          on: {
            STOP_SEEN: { guard: 'isDestination', target: 'waiting' },
            RESUME_SEEN: { guard: 'isDestination', description: 'Said again.' },
          },
        },
      },
    },
    memory: {
      initial: 'followed',
      states: {
        followed: {
          on: {
            PASS_SEEN: [
              { guard: 'isNextPass', actions: 'rememberPass' },
              { guard: 'isFirstPass', description: 'Of another migration.', actions: 'rememberPass' },
              {
                description: 'Events were lost, or the log begins in the middle.',
                actions: [
                  {
                    type: 'warn',
                    params: ({ context, event }) => ({
                      of: `pass ${'pass' in event ? event.pass : '?'} came after pass ${context.pass}`,
                    }),
                  },
                  'rememberPass',
                ],
              },
            ],
            POLL_SEEN: { actions: 'rememberRam' },
          },
        },
      },
    },
  },
});
