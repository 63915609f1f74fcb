/** A container's `iommu` section: how it is mapped, and whose dirty bits there are. */
import type { z } from 'zod';
import { type IommufdOptions, iommufdShape, normaliseIommufd, printIommufd } from './iommufd.ts';
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
  /** Of iommufd; absent where the scenario has none. */
  readonly options?: IommufdOptions;
}

export const iommuSchema = section({
  kind: word(['iommufd', 'type1', 'none'], 'How the container is mapped.'),
  dirtyTracking: truth('The container reports that its IOMMU can track writes.').prefault(false),
  hardware: word(['amd', 'intel', 'smmuv3'], 'Whose dirty bits; iommufd only, amd by default.').optional(),
  leaf: sizeAmong(
    LEAVES_BYTES,
    'What one dirty bit covers; amd has all of them. 4KiB is what IOMMU_OPTION_HUGE_PAGES = 0 forces.',
  ).prefault('4KiB'),
  ...iommufdShape,
});

export function normaliseIommu(read: z.output<typeof iommuSchema>): Iommu {
  const { kind, dirtyTracking, hardware, leaf } = read;
  const options = normaliseIommufd(read);
  return {
    kind,
    dirtyTracking,
    hardware: hardware ?? (kind === 'iommufd' ? 'amd' : null),
    leafBytes: leaf,
    ...(Object.keys(options).length === 0 ? {} : { options }),
  };
}

export function checkIommu(iommu: Iommu, path: Path): readonly Finding[] {
  const found: Finding[] = [];
  if (iommu.kind === 'none' && iommu.dirtyTracking) {
    found.push(finding([...path, 'dirtyTracking'], 'without an IOMMU there is none that tracks'));
  }
  if (iommu.kind !== 'iommufd' && iommu.hardware !== null) {
    found.push(
      finding([...path, 'hardware'], `only iommufd uses dirty bits of the hardware, and kind is ${iommu.kind}`),
    );
  }
  return found;
}

export function printIommu({ kind, dirtyTracking, hardware, leafBytes, options }: Iommu): z.input<typeof iommuSchema> {
  return {
    kind,
    dirtyTracking,
    ...(hardware === null ? {} : { hardware }),
    leaf: printSize(leafBytes),
    ...printIommufd(options ?? {}),
  };
}
