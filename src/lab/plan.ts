/** A scenario as the plan that the root chart is started with. */
import { policies } from '../../machines/index.ts';
import { loop } from '../../machines/loops.ts';
import type { Plan, PlanContainer } from '../../machines/plan.ts';
import type { Container, Scenario } from './scenario/scenario.ts';

export function planOf(scenario: Scenario): Plan {
  const { vmm, vm } = scenario;
  const { name, ...chosen } = vmm.policy;
  const entry = policies[name];
  if (entry === undefined) throw new Error(`no policy "${name}"`);
  const ruled = name === 'qemu' ? { switchesOver: loop(vmm.loop).switchesOver } : {};
  return {
    loop: vmm.loop,
    policy: { name, version: entry.version, parameters: { ...(entry.defaults as object), ...chosen, ...ruled } },
    downtimeLimitMs: vmm.downtimeLimitMs,
    availSwitchoverBytesPerSecond: vmm.availSwitchoverBandwidthBytesPerSecond,
    switchoverAck: vmm.switchoverAck,
    pauseBeforeSwitchover: vmm.pauseBeforeSwitchover,
    enableMigration: vmm.enableMigration,
    afterSyncError: vmm.afterSyncError,
    giveUpAfterMs: scenario.giveUpAfterNs / 1e6,
    pageBytes: vm.pageSizeBytes,
    // Guest RAM is one run of pages from 0; a machine with a hole below 4 GiB would have two.
    sections: [{ of: 'ram', firstPage: 0, pages: vm.memoryBytes / vm.pageSizeBytes }],
    containers: scenario.containers.map(containerOf),
    deadlinesMs: scenario.deadlinesMs,
  };
}

function containerOf({ id, iommu, devices }: Container): PlanContainer {
  return {
    id,
    iommuTracks: iommu.kind === 'iommufd' && iommu.dirtyTracking,
    devices: devices.map((device) => ({
      id: device.id,
      features: device.featureMask,
      logsDma: device.dmaLogging !== null,
    })),
  };
}
