/**
 * From what the schema read to a `Scenario`: names get their units, and the defaults that follow from other keys are
 * filled in. It refuses nothing; what contradicts itself is left for check.ts.
 */
import { isQemu } from '../../../machines/loops.ts';
import { normaliseDeadlines } from './deadlines.ts';
import { normaliseDevice } from './devices/device.ts';
import { normaliseFault } from './faults.ts';
import { normaliseIommu } from './iommu.ts';
import { normaliseManager } from './manager.ts';
import { normaliseConnections } from './multifd.ts';
import { normaliseShadows } from './own-policies.ts';
import { normalisePolicy, throttleOfPolicy } from './policy.ts';
import { normalisePostcopy } from './postcopy.ts';
import type { Bounds, Container, Expect, Scenario, Vmm } from './scenario.ts';
import type { ReadScenario } from './schema.ts';
import { normaliseThrottles } from './throttle.ts';
import { normaliseViommu } from './viommu.ts';
import { normaliseVm } from './vm.ts';

type Read = ReadScenario;
type ReadContainer = Read['containers'][number];

/** QEMU's default of `max-bandwidth` (`MAX_THROTTLE`, migration/options.c): 128 MiB/s. Unlimited is 0 and has to be asked for. */
export const QEMU_MAX_BANDWIDTH_BYTES_PER_SECOND = 134_217_728;

export function normalise(read: Read): Scenario {
  const vm = normaliseVm(read.vm);
  const vmm = normaliseVmm(read.vmm);
  return {
    name: read.name,
    description: read.description ?? '',
    vm,
    containers: read.containers.map((container, index) => normaliseContainer(container, index, vm)),
    link: { bandwidthBytesPerSecond: read.link.bandwidth, latencyNs: read.link.latency },
    sender: {
      pageNs: read.sender.page,
      zeroPageNs: read.sender.zeroPage,
      firstTouchNs: read.sender.firstTouch,
      syncNs: read.sender.sync,
      syncPageNs: read.sender.syncPage,
      ...(read.sender.wire === undefined
        ? {}
        : { wire: { pageHeaderBytes: read.sender.wire.pageHeader, zeroPageBytes: read.sender.wire.zeroPage } }),
    },
    hosts: normaliseHosts(read.hosts),
    storage: { releaseNs: read.storage.release, acquireNs: read.storage.acquire },
    vmm,
    manager: normaliseManager(read.manager),
    ...normaliseShadows(read.shadows as never, (policy) => normalisePolicy(policy, read.vmm.loop)),
    giveUpAfterNs: read.giveUpAfter,
    cancelAtNs: typeof read.cancelAt === 'number' ? read.cancelAt : null,
    ...(typeof read.cancelAt === 'object' ? { cancelAfterRecord: read.cancelAt.record } : {}),
    deadlinesMs: normaliseDeadlines(read.deadlines, vmm.policy, vm.memoryBytes),
    ...(read.faults === undefined || read.faults.length === 0 ? {} : { faults: read.faults.map(normaliseFault) }),
    expect: normaliseExpect(read.expect),
    seed: read.seed,
    checks: { truth: read.checks.truth },
  };
}

function normaliseContainer(
  read: ReadContainer,
  index: number,
  { pageSizeBytes, memoryBytes }: Scenario['vm'],
): Container {
  return {
    id: read.id ?? String(index),
    iommu: normaliseIommu(read.iommu),
    ...(read.viommu === undefined ? {} : { viommu: normaliseViommu(read.viommu, memoryBytes) }),
    ...(read.trackerChoice === undefined || read.trackerChoice === 'qemu' ? {} : { trackerChoice: read.trackerChoice }),
    devices: read.devices.map((device) => normaliseDevice(device, pageSizeBytes)),
  };
}

function normaliseHosts({ source, destination }: Read['hosts']): Scenario['hosts'] {
  return {
    source: {
      stopVcpusNs: source.stopVcpus,
      resumeVcpusNs: source.resumeVcpus,
      startDirtyLogNs: source.startDirtyLog,
    },
    destination: { prepareNs: destination.prepare, loadNs: destination.load, resumeNs: destination.resume },
  };
}

function normaliseVmm(read: Read['vmm']): Vmm {
  const policy = normalisePolicy(read.policy, read.loop);
  return {
    loop: read.loop,
    policy,
    downtimeLimitMs: read.downtimeLimit / 1e6,
    maxBandwidthBytesPerSecond: read.maxBandwidth ?? (isQemu(read.loop) ? QEMU_MAX_BANDWIDTH_BYTES_PER_SECOND : 0),
    availSwitchoverBandwidthBytesPerSecond: read.availSwitchoverBandwidth,
    switchoverAck: read.switchoverAck,
    enableMigration: read.enableMigration,
    pauseBeforeSwitchover: read.pauseBeforeSwitchover,
    afterSyncError: read.afterSyncError,
    ...(read.ranges === undefined ? {} : { ranges: read.ranges }),
    ...normalisePostcopy(read.postcopy),
    ...throttleOfPolicy(policy),
    ...normaliseThrottles(read),
    ...normaliseConnections(read),
    ...(read.maxPostcopyBandwidth === undefined || read.maxPostcopyBandwidth === 0
      ? {}
      : { maxPostcopyBandwidthBytesPerSecond: read.maxPostcopyBandwidth }),
  };
}

function normaliseExpect(read: Read['expect']): Expect {
  const bounds = (of: { min?: number | undefined; max?: number | undefined } | undefined): Bounds => ({
    min: of?.min ?? null,
    max: of?.max ?? null,
  });
  return {
    outcome: read.outcome ?? null,
    downtimeMs: bounds(read.downtimeMs),
    totalMs: bounds(read.totalMs),
    rounds: bounds(read.rounds),
  };
}
