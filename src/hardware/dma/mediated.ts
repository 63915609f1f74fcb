/**
 * What a device is to the model when a driver on the host mediates it: it reaches only pages that the guest has handed to
 * it, and the driver sees them come and go. A vGPU's tables and a mediated NIC's descriptors are two kinds of that.
 */
import type { Writer } from '../workloads/writer.ts';
import type { MappedPages } from './mapped-pages.ts';

export interface MediatedWriter extends Writer {
  /** What it can reach; what its driver reports, or has pinned in a type1 container. */
  readonly mapped: MappedPages;
  /**
   * The guest's driver has had (fromNs, toNs] at `speedPercent` of its speed, 0 while the vCPUs stand, and has handed over
   * and taken back pages. Comes before the device's own `advance` over the same span.
   */
  guestAdvances(fromNs: number, toNs: number, speedPercent: number): void;
}

export function isMediated(writer: Writer | undefined): writer is MediatedWriter {
  return writer !== undefined && 'mapped' in writer;
}
