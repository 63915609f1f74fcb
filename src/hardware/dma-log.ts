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
import { checkStart, type IovaRange, type StartFaults, type StartRequest } from './dma-log-checks.ts';
import { TrackerBudget, type TrackerLimits } from './dma-log-limits.ts';
import { type ReportQuery, reportBits } from './dma-log-report.ts';
import { LeafBitmap } from './leaf-bitmap.ts';
import { type GuestMemory, overlapPages } from './memory.ts';
import type { PageBitmap } from './page-bitmap.ts';

/** What a device's tracker can do. mlx5 and pds differ in every field. */
export interface DmaLoggerSpec extends TrackerLimits {
  /** Tracking page sizes it offers; the wish is clamped between them. */
  readonly minPageBytes: number;
  readonly maxPageBytes: number;
  /** What a START without a STOP between gives: mlx5 EINVAL, pds EEXIST. */
  readonly alreadyActive: 'EINVAL' | 'EEXIST';
  /** What a REPORT outside the started ranges gives: pds EINVAL, mlx5 finds nothing there. */
  readonly outsideRanges: 'EINVAL' | 'nothing';
  /** Whose virtual function it is; functions of one parent share its limits. Absent: they are its own. */
  readonly physicalFunction?: string;
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
  whenExhausted: 'EOPNOTSUPP',
};

/**
 * Loggers by the name of the driver that has them. hisi_acc's functions migrate and have no logging operations
 * (drivers/vfio/pci/hisilicon/hisi_acc_vfio_pci.c).
 */
export const LOGGERS = { mlx5: MLX5_LOGGER, pds: PDS_LOGGER, hisi: undefined } as const;
export type LoggerName = keyof typeof LOGGERS;

/** Pinned pages of the caller's bitmap that a REPORT walks at once: drivers/vfio/iova_bitmap.c. */
const WINDOW_HOST_PAGES = 512;

export class DmaLog {
  readonly #memory: GuestMemory;
  readonly #source: string;
  readonly #driverSource: string;
  readonly #spec: DmaLoggerSpec | undefined;
  readonly #mapped: MappedPages | undefined;
  readonly #budget: TrackerBudget | undefined;
  readonly #deviceId: string;
  #leaves: LeafBitmap | undefined;
  #tracked: readonly PageRange[] = [];
  #broken: Errno | undefined;
  #failing: { readonly errno: Errno; readonly afterWindows: number } | undefined;

  /**
   * Without a `spec` the device has no logging operations, and every call but STOP is refused. `budget` is its parent's,
   * shared with other functions; without one its limits are its own.
   */
  constructor(
    deviceId: string,
    memory: GuestMemory,
    spec: DmaLoggerSpec | undefined,
    mapped?: MappedPages,
    budget: TrackerBudget | undefined = spec && new TrackerBudget(spec),
  ) {
    this.#deviceId = deviceId;
    this.#budget = budget;
    this.#source = `dma:${deviceId}`;
    this.#driverSource = `mdev:${deviceId}`;
    this.#memory = memory;
    this.#spec = spec;
    this.#mapped = mapped;
  }

