/**
 * The way back: a `Scenario` as what a person would write. Reading the printed text gives an equal scenario, so one that
 * was made by a sweep or found in a journal can be saved, edited and run again. Everything is spelled out except time
 * limits that are the library's own.
 */
import { stringify } from 'yaml';
import { COMMANDS, type CommandName } from '../../../machines/words.ts';
import {
  COST,
  DATA_RATE,
  type DataRateText,
  DURATION,
  type DurationText,
  LINK_RATE,
  printQuantity,
  printVcpuSet,
  type Quantity,
  SIZE,
  type SizeText,
  WRITE_RATE,
} from './quantity.ts';
import {
  type Bounds,
  type Container,
  type Device,
  FEATURES,
  type Feature,
  type Kvm,
  type NicDevice,
  type Scenario,
  type Workload,
} from './scenario.ts';
import type { ScenarioInput } from './schema.ts';

type ContainerInput = NonNullable<ScenarioInput['containers']>[number];
type DeviceInput = ContainerInput['devices'][number];
type NicInput = Extract<DeviceInput, { kind: 'nic' }>;
type KvmInput = NonNullable<ScenarioInput['vm']['kvm']>;
type WorkloadInput = NonNullable<ScenarioInput['vm']['workloads']>[number];

/** YAML that `parseScenario` reads back. */
export function printScenario(scenario: Scenario): string {
  return stringify(toInput(scenario), { lineWidth: 0 });
}

/** The typed object that `scenarioFrom` makes an equal scenario from. */
export function toInput(scenario: Scenario): ScenarioInput {
  const { vm, link, sender, storage } = scenario;
  return {
    name: scenario.name,
    ...(scenario.description === '' ? {} : { description: scenario.description }),
    vm: {
      memory: size(vm.memoryBytes),
      pageSize: size(vm.pageSizeBytes),
      nonZero: size(vm.nonZeroBytes),
      vcpus: vm.vcpus,
      dirtyLog: vm.dirtyLog,
      ...(vm.kvm === undefined ? {} : { kvm: printKvm(vm.kvm) }),
      workloads: vm.workloads.map(printWorkload),
    },
    containers: scenario.containers.map(printContainer),
    link: { bandwidth: text(LINK_RATE, link.bandwidthBytesPerSecond), latency: duration(link.latencyNs) },
    sender: {
      page: cost(sender.pageNs),
      zeroPage: cost(sender.zeroPageNs),
      firstTouch: cost(sender.firstTouchNs),
      sync: duration(sender.syncNs),
      syncPage: cost(sender.syncPageNs),
    },
    hosts: printHosts(scenario.hosts),
    storage: { release: duration(storage.releaseNs), acquire: duration(storage.acquireNs) },
    vmm: printVmm(scenario.vmm),
    manager: { policy: scenario.manager.policy },
    giveUpAfter: duration(scenario.giveUpAfterNs),
    ...(scenario.cancelAtNs === null ? {} : { cancelAt: duration(scenario.cancelAtNs) }),
    deadlines: printDeadlines(scenario.deadlinesMs),
    expect: printExpect(scenario.expect),
    seed: scenario.seed,
    checks: { truth: scenario.checks.truth },
  };
}

function printKvm({ faultNs, exitNs, harvestNs, clearChunkBytes, reapEveryNs, ...options }: Kvm): KvmInput {
  return {
    fault: cost(faultNs),
    exit: cost(exitNs),
    harvest: cost(harvestNs),
    clearChunk: size(clearChunkBytes),
    reapEvery: duration(reapEveryNs),
    ...options,
  };
}

function printWorkload(workload: Workload): WorkloadInput {
  if (workload.kind === 'idle') return { kind: 'idle' };
  const writing = {
    set: size(workload.setBytes),
    at: size(workload.atBytes),
    vcpus: printVcpuSet(workload.vcpus),
  };
  switch (workload.kind) {
    case 'random':
    case 'sequential':
      return { kind: workload.kind, rate: text(WRITE_RATE, workload.writesPerSecond), ...writing };
    case 'cycle':
      return {
        kind: 'cycle',
        rate: text(WRITE_RATE, workload.writesPerSecond),
        phase: size(workload.phaseBytes),
        ...writing,
      };
    case 'curve':
      return {
        kind: 'curve',
        points: workload.points.map(({ afterNs, distinctPages }) => [duration(afterNs), distinctPages]),
        ...writing,
      };
    default:
      return workload satisfies never;
  }
}

function printContainer({ id, iommu, devices }: Container): ContainerInput {
  const { kind, dirtyTracking, hardware, leafBytes } = iommu;
  return {
    id,
    iommu: { kind, dirtyTracking, ...(hardware === null ? {} : { hardware }), leaf: size(leafBytes) },
    devices: devices.map(printDevice),
  };
}

