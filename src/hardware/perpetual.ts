/**
 * The tracker of last resort: nobody can tell what the devices wrote, so everything that they could have written, all
 * mapped memory, is dirty at every sync (QEMU, hw/vfio/container.c). It starts nothing, stops nothing, and a migration
 * that uses it does not converge; it is not a subscriber of anything.
 */
import type { DirtyFound } from './dirty-report.ts';
import type { GuestMemory } from './memory.ts';
import type { PageBitmap } from './page-bitmap.ts';

/** Adds all of RAM, which is what a container maps, to `into`. */
export function reportEverythingMapped(memory: GuestMemory, into: PageBitmap): DirtyFound {
  return { dirtyPages: memory.ramPages, newPages: memory.setAllRam(into) };
}
