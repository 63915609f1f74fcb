/**
 * What devices that a driver on the host mediates have in common: what that driver writes for the guest itself, and who
 * can hear of it.
 */
import type { z } from 'zod';
import { section } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import { checkRange, finding, type Path, type Room } from '../places.ts';
import type { Container } from '../scenario.ts';
import { dataRate, printDataRate, printSize, size } from '../values.ts';

/** A status area that the driver writes round and round (vfio_dma_rw). */
export interface DriverWrites {
  readonly bytesPerSecond: number;
  readonly setBytes: number;
  readonly atBytes: number;
}

export const driverWritesSchema = section({
  rate: dataRate('What the driver on the host writes for the guest, while the device runs.'),
  set: size('The area that it writes, round and round.'),
  at: size('Where the area begins; a whole number of pages.').prefault(0),
});

export function normaliseDriverWrites(read: z.output<typeof driverWritesSchema>): DriverWrites {
  return { bytesPerSecond: read.rate, setBytes: read.set, atBytes: read.at };
}

export function checkDriverWrites(writes: DriverWrites | undefined, vm: Room, path: Path): readonly Finding[] {
  if (writes === undefined) return [];
  return checkRange([...path, 'driverWrites'], 'set', writes.atBytes, writes.setBytes, vm);
}

export function printDriverWrites({ bytesPerSecond, setBytes, atBytes }: DriverWrites) {
  return { rate: printDataRate(bytesPerSecond), set: printSize(setBytes), at: printSize(atBytes) };
}

/**
 * An I/O page table sees no device that a driver emulates: where iommufd is the container's tracker, nobody hears of it.
 * (iommufd gives such a device access objects and no page table: drivers/iommu/iommufd/device.c, iommufd_access_create.)
 */
export function checkMediated({ iommu, devices, trackerChoice = 'qemu' }: Container, path: Path): readonly Finding[] {
  const iommuTracks = iommu.kind === 'iommufd' && iommu.dirtyTracking;
  const allLog = devices.every(({ dmaLogging }) => dmaLogging !== null);
  if (!iommuTracks || (allLog && trackerChoice !== 'iommu-first')) return [];
  return devices.flatMap((device, d) => {
    // Where each device is tracked by what it has, its own log hears of its driver.
    if (trackerChoice === 'per-device' && device.dmaLogging !== null) return [];
    const at = [...path, 'devices', d];
    if (device.kind === 'mediated-nic')
      return [finding([...at, 'kind'], 'a mediated device is seen by type1 or its own log, and here iommufd tracks')];
    if (device.kind !== 'vgpu' || device.driverWrites === undefined) return [];
    return [
      finding([...at, 'driverWrites'], 'only type1 or the driver’s own log hears of them, and here iommufd tracks'),
    ];
  });
}