function printDevice(device: Device): DeviceInput {
  const { state, times, dmaLogging } = device;
  const words = Object.keys(FEATURES) as Feature[];
  const common = {
    id: device.id,
    features: words.filter((word) => (device.featureMask & FEATURES[word]) !== 0),
    dmaLogging:
      dmaLogging === null ? false : { ranges: dmaLogging.maxRanges, pageSize: size(dmaLogging.pageSizeBytes) },
    state: {
      initial: size(state.initialBytes),
      dirtyRate: text<DataRateText>(DATA_RATE, state.dirtyBytesPerSecond),
      stopCopy: size(state.stopCopyBytes),
    },
    times: {
      preCopy: duration(times.preCopyNs),
      p2p: duration(times.p2pNs),
      stop: duration(times.stopNs),
      stopCopy: duration(times.stopCopyNs),
      resuming: duration(times.resumingNs),
      run: duration(times.runNs),
      loadInitial: duration(times.loadInitialNs),
      load: duration(times.loadNs),
      reset: duration(times.resetNs),
    },
  };
  switch (device.kind) {
    case 'nic':
      return device.dma === null ? { kind: 'nic', ...common } : { kind: 'nic', ...common, dma: printDma(device.dma) };
    case 'vgpu':
      return { kind: 'vgpu', ...common, mapped: size(device.mappedBytes), scattered: device.scattered };
    default:
      return device satisfies never;
  }
}

function printDma({ bytesPerSecond, ringBytes, atBytes }: NonNullable<NicDevice['dma']>): NonNullable<NicInput['dma']> {
  return { rate: text(DATA_RATE, bytesPerSecond), ring: size(ringBytes), at: size(atBytes) };
}

function printHosts({ source, destination }: Scenario['hosts']): ScenarioInput['hosts'] {
  return {
    source: {
      stopVcpus: duration(source.stopVcpusNs),
      resumeVcpus: duration(source.resumeVcpusNs),
      startDirtyLog: duration(source.startDirtyLogNs),
    },
    destination: {
      prepare: duration(destination.prepareNs),
      load: duration(destination.loadNs),
      resume: duration(destination.resumeNs),
    },
  };
}

function printVmm(vmm: Scenario['vmm']): ScenarioInput['vmm'] {
  const { policy } = vmm;
  return {
    loop: vmm.loop,
    policy:
      policy.name === 'qemu'
        ? policy.name
        : { name: policy.name, shrink: `${policy.shrinkPercent}%` satisfies `${number}%` },
    downtimeLimit: durationMs(vmm.downtimeLimitMs),
    maxBandwidth: vmm.maxBandwidthBytesPerSecond === 0 ? 'unlimited' : text(DATA_RATE, vmm.maxBandwidthBytesPerSecond),
    availSwitchoverBandwidth: text(DATA_RATE, vmm.availSwitchoverBandwidthBytesPerSecond),
    switchoverAck: vmm.switchoverAck,
    enableMigration: vmm.enableMigration,
    pauseBeforeSwitchover: vmm.pauseBeforeSwitchover,
    afterSyncError: vmm.afterSyncError,
  };
}

function printDeadlines(deadlinesMs: Scenario['deadlinesMs']): NonNullable<ScenarioInput['deadlines']> {
  const names = (Object.keys(COMMANDS) as CommandName[]).filter(
    (name) => deadlinesMs[name] !== COMMANDS[name].deadlineMs,
  );
  return Object.fromEntries(names.map((name) => [name, durationMs(deadlinesMs[name])]));
}

function printExpect({ outcome, downtimeMs, totalMs, rounds }: Scenario['expect']): ScenarioInput['expect'] {
  const bounds = ({ min, max }: Bounds) => ({ ...(min === null ? {} : { min }), ...(max === null ? {} : { max }) });
  return {
    ...(outcome === null ? {} : { outcome }),
    downtimeMs: bounds(downtimeMs),
    totalMs: bounds(totalMs),
    rounds: bounds(rounds),
  };
}

/** `printQuantity` knows the unit only at run time; what it prints is a text of that quantity. */
function text<Text>(quantity: Quantity, value: number): Text {
  return printQuantity(quantity, value) as Text;
}

function size(bytes: number): SizeText {
  return text(SIZE, bytes);
}

function duration(ns: number): DurationText {
  return text(DURATION, ns);
}

/** Limits in ms were read from whole nanoseconds. */
function durationMs(ms: number): DurationText {
  return duration(Math.round(ms * 1e6));
}

function cost(ns: number): DurationText {
  return text(COST, ns);
}
