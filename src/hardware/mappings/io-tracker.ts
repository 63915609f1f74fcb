/**
 * What a tracker of a container is to the mappings of a vIOMMU: somebody who is asked about a range of I/O pages, and told
 * when a mapping is gone. A device's log, an IOMMU's dirty bits and type1 are all this.
 */
import type { UnmapTracker } from '../../../machines/unmap-order.ts';
import type { PageRange } from '../../../machines/words.ts';
import type { DirtyReport } from '../dirty-report.ts';
import type { PageBitmap } from '../page-bitmap.ts';

export interface IoTracker {
  readonly kind: Extract<UnmapTracker, 'type1' | 'iommufd' | 'device'>;
  readonly active: boolean;
  /** Adds the dirty I/O pages of `range` to `into`, a set over I/O pages; `noClear` leaves them dirty. */
  report(into: PageBitmap, range: PageRange, noClear: boolean): DirtyReport;
  /** Whether it would know of a write to any page of `range`. */
  watches(range: PageRange): boolean;
  /** The mapping's page table entries are gone, and with them what they held. A device's log does not notice. */
  unmapped?(range: PageRange): void;
}
