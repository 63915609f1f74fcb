/** A row of a trial that completed, for what is made of rows; each test says what is other in its own. */
import type { TrialRow } from '../../../src/lab/trial/row.ts';

export function trialRow(policy: string, seed: number, changes: Partial<TrialRow> = {}): TrialRow {
  return {
    policy,
    loop: 'qemu-10.2',
    rule: 'qemu',
    throttle: 'none',
    manager: 'none',
    parameters: '{}',
    downtimeLimitMs: 300,
    seed,
    outcome: 'completed',
    reason: '',
    downtimeMs: 100 + seed,
    serviceDowntimeMs: 90 + seed,
    totalMs: 4000 + 10 * seed,
    bytesTotal: 5e9 + seed,
    bytesWasted: 1e9,
    rounds: 3,
    slowdownPercent: 4.5,
    throttleMaxPercent: 0,
    lostPages: 0,
    broken: '',
    ...changes,
  };
}
