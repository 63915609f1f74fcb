/** The published rules of other vmms, and the baselines, that can be named in a scenario; by name. */
import { cloudHypervisorPolicy } from './cloud-hypervisor.ts';
import { cloudHypervisorAutoConvergePolicy } from './cloud-hypervisor-auto-converge.ts';
import { cloudHypervisorOldPolicy } from './cloud-hypervisor-old.ts';
import type { PolicyEntry } from './contract.ts';
import { detachReattachPolicy } from './detach-reattach.ts';
import { hyperVPolicy } from './hyper-v.ts';
import { stopAndCopyPolicy } from './stop-and-copy-baseline.ts';
import { vgpuUnboundedPolicy } from './vgpu-unbounded.ts';
import { vmwareSdpsPolicy } from './vmware-sdps.ts';
import { xen2004Policy } from './xen-2004.ts';
import { xenLegacyPolicy } from './xen-legacy.ts';
import { xenNowPolicy } from './xen-now.ts';

const ALL = [
  xen2004Policy,
  xenLegacyPolicy,
  xenNowPolicy,
  cloudHypervisorPolicy,
  cloudHypervisorOldPolicy,
  cloudHypervisorAutoConvergePolicy,
  hyperVPolicy,
  vmwareSdpsPolicy,
  stopAndCopyPolicy,
  detachReattachPolicy,
  vgpuUnboundedPolicy,
] as const;

export const PUBLISHED_RULES = [
  'xen-2004',
  'xen-legacy',
  'xen-now',
  'cloud-hypervisor',
  'cloud-hypervisor-old',
  'cloud-hypervisor-auto-converge',
  'hyper-v',
  'vmware-sdps',
  'stop-and-copy',
  'detach-reattach',
  'vgpu-unbounded',
] as const;
export type PublishedRule = (typeof PUBLISHED_RULES)[number];

/** Parameters differ from rule to rule; who reads one by name knows which it has. */
export const publishedRules = Object.fromEntries(ALL.map((entry) => [entry.name, entry])) as unknown as Readonly<
  Record<PublishedRule, PolicyEntry>
>;
