/**
 * What each chart of a migration is opened with: made from the plan at the moment when the chart is needed, so that it says
 * what is true then.
 */

import type { AutoConvergeInput } from './convergence/auto-converge.ts';
import type { PolicyInput } from './convergence/contract.ts';
import type { DirtyLimitInput } from './convergence/dirty-limit.ts';
import { PERIOD_OVER_MS } from './convergence/dirty-rate.ts';
import type { ManagerInput } from './convergence/manager.ts';
import type { SteppedThrottleInput } from './convergence/stepped-throttle.ts';
import type { DestinationInput } from './destination.ts';
import type { DeviceControlInput } from './device-control.ts';
import type { DirtyLogInput } from './dirty-log.ts';
import type { TrackingInput } from './dirty-tracking.ts';
import type { GuestDriverInput } from './guest-driver.ts';
import type { HotPlugInput } from './hot-plug.ts';
import type { InDoubtInput } from './in-doubt.ts';
import { loop, roundEnd } from './loops.ts';
import type { ChangedDevice } from './messages.ts';
import {
  cooperatingDevices,
  mayGoPostCopy,
  type Plan,
  type PlanContainer,
  type PlannedDevice,
  plannedDevices,
} from './plan.ts';
import { changedPlan, type DeviceChange } from './plan-change.ts';
import type { PostCopyInput } from './post-copy.ts';
import type { PreCopyInput } from './pre-copy.ts';
import type { RollBackInput } from './roll-back.ts';
import type { StopAndCopyInput } from './stop-and-copy.ts';
import type { ChangedDevices, TrackedDevice } from './tracker-choice.ts';

/** Address of a device's chart on the source. */
export const source = (device: PlannedDevice) => `device/${device.id}`;
const target = (device: PlannedDevice) => `device/destination/${device.id}`;
/** Address of the chart of a device's guest driver. */
export const driverOf = (device: PlannedDevice) => `guest-driver/${device.id}`;
const driversOf = (devices: readonly PlannedDevice[]) =>
  devices.length === 0 ? {} : { drivers: devices.map((device) => ({ id: device.id, address: driverOf(device) })) };
/** The same by a device's name alone. */
export const onSource = (id: string) => `device/${id}`;
export const onDestination = (id: string) => `device/destination/${id}`;
export const mirrorOf = (address: string) => address.replace(/^device/, 'vfio');
/** All devices, or the one that is named. */
const chosen = (plan: Plan, only: string | undefined) =>
  plannedDevices(plan).filter(({ id }) => only === undefined || id === only);

export function mirrors(plan: Plan, only?: string) {
  return chosen(plan, only).flatMap((device) =>
    [source(device), target(device)].map((address) => ({
      address: mirrorOf(address),
      input: { features: device.features, onBadImage: 'unseen' },
    })),
  );
}

