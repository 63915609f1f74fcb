/**
 * Leaf sizes and invalidations by hardware. AMD: AMD_IOMMU_PGSIZES of the v1 table is every power of two; Intel: super pages
 * of 2 MiB and 1 GiB (VT-d, SLLPS); Arm: DDI 0487, block sizes by granule.
 */
import { expect, test } from 'vitest';
import { entriesPerLeaf, IOMMU_HARDWARE, leafSizes } from '../../../src/hardware/iommu/iommu-hardware.ts';
import { Iommu } from '../../../src/hardware/iommu/iommufd.ts';
import { GuestMemory } from '../../../src/hardware/memory.ts';

const [K, M, G] = [2 ** 10, 2 ** 20, 2 ** 30];

test.each([
  ['intel', 4 * K, [4 * K, 2 * M, G]],
  ['smmuv3', 4 * K, [4 * K, 2 * M, G]],
  ['smmuv3', 16 * K, [16 * K, 32 * M]],
  ['smmuv3', 64 * K, [64 * K, 512 * M]],
  ['amd', 4 * K, Array.from({ length: 19 }, (_, i) => 4 * K * 2 ** i)],
] as const)('%s, hosts with pages of %i bytes', (kind, pageBytes, sizes) => {
  expect(leafSizes(kind, pageBytes)).toEqual(sizes);
});

test.each([
  ['amd', 4 * K, 4 * K, 1],
  ['amd', 16 * K, 4 * K, 4],
  ['amd', M, 4 * K, 256],
  ['amd', 2 * M, 4 * K, 1],
  ['amd', 8 * M, 4 * K, 4],
  ['amd', 512 * M, 4 * K, 256],
  ['amd', G, 4 * K, 1],
  ['amd', 2 * G, 4 * K, undefined],
  ['amd', 12 * K, 4 * K, undefined],
  ['intel', 16 * K, 4 * K, undefined],
  ['intel', 64 * K, 64 * K, 16],
  ['smmuv3', 2 * M, 64 * K, undefined],
] as const)('%s maps %i bytes, host pages of %i, by %s entries', (kind, leafBytes, pageBytes, entries) => {
  expect(entriesPerLeaf(kind, leafBytes, pageBytes)).toBe(entries);
});

test.each([
  ['amd', 3, 4],
  ['intel', 3, 9],
  ['smmuv3', 3, 0],
] as const)('%s with %i devices: %i invalidations a toggle', (kind, devices, flushes) => {
  expect(IOMMU_HARDWARE[kind].toggleFlushes(devices)).toBe(flushes);
});

const memory = new GuestMemory({ pageBytes: 4096, slots: [{ firstPage: 0, pages: 4096 }], nonZeroPages: 0 });

test('a leaf that the hardware does not have, and a device without dirty bits, are refused', () => {
  expect(() => new Iommu({ dirtyTracking: true, leafPages: 64, hardware: 'intel' }, memory, [])).toThrow(RangeError);
  const spec = { dirtyTracking: true, leafPages: 1, withoutDirtyBits: ['nic1'] };
  expect(() => new Iommu(spec, memory, ['nic0', 'nic1'])).toThrow(/nic1: EINVAL/);
  const iommu = new Iommu(spec, memory, ['nic0']);
  expect(iommu.attach('nic1')).toBe('EINVAL');
  // Without tracking the same device is as good as any.
  expect(new Iommu({ ...spec, dirtyTracking: false }, memory, ['nic1']).attach('nic1')).toBeUndefined();
});

test.each([
  ['amd', 0, 3 + 1],
  ['smmuv3', 1, 0 + 1],
] as const)(
  '%s marks %i pages while off; on takes %i invalidations and is a fresh epoch',
  (hardware, marked, flushes) => {
    const iommu = new Iommu({ dirtyTracking: true, leafPages: 1, hardware }, memory, ['a', 'b']);
    const write = (page: number) =>
      iommu.receive({ fromNs: 0, toNs: 1, source: 'dma:a', form: 'list', pages: Uint32Array.of(page) });
    const peek = () => iommu.table.fine.count;
    write(5);
    // Arm's flag is in the entry from its mapping on; the others have a knob, and it is off.
    expect(peek()).toBe(marked);
    iommu.setDirtyTracking(true);
    expect(peek()).toBe(0);
    expect(iommu.iotlb.flushes).toBe(flushes);
    iommu.setDirtyTracking(true);
    expect(iommu.iotlb.flushes).toBe(flushes);
    write(6);
    expect(peek()).toBe(1);
  },
);
