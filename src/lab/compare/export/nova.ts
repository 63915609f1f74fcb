/**
 * nova.conf: the section [libvirt] of a compute node. Source of each key, its unit and its least value: OpenStack Nova,
 * nova/conf/libvirt.py. Auto-converge is used where post-copy is not permitted or not there (nova/virt/libvirt/driver.py,
 * _parse_migration_flags).
 */
import type { Scenario } from '../../scenario/scenario.ts';
import {
  commented,
  type Exported,
  qemuMisfit,
  type Remarks,
  remarkManager,
  remarkQemu,
  wholeMib,
  wholeSeconds,
} from './settings.ts';

/** Of what the manager has, which a key says. */
const KEYS = ['downtimeMs', 'downtimeStepsCount', 'downtimeDelayMs', 'completionTimeoutMs', 'timeoutAction'];

interface NovaValues {
  readonly downtimeMs: number;
  readonly downtimeStepsCount: number;
  readonly downtimeDelayMs: number;
  readonly completionTimeoutMs: number;
  readonly timeoutAction: string;
}

export function novaText(policy: string, scenario: Scenario): Exported {
  const problem = qemuMisfit(policy, scenario, 'Nova', ['nova']);
  if (problem !== undefined) return { problem };
  const { vmm, manager } = scenario;
  const nova = (manager as unknown as { readonly parameters: NovaValues }).parameters;
  const remarks: Remarks = { lines: [] };
  const { maxBandwidthBytesPerSecond: rate } = vmm;
  const permitsPostCopy = vmm.postcopy !== undefined;
  const keys: readonly (readonly [string, string | number | boolean])[] = [
    ['live_migration_downtime', nova.downtimeMs],
    ['live_migration_downtime_steps', nova.downtimeStepsCount],
    ['live_migration_downtime_delay', wholeSeconds(nova.downtimeDelayMs, 'live_migration_downtime_delay', remarks)],
    [
      'live_migration_completion_timeout',
      wholeSeconds(nova.completionTimeoutMs, 'live_migration_completion_timeout', remarks),
    ],
    ['live_migration_timeout_action', nova.timeoutAction],
    ['live_migration_permit_post_copy', permitsPostCopy],
    ['live_migration_permit_auto_converge', vmm.autoConverge !== undefined],
    // 0 leaves the hypervisor's own choice, which libvirt makes unlimited.
    ['live_migration_bandwidth', rate === 0 ? 0 : wholeMib(rate, 'live_migration_bandwidth', remarks)],
  ];
  const firstMs = Math.floor(nova.downtimeMs / nova.downtimeStepsCount);
  remarks.lines.push(
    `a downtime limit of its own (vmm.downtimeLimit, ${vmm.downtimeLimitMs} ms): there is no key for it, the first step sets ${firstMs} ms`,
  );
  if (permitsPostCopy && vmm.autoConverge !== undefined)
    remarks.lines.push('where post-copy is permitted and can be had, Nova does not use auto-converge');
  remarkManager(scenario, KEYS, remarks);
  remarkQemu(scenario, [], remarks);
  const lines = [
    `# nova.conf on the compute nodes: ${policy}, for "${scenario.name}"`,
    ...commented(remarks),
    '[libvirt]',
    ...keys.map(([key, value]) => `${key} = ${value}`),
  ];
  return { text: `${lines.join('\n')}\n` };
}
