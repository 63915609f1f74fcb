/**
 * Proxmox VE: the downtime limit is doubled whenever the migration has not got on in six polls. There is no time limit.
 *
 * It begins with 100 ms and looks every second, or ten times a second once less remains than it sends between two polls on
 * average. A poll counts when more remains than at the one before, or nothing; more than five double the limit and the count
 * begins anew. Five queries may fail.
 * Source: Proxmox VE qemu-server, PVE/QemuMigrate.pm; the 100 ms are from its logs. The limit is held to QEMU's most.
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
  previousBytes: number | undefined;
  pollsCount: number;
  growthCount: number;
  errorsCount: number;
  currentMs: number;
}

/** QEMU refuses more: migrate_params_check, migration/options.c. */
const DOWNTIME_LIMIT_MAX_MS = 2_000_000;

export const proxmox = setup({
  types: {} as { context: Context; events: PollerEvents; input: ManagerInput<ProxmoxParameters> },
  actions: {
    ...commands('queryMigrate'),
    ...settingDowntime,
    ...aborting,
    ...tellingDecisions,
    remember: assign(({ context, event }) => {
      if (event.type !== 'DONE.queryMigrate') return {};
      const { previousBytes } = context;
      const remainingBytes = remainingOf(event);
      const grew = remainingBytes === 0 || (previousBytes !== undefined && remainingBytes > previousBytes);
      return {
        seen: infoOf(event),
        previousBytes: remainingBytes,
        pollsCount: context.pollsCount + 1,
        growthCount: context.growthCount + (grew ? 1 : 0),
      };
    }),
    countError: assign(({ context }) => ({ errorsCount: context.errorsCount + 1 })),
    double: assign(({ context: { currentMs, parameters } }) => ({
      currentMs: Math.min(DOWNTIME_LIMIT_MAX_MS, currentMs * parameters.downtimeFactor),
      growthCount: 0,
    })),
  },
  guards: {
    isSending,
    growsTooOften: ({ context: { growthCount, parameters } }) => growthCount > parameters.growthCountMax,
    isNear: ({ context: { seen, pollsCount } }) =>
      remainingOf(seen) < (seen.ram?.transferredBytes ?? 0) / Math.max(1, pollsCount),
    failsTooOften: ({ context: { errorsCount, parameters } }) => errorsCount >= parameters.queryErrorsMax,
  },
  delays: {
    poll: ({ context }) => context.parameters.pollMs,
    nearPoll: ({ context }) => context.parameters.nearPollMs,
  },
}).createMachine({
  id: 'manager-proxmox',
  description: 'A downtime limit that doubles while nothing moves. Proxmox VE: QemuMigrate.pm.',
  context: ({ input: { parameters, vm } }) => ({
    parameters,
    vm,
    seen: nothingSeen(vm),
    previousBytes: undefined,
    pollsCount: 0,
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
      always: 'watching',
    },
    watching: { after: { poll: 'asking' } },
    watchingClosely: {
      description: 'Less remains than goes out between two polls.',
      after: { nearPoll: 'asking' },
    },
    asking: {
      entry: 'queryMigrate',
      on: {
        'DONE.queryMigrate': [
          { guard: 'isSending', target: 'deciding', actions: 'remember' },
          { description: 'Nothing is sent yet, or any more.', target: 'watching' },
        ],
        'FAILED.queryMigrate': [
          { guard: 'failsTooOften', target: 'aborting' },
          { description: 'Asked again at the next poll.', target: 'watching', actions: 'countError' },
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
    initialDowntimeMs: 100,
    growthCountMax: 5,
    downtimeFactor: 2,
    queryErrorsMax: 5,
  },
  parameters: {
    pollMs: 'How often it looks.',
    nearPollMs: 'How often it looks near the end.',
    initialDowntimeMs: 'The limit that it begins with.',
    growthCountMax: 'So many polls may see more remain than the one before.',
    downtimeFactor: 'What the limit is multiplied with then.',
    queryErrorsMax: 'So many queries may fail.',
  },
  least: { pollMs: 1, nearPollMs: 1, downtimeFactor: 1 },
};
