/**
 * QEMU's own rule: switch over when what remains fits into the downtime limit at the measured bandwidth. There is no limit
 * of passes or time; it never gives up.
 *
 * Source: migration/migration.c, migration_iteration_run. 7.2 stops when nothing remains or the remainder is *below* the
 * threshold; 8.0 on when it is *at or below* it. Until the first window is measured the threshold is 0.
 */
import {
  goesOn,
  type Judging,
  judging,
  measured,
  nothingObserved,
  type PolicyEntry,
  stopsNow,
  thresholdBytes,
} from './contract.ts';

export interface QemuParameters {
  readonly switchesOver: 'below-or-zero' | 'at-or-below';
}

export type QemuContext = Judging<QemuParameters>;

/** The rule as a chart of its own name. */
export function qemuRule(name: string) {
  return judging<QemuParameters>()
    .extend({
      guards: {
        nothingRemains: ({ context }) => context.observation?.remainingBytes === 0,
        remainderIsBelowThreshold: ({ context: { observation } }) =>
          observation !== undefined && observation.remainingBytes < thresholdBytes(observation),
        remainderIsAtThreshold: ({ context: { observation, parameters } }) =>
          observation !== undefined &&
          parameters.switchesOver === 'at-or-below' &&
          observation.remainingBytes === thresholdBytes(observation),
      },
    })
    .createMachine({
      id: `convergence-${name}`,
      description: 'Remaining against bandwidth x downtime-limit. QEMU migration/migration.c.',
      context: nothingObserved,
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
          entry: stopsNow<QemuContext>(reason),
        },
        tooMuch: {
          description: 'More remains than fits: another pass.',
          entry: goesOn<QemuContext>(reason),
        },
      },
    });
}

export const qemu = qemuRule('qemu');

function reason({ observation }: QemuContext) {
  return observation === undefined ? {} : measured(observation);
}

export const qemuPolicy: PolicyEntry<QemuParameters> = {
  name: 'qemu',
  version: '1',
  role: 'vmm',
  description: "QEMU's own rule: switch over when the remainder fits into the downtime limit",
  source: 'QEMU migration/migration.c, migration_iteration_run.',
  machine: qemu,
  defaults: { switchesOver: 'at-or-below' },
};
