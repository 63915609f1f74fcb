/** A scenario as the plan that the root chart is started with. */
import { managers, policies } from '../../machines/index.ts';
import { loop } from '../../machines/loops.ts';
import type { Plan, PlanContainer, PlanDevice } from '../../machines/plan.ts';
import { aperturePagesOf } from '../hardware/mappings/viommu.ts';
import { viommuOf } from './model/places.ts';
import { slotsOf } from './scenario/holes.ts';
import { deviceOrders } from './scenario/hot-plug.ts';
import type { Container, Device, Scenario } from './scenario/scenario.ts';
import { planThrottle } from './scenario/throttle.ts';

export function planOf(scenario: Scenario): Plan {
  const { vmm, vm } = scenario;
  const { name, ...chosen } = vmm.policy;
  const entry = policies[name];
  if (entry === undefined) throw new Error(`no policy "${name}"`);
  const ruled = name === 'qemu' ? { switchesOver: loop(vmm.loop).switchesOver } : {};
  return {
    loop: vmm.loop,
    policy: { name, version: entry.version, parameters: { ...(entry.defaults as object), ...chosen, ...ruled } },
    ...(scenario.manager.policy === 'none'
      ? {}
      : {
          manager: {
            name: scenario.manager.policy,
            version: managers[scenario.manager.policy].version,
            parameters: scenario.manager.parameters,
          },
        }),
    downtimeLimitMs: vmm.downtimeLimitMs,
    availSwitchoverBytesPerSecond: vmm.availSwitchoverBandwidthBytesPerSecond,
    switchoverAck: vmm.switchoverAck,
    pauseBeforeSwitchover: vmm.pauseBeforeSwitchover,
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
