/** virt/kvm/kvm_main.c, kvm_vm_ioctl_enable_dirty_log_ring; reserve: virt/kvm/dirty_ring.c and the CPU's PML size. */
import { expect, test } from 'vitest';
import { checkRingBytes, reservedEntries } from '../../../src/hardware/kvm/ring-size.ts';

test.each([
  // bytes, pml, host page, errno
  [0, false, 4096, 'EINVAL'],
  [5000, false, 4096, 'EINVAL'],
  [2048, false, 4096, 'EINVAL'],
  [4096, false, 4096, undefined],
  [4096, false, 16_384, 'EINVAL'],
  [16_384, false, 16_384, undefined],
  [8192, true, 4096, 'EINVAL'],
  [16_384, true, 4096, undefined],
  [65_536, true, 4096, undefined],
  [1_048_576, true, 4096, undefined],
  [2_097_152, true, 4096, 'E2BIG'],
  [3_000_000, true, 4096, 'EINVAL'],
] as const)('%i bytes, PML %s, pages of %i: %s', (bytes, pml, pageBytes, errno) => {
  expect(checkRingBytes(bytes, { pml, pageBytes })).toBe(errno);
});

test('only once, and before any vCPU', () => {
  const vm = { pml: true, pageBytes: 4096 };
  expect(checkRingBytes(65_536, { ...vm, ringEnabled: true })).toBe('EINVAL');
  expect(checkRingBytes(65_536, { ...vm, vcpusCreated: true })).toBe('EINVAL');
  expect(checkRingBytes(2_097_152, { ...vm, vcpusCreated: true })).toBe('E2BIG');
});

test('the reserve is 64, and 576 with PML', () => {
  expect([reservedEntries(false), reservedEntries(true)]).toEqual([64, 576]);
});
