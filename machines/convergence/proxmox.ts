/**
 * Proxmox VE: the downtime limit is doubled whenever the migration has not got on in six polls. There is no time limit.
 *
 * It begins with 100 ms and looks every second. Where something was sent since the poll before, a poll counts when more remains
 * than then, unless that was nothing, or when nothing remains; more than five double the limit and the count begins anew. There
 * too: once less remains than had been sent by the poll before, divided by all polls so far, it looks ten times a second to the
 * end. Five queries in a row may fail; after each, and in status setup, it waits a second more.
 * Source: Proxmox VE qemu-server, PVE/QemuMigrate.pm, the loop of phase2, commit e594231bf1 (February 2022). Still so in
 * e6352be6 (August 2026), from which it has that the limit is held to QEMU's most; the 100 ms are from its logs.
 */
import { assign, setup } from 'xstate';
import { commands } from '../messages.ts';
import type { MigrateInfo } from '../words.ts';
import {
  aborting,
  decided,
  heardByPoller,
  infoOf,
  isSending,
  limited,
  type ManagedVm,
  type ManagerEntry,
  type ManagerInput,
  nothingSeen,
  type PollerEvents,
  remainingOf,
  seenNumbers,
  settingDowntime,
  tellingDecisions,
} from './manager.ts';

export interface ProxmoxParameters {
  readonly pollMs: number;
  readonly nearPollMs: number;
  readonly retryDelayMs: number;
  readonly initialDowntimeMs: number;
  readonly growthCountMax: number;
  readonly downtimeFactor: number;
  readonly queryErrorsMax: number;
}

const NAME = 'proxmox';

interface Context {
  parameters: ProxmoxParameters;
  vm: ManagedVm;
  seen: MigrateInfo;
  /** What remained at the last poll since which something had been sent; 0 before. */
  previousBytes: number;
  /** What had been sent by the last poll. */
  transferredBytes: number;
  /** All of them: those that failed and those in status setup as well. */
  pollsCount: number;
  /** Less remained once than is sent between two polls: for good. */
  near: boolean;
  growthCount: number;
  /** In a row. */
  errorsCount: number;
  currentMs: number;
}

/** QEMU refuses more: migrate_params_check, migration/options.c. */
const DOWNTIME_LIMIT_MAX_MS = 2_000_000;

function sentSince({ transferredBytes }: Context, { ram }: MigrateInfo): boolean {
  return ram !== undefined && ram.transferredBytes !== transferredBytes;
}

/** What a poll since which something was sent is compared with is the one before: what remained, and what had been sent. */
function compared({ near, growthCount, previousBytes, transferredBytes, pollsCount }: Context, seen: MigrateInfo) {
  const remainingBytes = remainingOf(seen);
  const grew = remainingBytes === 0 || (previousBytes > 0 && remainingBytes > previousBytes);
  return {
    near: near || remainingBytes < transferredBytes / pollsCount,
    growthCount: growthCount + (grew ? 1 : 0),
    previousBytes: remainingBytes,
    transferredBytes: seen.ram?.transferredBytes ?? 0,
  };
}