export function controls(plan: Plan, only?: string): { address: string; input: DeviceControlInput }[] {
  return chosen(plan, only).flatMap((device) =>
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
    .filter(({ devices, pluggable = [] }) => devices.length + pluggable.length > 0)
    .map((container) => ({
      address: `tracking/${container.id}`,
      input: {
        tracking: container.id,
        devices: trackedDevices(container),
        iommuTracks: container.iommuTracks,
        ...(container.choice === undefined ? {} : { choice: container.choice }),
        sections: sectionsOf(plan, container),
        ranges: plan.ranges ?? loop(plan.loop).ranges,
        pageBytes: plan.pageBytes,
        ...(isCollectedWhenStopped(container) ? { collects: 'when-stopped' as const } : {}),
      },
    }));
}

function trackedDevices({ devices }: PlanContainer): readonly TrackedDevice[] {
  return devices.map(({ id, logsDma, cooperates }) => ({
    id,
    logsDma,
    ...(cooperates === undefined ? {} : { cooperates }),
  }));
}

/** Address of the tracking chart of the container that has the device. */
export function trackingOf(plan: Plan, device: string): string {
  const container = plan.containers.find(({ devices, pluggable = [] }) =>
    [...devices, ...pluggable].some(({ id }) => id === device),
  );
  return `tracking/${container?.id ?? ''}`;
}

/** What a container's tracking chart is told: `plan` has a device that came, or came and is gone, and still has one that goes. */
export function changeOfTracking(plan: Plan, { to, device }: DeviceChange): { to: string } & ChangedDevices {
  const after = to === 'unplug' ? changedPlan(plan, { to, device }) : plan;
  const address = trackingOf(plan, device);
  const container = after.containers.find(({ id }) => `tracking/${id}` === address);
  return {
    to: address,
    devices: container === undefined ? [] : trackedDevices(container),
    collects: container !== undefined && isCollectedWhenStopped(container) ? 'when-stopped' : 'always',
    joined: to === 'plug',
    news: `${device} was ${to}ged`,
  };
}

/** All devices that are there, as charts with a list of them are told. */
export function devicesNow(plan: Plan, address: (id: string) => string): readonly ChangedDevice[] {
  return plannedDevices(plan).map(({ id, p2p, preCopy }) => ({ id, address: address(id), p2p, preCopy }));
}

export function hotPlug(plan: Plan): { address: string; input: HotPlugInput }[] {
  return plan.hotPlug === true ? [{ address: 'hot-plug', input: { plan } }] : [];
}

/** Where the plan has one. */
export function manager(plan: Plan): { address: string; input: ManagerInput<unknown> }[] {
  if (plan.manager === undefined) return [];
  const pages = plan.sections.reduce((sum, section) => sum + (section.of === 'ram' ? section.pages : 0), 0);
  const vm = {
    ramBytes: pages * plan.pageBytes,
    vfio: plannedDevices(plan).length > 0,
    postCopy: mayGoPostCopy(plan),
    downtimeLimitMs: plan.downtimeLimitMs,
  };
  return [{ address: 'manager', input: { parameters: plan.manager.parameters, vm } }];
}

/** Policies that only watch. */
export function shadows({ shadows: named = [] }: Plan): { address: string; input: PolicyInput<unknown> }[] {
  return named.map(({ parameters }, index) => ({ address: `shadow/${index}`, input: { parameters } }));
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

/** `startsPostCopy`: an operator has ordered it already. */
export function preCopy(plan: Plan, startsPostCopy = false): { address: string; input: PreCopyInput }[] {
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
    ...(startsPostCopy ? { startsPostCopy: true as const } : {}),
    ...(throttles(plan).length === 0 ? {} : { throttles: throttles(plan) }),
    ...(plan.manager === undefined ? {} : { manager: 'manager' }),
    ...plan.rule,
    ...(plan.shadows === undefined ? {} : { shadows: shadows(plan).map(({ address }) => address) }),
  };
  return [{ address: 'pre-copy', input }];
}

/** The vmm's own throttle, where its capability is on. */
export function autoConverge({ loop: name, throttle }: Plan): { address: string; input: AutoConvergeInput }[] {
  if (throttle?.rule !== 'auto-converge') return [];
  const { rule, ...parameters } = throttle;
  return [
    {
      address: rule,
      input: { ...parameters, periodOverMs: PERIOD_OVER_MS, syncTickMs: loop(name).throttling.syncTickMs ?? 0 },
    },
  ];
}

export function dirtyLimit({ throttle }: Plan): { address: string; input: DirtyLimitInput }[] {
  if (throttle?.rule !== 'dirty-limit') return [];
  const { rule, ...parameters } = throttle;
  return [{ address: rule, input: { ...parameters, periodOverMs: PERIOD_OVER_MS } }];
}

export function steppedThrottle({ throttle, pageBytes }: Plan): { address: string; input: SteppedThrottleInput }[] {
  if (throttle?.rule !== 'stepped-throttle') return [];
  const { rule, ...parameters } = throttle;
  return [{ address: rule, input: parameters.whileLosing === true ? { ...parameters, pageBytes } : parameters }];
}

/** Addresses of the throttles that there are. */
export function throttles({ throttle }: Plan): readonly string[] {
  return throttle === undefined ? [] : [throttle.rule];
}

export function postCopy({ giveUpAfterMs }: Plan): { address: string; input: PostCopyInput }[] {
  return [{ address: 'post-copy', input: { giveUpAfterMs } }];
}

/** The stop of a migration that goes on as post-copy; it has no devices. */
export function stopForPostCopy(plan: Plan): { address: string; input: StopAndCopyInput }[] {
  return stopAndCopy(plan).map(({ address, input }) => ({ address, input: { ...input, postCopy: true as const } }));
}

/** `round`: number of the last pass of pre-copy. */
export function stopAndCopy(plan: Plan, round = 0): { address: string; input: StopAndCopyInput }[] {
  const devices = plannedDevices(plan).map((device) => ({
    id: device.id,
    address: source(device),
    p2p: device.p2p,
    preCopy: device.preCopy,
  }));
  const input = {
    devices,
    pauseBeforeSwitchover: plan.pauseBeforeSwitchover,
    ...(plan.deviceStates === undefined ? {} : { deviceStates: plan.deviceStates }),
  };
  const { drivers } = driversOf(cooperatingDevices(plan));
  const cooperation =
    drivers === undefined ? undefined : { drivers, round: round + 1, ends: roundEnd(plan.loop, plan) };
  return [{ address: 'stop-and-copy', input: cooperation === undefined ? input : { ...input, cooperation } }];
}

export function rollBack(
  plan: Plan,
  sending: RollBackInput['sending'],
  switching = sending === 'stop-and-copy',
): { address: string; input: RollBackInput }[] {
  const devices = plannedDevices(plan).map((device) => ({
    id: device.id,
    address: source(device),
    p2p: device.p2p,
  }));
  return [
    {
      address: 'roll-back',
      input: {
        sending,
        switching,
        devices,
        ...driversOf(cooperatingDevices(plan)),
        ...(plan.manager === undefined ? {} : { managed: true as const }),
      },
    },
  ];
}

export function inDoubt(input: InDoubtInput): { address: string; input: InDoubtInput }[] {
  return [{ address: 'in-doubt', input }];
}
