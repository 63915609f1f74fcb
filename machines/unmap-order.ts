/**
 * What a vmm does, step by step, when the guest's IOMMU takes a mapping away while a tracker runs: QEMU,
 * hw/vfio/container.c (vfio_container_dma_unmap), hw/vfio/container-legacy.c and hw/vfio/iommufd.c.
 *
 * Each tracker has its own order. An IOMMU's dirty bits live in the page table and go with the mapping, so they are read
 * before; reading with NO_CLEAR is enough, because the unmap flushes anyway. type1 has one ioctl for both. A device's log
 * is kept by I/O address and outlives the mapping, so it is asked after: between the two nothing can be written. Swapping
 * an order loses pages.
 */
/** Who can know what was written through a mapping. `off`: no tracker has been started. */
export type UnmapTracker = 'off' | 'type1' | 'iommufd' | 'device' | 'perpetual';

export type UnmapStep =
  /** IOMMU_HWPT_GET_DIRTY_BITMAP with NO_CLEAR over the mapping. */
  | 'query-no-clear'
  /** VFIO_IOMMU_UNMAP_DMA with VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP: both at once. */
  | 'unmap-and-query'
  | 'unmap'
  /** DMA_LOGGING_REPORT of each device over what was mapped; with nobody to ask, all of it. */
  | 'query';

export const UNMAP_ORDER: Readonly<Record<UnmapTracker, readonly UnmapStep[]>> = {
  off: ['unmap'],
  type1: ['unmap-and-query'],
  iommufd: ['query-no-clear', 'unmap'],
  device: ['unmap', 'query'],
  perpetual: ['unmap', 'query'],
};

/** Bits of a type1 bitmap, DIRTY_BITMAP_PAGES_MAX of drivers/vfio/vfio_iommu_type1.c: one unmap of more is E2BIG in QEMU. */
export const TYPE1_UNMAP_PAGES_MAX = 2 ** 31;

export interface OrderedStep {
  readonly step: UnmapStep;
  readonly of: UnmapTracker;
}

/**
 * The steps for a mapping that several trackers watch: whatever must be read before it goes, one unmap, whatever is read
 * after. A container of QEMU has one tracker; where devices are tracked one by one, the rest by the IOMMU, it has two.
 */
export function unmapOrder(trackers: readonly UnmapTracker[]): readonly OrderedStep[] {
  const steps = trackers.flatMap((of) => UNMAP_ORDER[of].map((step) => ({ step, of })));
  const unmaps = steps.filter(({ step }) => step === 'unmap' || step === 'unmap-and-query');
  const unmap = unmaps.find(({ step }) => step === 'unmap-and-query') ?? unmaps[0] ?? { step: 'unmap', of: 'off' };
  return [
    ...steps.filter(({ step }) => step === 'query-no-clear'),
    unmap,
    ...steps.filter(({ step }) => step === 'query'),
  ];
}