export const proxmox = setup({
  types: {} as { context: Context; events: PollerEvents; input: ManagerInput<ProxmoxParameters> },
  actions: {
    ...commands('queryMigrate'),
    ...settingDowntime,
    ...aborting,
    ...tellingDecisions,
    countPoll: assign(({ context }) => ({ pollsCount: context.pollsCount + 1 })),
    remember: assign(({ context, event }) => {
      if (event.type !== 'DONE.queryMigrate') return {};
      const seen = infoOf(event);
      return { seen, errorsCount: 0, ...(sentSince(context, seen) ? compared(context, seen) : {}) };
    }),
    countError: assign(({ context }) => ({ errorsCount: context.errorsCount + 1 })),
    double: assign(({ context: { currentMs, parameters } }) => ({
      currentMs: Math.min(DOWNTIME_LIMIT_MAX_MS, currentMs * parameters.downtimeFactor),
      growthCount: 0,
    })),
  },
  guards: {
    isSending,
    growsTooOften: ({ context: { growthCount, currentMs, parameters } }) =>
      growthCount > parameters.growthCountMax && currentMs < DOWNTIME_LIMIT_MAX_MS,
    isNear: ({ context }) => context.near,
    failsTooOften: ({ context: { errorsCount, parameters } }) => errorsCount >= parameters.queryErrorsMax,
  },
  delays: {
    poll: ({ context }) => context.parameters.pollMs,
    nearPoll: ({ context }) => context.parameters.nearPollMs,
    retryDelay: ({ context }) => context.parameters.retryDelayMs,
  },
}).createMachine({
  id: 'manager-proxmox',
  description: 'A downtime limit that doubles while nothing moves. Proxmox VE: QemuMigrate.pm.',
  context: ({ input: { parameters, vm } }) => ({
    parameters,
    vm,
    seen: nothingSeen(vm),
    previousBytes: 0,
    transferredBytes: 0,
    pollsCount: 0,
    near: false,
    growthCount: 0,
    errorsCount: 0,
    currentMs: parameters.initialDowntimeMs,
  }),
  options: { maxIterations: 100 },
  initial: 'waiting',
  on: heardByPoller,
  states: {
    waiting: { on: { MIGRATION_ACTIVE: 'settingDowntime' } },
    settingDowntime: {
      entry: [
        ...limited<Context>(
          NAME,
          (context) => context.currentMs,
          (context) => seenNumbers(context.seen),
        ),
      ],
      always: 'deciding',
    },
    watching: { after: { poll: 'asking' } },
    watchingClosely: {
      description: 'Less remained at a poll than goes out between two.',
      after: { nearPoll: 'asking' },
    },
    waitingLonger: {
      description: 'The query failed, or told nothing yet: it waits, and then as always.',
      after: { retryDelay: 'deciding' },
    },
    asking: {
      entry: ['countPoll', 'queryMigrate'],
      on: {
        'DONE.queryMigrate': [
          { guard: 'isSending', target: 'deciding', actions: 'remember' },
          { description: 'Nothing is sent yet, or any more.', target: 'waitingLonger' },
        ],
        'FAILED.queryMigrate': [
          { guard: 'failsTooOften', target: 'aborting' },
          { description: 'Asked again, a little later.', target: 'waitingLonger', actions: 'countError' },
        ],
      },
    },
    deciding: {
      always: [
        { guard: 'growsTooOften', target: 'settingDowntime', actions: 'double' },
        { guard: 'isNear', target: 'watchingClosely' },
        { target: 'watching' },
      ],
    },
    aborting: {
      entry: [
        { type: 'abort', params: { because: `aborted by ${NAME}: too many queries failed` } },
        decided<Context>(
          NAME,
          () => 'abort',
          (context) => ({ ...seenNumbers(context.seen), failedQueries: context.errorsCount + 1 }),
        ),
      ],
    },
    dismissed: {},
  },
});

export const proxmoxManager: ManagerEntry<ProxmoxParameters> = {
  name: NAME,
  version: '1',
  role: 'manager',
  description: 'Proxmox VE: 100 ms, doubled whenever six polls saw more remain than before',
  source: 'Proxmox VE qemu-server, PVE/QemuMigrate.pm',
  machine: proxmox,
  defaults: {
    pollMs: 1000,
    nearPollMs: 100,
    retryDelayMs: 1000,
    initialDowntimeMs: 100,
    growthCountMax: 5,
    downtimeFactor: 2,
    queryErrorsMax: 5,
  },
  parameters: {
    pollMs: 'How often it looks.',
    nearPollMs: 'How often it looks near the end.',
    retryDelayMs: 'How much longer it waits after a query that failed, or that found status setup.',
    initialDowntimeMs: 'The limit that it begins with.',
    growthCountMax: 'So many polls may see more remain than the one before.',
    downtimeFactor: 'What the limit is multiplied with then.',
    queryErrorsMax: 'So many queries in a row may fail.',
  },
  least: { pollMs: 1, nearPollMs: 1, downtimeFactor: 1 },
};
