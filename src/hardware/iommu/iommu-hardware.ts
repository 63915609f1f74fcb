/**
 * Whose IOMMU: what its page tables can map with one leaf, of how many entries such a leaf consists, and what switching its
 * dirty bits on or off invalidates. A table of facts; it decides nothing.
 *
 * AMD: drivers/iommu/amd/iommu.c, set_dirty_tracking; Intel: drivers/iommu/intel/iommu.c, intel_iommu_set_dirty_tracking;
 * Arm: drivers/iommu/arm/arm-smmu-v3 and io-pgtable-arm.c.
 */

export const IOMMU_KINDS = ['amd', 'intel', 'smmuv3'] as const;
export type IommuKind = (typeof IOMMU_KINDS)[number];

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

export interface IommuHardware {
  /** Invalidations by one change of the enable knob, with so many devices behind the domain. */
  toggleFlushes(devices: number): number;
  /** The hardware marks from allocation on, whatever SET_DIRTY_TRACKING says. */
  readonly alwaysOn: boolean;
  /** A leaf may be any power of two of pages: its entry is replicated, and any replica may carry the dirty bit. */
  readonly replicates: boolean;
}

export const IOMMU_HARDWARE: Readonly<Record<IommuKind, IommuHardware>> = {
  // The HAD bits of each device's table entry: that entry is flushed for each device, then the whole domain once.
  amd: { toggleFlushes: (devices) => devices + 1, alwaysOn: false, replicates: true },
  // SSADE in each device's PASID entry: PASID cache, IOTLB and device TLB.
  intel: { toggleFlushes: (devices) => 3 * devices, alwaysOn: false, replicates: false },
  // DBM is a flag of each entry, set when it is mapped: `set_dirty_tracking` does nothing.
  smmuv3: { toggleFlushes: () => 0, alwaysOn: true, replicates: false },
};

/** Sizes that one entry maps, ascending, by translation granule: x86 has 4 KiB only; Arm's others are of DDI 0487, D8.2. */
function entrySizes(granuleBytes: number): readonly number[] {
  switch (granuleBytes) {
    case 16 * KIB:
      return [16 * KIB, 32 * MIB];
    case 64 * KIB:
      return [64 * KIB, 512 * MIB];
    default:
      return [4 * KIB, 2 * MIB, GIB];
  }
}

/**
 * Entries of the page table that make one leaf of `leafBytes`; undefined when this hardware has no such leaf. An Arm IOMMU
 * walks with the host's page size as its granule; x86 maps a host page of 16 or 64 KiB by several entries of 4 KiB.
 */
export function entriesPerLeaf(kind: IommuKind, leafBytes: number, pageBytes: number): number | undefined {
  const sizes = entrySizes(kind === 'smmuv3' ? pageBytes : 4 * KIB);
  if (sizes.includes(leafBytes)) return 1;
  const below = sizes.filter((size) => size < leafBytes).at(-1);
  const replicated = IOMMU_HARDWARE[kind].replicates && Number.isInteger(Math.log2(leafBytes)) && leafBytes <= GIB;
  return below !== undefined && (replicated || leafBytes === pageBytes) ? leafBytes / below : undefined;
}

/** Every leaf size that this hardware has for hosts with this page, ascending, at most 1 GiB. */
export function leafSizes(kind: IommuKind, pageBytes: number): readonly number[] {
  const sizes: number[] = [];
  for (let bytes = pageBytes; bytes <= GIB; bytes *= 2) {
    if (entriesPerLeaf(kind, bytes, pageBytes) !== undefined) sizes.push(bytes);
  }
  return sizes;
}
