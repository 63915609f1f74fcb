/**
 * libvirt's virsh: no rule of its own; a timeout after which the guest is suspended or post-copy is started, and post-copy
 * right after the first pass.
 *
 * `virsh migrate --timeout SECONDS` with --timeout-suspend (the default) or --timeout-postcopy; `--postcopy-after-precopy`;
 * `virsh migrate-setmaxdowntime`, given once when the migration runs. A timeout of 0 is none.
 * Source: libvirt docs/manpages/virsh.rst, tools/virsh-domain.c; src/qemu/qemu_migration_params.c.
 */
import { setup } from 'xstate';
import type { Received } from '../messages.ts';
import {
  guestPaused,
  heard,
  limited,
  type ManagedVm,
  type ManagerEntry,
  type ManagerInput,
  settingDowntime,
  startingPostCopy,
  suspending,
  tellingDecisions,
} from './manager.ts';

export interface LibvirtParameters {
  readonly timeoutMs: number;
  readonly timeoutAction: 'suspend' | 'postcopy';
  readonly postCopyAfterPreCopy: boolean;
  readonly maxDowntimeMs: number;
}

const NAME = 'libvirt';

interface Context {
  parameters: LibvirtParameters;
  vm: ManagedVm;
}

export const libvirt = setup({
  types: {} as { context: Context; events: Received<'manager'>; input: ManagerInput<LibvirtParameters> },
  actions: { ...settingDowntime, ...startingPostCopy, ...suspending, ...tellingDecisions },
  guards: {
    setsDowntime: ({ context }) => context.parameters.maxDowntimeMs > 0,
    firstPassIsOver: ({ context, event }) =>
      event.type === 'MIGRATION_PASS' && event.pass > 1 && context.parameters.postCopyAfterPreCopy,
    hasTimeout: ({ context }) => context.parameters.timeoutMs > 0,
    suspends: ({ context }) => context.parameters.timeoutAction === 'suspend',
  },
  delays: { timeout: ({ context }) => context.parameters.timeoutMs },
}).createMachine({
  id: 'manager-libvirt',
  description: 'A timeout, or post-copy after the first pass. libvirt: tools/virsh-domain.c.',
  context: ({ input: { parameters, vm } }) => ({ parameters, vm }),
  options: { maxIterations: 100 },
  initial: 'waiting',
  on: heard,
  states: {
    waiting: {
      on: { MIGRATION_ACTIVE: [{ guard: 'setsDowntime', target: 'settingDowntime' }, { target: 'watching' }] },
    },
    settingDowntime: {
      entry: [
        ...limited<Context>(
          NAME,
          (context) => context.parameters.maxDowntimeMs,
          (context) => ({ downtimeLimitMs: context.vm.downtimeLimitMs }),
        ),
      ],
      always: 'watching',
    },
    watching: {
      on: {
        MIGRATION_PASS: [
          { guard: 'firstPassIsOver', target: 'startingPostCopy' },
          { description: 'Only with --postcopy-after-precopy, after the first.' },
        ],
      },
      initial: 'choosing',
      states: {
        choosing: { always: [{ guard: 'hasTimeout', target: 'timed' }, { target: 'untimed' }] },
        timed: {
          after: {
            timeout: [
              { guard: 'suspends', target: '#manager-libvirt.suspending' },
              { target: '#manager-libvirt.startingPostCopy' },
            ],
          },
        },
        untimed: { description: 'No --timeout.' },
      },
    },
    suspending: {
      description: 'A guest that stands writes nothing: the next pass converges, and it goes on at the destination.',
      entry: [...guestPaused<Context>(NAME, (context) => ({ elapsedMs: context.parameters.timeoutMs }))],
      on: { GUEST_REACHED: 'suspended' },
    },
    suspended: {},
    startingPostCopy: {
      entry: [
        'startPostCopy',
        {
          type: 'tellDecision',
          params: ({ context, event }) => ({
            manager: 'libvirt',
            verdict: 'postcopy',
            because:
              event.type === 'MIGRATION_PASS' ? { pass: event.pass } : { elapsedMs: context.parameters.timeoutMs },
          }),
        },
      ],
    },
    dismissed: {},
  },
});

const usesPostCopy = ({ timeoutMs, timeoutAction, postCopyAfterPreCopy }: LibvirtParameters) =>
  postCopyAfterPreCopy || (timeoutMs > 0 && timeoutAction === 'postcopy');

export const libvirtManager: ManagerEntry<LibvirtParameters> = {
  name: NAME,
  version: '1',
  role: 'manager',
  description: 'virsh migrate: suspend or post-copy after a timeout, or post-copy after the first pass',
  source: 'libvirt docs/manpages/virsh.rst, tools/virsh-domain.c, src/qemu/qemu_migration_params.c',
  machine: libvirt,
  defaults: { timeoutMs: 0, timeoutAction: 'suspend', postCopyAfterPreCopy: false, maxDowntimeMs: 0 },
  parameters: {
    timeoutMs: '--timeout: since the migration runs; 0 is none.',
    timeoutAction: '--timeout-suspend or --timeout-postcopy.',
    postCopyAfterPreCopy: '--postcopy-after-precopy.',
    maxDowntimeMs: "virsh migrate-setmaxdowntime; 0 leaves the vmm's own.",
  },
  words: { timeoutAction: ['suspend', 'postcopy'] },
  needsPostCopy: usesPostCopy,
  maySuspend: ({ timeoutMs, timeoutAction }) => timeoutMs > 0 && timeoutAction === 'suspend',
};
