/** Refusals of GET and CLEAR: virt/kvm/kvm_main.c; alignment also in selftests/kvm/dirty_log_test.c. */
import { expect, test } from 'vitest';
import { checkClear, checkGet } from '../../../src/hardware/kvm/bitmap-ioctls.ts';

const vm = {
  slots: [
    { pages: 1000, logged: true },
    { pages: 4096, logged: false },
  ],
  ringOnly: false,
};

test.each([
  ['aligned', 0, 64, 128, undefined],
  ['nothing', 0, 64, 0, undefined],
  ['first page at an odd offset', 0, 32, 64, 'EINVAL'],
  ['length that is no multiple of 64', 0, 0, 100, 'EINVAL'],
  ['the same up to exactly the end of the slot', 0, 960, 40, undefined],
  ['the whole slot', 0, 0, 1000, undefined],
  ['beyond the end', 0, 960, 64, 'EINVAL'],
  ['from beyond the end', 0, 1024, 0, 'EINVAL'],
  ['no such slot', 2, 0, 64, 'EINVAL'],
  ['a slot without a bitmap', 1, 0, 64, 'ENOENT'],
  ['alignment is looked at before the bitmap', 1, 1, 64, 'EINVAL'],
] as const)('CLEAR: %s', (_, slot, firstPage, pages, errno) => {
  expect(checkClear(vm, { slot, firstPage, pages })).toBe(errno);
});

test('GET: which slot, and whether it is logged', () => {
  expect([0, 1, 2].map((slot) => checkGet(vm, slot))).toEqual([undefined, 'ENOENT', 'EINVAL']);
});

test('a VM with rings only has neither', () => {
  const rings = { ...vm, ringOnly: true };
  expect(checkGet(rings, 0)).toBe('ENXIO');
  expect(checkClear(rings, { slot: 0, firstPage: 0, pages: 64 })).toBe('ENXIO');
});
