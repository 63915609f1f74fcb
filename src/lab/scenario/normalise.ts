/**
 * From what the schema read to a `Scenario`: names get their units, and the defaults that follow from other keys are
 * filled in. It refuses nothing; what contradicts itself is left for check.ts.
 */
import { COMMANDS, type CommandName } from '../../../machines/words.ts';
import type {
  Bounds,
  Container,
  Device,
  DeviceTimes,
  Expect,
  Kvm,
  PageSizeBytes,
  Scenario,
  Vm,
  Vmm,
  Workload,
} from './scenario.ts';
import type { ReadScenario } from './schema.ts';

type Read = ReadScenario;
type ReadWorkload = Read['vm']['workloads'][number];
type ReadContainer = Read['containers'][number];
type ReadDevice = ReadContainer['devices'][number];

/** QEMU's default of `max-bandwidth` (`MAX_THROTTLE`, migration/options.c): 128 MiB/s. Unlimited is 0 and has to be asked for. */
export const QEMU_MAX_BANDWIDTH_BYTES_PER_SECOND = 134_217_728;

export function normalise(read: Read): Scenario {
  const vm = normaliseVm(read.vm);
  return {
    name: read.name,
    description: read.description ?? '',
    vm,
    containers: read.containers.map((container, index) => normaliseContainer(container, index, vm.pageSizeBytes)),
    link: { bandwidthBytesPerSecond: read.link.bandwidth, latencyNs: read.link.latency },
    sender: {
      pageNs: read.sender.page,
      zeroPageNs: read.sender.zeroPage,
      firstTouchNs: read.sender.firstTouch,
      syncNs: read.sender.sync,
      syncPageNs: read.sender.syncPage,
    },
    hosts: normaliseHosts(read.hosts),
    storage: { releaseNs: read.storage.release, acquireNs: read.storage.acquire },
    vmm: normaliseVmm(read.vmm),
    manager: { policy: read.manager.policy },
    giveUpAfterNs: read.giveUpAfter,
    cancelAtNs: read.cancelAt ?? null,
    deadlinesMs: normaliseDeadlines(read.deadlines),
    expect: normaliseExpect(read.expect),
    seed: read.seed,
    checks: { truth: read.checks.truth },
  };
}

function normaliseVm(read: Read['vm']): Vm {
  return {
    memoryBytes: read.memory,
    pageSizeBytes: read.pageSize,
    nonZeroBytes: read.nonZero ?? read.memory,
    vcpus: read.vcpus,
    dirtyLog: read.dirtyLog,
    ...(read.kvm === undefined ? {} : { kvm: normaliseKvm(read.kvm) }),
    workloads: read.workloads.map((workload) => normaliseWorkload(workload, read)),
  };
}

function normaliseKvm({
  fault,
  exit,
  harvest,
  clearChunk,
  reapEvery,
  ...options
}: NonNullable<Read['vm']['kvm']>): Kvm {
  return {
    faultNs: fault,
    exitNs: exit,
    harvestNs: harvest,
    clearChunkBytes: clearChunk,
    reapEveryNs: reapEvery,
    ...options,
  };
}

function normaliseWorkload(read: ReadWorkload, vm: Read['vm']): Workload {
  if (read.kind === 'idle') return { kind: 'idle' };
  const writing = {
    setBytes: read.set ?? Math.max(0, vm.memory - read.at),
    atBytes: read.at,
    vcpus: read.vcpus ?? Array.from({ length: vm.vcpus }, (_, vcpu) => vcpu),
  };
  switch (read.kind) {
    case 'random':
    case 'sequential':
      return { kind: read.kind, writesPerSecond: writesPerSecond(read.rate, vm.pageSize), ...writing };
    case 'cycle':
      return {
        kind: 'cycle',
        writesPerSecond: writesPerSecond(read.rate, vm.pageSize),
        phaseBytes: read.phase,
        ...writing,
      };
    case 'curve':
      return {
        kind: 'curve',
        points: read.points.map(({ afterNs, pages, bytes }) => ({
          afterNs,
          distinctPages: pages ?? Math.ceil((bytes ?? 0) / vm.pageSize),
        })),
        ...writing,
      };
    default:
      return read satisfies never;
  }
}

