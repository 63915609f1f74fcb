/** A container's `iommu` section in the words of the modelled IOMMU. */
import type { IommuSpec } from '../../hardware/iommu/iommu-spec.ts';
import type { Iommu } from '../scenario/iommu.ts';

export function iommuSpecOf(
  { kind, dirtyTracking, hardware, leafBytes, options }: Iommu,
  pageBytes: number,
): IommuSpec {
  const tracks = kind === 'iommufd' && dirtyTracking;
  return {
    dirtyTracking: tracks,
    leafPages: Math.max(1, leafBytes / pageBytes),
    ...(tracks && hardware !== null ? { hardware } : {}),
    ...options,
  };
}
