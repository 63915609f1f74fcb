/**
 * QEMU's own rule: switch over when what remains fits into the downtime limit at the measured bandwidth. There is no limit
 * of passes or time; it never gives up.
 *
 * Source: migration/migration.c, migration_iteration_run. 7.2 stops when nothing remains or the remainder is *below* the
 * threshold; 8.0 on when it is *at or below* it. Until the first window is measured the threshold is 0.
 */
import { assign, setup } from 'xstate';
import type { Observation } from '../words.ts';
import {
  measured,
  type PolicyEntry,
  type PolicyEvents,
  type PolicyInput,
  thresholdBytes,
  verdicts,
} from './contract.ts';

export interface QemuParameters {
  readonly switchesOver: 'below-or-zero' | 'at-or-below';
}

interface Context {
  parameters: QemuParameters;
  observation: Observation | undefined;
}

export const qemu = setup({
  types: {} as { context: Context; events: PolicyEvents; input: PolicyInput<QemuParameters> },
  actions: {
    ...verdicts,
    remember: assign(({ event }) => ({ observation: event.observation })),
  },
  guards: {
    nothingRemains: ({ context }) => context.observation?.remainingBytes === 0,
    remainderIsBelowThreshold: ({ context: { observation } }) =>
      observation !== undefined && observation.remainingBytes < thresholdBytes(observation),
    remainderIsAtThreshold: ({ context: { observation, parameters } }) =>
      observation !== undefined &&
      parameters.switchesOver === 'at-or-below' &&
      observation.remainingBytes === thresholdBytes(observation),
  },
}).createMachine({
  id: 'convergence-qemu',
  description: 'Remaining against bandwidth x downtime-limit. QEMU migration/migration.c.',
  context: ({ input }) => ({ parameters: input.parameters, observation: undefined }),
  options: { maxIterations: 100 },
  initial: 'watching',
  on: { ASSESS: { target: '.comparing', actions: 'remember' } },
  states: {
    watching: {},
    comparing: {
      always: [
        { guard: 'nothingRemains', target: 'fits' },
        { guard: 'remainderIsBelowThreshold', target: 'fits' },
        { guard: 'remainderIsAtThreshold', target: 'fits' },
        { target: 'tooMuch' },
      ],
    },
    fits: {
      description: 'What remains fits into the downtime limit.',
      entry: { type: 'tellSwitchover', params: ({ context }) => ({ verdict: 'switchover', because: reason(context) }) },
    },
    tooMuch: {
      description: 'More remains than fits: another pass.',
      entry: { type: 'tellContinue', params: ({ context }) => ({ verdict: 'continue', because: reason(context) }) },
    },
  },
});

function reason({ observation }: Context) {
  return observation === undefined ? {} : measured(observation);
}

export const qemuPolicy: PolicyEntry<QemuParameters> = {
  name: 'qemu',
  version: '1',
  role: 'vmm',
  description: "QEMU's own rule: switch over when the remainder fits into the downtime limit",
  machine: qemu,
  defaults: { switchesOver: 'at-or-below' },
};