function writesPerSecond(
  rate: { readonly writesPerSecond: number } | { readonly bytesPerSecond: number },
  pageSizeBytes: PageSizeBytes,
): number {
  return 'writesPerSecond' in rate ? rate.writesPerSecond : rate.bytesPerSecond / pageSizeBytes;
}

function normaliseContainer(read: ReadContainer, index: number, pageSizeBytes: PageSizeBytes): Container {
  const { kind, dirtyTracking, hardware, leaf } = read.iommu;
  return {
    id: read.id ?? String(index),
    iommu: { kind, dirtyTracking, hardware: hardware ?? (kind === 'iommufd' ? 'amd' : null), leafBytes: leaf },
    devices: read.devices.map((device) => normaliseDevice(device, pageSizeBytes)),
  };
}

/** mlx5's firmware field allows 255 ranges at most (drivers/vfio/pci/mlx5); what a logger has unless it says otherwise. */
const LOGGER_RANGES_MAX = 255;

function normaliseDevice(read: ReadDevice, pageSizeBytes: PageSizeBytes): Device {
  const logging = read.dmaLogging === true ? { ranges: LOGGER_RANGES_MAX } : read.dmaLogging;
  const device = {
    id: read.id,
    featureMask: read.features,
    dmaLogging:
      logging === false
        ? null
        : {
            maxRanges: logging.ranges,
            pageSizeBytes: ('pageSize' in logging ? logging.pageSize : undefined) ?? pageSizeBytes,
          },
    state: {
      initialBytes: read.state.initial,
      dirtyBytesPerSecond: read.state.dirtyRate,
      stopCopyBytes: read.state.stopCopy,
    },
    times: normaliseTimes(read.times),
  };
  switch (read.kind) {
    case 'nic': {
      const { dma } = read;
      return {
        kind: 'nic',
        ...device,
        dma: dma === undefined ? null : { bytesPerSecond: dma.rate, ringBytes: dma.ring, atBytes: dma.at },
      };
    }
    case 'vgpu':
      return { kind: 'vgpu', ...device, mappedBytes: read.mapped, scattered: read.scattered };
    default:
      return read satisfies never;
  }
}

function normaliseTimes(read: ReadDevice['times']): DeviceTimes {
  return {
    preCopyNs: read.preCopy,
    p2pNs: read.p2p,
    stopNs: read.stop,
    stopCopyNs: read.stopCopy,
    resumingNs: read.resuming,
    runNs: read.run,
    loadInitialNs: read.loadInitial,
    loadNs: read.load,
    resetNs: read.reset,
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
  const policy = typeof read.policy === 'string' ? { name: read.policy } : read.policy;
  return {
    loop: read.loop,
    policy:
      policy.name === 'qemu'
        ? { name: 'qemu' }
        : { name: 'no-progress', shrinkPercent: 'shrink' in policy ? policy.shrink : NO_PROGRESS_SHRINK_PERCENT },
    downtimeLimitMs: read.downtimeLimit / 1e6,
    maxBandwidthBytesPerSecond:
      read.maxBandwidth ?? (read.loop === 'textbook' ? 0 : QEMU_MAX_BANDWIDTH_BYTES_PER_SECOND),
    availSwitchoverBandwidthBytesPerSecond: read.availSwitchoverBandwidth,
    switchoverAck: read.switchoverAck,
    enableMigration: read.enableMigration,
    pauseBeforeSwitchover: read.pauseBeforeSwitchover,
    afterSyncError: read.afterSyncError,
  };
}

/** What counts as progress unless the scenario says otherwise: this project's own figure. */
const NO_PROGRESS_SHRINK_PERCENT = 5;

function normaliseDeadlines(read: Read['deadlines']): Scenario['deadlinesMs'] {
  const names = Object.keys(COMMANDS) as CommandName[];
  const limits = names.map((name) => {
    const limitNs = read[name];
    return [name, limitNs === undefined ? COMMANDS[name].deadlineMs : limitNs / 1e6];
  });
  return Object.fromEntries(limits) as Record<CommandName, number>;
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
