/**
 * A container's `viommu` section: the guest has an IOMMU of its own in front of the container's devices, and maps and unmaps
 * their buffers while it is migrated. Without it all of memory is mapped, address for address.
 */
import type { z } from 'zod';
import type { Device } from './devices/device.ts';
import type { Iommu } from './iommu.ts';
import { quantity, section } from './leaf.ts';
import type { Finding } from './phrase.ts';
import { checkFits, finding, type Path, sizeText } from './places.ts';
import { WRITE_RATE, type WriteRateText } from './quantity.ts';
import { cost, printCost, printSize, printText, size } from './values.ts';
import { PAGES_MAX, type Vm } from './vm.ts';

export interface Viommu {
  /** Mapped at any time; the devices' rings and sets lie in it, from 0 on. */
  readonly mappedBytes: number;
  /** One mapping: a power of two of pages. */
  readonly mappingBytes: number;
  /** Mappings that the guest replaces a second. */
  readonly churnPerSecond: number;
  /** Memory that its buffers are taken from, from the start of RAM. */
  readonly poolBytes: number;
  /** To query one mapping at a sync. */
  readonly queryNs: number;
}

/** An ioctl for each mapping at a sync. Nobody published what it takes: this project's own default. */
const QUERY_DEFAULT = '1us';

export const viommuSchema = section({
  mapped: size('What the guest has mapped for the devices at any time; their sets lie in it.'),
  mapping: size('One mapping, a power of two of pages; 64KiB is this project’s own default.').prefault('64KiB'),
  churn: quantity<WriteRateText>(WRITE_RATE, 'Mappings that the guest replaces a second, oldest first.').prefault(0),
  pool: size('Memory that buffers are taken from by chance; twice `mapped` by default.').optional(),
  query: cost('To query one mapping at a sync.').prefault(QUERY_DEFAULT),
});

export function normaliseViommu(read: z.output<typeof viommuSchema>, memoryBytes: number): Viommu {
  return {
    mappedBytes: read.mapped,
    mappingBytes: read.mapping,
    churnPerSecond: read.churn,
    poolBytes: read.pool ?? Math.min(2 * read.mapped, memoryBytes),
    queryNs: read.query,
  };
}

/** Devices that reach memory by tables or a driver of their own. */
const WITHOUT_VIOMMU: readonly string[] = ['vgpu', 'mediated-nic', 'guest-cooperative'];

export function checkViommu(
  viommu: Viommu,
  { iommu, devices }: { readonly iommu: Iommu; readonly devices: readonly Device[] },
  vm: Vm,
  path: Path,
): readonly Finding[] {
  const { mappedBytes, mappingBytes, poolBytes } = viommu;
  const found: Finding[] = [...checkFits([...path, 'viommu', 'pool'], poolBytes, vm.memoryBytes)];
  const add = (key: string, message: string) => found.push(finding([...path, 'viommu', key], message));
  if (!Number.isInteger(Math.log2(mappingBytes)) || mappingBytes < vm.pageSizeBytes) {
    add('mapping', `must be a power of two from ${sizeText(vm.pageSizeBytes)} up, which is vm.pageSize`);
  } else if (mappedBytes === 0 || mappedBytes % mappingBytes !== 0) {
    add('mapped', `must be a whole number of mappings of ${sizeText(mappingBytes)}`);
  } else if ((2 * mappedBytes) / vm.pageSizeBytes > PAGES_MAX) {
    add('mapped', `at most ${sizeText((PAGES_MAX / 2) * vm.pageSizeBytes)}`);
  } else if (poolBytes < mappingBytes) {
    add('pool', `must hold a mapping of ${sizeText(mappingBytes)}`);
  }
  if (iommu.kind === 'none') add('mapped', 'without an IOMMU of the host there is nothing to map with');
  if (iommu.kind === 'type1' && iommu.dirtyTracking) {
    const why = 'type1 tracks what is mapped one for one here; with a vIOMMU take iommufd, or dirtyTracking off';
    found.push(finding([...path, 'iommu', 'dirtyTracking'], why));
  }
  devices.forEach(({ kind }, d) => {
    if (!WITHOUT_VIOMMU.includes(kind)) return;
    found.push(finding([...path, 'devices', d, 'kind'], `${kind} has no vIOMMU in front of it`));
  });
  return found;
}

/** What a device behind it is checked against: its sets lie in what is mapped, not in memory. */
export function roomBehind(viommu: Viommu | undefined, vm: Vm): Vm {
  return viommu === undefined ? vm : { ...vm, memoryBytes: viommu.mappedBytes };
}

/** A finding that was made against `roomBehind`, in the words of this section. */
export function wordedBehind(viommu: Viommu | undefined, found: Finding): Finding {
  return viommu === undefined ? found : { ...found, message: found.message.replaceAll('vm.memory', 'viommu.mapped') };
}

export function printViommu(viommu: Viommu): z.input<typeof viommuSchema> {
  return {
    mapped: printSize(viommu.mappedBytes),
    mapping: printSize(viommu.mappingBytes),
    churn: printText<WriteRateText>(WRITE_RATE, viommu.churnPerSecond),
    pool: printSize(viommu.poolBytes),
    query: printCost(viommu.queryNs),
  };
}
