/**
 * A device that comes into a running world, or leaves it.
 *
 * Every device that a spec describes is built with the world, so that it draws the same writes whenever it comes; one that is
 * not plugged stands still and its container does not count it. What is taken out takes its DMA log with it: whoever wants
 * to know what it wrote asks before. A group that leaves a type1 container sets every bit (type1.ts, detachGroup). Behind an
 * IOMMU that tracks, a device is seen from its first write on: the page table is the container's, not the device's.
 */
import type { ContainerSpec, World } from './world.ts';

/** Takes out, before anything runs, what is described and not there yet. Throws a RangeError for a device that cannot be plugged. */
export function takeOutAbsent(world: World, containers: readonly ContainerSpec[]): void {
  for (const { id: container, absent = [], devices, viommu } of containers) {
    for (const id of absent) {
      if (!devices.some((device) => device.id === id))
        throw new RangeError(`container ${container} has no device ${id}`);
      const { mapped, driver } = world.dma(id);
      if (mapped !== undefined || driver !== undefined || viommu !== undefined) {
        throw new RangeError(
          `${id}: a mediated or cooperating device, or one behind a vIOMMU, is there from the start`,
        );
      }
      world.dma(id).set('stopped');
      world.type1(container)?.detachGroup(id);
    }
  }
}

/** From now on it runs: it writes from this instant on, whether or not somebody watches. */
export function plugDevice(world: World, container: string, device: string): void {
  world.type1(container)?.attachGroup(device, 'iommu');
  world.deviceReset(device);
  world.dma(device).set('running');
}

/** The guest's driver has let it go: no more DMA. Its log stands until it is taken out. */
export function ejectDevice(world: World, device: string): void {
  world.dma(device).set('stopped');
}

/** It is gone, with what its log had not reported. */
export function removeDevice(world: World, container: string, device: string): void {
  ejectDevice(world, device);
  world.stopDmaLog(device);
  world.type1(container)?.detachGroup(device);
}
