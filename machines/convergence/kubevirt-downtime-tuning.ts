/**
 * KubeVirt's downtime tuning: from the third pass on the limit rises every 10 s, by a seventh of the way, to 900 ms.
 *
 * Only this rule: KubeVirt's time limits are `kubevirt-legacy`. The share of the way is cut to whole milliseconds, as Go
 * divides whole numbers, so that an eighth step makes up the rest; a step is 1 ms at least.
 * Source: KubeVirt pkg/virt-launcher/virtwrap/migration-monitor.go at 258adf035b (`tuneDowntime`,
 * `newDowntimeTuningConfig`).
 */
import { assign, setup } from 'xstate';
import { commands } from '../messages.ts';
import type { MigrateInfo } from '../words.ts';
import {
  asking,
  heardByPoller,
  infoOf,
  isSending,
  limited,
  type ManagedVm,
  type ManagerEntry,
  type ManagerInput,
  nothingSeen,
  type PollerEvents,
  seenNumbers,
  settingDowntime,
  tellingDecisions,
} from './manager.ts';

export interface KubevirtDowntimeTuningParameters {
  readonly pollMs: number;
  readonly initialDowntimeMs: number;
  readonly downtimeMaxMs: number;
  readonly stepsCount: number;
  readonly intervalMs: number;
  readonly fromPass: number;
}

const NAME = 'kubevirt-downtime-tuning';

interface Context {
  parameters: KubevirtDowntimeTuningParameters;
  vm: ManagedVm;
  seen: MigrateInfo;
  currentMs: number;
  /** Elapsed at the last change. */
  changedMs: number;
}

function beginsWithMs({ initialDowntimeMs, downtimeMaxMs }: KubevirtDowntimeTuningParameters): number {
  return Math.min(initialDowntimeMs, downtimeMaxMs);
}

function nextMs({ currentMs, parameters }: Context): number {
  const { downtimeMaxMs, stepsCount } = parameters;
  const stepMs = Math.floor((downtimeMaxMs - beginsWithMs(parameters)) / stepsCount);
  return Math.min(downtimeMaxMs, currentMs + Math.max(1, stepMs));
}

export const kubevirtDowntimeTuning = setup({
  types: {} as { context: Context; events: PollerEvents; input: ManagerInput<KubevirtDowntimeTuningParameters> },
  actions: {
    ...commands('queryMigrate'),
    ...settingDowntime,
    ...tellingDecisions,
    remember: assign(({ event }) => (event.type === 'DONE.queryMigrate' ? { seen: infoOf(event) } : {})),
    step: assign(({ context }) => ({ currentMs: nextMs(context), changedMs: context.seen.totalTimeMs })),
  },
  guards: {
    isSending,
    isAtMost: ({ context }) => context.currentMs >= context.parameters.downtimeMaxMs,
    isEarlyPass: ({ context: { seen, parameters } }) => (seen.ram?.dirtySyncCount ?? 0) < parameters.fromPass,
    intervalIsOver: ({ context: { seen, changedMs, parameters } }) =>
      seen.totalTimeMs - changedMs >= parameters.intervalMs,
  },
  delays: { poll: ({ context }) => context.parameters.pollMs },
}).createMachine({
  id: 'manager-kubevirt-downtime-tuning',
  description: 'A downtime limit that rises with time. KubeVirt: live-migration-source.go.',
  context: ({ input: { parameters, vm } }) => ({
    parameters,
    vm,
    seen: nothingSeen(vm),
    currentMs: beginsWithMs(parameters),
    changedMs: 0,
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
          (context) => ({ ...seenNumbers(context.seen), pass: context.seen.ram?.dirtySyncCount ?? 1 }),
        ),
      ],
      always: 'watching',
    },
    watching: { after: { poll: 'asking' } },
    asking,
    deciding: {
      always: [
        { guard: 'isAtMost', target: 'watching' },
        { guard: 'isEarlyPass', target: 'watching' },
        { guard: 'intervalIsOver', target: 'settingDowntime', actions: 'step' },
        { target: 'watching' },
      ],
    },
    dismissed: {},
  },
});

export const kubevirtDowntimeTuningManager: ManagerEntry<KubevirtDowntimeTuningParameters> = {
  name: NAME,
  version: '1',
  role: 'manager',
  description: 'KubeVirt: 150 ms, and from pass 3 on a seventh of the way to 900 ms more every 10 s',
  source: 'KubeVirt pkg/virt-launcher/virtwrap/live-migration-source.go',
  machine: kubevirtDowntimeTuning,
  defaults: {
    pollMs: 400,
    initialDowntimeMs: 150,
    downtimeMaxMs: 900,
    stepsCount: 7,
    intervalMs: 10_000,
    fromPass: 3,
  },
  parameters: {
    pollMs: 'How often it looks.',
    initialDowntimeMs: 'The limit that it begins with.',
    downtimeMaxMs: 'The limit that it ends with.',
    stepsCount: 'Steps from the one to the other.',
    intervalMs: 'Between two steps.',
    fromPass: 'The first pass in which it raises the limit.',
  },
  least: { pollMs: 1, stepsCount: 1 },
};
