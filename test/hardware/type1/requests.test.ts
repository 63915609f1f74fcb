/**
 * The errnos of VFIO_IOMMU_DIRTY_PAGES and of UNMAP_DMA with a bitmap, as drivers/vfio/vfio_iommu_type1.c gives them:
 * vfio_iommu_type1_dirty_pages, verify_bitmap_size, vfio_iova_dirty_bitmap, vfio_dma_bitmap_alloc, vfio_dma_do_unmap.
 */
import { describe, expect, test } from 'vitest';
import {
  bitmapBytes,
  checkFlags,
  checkGetBitmap,
  checkTrackable,
  checkUnmap,
  DIRTY_BITMAP_BYTES_MAX,
  type GetBitmapRequest,
  type Type1State,
  type UnmapRequest,
} from '../../../src/hardware/type1/requests.ts';

const MIB = 2n ** 20n;
const TIB = 2n ** 40n;
/** Two mappings of 1 MiB side by side, and one of 1 MiB after a hole. */
const state: Type1State = {
  tracking: true,
  pageBytes: 4096,
  mappings: [
    { firstPage: 256, pages: 256 },
    { firstPage: 512, pages: 256 },
    { firstPage: 1024, pages: 256 },
  ],
};
const get = (changes: Partial<GetBitmapRequest> = {}): GetBitmapRequest => ({
  iova: MIB,
  sizeBytes: MIB,
  bitmap: { pageBytes: 4096, bytes: 32 },
  ...changes,
});
const bitmap = (bytes: number, pageBytes = 4096) => ({ pageBytes, bytes });

test.each([
  [2, 1, undefined],
  [2, 2, undefined],
  [2, 4, undefined],
  [1, 1, 'EACCES'],
  [1, 0, 'EACCES'],
  [2, 0, 'EINVAL'],
  [2, 8, 'EINVAL'],
  [2, 3, 'EINVAL'],
  [2, 5, 'EINVAL'],
  [2, 7, 'EINVAL'],
] as const)('version %i, flags %i: %s', (version, flags, errno) => {
  expect(checkFlags(version, flags)).toBe(errno);
});

test.each([
  [2 ** 31 - 1, undefined],
  [2 ** 31, 'EINVAL'],
])('a mapping of %i pages: %s', (pages, errno) => {
  expect(checkTrackable({ firstPage: 0, pages })).toBe(errno);
});

test.each([
  [1, 8],
  [64, 8],
  [65, 16],
  [2 ** 31, 2 ** 28],
])('%i pages are %i bytes of bitmap', (pages, bytes) => {
  expect(bitmapBytes(pages)).toBe(bytes);
});

describe('GET_BITMAP', () => {
  test.each<[string, GetBitmapRequest, Partial<Type1State>]>([
    ['one mapping', get(), {}],
    ['two mappings clubbed together', get({ sizeBytes: 2n * MIB, bitmap: bitmap(64) }), {}],
    ['mappings and holes', get({ iova: 0n, sizeBytes: 8n * MIB, bitmap: bitmap(256) }), {}],
    ['nothing but a hole', get({ iova: 3n * MIB }), {}],
    ['a bitmap larger than needed', get({ bitmap: bitmap(DIRTY_BITMAP_BYTES_MAX) }), {}],
    ['8 TiB', get({ iova: 0n, sizeBytes: 8n * TIB, bitmap: bitmap(DIRTY_BITMAP_BYTES_MAX) }), {}],
  ])('%s is answered', (_, request, changes) => {
    expect(checkGetBitmap(request, { ...state, ...changes })).toBeUndefined();
  });

  test.each<[string, GetBitmapRequest, Partial<Type1State>]>([
    ['while tracking is off', get(), { tracking: false }],
    ['iova and size wrap', get({ iova: 2n ** 64n - MIB, sizeBytes: 2n * MIB, bitmap: bitmap(64) }), {}],
    ['iova and size end at 2^64, which is 0', get({ iova: 2n ** 64n - MIB }), {}],
    ['a page size larger than the smallest', get({ bitmap: bitmap(32, 2 ** 21) }), {}],
    ['a page size smaller than the smallest', get({ bitmap: bitmap(32) }), { pageBytes: 65_536 }],
    ['iova within a page', get({ iova: MIB + 1n }), {}],
    ['a size of part of a page', get({ sizeBytes: MIB - 1n }), {}],
    ['no size', get({ sizeBytes: 0n }), {}],
    ['no bitmap', get({ bitmap: bitmap(0) }), {}],
    ['a bitmap one word short', get({ bitmap: bitmap(24) }), {}],
    ['a bitmap above 256 MiB', get({ bitmap: bitmap(DIRTY_BITMAP_BYTES_MAX + 8) }), {}],
    ['a range above 8 TiB', get({ iova: 0n, sizeBytes: 8n * TIB + 4096n, bitmap: bitmap(DIRTY_BITMAP_BYTES_MAX) }), {}],
    ['the range begins within a mapping', get({ iova: MIB + 4096n, sizeBytes: MIB - 4096n }), {}],
    ['the range ends within a mapping', get({ sizeBytes: MIB + 4096n, bitmap: bitmap(40) }), {}],
    ['the range lies within a mapping', get({ iova: MIB + 4096n, sizeBytes: 4096n }), {}],
  ])('%s: EINVAL', (_, request, changes) => {
    expect(checkGetBitmap(request, { ...state, ...changes })).toBe('EINVAL');
  });
});

describe('UNMAP_DMA', () => {
  const unmap = (changes: Partial<UnmapRequest> = {}): UnmapRequest => ({ iova: MIB, sizeBytes: MIB, ...changes });
  test.each<[string, UnmapRequest, Partial<Type1State>]>([
    ['a mapping', unmap(), {}],
    ['a mapping while tracking is off', unmap(), { tracking: false }],
    ['a mapping with its bitmap', unmap({ bitmap: bitmap(32) }), {}],
    ['everything', unmap({ iova: 0n, sizeBytes: 0n, all: true }), {}],
    ['what ends at 2^64', unmap({ iova: 2n ** 64n - MIB }), {}],
  ])('%s is unmapped', (_, request, changes) => {
    expect(checkUnmap(request, { ...state, ...changes })).toBeUndefined();
  });

  test.each<[string, UnmapRequest, Partial<Type1State>]>([
    ['everything with a bitmap', unmap({ iova: 0n, sizeBytes: 0n, all: true, bitmap: bitmap(32) }), {}],
    ['everything with a range', unmap({ all: true }), {}],
    ['a bitmap while tracking is off', unmap({ bitmap: bitmap(32) }), { tracking: false }],
    ['another page size', unmap({ bitmap: bitmap(32, 65_536) }), {}],
    ['a bitmap that is short', unmap({ bitmap: bitmap(24) }), {}],
    ['a wrap', unmap({ iova: 2n ** 64n - MIB, sizeBytes: 2n * MIB }), {}],
    ['part of a page', unmap({ sizeBytes: 1n }), {}],
    ['no size', unmap({ sizeBytes: 0n }), {}],
    ['part of a mapping', unmap({ sizeBytes: MIB / 2n }), {}],
  ])('%s: EINVAL', (_, request, changes) => {
    expect(checkUnmap(request, { ...state, ...changes })).toBe('EINVAL');
  });
});
