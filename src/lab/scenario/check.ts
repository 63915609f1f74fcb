/**
 * What must agree between keys of a scenario, once each value alone is right: sizes fit into memory, names are unique, and
 * the release whose loop is asked for can do what the scenario needs. A device without P2P beside another, and a
 * container without any tracker, are no errors: the migration itself is then blocked or perpetual, and says why.
 */
import { isQemu } from '../../../machines/loops.ts';
import { checkDetached } from '../detach.ts';
import { checkDevice } from './devices/device.ts';
import { checkMediated } from './devices/mediated.ts';
import { checkFaults } from './faults.ts';
import { checkHotPlug } from './hot-plug.ts';
import { checkIommu } from './iommu.ts';
import { checkIommufd } from './iommufd.ts';
import { checkManager } from './manager.ts';
import { checkConnections } from './multifd.ts';
import type { Finding } from './phrase.ts';
import { checkPhysicalFunctions } from './physical-functions.ts';
import { finding, type Path } from './places.ts';
import { checkPolicy } from './policy.ts';
import { checkPostcopy } from './postcopy.ts';
import { checkRelease } from './release.ts';
import type { Scenario } from './scenario.ts';
import { checkThrottles } from './throttle.ts';
import { checkViommu, roomBehind, wordedBehind } from './viommu.ts';
import { checkVm } from './vm.ts';

/** QEMU refuses a `downtime-limit` above 2000 s: `migrate_params_check`, migration/options.c. */
const DOWNTIME_LIMIT_MAX_MS = 2_000_000;

const aroundIommu = ({ devices, viommu }: Scenario['containers'][number], { pageSizeBytes }: Scenario['vm']) => ({
  devices,
  pageSizeBytes,
  behindViommu: viommu !== undefined,
});

export function check(scenario: Scenario): readonly Finding[] {
  return [
    ...checkVm(scenario.vm),
    ...checkNames(scenario),
    ...scenario.containers.flatMap((container, c) => [
      ...checkIommu(container.iommu, ['containers', c, 'iommu']),
      ...checkIommufd(container.iommu, aroundIommu(container, scenario.vm), ['containers', c, 'iommu']),
      ...checkMediated(container, ['containers', c]),
      ...(container.viommu === undefined
        ? []
        : checkViommu(container.viommu, container, scenario.vm, ['containers', c])),
      ...container.devices
        .flatMap((device, d) =>
          checkDevice(device, roomBehind(container.viommu, scenario.vm), ['containers', c, 'devices', d]),
        )
        .map((found) => wordedBehind(container.viommu, found)),
    ]),
    ...checkPhysicalFunctions(scenario),
    ...checkPeers(scenario),
    ...checkHotPlug(scenario),
    ...checkRelease(scenario),
    ...checkFaults(scenario),
    ...(scenario.vmm.postcopy === undefined ? [] : checkPostcopy(scenario.vmm.postcopy, ['vmm', 'postcopy'])),
    ...checkThrottles(scenario),
    ...checkConnections(scenario),
    ...checkManager(scenario),
    ...checkPolicy(scenario),
    ...checkDetached(scenario),
    ...checkLimits(scenario),
  ];
}

function checkNames({ containers }: Scenario): readonly Finding[] {
  const found: Finding[] = [];
  const seen = { container: new Map<string, string>(), device: new Map<string, string>() };
  const once = (kind: keyof typeof seen, id: string, path: Path, owner: string) => {
    const first = seen[kind].get(id);
    if (first === undefined) seen[kind].set(id, owner);
    else found.push(finding([...path, 'id'], `${id} is the ${kind} at ${first} already`));
  };
  containers.forEach((container, c) => {
    once('container', container.id, ['containers', c], `containers[${c}]`);
    container.devices.forEach((device, d) => {
      once('device', device.id, ['containers', c, 'devices', d], `containers[${c}].devices[${d}]`);
    });
  });
  return found;
}

/** Peer-to-peer writes go to another device of the VM. */
function checkPeers({ containers }: Scenario): readonly Finding[] {
  const devices = containers.flatMap((container, c) =>
    container.devices.map((device, d) => ({ device, path: ['containers', c, 'devices', d] })),
  );
  const found: Finding[] = [];
  const must = (to: string, from: string, path: Path) => {
    if (to === from) found.push(finding([...path, 'to'], `${to} is the device itself`));
    else if (!devices.some(({ device }) => device.id === to))
      found.push(finding([...path, 'to'], `no device is ${to}`));
  };
  for (const { device, path } of devices) {
    if (device.kind === 'accelerator' && device.peer !== null) must(device.peer.to, device.id, [...path, 'peer']);
    if (device.kind !== 'custom') continue;
    device.dma.forEach((dma, i) => {
      if (dma.pattern === 'peer') must(dma.to, device.id, [...path, 'dma', i]);
    });
  }
  return found;
}

function checkLimits({ vmm, link, giveUpAfterNs, deadlinesMs, expect }: Scenario): readonly Finding[] {
  const found: Finding[] = [];
  if (link.bandwidthBytesPerSecond === 0)
    found.push(finding(['link', 'bandwidth'], 'a link that carries nothing ends no migration'));
  if (giveUpAfterNs === 0) found.push(finding(['giveUpAfter'], 'must be longer than 0'));
  for (const [name, limitMs] of Object.entries(deadlinesMs)) {
    if (limitMs === 0) found.push(finding(['deadlines', name], 'must be longer than 0'));
  }
  const whole = Number.isInteger(vmm.downtimeLimitMs) && vmm.downtimeLimitMs <= DOWNTIME_LIMIT_MAX_MS;
  if (isQemu(vmm.loop) && !whole) {
    found.push(finding(['vmm', 'downtimeLimit'], 'QEMU takes whole milliseconds up to 2000s'));
  }
  for (const key of ['downtimeMs', 'totalMs', 'rounds'] as const) {
    const { min, max } = expect[key];
    if (min !== null && max !== null && min > max)
      found.push(finding(['expect', key], `min ${min} is more than max ${max}`));
  }
  return found;
}
