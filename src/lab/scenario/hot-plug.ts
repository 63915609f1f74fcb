/**
 * Devices that an operator plugs or unplugs while the migration runs: when, and which may. A loop of QEMU refuses the order
 * when it comes (machines/plan-change.ts): that is what the scenario then shows, and no error here.
 */
import type { Finding } from './phrase.ts';
import { finding, type Path } from './places.ts';
import type { Container, Device, Scenario } from './scenario.ts';

/** An order to plug or unplug a device, and when it is given, ns on the run's clock. */
export interface DeviceOrder {
  readonly type: 'PLUG' | 'UNPLUG';
  readonly device: string;
  readonly atNs: number;
}

/** All of a scenario's orders, in the order of their times. */
export function deviceOrders({ containers }: Pick<Scenario, 'containers'>): readonly DeviceOrder[] {
  const orders = containers.flatMap(({ devices }) =>
    devices.flatMap(({ id, pluggedAtNs, unpluggedAtNs }): readonly DeviceOrder[] => [
      ...(pluggedAtNs === undefined ? [] : [{ type: 'PLUG' as const, device: id, atNs: pluggedAtNs }]),
      ...(unpluggedAtNs === undefined ? [] : [{ type: 'UNPLUG' as const, device: id, atNs: unpluggedAtNs }]),
    ]),
  );
  return orders.toSorted((a, b) => a.atNs - b.atNs);
}

export function checkHotPlug({ containers }: Scenario): readonly Finding[] {
  const writtenByPeers = new Set(containers.flatMap(({ devices }) => devices.flatMap(peersOf)));
  return containers.flatMap((container, c) =>
    container.devices.flatMap((device, d) =>
      checkDevice(device, container, writtenByPeers, ['containers', c, 'devices', d]),
    ),
  );
}

function checkDevice(
  device: Device,
  { viommu }: Container,
  writtenByPeers: ReadonlySet<string>,
  path: Path,
): readonly Finding[] {
  const { id, kind, pluggedAtNs, unpluggedAtNs } = device;
  if (pluggedAtNs === undefined && unpluggedAtNs === undefined) return [];
  const key = pluggedAtNs === undefined ? 'unpluggedAt' : 'pluggedAt';
  const found: Finding[] = [];
  const not = (because: string) => found.push(finding([...path, key], because));
  if (unpluggedAtNs !== undefined && unpluggedAtNs <= (pluggedAtNs ?? 0)) {
    const after = pluggedAtNs === undefined ? '0: leave a device out that is never there' : 'pluggedAt';
    found.push(finding([...path, 'unpluggedAt'], `must be later than ${after}`));
  }
  if (kind === 'vgpu' || kind === 'mediated-nic' || kind === 'guest-cooperative')
    not(`a ${kind} comes and goes with its driver, which is not modelled`);
  if (viommu !== undefined) not('devices behind a vIOMMU that come or go are not modelled');
  if (peersOf(device).length > 0) not('a device that writes to its peers is there all the time');
  if (writtenByPeers.has(id)) not(`another device writes to ${id}, so it is there all the time`);
  return found;
}

/** Devices that this one writes to. */
function peersOf(device: Device): readonly string[] {
  if (device.kind === 'accelerator') return device.peer === null ? [] : [device.peer.to];
  if (device.kind !== 'custom') return [];
  return device.dma.flatMap((part) => (part.pattern === 'peer' ? [part.to] : []));
}
