/**
 * A container's type1 backend with its devices in it: the driver of a mediated device pins what the guest hands it and lets go
 * of what it takes back; any other device has all of memory open to it.
 */
import type { DeviceDma } from '../dma/device-dma.ts';
import type { GuestMemory } from '../memory.ts';
import { Type1, type Type1Spec } from '../type1.ts';

export function createType1(memory: GuestMemory, spec: Type1Spec, devices: readonly DeviceDma[]): Type1 {
  const type1 = new Type1(memory, spec);
  for (const { id, mapped } of devices) {
    if (mapped === undefined) {
      type1.attachGroup(id, 'iommu');
      continue;
    }
    type1.attachGroup(id, 'emulated', (range) => mapped.unmap(range));
    mapped.follow({
      mapped: (range) => type1.pinPages(id, range),
      unmapped: (range) => type1.unpinPages(id, range),
    });
  }
  return type1;
}
