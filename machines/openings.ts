/**
 * What each chart of a migration is opened with: made from the plan at the moment when the chart is needed, so that it says
 * what is true then.
 */
import type { DestinationInput } from './destination.ts';
import type { DeviceControlInput } from './device-control.ts';
import type { DirtyLogInput } from './dirty-log.ts';
import type { TrackingInput } from './dirty-tracking.ts';
import { loop } from './loops.ts';
import { type Plan, type PlannedDevice, plannedDevices } from './plan.ts';
import type { PreCopyInput } from './pre-copy.ts';
import type { RollBackInput } from './roll-back.ts';
import type { StopAndCopyInput } from './stop-and-copy.ts';

/** Address of a device's chart on the source. */
export const source = (device: PlannedDevice) => `device/${device.id}`;
const target = (device: PlannedDevice) => `device/destination/${device.id}`;
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

export function trackings(plan: Plan): { address: string; input: TrackingInput }[] {
  return plan.containers
    .filter((container) => container.devices.length > 0)
    .map((container) => ({
      address: `tracking/${container.id}`,
      input: {
        tracking: container.id,
        devices: container.devices.map(({ id, logsDma }) => ({ id, logsDma })),
        iommuTracks: container.iommuTracks,
        sections: plan.sections,
        ranges: loop(plan.loop).ranges,
        pageBytes: plan.pageBytes,
      },
    }));
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
  };
  return [{ address: 'pre-copy', input }];
}

export function stopAndCopy(plan: Plan): { address: string; input: StopAndCopyInput }[] {
  const devices = plannedDevices(plan).map((device) => ({
    id: device.id,
    address: source(device),
    p2p: device.p2p,
    preCopy: device.preCopy,
  }));
  return [{ address: 'stop-and-copy', input: { devices, pauseBeforeSwitchover: plan.pauseBeforeSwitchover } }];
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
      input: { sending, switching: sending === 'stop-and-copy', devices },
    },
  ];
}
