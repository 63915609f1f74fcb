/**
 * The baseline of those whose devices cannot migrate: the devices are unplugged, the VM is migrated without them by its own
 * rule, and they are plugged again at the destination. The guest runs nearly all the time, and is without its devices all of it.
 *
 * Nothing here unplugs anything: QEMU refuses to while a migration runs (system/qdev-monitor.c), so it is done before and after,
 * and the migration itself has no devices (src/lab/detach.ts). How long a guest takes to let a device go and to take one up is
 * its drivers' business and published by nobody: 1 s and 2 s are this project's defaults.
 */
import type { PolicyEntry } from './contract.ts';
import { qemuRule } from './qemu.ts';

export interface DetachReattachParameters {
  readonly unplugMs: number;
  readonly plugMs: number;
}

export const detachReattach = qemuRule('detach-reattach');

export const detachReattachPolicy: PolicyEntry<DetachReattachParameters> = {
  name: 'detach-reattach',
  version: '1',
  role: 'vmm',
  description: "baseline: unplug the devices, migrate by QEMU's rule without them, plug them again at the destination",
  source: 'practice with devices that cannot migrate; QEMU migration/migration.c for the rule between',
  machine: detachReattach,
  defaults: { unplugMs: 1000, plugMs: 2000 },
  parameters: {
    unplugMs: 'For the guest to let go of its devices, before the migration; not published.',
    plugMs: 'For the guest to take them up, after it; not published.',
  },
  loops: ['qemu-10.2', 'qemu-7.2', 'qemu-8.0', 'qemu-8.2', 'qemu-9.2', 'qemu-11.1', 'textbook'],
};
