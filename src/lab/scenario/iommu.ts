/** A container's `iommu` section: how it is mapped, and whose dirty bits there are. */
import type { z } from 'zod';
import { section, sizeAmong, truth, word } from './leaf.ts';
import type { Finding } from './phrase.ts';
import { finding, type Path } from './places.ts';
import { LEAVES_BYTES, type LeafBytes } from './scenario.ts';
import { printSize } from './values.ts';

export interface Iommu {
  readonly kind: 'iommufd' | 'type1' | 'none';
  /** The container reports that it can track (type1 migration capability, iommufd hardware tracking). */
  readonly dirtyTracking: boolean;
  /** Whose dirty bits; null unless `kind` is iommufd. */
  readonly hardware: 'amd' | 'intel' | 'smmuv3' | null;
  /** What one dirty bit covers. */
  readonly leafBytes: LeafBytes;
}

export const iommuSchema = section({
  kind: word(['iommufd', 'type1', 'none'], 'How the container is mapped.'),
  dirtyTracking: truth('The container reports that its IOMMU can track writes.').prefault(false),
  hardware: word(['amd', 'intel', 'smmuv3'], 'Whose dirty bits; iommufd only, amd by default.').optional(),
  leaf: sizeAmong(LEAVES_BYTES, 'What one dirty bit covers.').prefault('4KiB'),
});

export function normaliseIommu({ kind, dirtyTracking, hardware, leaf }: z.output<typeof iommuSchema>): Iommu {
  return { kind, dirtyTracking, hardware: hardware ?? (kind === 'iommufd' ? 'amd' : null), leafBytes: leaf };
}

export function checkIommu(iommu: Iommu, path: Path): readonly Finding[] {
  const found: Finding[] = [];
  if (iommu.kind === 'none' && iommu.dirtyTracking) {
    found.push(finding([...path, 'dirtyTracking'], 'without an IOMMU there is none that tracks'));
  }
  if (iommu.kind === 'type1' && iommu.dirtyTracking) {
    found.push(
      finding(
        [...path, 'dirtyTracking'],
        'type1 reports all that is mapped or pinned, which is not in this version; iommufd tracks',
      ),
    );
  }
  if (iommu.kind !== 'iommufd' && iommu.hardware !== null) {
    found.push(
      finding([...path, 'hardware'], `only iommufd uses dirty bits of the hardware, and kind is ${iommu.kind}`),
    );
  }
  return found;
}

export function printIommu({ kind, dirtyTracking, hardware, leafBytes }: Iommu): z.input<typeof iommuSchema> {
  return { kind, dirtyTracking, ...(hardware === null ? {} : { hardware }), leaf: printSize(leafBytes) };
}
