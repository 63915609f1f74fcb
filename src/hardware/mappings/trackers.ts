/** The trackers of a container as a vIOMMU's mappings ask them: the same objects, over I/O pages instead of guest pages. */
import type { DmaLog } from '../dma-log.ts';
import type { Iommu } from '../iommu/iommufd.ts';
import { PageBitmap } from '../page-bitmap.ts';
import type { IoTracker } from './io-tracker.ts';

/** A device's own log: it is kept by I/O address and does not notice an unmap. */
export function deviceTracker(log: DmaLog): IoTracker {
  return {
    kind: 'device',
    get active() {
      return log.active;
    },
    report: (into, range) => log.report(into, range),
    watches: (range) => log.watches(range),
  };
}

/** An IOMMU's dirty bits: they are in the entries of the mapping, so they go with it, unread. `ioPages`: its address space. */
export function iommuTracker(iommu: Iommu, ioPages: number): IoTracker {
  const dropped = new PageBitmap(ioPages);
  return {
    kind: 'iommufd',
    get active() {
      return iommu.tracking;
    },
    report: (into, range, noClear) => iommu.report(into, { ranges: [range], noClear }),
    watches: () => true,
    unmapped: (range) => {
      iommu.unmap(range, dropped);
      dropped.clearAll();
    },
  };
}
