/** A scenario as the plan that the root chart is started with. */
import { managers, policies } from '../../machines/index.ts';
import { type LoopName, loop } from '../../machines/loops.ts';
import type { Plan, PlanContainer, PlanDevice } from '../../machines/plan.ts';
import { aperturePagesOf } from '../hardware/mappings/viommu.ts';
import { asMigrated } from './detach.ts';
import { viommuOf } from './model/places.ts';
import { planOwn, policyRef } from './policy/own-policy.ts';
import { slotsOf } from './scenario/holes.ts';
import { deviceOrders } from './scenario/hot-plug.ts';
import { planDeviceStates } from './scenario/multifd.ts';
import { downtimeLimitMsOf, planRule } from './scenario/policy.ts';
import type { Container, Device, Scenario, VmmPolicy } from './scenario/scenario.ts';
import { planThrottle } from './scenario/throttle.ts';

export function planOf(written: Scenario): Plan {
  const scenario = asMigrated(written);
  const { vmm, vm } = scenario;
  return {
    loop: vmm.loop,
    policy: planPolicy(vmm.policy, vmm.loop),
    ...planManager(scenario.manager),
    ...(scenario.shadows === undefined
      ? {}
      : { shadows: scenario.shadows.map((shadow) => planPolicy(shadow, vmm.loop)) }),
    ...planRule(vmm.policy),
    downtimeLimitMs: downtimeLimitMsOf(vmm),
    availSwitchoverBytesPerSecond: vmm.availSwitchoverBandwidthBytesPerSecond,
    switchoverAck: vmm.switchoverAck,
    pauseBeforeSwitchover: vmm.pauseBeforeSwitchover,
    ...planDeviceStates(vmm),
    enableMigration: vmm.enableMigration,
    afterSyncError: vmm.afterSyncError,
    giveUpAfterMs: scenario.giveUpAfterNs / 1e6,
    ...(vmm.postcopy === undefined ? {} : { postCopy: true as const }),
    ...throttleOf(vmm),
    pageBytes: vm.pageSizeBytes,
    // A machine with a hole below 4 GiB has two runs of RAM, others one from page 0.
    sections: slotsOf(vm).map((slot) => ({ of: 'ram', ...slot })),
    ...(vmm.ranges === undefined ? {} : { ranges: vmm.ranges }),
    containers: scenario.containers.map((container) => containerOf(container, vm.pageSizeBytes)),
    ...(deviceOrders(scenario).length === 0 ? {} : { hotPlug: true as const }),
    deadlinesMs: scenario.deadlinesMs,
  };
}

function planPolicy(policy: VmmPolicy, of: LoopName): Plan['policy'] {
  if (policy.name === 'own') return planOwn(policy);
  const { name, ...chosen } = policy;
  const entry = policies[name];
  if (entry === undefined) throw new Error(`no policy "${name}"`);
  const ruled = name === 'qemu' || name === 'detach-reattach' ? { switchesOver: loop(of).switchesOver } : {};
  return { name, version: entry.version, parameters: { ...(entry.defaults as object), ...chosen, ...ruled } };
}

function planManager(manager: Scenario['manager']): Pick<Plan, 'manager'> {
  if (manager.policy === 'none') return {};
  if (manager.policy === 'own') return { manager: planOwn(policyRef(manager)) };
  const { policy: name, parameters } = manager;
  return { manager: { name, version: managers[name].version, parameters } };
}

function throttleOf(vmm: Scenario['vmm']): Pick<Plan, 'throttle'> {
  const throttle = planThrottle(vmm);
  return throttle === undefined ? {} : { throttle };
}

/** What the guest's driver of a device does for its migration. */
function helpOf(device: Device): Pick<PlanDevice, 'cooperates' | 'haltsDuring'> {
  if (device.kind !== 'guest-cooperative') return {};
  const { cooperates, haltDuring } = device.cooperation;
  return { cooperates, ...(haltDuring === 'precopy' ? { haltsDuring: 'precopy' as const } : {}) };
}

function containerOf({ id, iommu, viommu, trackerChoice, devices }: Container, pageBytes: number): PlanContainer {
  const later = devices.filter(({ pluggedAtNs }) => pluggedAtNs !== undefined);
  return {
    id,
    iommuTracks: iommu.kind !== 'none' && iommu.dirtyTracking,
    ...(iommu.kind === 'type1' && iommu.dirtyTracking ? { type1: true as const } : {}),
    ...(trackerChoice === undefined ? {} : { choice: trackerChoice }),
    ...(viommu === undefined ? {} : { viommu: { aperturePages: aperturePagesOf(viommuOf(viommu, pageBytes)) } }),
    devices: devices.filter(({ pluggedAtNs }) => pluggedAtNs === undefined).map(planDevice),
    ...(later.length === 0 ? {} : { pluggable: later.map(planDevice) }),
  };
}

function planDevice(device: Device): PlanDevice {
  return {
    id: device.id,
    features: device.featureMask,
    logsDma: device.dmaLogging !== null,
    ...helpOf(device),
    ...(device.preCopyDirtyTracking === false ? { preCopyDirtyTracking: false as const } : {}),
  };
}
