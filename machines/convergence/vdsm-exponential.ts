/**
 * VDSM before oVirt's schedules: the downtime limit rises in steps that grow exponentially.
 *
 * Step i of 0..S-1 sets int(D/S + (D - D/S)^(i/(S-1))), D being the most that is allowed. How long it waits between steps is
 * a parameter for each GiB of RAM, 75 s and at least 2 GiB as VDSM's configuration had it; that wait is from memory of
 * migration_downtime_delay and was not read again. After the last step nothing more is done.
 * Source: VDSM lib/vdsm/virt/migration.py (exponential_downtime).
 */
import { assign, setup } from 'xstate';
import type { Received } from '../messages.ts';
import {
  heard,
  limited,
  type ManagedVm,
  type ManagerEntry,
  type ManagerInput,
  settingDowntime,
  tellingDecisions,
} from './manager.ts';

export interface VdsmExponentialParameters {
  readonly downtimeMs: number;
  readonly stepsCount: number;
  /** Between steps, per GiB. */
  readonly delayMs: number;
}

const NAME = 'vdsm-exponential';

interface Context {
  parameters: VdsmExponentialParameters;
  vm: ManagedVm;
  /** Of the step in force, from 0 on. */
  step: number;
}

const GIB_MIN = 2;

/** What step `i` sets. */
export function exponentialDowntimeMs({ downtimeMs, stepsCount }: VdsmExponentialParameters, i: number): number {
  const offset = downtimeMs / stepsCount;
  // Rounded before it is cut, so that the last step is the whole and not a fraction of a ms less.
  return Math.floor(Number((offset + (downtimeMs - offset) ** (i / (stepsCount - 1))).toFixed(6)));
}

const waitMs = ({ parameters, vm }: Context) => parameters.delayMs * Math.max(GIB_MIN, vm.ramBytes / 2 ** 30);

export const vdsmExponential = setup({
  types: {} as { context: Context; events: Received<'manager'>; input: ManagerInput<VdsmExponentialParameters> },
  actions: {
    ...settingDowntime,
    ...tellingDecisions,
    takeStep: assign(({ context }) => ({ step: context.step + 1 })),
  },
  guards: { isLastStep: ({ context }) => context.step >= context.parameters.stepsCount - 1 },
  delays: { nextStep: ({ context }) => waitMs(context) },
}).createMachine({
  id: 'manager-vdsm-exponential',
  description: 'A downtime limit in exponential steps. VDSM: migration.py.',
  context: ({ input: { parameters, vm } }) => ({ parameters, vm, step: 0 }),
  options: { maxIterations: 100 },
  initial: 'waiting',
  on: heard,
  states: {
    waiting: { on: { MIGRATION_ACTIVE: 'settingDowntime' } },
    settingDowntime: {
      entry: [
        ...limited<Context>(
          NAME,
          (context) => exponentialDowntimeMs(context.parameters, context.step),
          (context) => ({ step: context.step, elapsedMs: context.step * waitMs(context) }),
        ),
      ],
      always: [{ guard: 'isLastStep', target: 'atMost' }, { target: 'holding' }],
    },
    holding: { after: { nextStep: { target: 'settingDowntime', actions: 'takeStep' } } },
    atMost: {},
    dismissed: {},
  },
});

export const vdsmExponentialManager: ManagerEntry<VdsmExponentialParameters> = {
  name: NAME,
  version: '1',
  role: 'manager',
  description: 'VDSM, older: the limit rises to 500 ms in five exponential steps',
  source: 'VDSM lib/vdsm/virt/migration.py',
  machine: vdsmExponential,
  defaults: { downtimeMs: 500, stepsCount: 5, delayMs: 75_000 },
  parameters: {
    downtimeMs: 'The last step.',
    stepsCount: 'How many steps.',
    delayMs: 'Between steps, per GiB of memory, at least 2.',
  },
  least: { stepsCount: 2 },
};
