/**
 * The way back: a `Scenario` as what a person would write. Reading the printed text gives an equal scenario, so one that
 * was made by a sweep or found in a journal can be saved, edited and run again. Everything is spelled out except time
 * limits that are the library's own.
 */
import { stringify } from 'yaml';
import { printDeadlines } from './deadlines.ts';
import { printDevice } from './devices/device.ts';
import { printFault } from './faults.ts';
import { printIommu } from './iommu.ts';
import { printManager } from './manager.ts';
import { printConnections } from './multifd.ts';
import { printPolicy, withoutThrottleOfPolicy } from './policy.ts';
import { printPostcopy } from './postcopy.ts';
import { type DataRateText, type DurationText, LINK_RATE } from './quantity.ts';
import type { Bounds, Container, Scenario } from './scenario.ts';
import type { ScenarioInput } from './schema.ts';
import { printThrottles } from './throttle.ts';
import { printCost as cost, printDuration as duration, printDataRate, printSize, printText } from './values.ts';
import { printViommu } from './viommu.ts';
import { printVm } from './vm.ts';

type ContainerInput = NonNullable<ScenarioInput['containers']>[number];

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
    vm: printVm(vm),
    containers: scenario.containers.map(printContainer),
    link: {
      bandwidth: printText<DataRateText>(LINK_RATE, link.bandwidthBytesPerSecond),
      latency: duration(link.latencyNs),
    },
    sender: {
      page: cost(sender.pageNs),
      zeroPage: cost(sender.zeroPageNs),
      firstTouch: cost(sender.firstTouchNs),
      sync: duration(sender.syncNs),
      syncPage: cost(sender.syncPageNs),
      ...(sender.wire === undefined
        ? {}
        : {
            wire: {
              pageHeader: printSize(sender.wire.pageHeaderBytes),
              zeroPage: printSize(sender.wire.zeroPageBytes),
            },
          }),
    },
    hosts: printHosts(scenario.hosts),
    storage: { release: duration(storage.releaseNs), acquire: duration(storage.acquireNs) },
    vmm: printVmm(scenario.vmm),
    manager: printManager(scenario.manager) as ScenarioInput['manager'],
    ...(scenario.shadows === undefined
      ? {}
      : { shadows: scenario.shadows.map(printPolicy) as ScenarioInput['shadows'] }),
    giveUpAfter: duration(scenario.giveUpAfterNs),
    ...(scenario.cancelAtNs === null ? {} : { cancelAt: duration(scenario.cancelAtNs) }),
    ...(scenario.cancelAfterRecord === undefined ? {} : { cancelAt: { record: scenario.cancelAfterRecord } }),
    deadlines: printDeadlines(scenario),
    ...(scenario.faults === undefined ? {} : { faults: scenario.faults.map(printFault) }),
    expect: printExpect(scenario.expect),
    seed: scenario.seed,
    checks: { truth: scenario.checks.truth },
  };
}

function printContainer({ id, iommu, viommu, trackerChoice, devices }: Container): ContainerInput {
  return {
    id,
    iommu: printIommu(iommu),
    ...(viommu === undefined ? {} : { viommu: printViommu(viommu) }),
    ...(trackerChoice === undefined ? {} : { trackerChoice }),
    devices: devices.map(printDevice),
  };
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
  return {
    loop: vmm.loop,
    policy: printPolicy(vmm.policy) as NonNullable<ScenarioInput['vmm']>['policy'],
    downtimeLimit: durationMs(vmm.downtimeLimitMs),
    maxBandwidth: vmm.maxBandwidthBytesPerSecond === 0 ? 'unlimited' : printDataRate(vmm.maxBandwidthBytesPerSecond),
    availSwitchoverBandwidth: printDataRate(vmm.availSwitchoverBandwidthBytesPerSecond),
    switchoverAck: vmm.switchoverAck,
    enableMigration: vmm.enableMigration,
    pauseBeforeSwitchover: vmm.pauseBeforeSwitchover,
    afterSyncError: vmm.afterSyncError,
    ...(vmm.ranges === undefined ? {} : { ranges: vmm.ranges }),
    ...(vmm.postcopy === undefined ? {} : { postcopy: printPostcopy(vmm.postcopy) }),
    ...printThrottles(withoutThrottleOfPolicy(vmm)),
    ...printConnections(vmm),
    ...(vmm.maxPostcopyBandwidthBytesPerSecond === undefined
      ? {}
      : { maxPostcopyBandwidth: printDataRate(vmm.maxPostcopyBandwidthBytesPerSecond) }),
  };
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

/** Limits in ms were read from whole nanoseconds. */
function durationMs(ms: number): DurationText {
  return duration(Math.round(ms * 1e6));
}
