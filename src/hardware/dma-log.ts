/**
 * A device's own log of the guest memory that it writes: VFIO's DMA_LOGGING_START, REPORT and STOP. It sees the writes of
 * its own device only, takes what it reports, and only ever adds to the caller's set.
 *
 * A device with mediated mappings (a vGPU) cannot log writes: it reports everything that is mapped, and what was
 * unmapped since the last report once more. Logging is independent of the migration state machine: it may be started,
 * read and stopped in any state (include/uapi/linux/vfio.h).
 */
import type { Errno, PageRange } from '../../machines/words.ts';
import type { PageWrites } from '../streams/page-writes.ts';
import type { DirtyReport } from './dirty-report.ts';
import type { MappedPages } from './dma/mapped-pages.ts';
import { checkStart, combineRanges, type IovaRange, type StartFaults, type StartRequest } from './dma-log-checks.ts';
import { LeafBitmap } from './leaf-bitmap.ts';
import { type GuestMemory, overlapPages } from './memory.ts';
import type { PageBitmap } from './page-bitmap.ts';

/** What a device's tracker can do. mlx5 and pds differ in every field. */
export interface DmaLoggerSpec {
  /** Ranges it can watch; surplus ones are joined over the smallest gaps. mlx5: up to 255; pds: 1. */
  readonly maxRanges: number;
  /** All watched bytes together; more is EOPNOTSUPP. mlx5: 2^42. No limit when absent. */
  readonly maxBytes?: number;
  /** Tracking page sizes it offers; the wish is clamped between them. */
  readonly minPageBytes: number;
  readonly maxPageBytes: number;
  /** What a START without a STOP between gives: mlx5 EINVAL, pds EEXIST. */
  readonly alreadyActive: 'EINVAL' | 'EEXIST';
  /** What a REPORT outside the started ranges gives: pds EINVAL, mlx5 finds nothing there. */
  readonly outsideRanges: 'EINVAL' | 'nothing';
}

/**
 * A ConnectX-like tracker. Firmware decides; these are its bounds: an 8-bit field holds the number of ranges
 * (drivers/vfio/pci/mlx5/cmd.c), and QEMU's third range exists because of a span of 2^42 bytes (commit a31fe5daea).
 */
export const MLX5_LOGGER: DmaLoggerSpec = {
  maxRanges: 255,
  maxBytes: 2 ** 42,
  minPageBytes: 4096,
  maxPageBytes: 4096,
  alreadyActive: 'EINVAL',
  outsideRanges: 'nothing',
};

/** A DSC-like tracker: everything is joined into one region (drivers/vfio/pci/pds/dirty.c). */
export const PDS_LOGGER: DmaLoggerSpec = {
  maxRanges: 1,
  minPageBytes: 4096,
  maxPageBytes: 4096,
  alreadyActive: 'EEXIST',
  outsideRanges: 'EINVAL',
};

export class DmaLog {
  readonly #memory: GuestMemory;
  readonly #source: string;
  readonly #spec: DmaLoggerSpec | undefined;
  readonly #mapped: MappedPages | undefined;
  #leaves: LeafBitmap | undefined;
  #tracked: readonly PageRange[] = [];
  #broken: Errno | undefined;

  /** Without a `spec` the device has no logging operations, and every call but STOP is refused. */
  constructor(deviceId: string, memory: GuestMemory, spec: DmaLoggerSpec | undefined, mapped?: MappedPages) {
    this.#source = `dma:${deviceId}`;
    this.#memory = memory;
    this.#spec = spec;
    this.#mapped = mapped;
  }

  get active(): boolean {
    return this.#leaves !== undefined;
  }

  /** The granularity chosen at START, in bytes; 0 while off. */
  get trackedPageBytes(): number {
    return (this.#leaves?.leafPages ?? 0) * this.#memory.pageBytes;
  }

  /** What is watched, gaps included that joined ranges brought in; clipped to the guest's page numbers. */
  get tracked(): readonly PageRange[] {
    return this.#tracked;
  }

  /** Begins an epoch over the ranges: nothing is dirty. The errno is that of the first check that fails. */
  start(request: StartRequest, faults: StartFaults = {}): Errno | undefined {
    const refused = checkStart(request, this.#spec !== undefined, this.#memory.pageBytes, faults);
    if (refused !== undefined || this.#spec === undefined) return refused;
    if (this.active) return this.#spec.alreadyActive;
    const ranges = combineRanges(request.ranges, this.#spec.maxRanges);
    const watchedBytes = ranges.reduce((sum, range) => sum + range.lengthBytes, 0n);
    const { maxBytes } = this.#spec;
    if (maxBytes !== undefined && watchedBytes > BigInt(maxBytes)) return 'EOPNOTSUPP';
    const { minPageBytes, maxPageBytes } = this.#spec;
    const trackedPageBytes = Math.min(Math.max(request.pageBytes, minPageBytes), maxPageBytes);
    const { pages, pageBytes } = this.#memory;
    this.#leaves = new LeafBitmap(pages, Math.max(1, trackedPageBytes / pageBytes));
    this.#tracked = ranges.map((range) => toPages(range, pages, pageBytes)).filter((range) => range.pages > 0);
    this.#broken = undefined;
    if (!faults.badCopyOut) return undefined;
    this.stop();
    return 'EFAULT';
  }

  /** Ends the log; what was not reported is gone. Harmless while off, in mlx5 and in pds. */
  stop(): void {
    this.#leaves = undefined;
    this.#tracked = [];
    this.#broken = undefined;
  }

  /**
   * Moves what is dirty in `range` (everything watched, when absent) to `into`; the rest stays. EINVAL while off. After
   * any error the whole log is worthless: mark everything dirty and start again, or give up.
   */
  report(into: PageBitmap, range?: PageRange): DirtyReport {
    if (this.#spec === undefined) return { errno: 'ENOTTY' };
    if (this.#leaves === undefined) return { errno: 'EINVAL' };
    if (this.#broken !== undefined) return { errno: this.#broken };
    const query =
      range === undefined ? this.#tracked : this.#tracked.map((t) => clip(t, range)).filter((r) => r.pages > 0);
    const inside = query.reduce((sum, { pages }) => sum + pages, 0);
    if (range !== undefined && inside < range.pages && this.#spec.outsideRanges === 'EINVAL')
      return { errno: 'EINVAL' };
    const logged = this.#leaves.report(into, query, this.#tracked, 'covered');
    return this.#mapped === undefined ? logged : this.#mapped.report(into, query, logged.newPages);
  }

  /** The tracker fails for good, until it is stopped and started again: mlx5 EIO, ENOTCONN once its parent is gone. */
  fail(errno: 'EIO' | 'ENOTCONN'): void {
    if (this.active) this.#broken = errno;
  }

  receive(batch: PageWrites): void {
    if (batch.source === this.#source) this.#leaves?.applyWrites(batch);
  }
}

function toPages({ iova, lengthBytes }: IovaRange, pages: number, pageBytes: number): PageRange {
  const size = BigInt(pageBytes);
  const end = (iova + lengthBytes + size - 1n) / size;
  const limit = BigInt(pages);
  const firstPage = Number(iova / size < limit ? iova / size : limit);
  return { firstPage, pages: Number(end < limit ? end : limit) - firstPage };
}

function clip(range: PageRange, to: PageRange): PageRange {
  return { firstPage: Math.max(range.firstPage, to.firstPage), pages: overlapPages(range, to.firstPage, to.pages) };
}
