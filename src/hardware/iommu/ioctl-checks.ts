/**
 * What iommufd refuses, in the kernel's order: IOMMU_HWPT_ALLOC, attach, IOMMU_HWPT_SET_DIRTY_TRACKING and
 * IOMMU_HWPT_GET_DIRTY_BITMAP (drivers/iommu/iommufd/hw_pagetable.c; io_pagetable.c, iommufd_check_iova_range). Pure; errnos
 * are values. User pointers, lookups of ids and allocation are not here, but for the one that a fault can be drawn for.
 */
import type { Errno } from '../../../machines/words.ts';

/** IOMMU_HWPT_ALLOC_NEST_PARENT and IOMMU_HWPT_ALLOC_DIRTY_TRACKING, include/uapi/linux/iommufd.h. */
export const ALLOC_NEST_PARENT = 1;
export const ALLOC_DIRTY_TRACKING = 2;
/** IOMMU_HWPT_DIRTY_TRACKING_ENABLE, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR. */
export const SET_ENABLE = 1;
export const GET_NO_CLEAR = 1;

/** A page table as these checks see it. */
export interface Hwpt {
  /** It stands over an I/O address space; a nested one does not. */
  readonly hasIoas: boolean;
  /** Allocated with the flag: it has dirty ops. */
  readonly tracks: boolean;
  /** The address space's alignment, bytes: the smallest page that its IOMMUs share. */
  readonly alignmentBytes: bigint;
}

/** Undefined: it is done. `capable`: IOMMU_HW_CAP_DIRTY_TRACKING of the device that it is allocated for. */
export function checkAlloc(flags: number, capable: boolean): Errno | undefined {
  if ((flags & ~(ALLOC_NEST_PARENT | ALLOC_DIRTY_TRACKING)) !== 0) return 'EOPNOTSUPP';
  return (flags & ALLOC_DIRTY_TRACKING) !== 0 && !capable ? 'EOPNOTSUPP' : undefined;
}

/** Attach of one more device to a page table that may enforce tracking. */
export function checkAttach(hwpt: Pick<Hwpt, 'tracks'>, capable: boolean): Errno | undefined {
  return hwpt.tracks && !capable ? 'EINVAL' : undefined;
}

export function checkSet(hwpt: Hwpt, flags: number, reserved = 0): Errno | undefined {
  if ((flags & ~SET_ENABLE) !== 0 || reserved !== 0) return 'EOPNOTSUPP';
  if (!hwpt.hasIoas) return 'EINVAL';
  return hwpt.tracks ? undefined : 'EOPNOTSUPP';
}

export interface GetRequest {
  readonly flags?: number;
  readonly reserved?: number;
  /** Unsigned, 64 bits, bytes. */
  readonly iova: bigint;
  readonly length: bigint;
  readonly pageSize: bigint;
  /** The kernel has no memory for the bitmap object. */
  readonly noMemory?: boolean;
}

const U64_MAX = 2n ** 64n - 1n;

/**
 * A range may end with the very last byte: sums are end-inclusive here, unlike in VFIO's DMA logging. A hole in the range, a
 * bad user pointer and an error of the walk are no errors: 0, and what was found before.
 */
export function checkGet(hwpt: Hwpt, request: GetRequest): Errno | undefined {
  const { flags = 0, reserved = 0, iova, length, pageSize, noMemory = false } = request;
  if ((flags & ~GET_NO_CLEAR) !== 0 || reserved !== 0) return 'EOPNOTSUPP';
  if (!hwpt.hasIoas) return 'EINVAL';
  if (!hwpt.tracks) return 'EOPNOTSUPP';
  // length - 1 of 0 wraps to the largest number, as the kernel's does.
  const last = iova + BigInt.asUintN(64, length - 1n);
  if (last > U64_MAX) return 'EOVERFLOW';
  if (iova % hwpt.alignmentBytes !== 0n || (last + 1n) % hwpt.alignmentBytes !== 0n) return 'EINVAL';
  if (pageSize === 0n || iova % pageSize !== 0n || (last + 1n) % pageSize !== 0n) return 'EINVAL';
  return noMemory ? 'ENOMEM' : undefined;
}
