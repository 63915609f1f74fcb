/** VFIO containers: an IOMMU of each kind, a vIOMMU in front of some, a rule that chooses the tracker, and devices. */

import { TRACKER_CHOICES } from '../../../../machines/words.ts';
import { IOMMU_KINDS, leafSizes } from '../../../hardware/iommu/iommu-hardware.ts';
import type { Chance } from './chance.ts';
import { type ContainerInput, DEVICE_KINDS, type DeviceKind, drawDevice } from './devices.ts';
import { PARTS, type Room, sizeOf } from './room.ts';

type IommuInput = ContainerInput['iommu'];

/** They reach memory by tables or a driver of their own, so that no vIOMMU is in front of them. */
const WITHOUT_VIOMMU: readonly DeviceKind[] = ['vgpu', 'mediated-nic', 'guest-cooperative'];
/** Parts of memory that a vIOMMU has mapped. */
const MAPPED_PARTS = 16;

export function drawContainers(chance: Chance, room: Room): readonly ContainerInput[] {
  const most = room.p2p || chance.percent(15) ? room.devicesMax : Math.min(1, room.devicesMax);
  const least = room.theme === 'hot-plug' || room.theme === 'helpers' ? 1 : 0;
  const devices = Math.min(most, Math.max(least, chance.pick([0, 1, 1, 2, 2, 2, 3])));
  if (devices === 0) return [];
  const ids = Array.from({ length: devices }, (_, nth) => `dev${nth}`);
  const split = devices > 1 && chance.percent(35) ? [ids.slice(0, 1), ids.slice(1)] : [ids];
  // A loop of QEMU refuses the order, at any time: seldom worth a run.
  const plugs = room.theme === 'hot-plug' || chance.percent(room.loop === 'textbook' ? 20 : 3);
  return split.map((own) => drawContainer(chance, room, own, ids, plugs));
}

function drawContainer(
  chance: Chance,
  room: Room,
  own: readonly string[],
  all: readonly string[],
  plugs: boolean,
): ContainerInput {
  const iommu = room.theme === 'helpers' && chance.percent(70) ? { kind: 'none' as const } : drawIommu(chance, room);
  const tracks = iommu.kind === 'iommufd' && iommu.dirtyTracking === true;
  const mayHide = iommu.kind !== 'none' && !(iommu.kind === 'type1' && iommu.dirtyTracking === true);
  // Up to 10.2 a vIOMMU blocks; 11.1 migrates what does not log by itself (hw/vfio/migration.c, vfio_viommu_preset).
  const odds = room.loop === 'textbook' ? 40 : room.loop === 'qemu-11.1' && tracks ? 30 : 1;
  const behind = mayHide && room.theme !== 'helpers' && iommu.split !== 'onDirty' && chance.percent(odds);
  const kinds = behind ? DEVICE_KINDS.filter((kind) => !WITHOUT_VIOMMU.includes(kind)) : kindsFor(chance, room, iommu);
  // Sets behind a vIOMMU lie in what is mapped.
  const roomOf = behind ? { ...room, partKiB: (room.partKiB * MAPPED_PARTS) / PARTS } : room;
  const mustNotLog = behind && room.loop === 'qemu-11.1' && chance.percent(90);
  const mustLog = !mustNotLog && tracks && chance.percent(50);
  return {
    iommu,
    ...(behind ? { viommu: drawViommu(chance, room) } : {}),
    ...chance.perhaps(30, () => ({ trackerChoice: chance.pick(TRACKER_CHOICES) })),
    devices: own.map((id) => {
      const comes = plugs && !behind && chance.percent(50);
      const device = drawDevice(chance, roomOf, {
        id,
        // A mediated device without a log of its own is seen by type1 only.
        kinds: comes ? ['nic', 'nvme'] : tracks && !mustLog ? kinds.filter((kind) => kind !== 'mediated-nic') : kinds,
        // A device that comes or goes is written to by nobody.
        peers: plugs ? [] : all.filter((other) => other !== id),
        mustLog,
        mustNotLog,
      });
      return comes ? { ...device, ...drawComing(chance) } : device;
    }),
  };
}

/** Devices whose guest drivers help keep to themselves: among others the migration is mostly blocked. */
function kindsFor(chance: Chance, { theme, manager }: Room, { kind }: IommuInput): readonly DeviceKind[] {
  if (theme === 'helpers') return ['guest-cooperative'];
  // A manager may suspend the guest, and its drivers must run.
  if (manager !== undefined) return DEVICE_KINDS.filter((one) => one !== 'guest-cooperative');
  if (chance.percent(kind === 'none' ? 60 : 10)) return ['guest-cooperative'];
  return chance.percent(85) ? DEVICE_KINDS.filter((one) => one !== 'guest-cooperative') : DEVICE_KINDS;
}

function drawIommu(chance: Chance, room: Room): IommuInput {
  const kind =
    room.loop === 'cloud-hypervisor'
      ? 'iommufd'
      : chance.pick(['iommufd', 'iommufd', 'iommufd', 'type1', 'type1', 'none'] as const);
  if (kind === 'none') return { kind };
  if (kind === 'type1') return { kind, dirtyTracking: chance.percent(60) };
  if (!room.iommufdTracks || chance.percent(20)) return { kind, dirtyTracking: false };
  const hardware = chance.pick(IOMMU_KINDS);
  const leaves = leafSizes(hardware, room.pageKiB * 1024).filter((bytes) => bytes <= 2 ** 21);
  const split = chance.pick([undefined, undefined, undefined, 'eager', 'onDirty'] as const);
  const protects = split !== 'onDirty' && chance.percent(10);
  return {
    kind,
    dirtyTracking: true,
    hardware,
    leaf: `${chance.pick(leaves) / 1024}KiB`,
    ...(split === undefined ? {} : { split }),
    ...(split === 'eager' ? chance.perhaps(50, () => ({ collapseAfter: '50ms' })) : {}),
    ...chance.perhaps(20, () => ({ flush: chance.pick(['per-query', 'per-page']) })),
    ...(protects ? { writeProtect: { pageRequests: true } } : {}),
    ...chance.perhaps(30, () => ({ costs: { iotlbEntries: chance.pick([16, 512]) } })),
  } as IommuInput;
}

/** When a device is plugged, or unplugged, or one after the other. */
function drawComing(chance: Chance) {
  const [first, later] = [
    chance.pick([chance.between(1, 20), chance.between(1, 300), 100_000]),
    chance.pick([chance.between(301, 500), 100_001]),
  ];
  return chance.pick([
    { pluggedAt: `${first}ms` },
    { unpluggedAt: `${first}ms` },
    { pluggedAt: `${first}ms`, unpluggedAt: `${later}ms` },
  ] as const);
}

function drawViommu(chance: Chance, room: Room): NonNullable<ContainerInput['viommu']> {
  return {
    mapped: sizeOf(room, MAPPED_PARTS),
    mapping: `${room.pageKiB * chance.pick([1, 4])}KiB`,
    churn: chance.pick(['0/s', '50/s', '1k/s']),
    ...chance.perhaps(40, () => ({ pool: sizeOf(room, chance.between(MAPPED_PARTS, PARTS)) })),
    query: chance.pick(['0us', '1us']),
  };
}
