/**
 * What VFIO's type1 backend checks before it carries out a request about dirty pages, in bytes, because the checks are
 * about 64-bit I/O addresses. Pure: who calls says what is mapped and whether tracking is on.
 *
 * drivers/vfio/vfio_iommu_type1.c: vfio_iommu_type1_dirty_pages, vfio_iova_dirty_bitmap, verify_bitmap_size and
 * vfio_dma_do_unmap; the flags are include/uapi/linux/vfio.h's.
 */
import type { Errno, PageRange } from '../../../machines/words.ts';

/** VFIO_IOMMU_DIRTY_PAGES_FLAG_*: exactly one of them in a request. */
export const DIRTY_PAGES_START = 1;
export const DIRTY_PAGES_STOP = 2;
export const DIRTY_PAGES_GET_BITMAP = 4;

/** DIRTY_BITMAP_PAGES_MAX, INT_MAX: the kernel's bitmap functions count in an int. */
export const DIRTY_BITMAP_PAGES_MAX = 2 ** 31 - 1;
/** DIRTY_BITMAP_SIZE_MAX: the bitmap of so many pages, 256 MiB; 8 TiB of 4 KiB pages. */
export const DIRTY_BITMAP_BYTES_MAX = 2 ** 28;

const TWO_64 = 2n ** 64n;

/** `struct vfio_bitmap` without its pointer. */
export interface UserBitmap {
  readonly pageBytes: number;
  readonly bytes: number;
}

/** `struct vfio_iommu_type1_dirty_bitmap_get`. */
export interface GetBitmapRequest {
  readonly iova: bigint;
  readonly sizeBytes: bigint;
  readonly bitmap: UserBitmap;
}

/** `struct vfio_iommu_type1_dma_unmap`. */
export interface UnmapRequest {
  readonly iova: bigint;
  readonly sizeBytes: bigint;
  /** VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP: what the mapping's bitmap says as it goes. */
  readonly bitmap?: UserBitmap;
  /** VFIO_DMA_UNMAP_FLAG_ALL: everything; then `iova` and `sizeBytes` are 0. */
  readonly all?: boolean;
}

/** What a check has to know of the container. */
export interface Type1State {
  readonly tracking: boolean;
  /** The smallest page that every IOMMU of the container has, which is the host's page at least. */
  readonly pageBytes: number;
  /** By ascending page number. */
  readonly mappings: readonly PageRange[];
}

/** Bytes of a bitmap of so many pages: whole 64-bit words (DIRTY_BITMAP_BYTES). */
export function bitmapBytes(pages: number): number {
  return Math.ceil(pages / 64) * 8;
}

/** The version 1 API has none of this; else exactly one known flag. */
export function checkFlags(version: 1 | 2, flags: number): Errno | undefined {
  if (version !== 2) return 'EACCES';
  const known = [DIRTY_PAGES_START, DIRTY_PAGES_STOP, DIRTY_PAGES_GET_BITMAP];
  return known.includes(flags) ? undefined : 'EINVAL';
}

/** Whether START, or a mapping made while tracking is on, gets its bitmap: EINVAL for one of more than INT_MAX pages. */
export function checkTrackable({ pages }: PageRange): Errno | undefined {
  return pages > DIRTY_BITMAP_PAGES_MAX ? 'EINVAL' : undefined;
}

/** GET_BITMAP: EINVAL for every fault there is. */
export function checkGetBitmap({ iova, sizeBytes, bitmap }: GetBitmapRequest, state: Type1State): Errno | undefined {
  // A sum of exactly 2^64 is 0 to the kernel, and so smaller than iova.
  if (iova + sizeBytes >= TWO_64 && iova > 0n) return 'EINVAL';
  if (!state.tracking || bitmap.pageBytes !== state.pageBytes) return 'EINVAL';
  if (!isAligned(iova, state) || !isAligned(sizeBytes, state) || sizeBytes === 0n) return 'EINVAL';
  if (!fits(sizeBytes, bitmap)) return 'EINVAL';
  return cutsMapping(iova, sizeBytes, state) ? 'EINVAL' : undefined;
}

/** UNMAP_DMA of a version 2 container: EINVAL for every fault there is. A range without any mapping is none. */
export function checkUnmap(request: UnmapRequest, state: Type1State): Errno | undefined {
  const { iova, sizeBytes, bitmap, all = false } = request;
  if (bitmap !== undefined && (all || !state.tracking || bitmap.pageBytes !== state.pageBytes)) return 'EINVAL';
  if (all) return iova === 0n && sizeBytes === 0n ? undefined : 'EINVAL';
  if (!isAligned(iova, state) || !isAligned(sizeBytes, state) || sizeBytes === 0n) return 'EINVAL';
  // Here the last byte is what may not wrap: a range that ends exactly at 2^64 is taken.
  if (iova + sizeBytes > TWO_64) return 'EINVAL';
  if (bitmap !== undefined && !fits(sizeBytes, bitmap)) return 'EINVAL';
  return cutsMapping(iova, sizeBytes, state) ? 'EINVAL' : undefined;
}

function isAligned(bytes: bigint, { pageBytes }: Type1State): boolean {
  return bytes % BigInt(pageBytes) === 0n;
}

/** verify_bitmap_size. */
function fits(sizeBytes: bigint, { bytes, pageBytes }: UserBitmap): boolean {
  const pages = Number(sizeBytes / BigInt(pageBytes));
  return bytes > 0 && bytes <= DIRTY_BITMAP_BYTES_MAX && bytes >= bitmapBytes(pages);
}

/** Whether the first or the last page lies in a mapping that goes on beyond the range. */
function cutsMapping(iova: bigint, sizeBytes: bigint, { mappings, pageBytes }: Type1State): boolean {
  const first = iova / BigInt(pageBytes);
  const end = first + sizeBytes / BigInt(pageBytes);
  return mappings.some(({ firstPage, pages }) => {
    const mappingEnd = BigInt(firstPage + pages);
    return (firstPage < first && mappingEnd > first) || (firstPage < end && mappingEnd > end);
  });
}
