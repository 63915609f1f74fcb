/**
 * The order in which each tracker lets go of a mapping, against QEMU: hw/vfio/container.c, vfio_container_dma_unmap (device and
 * perpetual: unmap first, then vfio_container_query_dirty_bitmap); hw/vfio/iommufd.c, iommufd_cdev_unmap (query with
 * IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR, then unmap); hw/vfio/container-legacy.c, vfio_dma_unmap_bitmap (one ioctl).
 */
import { expect, test } from 'vitest';
import { UNMAP_ORDER, type UnmapTracker, unmapOrder } from '../../machines/unmap-order.ts';

const QEMU: readonly (readonly [UnmapTracker, readonly string[]])[] = [
  ['off', ['unmap']],
  ['type1', ['unmap-and-query']],
  ['iommufd', ['query-no-clear', 'unmap']],
  ['device', ['unmap', 'query']],
  ['perpetual', ['unmap', 'query']],
];

test.each(QEMU)('qemu.md trap 15: %s', (tracker, steps) => {
  expect(UNMAP_ORDER[tracker]).toEqual(steps);
  expect(unmapOrder([tracker])).toEqual(steps.map((step) => ({ step, of: tracker })));
});

test.each([
  [
    ['device', 'iommufd'],
    ['query-no-clear iommufd', 'unmap device', 'query device'],
  ],
  [
    ['iommufd', 'device'],
    ['query-no-clear iommufd', 'unmap iommufd', 'query device'],
  ],
  [
    ['device', 'type1'],
    ['unmap-and-query type1', 'query device'],
  ],
  [[], ['unmap off']],
] as const)('together, %o unmap once: what must be read before, is', (trackers, steps) => {
  expect(unmapOrder(trackers).map(({ step, of }) => `${step} ${of}`)).toEqual(steps);
});

test('whoever tracks, there is one unmap, and an IOMMU’s bits are never read after it', () => {
  const all: readonly UnmapTracker[] = ['off', 'type1', 'iommufd', 'device', 'perpetual'];
  for (const a of all) {
    for (const b of all) {
      const steps = unmapOrder([a, b]).map(({ step }) => step);
      const unmaps = steps.flatMap((step, at) => (step.startsWith('unmap') ? [at] : []));
      expect(unmaps).toHaveLength(1);
      expect(steps.lastIndexOf('query-no-clear')).toBeLessThan(unmaps[0]!);
    }
  }
});
