/**
 * What each chart of a migration is opened with: made from the plan at the moment when the chart is needed, so that it says
 * what is true then.
 */
import type { DestinationInput } from './destination.ts';
import type { DeviceControlInput } from './device-control.ts';
import type { DirtyLogInput } from './dirty-log.ts';
import type { TrackingInput } from './dirty-tracking.ts';
import type { GuestDriverInput } from './guest-driver.ts';
import { loop, roundEnd } from './loops.ts';
import { cooperatingDevices, type Plan, type PlanContainer, type PlannedDevice, plannedDevices } from './plan.ts';
import type { PreCopyInput } from './pre-copy.ts';
import type { RollBackInput } from './roll-back.ts';
import type { StopAndCopyInput } from './stop-and-copy.ts';

/** Address of a device's chart on the source. */
export const source = (device: PlannedDevice) => `device/${device.id}`;
const target = (device: PlannedDevice) => `device/destination/${device.id}`;
/** Address of the chart of a device's guest driver. */
export const driverOf = (device: PlannedDevice) => `guest-driver/${device.id}`;
const driversOf = (devices: readonly PlannedDevice[]) =>
  devices.length === 0 ? {} : { drivers: devices.map((device) => ({ id: device.id, address: driverOf(device) })) };
const mirrorOf = (address: string) => address.replace(/^device/, 'vfio');

export function mirrors(plan: Plan) {
  return plannedDevices(plan).flatMap((device) =>
    [source(device), target(device)].map((address) => ({
      address: mirrorOf(address),
      input: { features: device.features, onBadImage: 'unseen' },
    })),
  );
}

export function controls(plan: Plan): { address: string; input: DeviceControlInput }[] {
  return plannedDevices(plan).flatMap((device) =>
    [source(device), target(device)].map((address) => ({
      address,
      input: {
        device: device.id,
        mirror: mirrorOf(address),
        state: 'RUNNING' as const,
        mayReset: address === source(device),
      },
    })),
  );
}

/** One for each device whose guest driver takes part. */
export function guestDrivers(plan: Plan): { address: string; input: GuestDriverInput }[] {
  return cooperatingDevices(plan).map((device) => ({ address: driverOf(device), input: { device: device.id } }));
}

export function trackings(plan: Plan): { address: string; input: TrackingInput }[] {
  return plan.containers
    .filter((container) => container.devices.length > 0)
    .map((container) => ({
      address: `tracking/${container.id}`,
      input: {
        tracking: container.id,
        devices: container.devices.map(({ id, logsDma, cooperates }) => ({
          id,
          logsDma,
          ...(cooperates === undefined ? {} : { cooperates }),
        })),
        iommuTracks: container.iommuTracks,
        ...(container.choice === undefined ? {} : { choice: container.choice }),
        sections: sectionsOf(plan, container),
        ranges: plan.ranges ?? loop(plan.loop).ranges,
        pageBytes: plan.pageBytes,
        ...(isCollectedWhenStopped(container) ? { collects: 'when-stopped' as const } : {}),
      },
    }));
}

/** With a vIOMMU, what a device watches is the guest's I/O address space; without, it is the guest's memory map. */
function sectionsOf(plan: Plan, { viommu }: PlanContainer): TrackingInput['sections'] {
  return viommu === undefined ? plan.sections : [{ of: 'ram', firstPage: 0, pages: viommu.aperturePages }];
}

/** One such device keeps the whole container from being collected (hw/vfio/container.c, vfio_log_sync_needed). */
function isCollectedWhenStopped({ devices }: PlanContainer): boolean {
  return devices.some((device) => device.preCopyDirtyTracking === false);
}

export function dirtyLog(plan: Plan): { address: string; input: DirtyLogInput }[] {
  const addresses = trackings(plan).map(({ address }) => address);
  return [{ address: 'dirty-log', input: { trackings: addresses, afterSyncError: plan.afterSyncError } }];
}

export function destination(plan: Plan): { address: string; input: DestinationInput }[] {
  const devices = plannedDevices(plan).map((device) => ({ id: device.id, address: target(device), p2p: device.p2p }));
  return [{ address: 'destination', input: { devices } }];
}

export function preCopy(plan: Plan): { address: string; input: PreCopyInput }[] {
  const input = {
    loop: plan.loop,
    downtimeLimitMs: plan.downtimeLimitMs,
    availSwitchoverBytesPerSecond: plan.availSwitchoverBytesPerSecond,
    devices: plannedDevices(plan).map((device) => ({
      id: device.id,
      address: source(device),
      preCopy: device.preCopy,
    })),
    switchoverAck: plan.switchoverAck,
    ...driversOf(cooperatingDevices(plan).filter((device) => device.haltsDuring === 'precopy')),
  };
  return [{ address: 'pre-copy', input }];
}

/** `round`: number of the last pass of pre-copy. */
export function stopAndCopy(plan: Plan, round = 0): { address: string; input: StopAndCopyInput }[] {
  const devices = plannedDevices(plan).map((device) => ({
    id: device.id,
    address: source(device),
    p2p: device.p2p,
    preCopy: device.preCopy,
  }));
  const input = { devices, pauseBeforeSwitchover: plan.pauseBeforeSwitchover };
  const { drivers } = driversOf(cooperatingDevices(plan));
  const cooperation =
    drivers === undefined ? undefined : { drivers, round: round + 1, ends: roundEnd(plan.loop, plan) };
  return [{ address: 'stop-and-copy', input: cooperation === undefined ? input : { ...input, cooperation } }];
}

export function rollBack(plan: Plan, sending: RollBackInput['sending']): { address: string; input: RollBackInput }[] {
  const devices = plannedDevices(plan).map((device) => ({
    id: device.id,
    address: source(device),
    p2p: device.p2p,
  }));
  return [
    {
      address: 'roll-back',
      input: { sending, switching: sending === 'stop-and-copy', devices, ...driversOf(cooperatingDevices(plan)) },
    },
  ];
}
