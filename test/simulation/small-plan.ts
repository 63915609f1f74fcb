/** The plan of the small migration that sweeps run: two NICs with P2P and pre-copy in one container, a few rounds. */
import type { Plan } from '../../machines/plan.ts';
import type { Opened } from '../../src/core/record.ts';

export function smallPlan(changes: Partial<Plan> = {}): Plan {
  return {
    loop: 'qemu-10.2',
    policy: { name: 'qemu', version: '1', parameters: { switchesOver: 'at-or-below' } },
    downtimeLimitMs: 100,
    availSwitchoverBytesPerSecond: 0,
    switchoverAck: false,
    pauseBeforeSwitchover: false,
    enableMigration: 'auto',
    afterSyncError: 'fail',
    giveUpAfterMs: 60_000,
    pageBytes: 4096,
    sections: [{ of: 'ram', firstPage: 0, pages: 256 }],
    containers: [
      {
        id: '0',
        iommuTracks: true,
        devices: [
          { id: 'nic0', features: 7, logsDma: true },
          { id: 'nic1', features: 7, logsDma: true },
        ],
      },
    ],
    deadlinesMs: {},
    ...changes,
  };
}

export function openedFrom(plan: Plan, seed = 1): Opened {
  return {
    run: 'test',
    scenario: { name: 'small' },
    plan,
    seed,
    drivers: ['scripted'],
    policies: [{ name: plan.policy.name, version: plan.policy.version, parameters: plan.policy.parameters }],
    fingerprint: 'test',
    version: 'test',
  };
}
