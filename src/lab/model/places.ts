/** A place in guest memory as a scenario says it, in bytes, as the model's page numbers. */
import type { PageRange } from '../../../machines/words.ts';
import type { ViommuSpec } from '../../hardware/mappings/viommu.ts';
import { pagesIn } from '../scenario/places.ts';
import type { Viommu } from '../scenario/viommu.ts';

export function range(atBytes: number, bytes: number, pageBytes: number): PageRange {
  return { firstPage: atBytes / pageBytes, pages: pagesIn(bytes, pageBytes) };
}

export function viommuOf(viommu: Viommu, pageBytes: number): ViommuSpec {
  return {
    mappingPages: viommu.mappingBytes / pageBytes,
    mappings: viommu.mappedBytes / viommu.mappingBytes,
    churnPerSecond: viommu.churnPerSecond,
    poolPages: Math.floor(viommu.poolBytes / pageBytes),
    queryNs: viommu.queryNs,
  };
}
