/**
 * ch-remote: the parameters of send-migration, as Cloud Hypervisor takes them since it has them (2026). Source of each:
 * Cloud Hypervisor vmm/src/api/mod.rs, VmSendMigrationData, and docs/live_migration.md. There is no limit of the bandwidth.
 */
import { formatRate } from '../../report/format.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { commented, type Exported, type Remarks, wholeSeconds } from './settings.ts';

const RULE = 'cloud-hypervisor';

interface Rule {
  readonly timeoutMs: number;
  readonly timeoutStrategy: string;
}

export function chRemoteText(policy: string, scenario: Scenario): Exported {
  const { vmm, manager } = scenario;
  const able = `Cloud Hypervisor can run ${RULE}`;
  if (vmm.policy.name !== RULE) return { problem: `${policy} ends pre-copy by the rule ${vmm.policy.name}; ${able}` };
  if (manager.policy !== 'none')
    return { problem: `${policy} is the manager ${manager.policy} above it; ${able} alone` };
  if (vmm.autoConverge !== undefined || vmm.dirtyLimit !== undefined || vmm.steppedThrottle !== undefined)
    return { problem: `${policy} throttles the guest, for which there is no parameter; ${able} alone` };
  const { timeoutMs, timeoutStrategy } = vmm.policy as unknown as Rule;
  const remarks: Remarks = { lines: [] };
  if (vmm.maxBandwidthBytesPerSecond > 0)
    remarks.lines.push(`a bandwidth limit of ${formatRate(vmm.maxBandwidthBytesPerSecond)}: there is no key for it`);
  const keys: readonly (readonly [string, string | number])[] = [
    ['destination_url', 'tcp:$HOST:$PORT'],
    ['downtime_ms', Math.max(1, Math.round(vmm.downtimeLimitMs))],
    ['timeout_s', Math.max(1, wholeSeconds(timeoutMs, 'timeout_s', remarks))],
    ['timeout_strategy', timeoutStrategy],
  ];
  const lines = [
    `# ch-remote on the source: ${policy}, for "${scenario.name}"; HOST, PORT and the socket are yours`,
    ...commented(remarks),
    `ch-remote --api-socket="$SOCKET" send-migration "${keys.map(([key, value]) => `${key}=${value}`).join(',')}"`,
  ];
  return { text: `${lines.join('\n')}\n` };
}
