/** A scenario as the hardware model is built from it: the same figures, in the model's own words. */
import type { PageRange } from '../../../machines/words.ts';
import type { ModelSpec } from '../../drivers/model/spec.ts';
import { DEFAULT_KVM } from '../../hardware/kvm/create-log.ts';
import type { KvmSpec } from '../../hardware/kvm/dirty-log.ts';
import type { ContainerSpec } from '../../hardware/world.ts';
import { asMigrated } from '../detach.ts';
import { slotsOf } from '../scenario/holes.ts';
import { modelConnections } from '../scenario/multifd.ts';
import { pagesIn } from '../scenario/places.ts';
import type { Container, Scenario } from '../scenario/scenario.ts';
import { throttledVcpus } from '../scenario/throttle.ts';
import { deviceOf, dmaOf } from './devices.ts';
import { aroundHoles } from './holes.ts';
import { iommuSpecOf } from './iommu.ts';
import { kvmMappingsOf } from './kvm-mappings.ts';
import { viommuOf } from './places.ts';
import { hostWriterOf, workloadsOf } from './workloads.ts';

export function modelSpecOf(written: Scenario): ModelSpec {
  const scenario = asMigrated(written);
  const { vm, vmm, link, sender, hosts, storage } = scenario;
  const pageBytes = vm.pageSizeBytes;
  const { startDirtyLogNs, ...source } = hosts.source;
  const slots = slotsOf(vm);
  return {
    seed: scenario.seed,
    truth: scenario.checks.truth,
    pageBytes,
    slots,
    nonZeroPages: pagesIn(vm.nonZeroBytes, pageBytes),
    vcpus: {
      ...aroundHoles({ workloads: vm.workloads.flatMap((workload) => workloadsOf(workload, pageBytes)) }, slots),
      ...throttledVcpus(scenario),
    },
    ...(vm.hostWriters === undefined
      ? {}
      : {
          hostWriters: aroundHoles(
            vm.hostWriters.map((writer) => hostWriterOf(writer, pageBytes)),
            slots,
          ),
        }),
    ...kvmOf(vm),
    containers: scenario.containers.map((container) => containerOf(container, pageBytes, slots)),
    loop: vmm.loop,
    link: { bytesPerSecond: link.bandwidthBytesPerSecond, latencyNs: link.latencyNs },
    maxBandwidthBytesPerSecond: vmm.maxBandwidthBytesPerSecond,
    ...(vmm.maxPostcopyBandwidthBytesPerSecond === undefined
      ? {}
      : { maxPostcopyBandwidthBytesPerSecond: vmm.maxPostcopyBandwidthBytesPerSecond }),
    switchoverAck: vmm.switchoverAck,
    sender: { pageNs: sender.pageNs, zeroPageNs: sender.zeroPageNs, firstTouchNs: sender.firstTouchNs },
    ...(sender.wire === undefined ? {} : { wire: sender.wire }),
    ...modelConnections(vmm),
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
function kvmOf(vm: Scenario['vm']): { readonly kvm?: KvmSpec } {
  const { dirtyLog, kvm, pageSizeBytes } = vm;
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
  const costs = { faultNs, exitNs, harvestNs, initiallySet, clearPages, ring };
  return { kvm: { log: dirtyLog, ...costs, ...kvmMappingsOf(vm, kvm) } };
}

function containerOf(
  { id, iommu, viommu, devices }: Container,
  pageBytes: number,
  slots: readonly PageRange[],
): ContainerSpec {
  // Behind a vIOMMU a device is laid out over what is mapped, which has no holes.
  const writing = devices.map((device) => dmaOf(device, pageBytes));
  const absent = devices.filter(({ pluggedAtNs }) => pluggedAtNs !== undefined).map((device) => device.id);
  return {
    id,
    iommu: iommuSpecOf(iommu, pageBytes),
    ...(iommu.kind === 'type1' && iommu.dirtyTracking ? { type1: {} } : {}),
    ...(viommu === undefined ? {} : { viommu: viommuOf(viommu, pageBytes) }),
    devices: viommu === undefined ? aroundHoles(writing, slots) : writing,
    ...(absent.length === 0 ? {} : { absent }),
  };
}
