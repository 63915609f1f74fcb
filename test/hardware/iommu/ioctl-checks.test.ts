/** drivers/iommu/iommufd/hw_pagetable.c and io_pagetable.c (iommufd_check_iova_range), row by row. */
import { expect, test } from 'vitest';
import {
  checkAlloc,
  checkAttach,
  checkGet,
  checkSet,
  type GetRequest,
  type Hwpt,
} from '../../../src/hardware/iommu/ioctl-checks.ts';

const hwpt: Hwpt = { hasIoas: true, tracks: true, alignmentBytes: 4096n };
const request: GetRequest = { iova: 0n, length: 1n << 30n, pageSize: 4096n };

test.each([
  ['the tracking flag, capable', 2, true, undefined],
  ['the tracking flag, not capable', 2, false, 'EOPNOTSUPP'],
  ['a nest parent that tracks', 3, true, undefined],
  ['no flag, not capable', 0, false, undefined],
  ['an unknown flag', 4, true, 'EOPNOTSUPP'],
] as const)('alloc with %s', (_, flags, capable, errno) => {
  expect(checkAlloc(flags, capable)).toBe(errno);
});

test.each([
  [true, true, undefined],
  [true, false, 'EINVAL'],
  [false, false, undefined],
  [false, true, undefined],
] as const)('attach: a table that tracks %s, a device whose IOMMU can %s', (tracks, capable, errno) => {
  expect(checkAttach({ tracks }, capable)).toBe(errno);
});

test.each([
  ['enable', {}, 1, 0, undefined],
  ['disable', {}, 0, 0, undefined],
  ['an unknown flag', {}, 2, 0, 'EOPNOTSUPP'],
  ['a reserved field', {}, 1, 1, 'EOPNOTSUPP'],
  ['no address space', { hasIoas: false }, 1, 0, 'EINVAL'],
  ['a table without dirty ops', { tracks: false }, 1, 0, 'EOPNOTSUPP'],
  ['an unknown flag before the rest', { hasIoas: false, tracks: false }, 8, 0, 'EOPNOTSUPP'],
] as const)('set: %s', (_, table, flags, reserved, errno) => {
  expect(checkSet({ ...hwpt, ...table }, flags, reserved)).toBe(errno);
});

test.each([
  ['a range', {}, {}, undefined],
  ['NO_CLEAR', {}, { flags: 1 }, undefined],
  ['an unknown flag', {}, { flags: 2 }, 'EOPNOTSUPP'],
  ['a reserved field', {}, { reserved: 7 }, 'EOPNOTSUPP'],
  ['no address space', { hasIoas: false }, {}, 'EINVAL'],
  ['a table without dirty ops', { tracks: false }, {}, 'EOPNOTSUPP'],
  ['a sum beyond 64 bits', {}, { iova: 2n ** 64n - 4096n, length: 8192n }, 'EOVERFLOW'],
  // The other way than DMA logging, T25: the last byte may be the last of all.
  ['the last page of all', {}, { iova: 2n ** 64n - 4096n, length: 4096n }, undefined],
  ['no length at 0: it wraps to everything', {}, { length: 0n }, undefined],
  ['no length elsewhere', {}, { iova: 4096n, length: 0n }, 'EOVERFLOW'],
  ['an unaligned start', {}, { iova: 2048n, pageSize: 2048n }, 'EINVAL'],
  ['an unaligned end', {}, { length: 6144n, pageSize: 2048n }, 'EINVAL'],
  ['a page of 0', {}, { pageSize: 0n }, 'EINVAL'],
  ['a start within a page of the report', {}, { iova: 4096n, pageSize: 8192n }, 'EINVAL'],
  ['an end within a page of the report', {}, { length: 12288n, pageSize: 8192n }, 'EINVAL'],
  ['an overflow before the alignment', {}, { iova: 2n ** 64n - 1n, length: 4096n }, 'EOVERFLOW'],
  ['no memory', {}, { noMemory: true }, 'ENOMEM'],
  ['no memory after the rest', {}, { noMemory: true, pageSize: 0n }, 'EINVAL'],
] as const)('get: %s', (_, table, changes, errno) => {
  expect(checkGet({ ...hwpt, ...table }, { ...request, ...changes })).toBe(errno);
});
