/**
 * virsh: the migration, and what is ordered while it runs. Source of each option and its unit: libvirt,
 * docs/manpages/virsh.rst (migrate, migrate-setmaxdowntime, migrate-postcopy) and tools/virsh-domain.c. `--bandwidth` and
 * `--available-switchover-bandwidth` are in MiB/s. libvirt has pause-before-switchover always on
 * (src/qemu/qemu_migration_params.c).
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

interface LibvirtValues {
  readonly timeoutMs: number;
  readonly timeoutAction: 'suspend' | 'postcopy';
  readonly postCopyAfterPreCopy: boolean;
  readonly maxDowntimeMs: number;
}

const KEYS = ['timeoutMs', 'timeoutAction', 'postCopyAfterPreCopy', 'maxDowntimeMs'];
/** QEMU's own downtime-limit, in ms (migration/options.c, DEFAULT_MIGRATE_SET_DOWNTIME). */
const DOWNTIME_LIMIT_MS = 300;

export function virshText(policy: string, scenario: Scenario): Exported {
  const problem = qemuMisfit(policy, scenario, 'virsh', ['none', 'libvirt']);
  if (problem !== undefined) return { problem };
  const { vmm, manager } = scenario;
  const libvirt =
    manager.policy === 'libvirt'
      ? (manager as unknown as { readonly parameters: LibvirtValues }).parameters
      : undefined;
  const remarks: Remarks = { lines: [] };
  const setMs = libvirt !== undefined && libvirt.maxDowntimeMs > 0 ? libvirt.maxDowntimeMs : vmm.downtimeLimitMs;
  const options = [
    '--live',
    ...bandwidthOptions(scenario, remarks),
    ...convergeOptions(scenario),
    ...postCopyOptions(scenario, libvirt),
    ...timeoutOptions(libvirt, remarks),
  ];
  remarkManager(scenario, KEYS, remarks);
  remarkQemu(
    scenario,
    ['availSwitchover', 'maxPostcopy', 'initialPercent', 'incrementPercent', 'postcopyAfter', 'postcopyAt'],
    remarks,
  );
  const during = [
    ...(setMs === DOWNTIME_LIMIT_MS ? [] : [`virsh migrate-setmaxdowntime "$DOMAIN" ${setMs}`]),
    ...orderedPostCopy(scenario, libvirt),
  ];
  const lines = [
    `# virsh: ${policy}, for "${scenario.name}"; DOMAIN and DESTURI are yours`,
    ...commented(remarks),
    `virsh migrate ${options.join(' ')} "$DOMAIN" "$DESTURI"`,
    ...(during.length === 0 ? [] : ['# in another shell, once it is running:', ...during]),
  ];
  return { text: `${lines.join('\n')}\n` };
}

function bandwidthOptions({ vmm }: Scenario, remarks: Remarks): readonly string[] {
  const option = (name: string, rate: number | undefined) =>
    rate === undefined || rate === 0 ? [] : [`--${name} ${wholeMib(rate, `--${name}`, remarks)}`];
  return [
    ...option('bandwidth', vmm.maxBandwidthBytesPerSecond),
    ...option('available-switchover-bandwidth', vmm.availSwitchoverBandwidthBytesPerSecond),
    ...(vmm.postcopy === undefined ? [] : option('postcopy-bandwidth', vmm.maxPostcopyBandwidthBytesPerSecond)),
  ];
}

function convergeOptions({ vmm: { autoConverge } }: Scenario): readonly string[] {
  if (autoConverge === undefined) return [];
  const { initialPercent, incrementPercent } = autoConverge;
  return [
    '--auto-converge',
    `--auto-converge-initial ${initialPercent}`,
    `--auto-converge-increment ${incrementPercent}`,
  ];
}

function postCopyOptions({ vmm: { postcopy } }: Scenario, libvirt: LibvirtValues | undefined): readonly string[] {
  if (postcopy === undefined) return [];
  const atOnce = postcopy.afterRound === 1 || libvirt?.postCopyAfterPreCopy === true;
  return ['--postcopy', ...(atOnce ? ['--postcopy-after-precopy'] : [])];
}

function timeoutOptions(libvirt: LibvirtValues | undefined, remarks: Remarks): readonly string[] {
  if (libvirt === undefined || libvirt.timeoutMs === 0) return [];
  return [`--timeout ${wholeSeconds(libvirt.timeoutMs, '--timeout', remarks)}`, `--timeout-${libvirt.timeoutAction}`];
}

/** What a person orders at a later moment. */
function orderedPostCopy({ vmm: { postcopy } }: Scenario, libvirt: LibvirtValues | undefined): readonly string[] {
  if (postcopy === undefined || postcopy.afterRound === 1 || libvirt?.postCopyAfterPreCopy === true) return [];
  if (postcopy.afterRound !== null) return [`# after pass ${postcopy.afterRound}:`, 'virsh migrate-postcopy "$DOMAIN"'];
  return postcopy.atNs === null ? [] : [`sleep ${postcopy.atNs / 1e9} && virsh migrate-postcopy "$DOMAIN"`];
}