  /** The device has logging operations. */
  get capable(): boolean {
    return this.#spec !== undefined;
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
    if (refused !== undefined || this.#spec === undefined || this.#budget === undefined) return refused;
    if (this.active) return this.#spec.alreadyActive;
    const ranges = this.#budget.take(this.#deviceId, request.ranges);
    if (typeof ranges === 'string') return ranges;
    const { minPageBytes, maxPageBytes } = this.#spec;
    const trackedPageBytes = Math.min(Math.max(request.pageBytes, minPageBytes), maxPageBytes);
    const { pages, pageBytes, arena } = this.#memory;
    this.#leaves = new LeafBitmap(pages, Math.max(1, trackedPageBytes / pageBytes), arena);
    this.#tracked = ranges.map((range) => toPages(range, pages, pageBytes)).filter((range) => range.pages > 0);
    this.#broken = undefined;
    if (!faults.badCopyOut) return undefined;
    this.stop();
    return 'EFAULT';
  }

  /** Ends the log; what was not reported is gone. Harmless while off, in mlx5 and in pds. */
  stop(): void {
    this.#budget?.release(this.#deviceId);
    this.#leaves = undefined;
    this.#tracked = [];
    this.#broken = undefined;
    this.#failing = undefined;
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
    const logged = this.#reportByWindows(this.#leaves, into, query);
    if ('errno' in logged || this.#mapped === undefined) return logged;
    return this.#mapped.report(into, query, logged.newPages);
  }

  /** The same as a program calls it, with the bitmap and the page size of its choice: see dma-log-report.ts. */
  reportBits(query: ReportQuery, bitmap: BigUint64Array): Errno | undefined {
    return reportBits(this, this.#memory, query, bitmap);
  }

  /** Pages that it watches beside the `ranges` it was asked for: the gaps over which it joined them. 0 while off. */
  extraPagesOver(ranges: readonly PageRange[]): number {
    const watched = this.#tracked.reduce((sum, { pages }) => sum + pages, 0);
    const asked = ranges.flatMap((range) => this.#tracked.map((tracked) => clip(tracked, range).pages));
    return Math.max(0, watched - asked.reduce((sum, pages) => sum + pages, 0));
  }

  /** Whether all of `range` is watched: what was mapped after START at an address outside it is not, and nobody says so. */
  watches(range: PageRange): boolean {
    return this.#tracked.reduce((pages, tracked) => pages + clip(tracked, range).pages, 0) >= range.pages;
  }

  /**
   * The next REPORT fails once it has walked so many windows of the caller's bitmap: what these held is taken from the log
   * and stands only in that caller's buffer. A window is 2 MiB of bitmap, 64 GiB of addresses with 4 KiB pages.
   */
  failReport(errno: Errno, afterWindows = 0): void {
    this.#failing = { errno, afterWindows };
  }

  #reportByWindows(leaves: LeafBitmap, into: PageBitmap, query: readonly PageRange[]): DirtyReport {
    const failing = this.#failing;
    this.#failing = undefined;
    const { leafPages } = leaves;
    const windowPages = Math.max(leafPages, WINDOW_HOST_PAGES * this.#memory.pageBytes * 8);
    const found = { dirtyPages: 0, newPages: 0 };
    let windows = 0;
    for (const { firstPage, pages } of query) {
      const endPage = firstPage + pages;
      for (let at = firstPage; at < endPage; windows += 1) {
        if (windows === failing?.afterWindows) return { errno: failing.errno };
        // Cut at tracking pages, so that each is reported whole and cleared.
        const next = Math.min(endPage, Math.floor((at + windowPages) / leafPages) * leafPages);
        const { dirtyPages, newPages } = leaves.report(
          into,
          [{ firstPage: at, pages: next - at }],
          this.#tracked,
          'covered',
        );
        found.dirtyPages += dirtyPages;
        found.newPages += newPages;
        at = next;
      }
    }
    return failing === undefined ? found : { errno: failing.errno };
  }

  /** The tracker fails for good, until it is stopped and started again: mlx5 EIO, ENOTCONN once its parent is gone. */
  fail(errno: 'EIO' | 'ENOTCONN'): void {
    if (this.active) this.#broken = errno;
  }

  receive(batch: PageWrites): void {
    // What the driver of a mediated device writes for the guest it knows without any log, and tells once.
    if (batch.source === this.#driverSource) this.#mapped?.noteWritten(batch);
    if (batch.source !== this.#source || this.#leaves === undefined) return;
    // A mediated device writes to mapped pages only, and all of those are reported: its writes say nothing more.
    if (this.#mapped !== undefined && this.#leaves.leafPages === 1) return;
    this.#leaves.applyWrites(batch);
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
