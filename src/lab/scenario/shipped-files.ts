/**
 * The scenarios that ship with the package, by name, and where their files are: `src/lab/scenarios` under the package's
 * root, whether this runs from source or compiled. Reading one as a `Scenario` is left to read.ts, so that listing names
 * costs no schema.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const SHIPPED_NAMES = [
  'accelerator',
  'ack-waits',
  'big-random',
  'cloud-hypervisor',
  'custom-device',
  'fault-destination-dies',
  'fault-device-midway',
  'fault-guest-reset',
  'fault-link-outage',
  'fault-lost-start',
  'fault-sync-after-clear',
  'guest-cooperative',
  'kvm-bitmap',
  'kvm-bitmap-manual',
  'kvm-pml',
  'kvm-range-ring',
  'kvm-ring',
  'memory-hole',
  'no-tracker',
  'nvme',
  'one-tib',
  'one-without-logging',
  'own-policy',
  'perpetual',
  'postcopy-busy-database',
  'postcopy-link-lost',
  'published-arm64-bitmap',
  'published-arm64-ring',
  'published-x86-bitmap',
  'published-x86-ring',
  'qemu-32mib',
  'qemu-8mib',
  'qemu-idle',
  'qemu-unlimited',
  'stop-phase-only',
  'two-nics',
  'two-nics-no-p2p',
  'vgpu-10g',
  'vgpu-fits',
  'vgpu-hovers',
  'vgpu-never',
  'viommu',
  'viommu-device-logs',
  'xen',
  'zipf',
] as const;
export type ShippedName = (typeof SHIPPED_NAMES)[number];

export function isShippedName(name: string): name is ShippedName {
  return (SHIPPED_NAMES as readonly string[]).includes(name);
}

/** Absolute path of a shipped scenario's file. Throws if the package is not complete. */
export function shippedFile(name: ShippedName): string {
  return join(packageRoot(), 'src', 'lab', 'scenarios', `${name}.yaml`);
}

/** Name and one-line description of every shipped scenario, in alphabetical order. */
export function listScenarios(): readonly { readonly name: ShippedName; readonly description: string }[] {
  return SHIPPED_NAMES.map((name) => {
    const read = parse(readFileSync(shippedFile(name), 'utf8')) as { readonly description: string };
    return { name, description: read.description };
  });
}

/** The nearest folder above this file whose package.json is this package's. */
export function packageRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (
      existsSync(manifest) &&
      (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'switchover'
    ) {
      return folder;
    }
    if (dirname(folder) === folder) throw new Error('the package.json of switchover is not above its own code');
  }
}
