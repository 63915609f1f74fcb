/**
 * What all systems' texts are made of: whether a policy can be run there at all, quantities in the whole units that other
 * systems take, and the settings that nobody has a key for.
 */
import { AUTO_CONVERGE_DEFAULTS } from '../../../../machines/convergence/auto-converge.ts';
import { isQemu, type ManagerName, managers } from '../../../../machines/index.ts';
import { formatMs, formatRate } from '../../report/format.ts';
import type { Scenario } from '../../scenario/scenario.ts';

export type Exported = { readonly text: string } | { readonly problem: string };

/** Text lines, and remarks that become comments. */
export interface Remarks {
  readonly lines: string[];
}

/** The policy runs on QEMU under one of these managers, with auto-converge or without; else why it cannot be run there. */
export function qemuMisfit(
  policy: string,
  { vmm, manager }: Scenario,
  system: string,
  able: readonly (ManagerName | 'none')[],
): string | undefined {
  const can = able.map((name) => (name === 'none' ? 'qemu' : name));
  const those = `${system} can run ${can.join(', ')}, with +auto-converge or without`;
  if (!isQemu(vmm.loop))
    return `${policy} is on the loop ${vmm.loop}, and ${system} drives QEMU; ${those} (--set vmm.loop=qemu-10.2)`;
  if (vmm.policy.name !== 'qemu')
    return `${policy} ends pre-copy by the rule ${vmm.policy.name}, which is not QEMU's; ${those}`;
  if (vmm.dirtyLimit !== undefined)
    return `${policy} throttles by dirty-limit, for which ${system} has no setting; ${those}`;
  if (vmm.steppedThrottle !== undefined) return `${policy} throttles by passes, which QEMU does not; ${those}`;
  if ((able as readonly string[]).includes(manager.policy)) return undefined;
  return manager.policy === 'none'
    ? `${system} has a rule of its own above QEMU's, so that ${policy} alone cannot be run there; ${those}`
    : `${policy} is the manager ${manager.policy}, which ${system} is not; ${those}`;
}

/** Whole units, at least one, and a remark where something had to be rounded. */
export function wholeMib(bytesPerSecond: number, key: string, remarks: Remarks): number {
  const mib = Math.max(1, Math.round(bytesPerSecond / 2 ** 20));
  if (mib * 2 ** 20 !== bytesPerSecond)
    remarks.lines.push(`${key} is in whole MiB/s: ${formatRate(bytesPerSecond)} rounded to ${mib} MiB/s`);
  return mib;
}

export function wholeSeconds(ms: number, key: string, remarks: Remarks): number {
  const seconds = Math.ceil(ms / 1000);
  if (seconds * 1000 !== ms)
    remarks.lines.push(`${key} is in whole seconds: ${formatMs(ms)} rounded up to ${seconds} s`);
  return seconds;
}

/** Parameters of the manager that have no key there, where they are not what the manager has anyway. */
export function remarkManager({ manager }: Scenario, keys: readonly string[], remarks: Remarks): void {
  if (manager.policy === 'none') return;
  const { defaults } = managers[manager.policy as ManagerName];
  const parameters = manager.parameters as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(parameters)) {
    if (keys.includes(name) || JSON.stringify(value) === JSON.stringify(defaults[name])) continue;
    remarks.lines.push(`${manager.policy}, ${name} = ${JSON.stringify(value)}: there is no key for it`);
  }
}

/** Settings of QEMU that a manager may have no key for, where they are not what QEMU has anyway; `keys` are those it has. */
export function remarkQemu({ vmm }: Scenario, keys: readonly string[], remarks: Remarks): void {
  const say = (key: string, differs: boolean, told: string) => {
    if (differs && !keys.includes(key)) remarks.lines.push(`${told}: there is no key for it`);
  };
  const { autoConverge, availSwitchoverBandwidthBytesPerSecond: switchover, maxPostcopyBandwidthBytesPerSecond } = vmm;
  say('availSwitchover', switchover > 0, `avail-switchover-bandwidth of ${formatRate(switchover)}`);
  say('switchoverAck', vmm.switchoverAck, 'the capability switchover-ack');
  if (maxPostcopyBandwidthBytesPerSecond !== undefined)
    say('maxPostcopy', true, `max-postcopy-bandwidth of ${formatRate(maxPostcopyBandwidthBytesPerSecond)}`);
  if (autoConverge !== undefined) {
    const names = {
      initialPercent: 'cpu-throttle-initial',
      incrementPercent: 'cpu-throttle-increment',
      maxPercent: 'max-cpu-throttle',
      tailslow: 'cpu-throttle-tailslow',
      triggerThresholdPercent: 'throttle-trigger-threshold',
    } as const;
    for (const [name, own] of Object.entries(names) as [keyof typeof names, string][]) {
      say(name, autoConverge[name] !== AUTO_CONVERGE_DEFAULTS[name], `${own} = ${autoConverge[name]}`);
    }
  }
  const { postcopy } = vmm;
  if (postcopy === undefined) return;
  say('postcopyAfter', postcopy.afterRound !== null, `post-copy ordered after round ${postcopy.afterRound}`);
  say('postcopyAt', postcopy.atNs !== null, `post-copy ordered at ${formatMs((postcopy.atNs ?? 0) / 1e6)}`);
}

/** A comment of each remark. */
export function commented({ lines }: Remarks): readonly string[] {
  return lines.map((line) => `# ${line}`);
}

/** What a name in another system may be made of: small letters, digits and hyphens (RFC 1123). */
export function slug(text: string): string {
  const words = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 50);
  return words.replace(/-+$/, '') || 'scenario';
}
