/**
 * The baseline of those who gave up on a limit: with a vGPU, of which everything that is mapped is always dirty, the downtime
 * limit is set as long as the whole migration takes, so that the first decision switches over.
 *
 * In a loop of QEMU that is soon after the first window was measured, for then everything fits; where passes send their whole
 * set, it is after the first. The limit is the largest that QEMU takes, 2000 s (migration/options.c, migrate_params_check).
 */
import { atFirstSight } from './at-first-sight.ts';
import type { PolicyEntry } from './contract.ts';

export interface VgpuUnboundedParameters {
  readonly downtimeLimitMs: number;
}

export const vgpuUnbounded = atFirstSight(
  'vgpu-unbounded',
  'A downtime limit as long as the migration: the first decision switches over. Practice with vGPUs.',
);

export const vgpuUnboundedPolicy: PolicyEntry<VgpuUnboundedParameters> = {
  name: 'vgpu-unbounded',
  version: '1',
  role: 'vmm',
  description: 'baseline: a downtime limit as long as the migration itself, so that the first decision switches over',
  source: 'practice with vGPUs that never converge; QEMU migration/options.c for the largest limit',
  machine: vgpuUnbounded,
  defaults: { downtimeLimitMs: 2_000_000 },
  parameters: { downtimeLimitMs: "QEMU's downtime-limit, in place of the scenario's." },
  downtimeLimit: ({ downtimeLimitMs }) => downtimeLimitMs,
};
