/**
 * iommufd's dirty tracking for one container: a D bit in each leaf of the I/O page table, set by the hardware when any
 * device of the container writes, read and cleared by a walk (drivers/iommu/iommufd/io_pagetable.c).
 *
 * Nothing splits a large leaf when tracking starts (an unanswered wish of the April 2022 series), so one 4 KiB packet
 * into a 2 MiB leaf is 512 dirty pages. The walk ends with its one IOTLB flush before it returns, so here no cached
 * translation hides a later write.
 */
import type { Errno, PageRange } from '../../machines/words.ts';
import type { PageWrites } from '../streams/page-writes.ts';
import type { DirtyReport } from './dirty-report.ts';
import { LeafBitmap } from './leaf-bitmap.ts';
import type { GuestMemory } from './memory.ts';
import type { PageBitmap } from './page-bitmap.ts';

export interface IommuSpec {
  /** IOMMU_HW_CAP_DIRTY_TRACKING, and an address space allocated with it. */
  readonly dirtyTracking: boolean;
  /** Guest pages in one leaf of the I/O page table: 1, 512 or 262144 for 4 KiB pages. */
  readonly leafPages: number;
}

export interface IommuQuery {
  /** What to walk; all of RAM when absent. A leaf that a query cuts is cleared whole: cut at leaves. */
  readonly ranges?: readonly PageRange[];
  /** IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR: leaves every D bit as it is, for the read before an unmap. */
  readonly noClear?: boolean;
}

export class Iommu {
  readonly #memory: GuestMemory;
  readonly #sources: ReadonlySet<string>;
  readonly #capable: boolean;
  readonly #leaves: LeafBitmap;
  #tracking = false;

  /** `deviceIds` are the devices behind it: it sees the writes of `dma:<id>` and no others. */
  constructor(spec: IommuSpec, memory: GuestMemory, deviceIds: readonly string[]) {
    this.#memory = memory;
    this.#sources = new Set(deviceIds.map((id) => `dma:${id}`));
    this.#capable = spec.dirtyTracking;
    this.#leaves = new LeafBitmap(memory.pages, spec.leafPages);
  }

  get tracking(): boolean {
    return this.#tracking;
  }

  /** Enabling clears every D bit first: a fresh epoch. Setting what is set already changes nothing. */
  setDirtyTracking(on: boolean): Errno | undefined {
    if (!this.#capable) return 'EOPNOTSUPP';
    if (on && !this.#tracking) this.#leaves.clearAll();
    this.#tracking = on;
    return undefined;
  }

  /** Adds every mapped page of every dirty leaf to `into`. While tracking is off the walk finds nothing, without error. */
  report(into: PageBitmap, query: IommuQuery = {}): DirtyReport {
    if (!this.#capable) return { errno: 'EOPNOTSUPP' };
    if (!this.#tracking) return { dirtyPages: 0, newPages: 0 };
    const { slots } = this.#memory;
    return this.#leaves.report(into, query.ranges ?? slots, slots, query.noClear ? 'none' : 'touched');
  }

  receive(batch: PageWrites): void {
    if (this.#tracking && this.#sources.has(batch.source)) this.#leaves.applyWrites(batch);
  }
}
