/** A scenario as the hardware model is built from it: the same figures, in the model's own words. */
import type { ModelSpec } from '../../drivers/model/spec.ts';
import { DEFAULT_KVM } from '../../hardware/kvm/create-log.ts';
import type { KvmSpec } from '../../hardware/kvm/dirty-log.ts';
import type { ContainerSpec } from '../../hardware/world.ts';
import { pagesIn } from '../scenario/places.ts';
import type { Container, Scenario } from '../scenario/scenario.ts';
import { deviceOf, dmaOf } from './devices.ts';
import { workloadOf } from './workloads.ts';

export function modelSpecOf(scenario: Scenario): ModelSpec {
  const { vm, vmm, link, sender, hosts, storage } = scenario;
  const pageBytes = vm.pageSizeBytes;
  const { startDirtyLogNs, ...source } = hosts.source;
  return {
    seed: scenario.seed,
    truth: scenario.checks.truth,
    pageBytes,
    slots: [{ firstPage: 0, pages: vm.memoryBytes / pageBytes }],
    nonZeroPages: pagesIn(vm.nonZeroBytes, pageBytes),
    vcpus: { workloads: vm.workloads.map((workload) => workloadOf(workload, pageBytes)) },
    ...kvmOf(vm),
    containers: scenario.containers.map((container) => containerOf(container, pageBytes)),
    loop: vmm.loop,
    link: { bytesPerSecond: link.bandwidthBytesPerSecond, latencyNs: link.latencyNs },
    maxBandwidthBytesPerSecond: vmm.maxBandwidthBytesPerSecond,
    switchoverAck: vmm.switchoverAck,
    sender: { pageNs: sender.pageNs, zeroPageNs: sender.zeroPageNs, firstTouchNs: sender.firstTouchNs },
    logs: { syncNs: sender.syncNs, syncPageNs: sender.syncPageNs, startDirtyLogNs },
    devices: scenario.containers.flatMap(({ devices }) => devices.map(deviceOf)),
    hosts: {
      source,
      destination: {
        prepareNs: hosts.destination.prepareNs,
        loadNs: hosts.destination.loadNs,
        startNs: hosts.destination.resumeNs,
      },
    },
    storage,
  };
}

/** The default log at no cost is what a model has anyway. */
function kvmOf({ dirtyLog, kvm, pageSizeBytes }: Scenario['vm']): { readonly kvm?: KvmSpec } {
  if (kvm === undefined) return dirtyLog === 'bitmap' ? {} : { kvm: { ...DEFAULT_KVM, log: dirtyLog } };
  const { faultNs, exitNs, harvestNs, initiallySet } = kvm;
  const ring = {
    entries: kvm.ringEntries,
    pml: kvm.ringPml,
    reapEveryNs: kvm.reapEveryNs,
    backupBitmap: kvm.backupBitmap,
    heldBack: kvm.heldBack,
  };
  const clearPages = Math.floor(kvm.clearChunkBytes / pageSizeBytes);
  return { kvm: { log: dirtyLog, faultNs, exitNs, harvestNs, initiallySet, clearPages, ring } };
}

function containerOf({ id, iommu, devices }: Container, pageBytes: number): ContainerSpec {
  return {
    id,
    iommu: {
      dirtyTracking: iommu.kind === 'iommufd' && iommu.dirtyTracking,
      leafPages: Math.max(1, iommu.leafBytes / pageBytes),
    },
    devices: devices.map((device) => dmaOf(device, pageBytes)),
  };
}
