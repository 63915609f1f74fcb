/** Every manager that can be named in a scenario, by name. */
import { kubevirtDowntimeTuningManager } from './kubevirt-downtime-tuning.ts';
import { kubevirtLegacyManager } from './kubevirt-legacy.ts';
import { kubevirtStallManager } from './kubevirt-stall.ts';
import { libvirtManager } from './libvirt.ts';
import type { ManagerEntry } from './manager.ts';
import { novaManager } from './nova.ts';
import { ovirtMinimalDowntimeManager } from './ovirt-minimal-downtime.ts';
import { ovirtPostCopyManager } from './ovirt-post-copy.ts';
import { ovirtSuspendIfNeededManager } from './ovirt-suspend-if-needed.ts';
import { proxmoxManager } from './proxmox.ts';
import { vdsmExponentialManager } from './vdsm-exponential.ts';

const ALL = [
  libvirtManager,
  novaManager,
  kubevirtLegacyManager,
  kubevirtDowntimeTuningManager,
  kubevirtStallManager,
  ovirtMinimalDowntimeManager,
  ovirtSuspendIfNeededManager,
  ovirtPostCopyManager,
  vdsmExponentialManager,
  proxmoxManager,
] as const;

export type ManagerName =
  | 'libvirt'
  | 'nova'
  | 'kubevirt-legacy'
  | 'kubevirt-downtime-tuning'
  | 'kubevirt-stall'
  | 'ovirt-minimal-downtime'
  | 'ovirt-suspend-if-needed'
  | 'ovirt-post-copy'
  | 'vdsm-exponential'
  | 'proxmox';

export const managers = Object.fromEntries(ALL.map((entry) => [entry.name, entry])) as unknown as Readonly<
  Record<ManagerName, ManagerEntry>
>;

export function managerNamed(name: string): ManagerEntry {
  if (!Object.hasOwn(managers, name)) {
    throw new Error(`no manager "${name}"; there are ${Object.keys(managers).join(', ')}`);
  }
  return managers[name as ManagerName];
}
