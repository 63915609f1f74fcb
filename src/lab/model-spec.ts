/** A scenario as the hardware model is built from it: the same figures, in the model's own words. */

import type { PageRange } from '../../machines/words.ts';
import type { ModelDeviceSpec, ModelSpec } from '../drivers/model/spec.ts';
import type { DeviceDmaSpec } from '../hardware/dma/device-dma.ts';
import { MLX5_LOGGER } from '../hardware/dma-log.ts';
import { DEFAULT_KVM } from '../hardware/kvm/create-log.ts';
import type { KvmSpec } from '../hardware/kvm/dirty-log.ts';
import type { WorkloadSpec } from '../hardware/workloads/workload.ts';
import type { ContainerSpec } from '../hardware/world.ts';
import {
  type Container,
  type CurvePoint,
  type Device,
  pagesIn,
  type Scenario,
  type Workload,
} from './scenario/scenario.ts';

/** How often a vGPU writes each page that it has mapped, per second. Nobody published one: this project's own default. */
export const VGPU_REWRITES_PER_SECOND = 10;

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

function workloadOf(workload: Workload, pageBytes: number): WorkloadSpec {
  if (workload.kind === 'idle') return { kind: 'idle', vcpus: '0' };
  const vcpus = spanText(workload.vcpus);
  const set = [range(workload.atBytes, workload.setBytes, pageBytes)];
  switch (workload.kind) {
    case 'random':
      return { kind: 'random', vcpus, set, rate: { writesPerSecond: workload.writesPerSecond } };
    case 'cycle':
      return {
        kind: 'cycle',
        vcpus,
        set,
        rate: { writesPerSecond: workload.writesPerSecond },
        phasePages: Math.floor(workload.phaseBytes / pageBytes),
      };
    case 'sequential':
      return { kind: 'sequential', vcpus, set, rate: { writesPerSecond: workload.writesPerSecond } };
    case 'curve': {
      const points = curveOf(workload.points);
      return points.length === 0 ? { kind: 'idle', vcpus } : { kind: 'curve', vcpus, set, points, order: 'scattered' };
    }
    default:
      return workload satisfies never;
  }
}

/**
 * The model takes two points or more after 0 ms and carries their line back to it. A curve of one point, or one that says
 * itself that it begins at (0, 0), gets its line's middle as another point, and so comes from there.
 */
function curveOf(points: readonly CurvePoint[]): readonly { readonly atMs: number; readonly pages: number }[] {
  const later = points
    .filter(({ afterNs }) => afterNs > 0)
    .map(({ afterNs, distinctPages }) => ({ atMs: afterNs / 1e6, pages: distinctPages }));
  const [first] = later;
  if (first === undefined || (later.length > 1 && later.length === points.length)) return later;
  return [{ atMs: first.atMs / 2, pages: first.pages / 2 }, ...later];
}

/** vCPUs 0, 1, 2, 5 -> `0-2,5`. */
function spanText(vcpus: readonly number[]): string {
  const spans: [number, number][] = [];
  for (const vcpu of vcpus) {
    const last = spans.at(-1);
    if (last !== undefined && last[1] === vcpu - 1) last[1] = vcpu;
    else spans.push([vcpu, vcpu]);
  }
  return spans.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
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

function dmaOf(device: Device, pageBytes: number): DeviceDmaSpec {
  const dma = device.kind === 'vgpu' ? vgpuDma(device, pageBytes) : nicDma(device, pageBytes);
  const { id, dmaLogging } = device;
  if (dmaLogging === null) return { id, dma };
  const { maxRanges, pageSizeBytes } = dmaLogging;
  const logging = { ...MLX5_LOGGER, maxRanges, minPageBytes: pageSizeBytes, maxPageBytes: pageSizeBytes };
  return { id, dma, logging };
}

function vgpuDma(
  { mappedBytes, scattered }: Extract<Device, { kind: 'vgpu' }>,
  pageBytes: number,
): DeviceDmaSpec['dma'] {
  const pages = pagesIn(mappedBytes, pageBytes);
  return {
    kind: 'vgpu',
    mapped: scattered ? { scatteredPages: pages } : { ranges: [{ firstPage: 0, pages }] },
    writesPerSecond: pages * VGPU_REWRITES_PER_SECOND,
  };
}

function nicDma({ dma }: Extract<Device, { kind: 'nic' }>, pageBytes: number): DeviceDmaSpec['dma'] {
  if (dma === null) return { kind: 'none' };
  return { kind: 'nic', buffers: [range(dma.atBytes, dma.ringBytes, pageBytes)], bytesPerSecond: dma.bytesPerSecond };
}

function deviceOf({ id, featureMask, state, times }: Device): ModelDeviceSpec {
  const { loadInitialNs, loadNs, ...walk } = times;
  return {
    id,
    features: featureMask,
    initialBytes: state.initialBytes,
    dirtyBytesPerSecond: state.dirtyBytesPerSecond,
    stopCopyBytes: state.stopCopyBytes,
    times: walk,
    loadInitialNs,
    loadNs,
  };
}

function range(atBytes: number, bytes: number, pageBytes: number): PageRange {
  return { firstPage: atBytes / pageBytes, pages: pagesIn(bytes, pageBytes) };
}
