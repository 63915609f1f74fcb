/**
 * What the kernel checks before a device's DMA log starts or reports, in its order, and how a driver fits the ranges into
 * its limits. Pure, and in bytes: the checks are about 64-bit I/O addresses that no page number reaches.
 */
import type { Errno } from '../../machines/words.ts';

/** One range of `vfio_device_feature_dma_logging_control`. */
export interface IovaRange {
  readonly iova: bigint;
  readonly lengthBytes: bigint;
}

export interface StartRequest {
  /** Wished tracking granularity; the driver may choose another. */
  readonly pageBytes: number;
  readonly ranges: readonly IovaRange[];
}

/** What can go wrong around the checks on a real host and has no cause inside the request. */
export interface StartFaults {
  readonly outOfMemory?: boolean;
  readonly badUserPointer?: boolean;
  /** The copy-out of the chosen page size fails: logging has started and is stopped again. */
  readonly badCopyOut?: boolean;
}

const TWO_64 = 2n ** 64n;
/** sizeof(struct vfio_device_feature_dma_logging_range), include/uapi/linux/vfio.h. */
const RANGE_BYTES = 16;

/** LOG_MAX_RANGES of drivers/vfio/vfio_main.c: as many as fit a host page; 256 for 4 KiB. */
export function maxRangesOf(hostPageBytes: number): number {
  return hostPageBytes / RANGE_BYTES;
}

function isPowerOfTwo(n: number): boolean {
  return Number.isSafeInteger(n) && n > 0 && Number.isInteger(Math.log2(n));
}

/**
 * The core's checks of DMA_LOGGING_START, in the order of vfio_ioctl_device_feature_logging_start (drivers/vfio/
 * vfio_main.c); undefined when the request may go to the driver. Two things are refused that the kernel lets through:
 * a page size that is no power of two, and a range of no length.
 */
export function checkStart(
  request: StartRequest,
  hasLogging: boolean,
  hostPageBytes: number,
  faults: StartFaults = {},
): Errno | undefined {
  if (!hasLogging) return 'ENOTTY';
  if (request.ranges.length === 0) return 'EINVAL';
  if (request.ranges.length > maxRangesOf(hostPageBytes)) return 'E2BIG';
  if (faults.outOfMemory) return 'ENOMEM';
  if (faults.badUserPointer) return 'EFAULT';
  if (!isPowerOfTwo(request.pageBytes)) return 'EINVAL';
  const pageBytes = BigInt(request.pageBytes);
  for (const [i, { iova, lengthBytes }] of request.ranges.entries()) {
    if (iova % pageBytes !== 0n || lengthBytes % pageBytes !== 0n || lengthBytes === 0n) return 'EINVAL';
    // The sum is exclusive: a range that ends exactly at 2^64 overflows, too.
    if (iova + lengthBytes >= TWO_64) return 'EOVERFLOW';
    const earlier = request.ranges.slice(0, i);
    if (earlier.some((other) => iova < other.iova + other.lengthBytes && other.iova < iova + lengthBytes)) {
      return 'EINVAL';
    }
  }
  return undefined;
}

/** The core's checks of DMA_LOGGING_REPORT: vfio_ioctl_device_feature_logging_report. */
export function checkReport(hasLogging: boolean, query: IovaRange & { readonly pageBytes: number }): Errno | undefined {
  if (!hasLogging) return 'ENOTTY';
  if (query.pageBytes < 4096 || !isPowerOfTwo(query.pageBytes)) return 'EINVAL';
  if (query.iova + query.lengthBytes >= TWO_64) return 'EOVERFLOW';
  return undefined;
}

/**
 * At most `maxRanges` ranges that cover all of `ranges`: neighbours are joined over the smallest gap first, and the gap
 * is then tracked as well (vfio_combine_iova_ranges, drivers/vfio/vfio_main.c).
 */
export function combineRanges(ranges: readonly IovaRange[], maxRanges: number): IovaRange[] {
  const combined = [...ranges].sort((a, b) => (a.iova < b.iova ? -1 : 1));
  while (combined.length > maxRanges) {
    let at = 1;
    for (let i = 2; i < combined.length; i++) if (gapBefore(combined, i) < gapBefore(combined, at)) at = i;
    const left = combined[at - 1]!;
    const right = combined[at]!;
    combined.splice(at - 1, 2, { iova: left.iova, lengthBytes: right.iova + right.lengthBytes - left.iova });
  }
  return combined;
}

function gapBefore(ranges: readonly IovaRange[], i: number): bigint {
  return ranges[i]!.iova - (ranges[i - 1]!.iova + ranges[i - 1]!.lengthBytes);
}
