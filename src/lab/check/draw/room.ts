/**
 * What every concern must agree with: how large the guest is, what its release can do, how many vCPUs there are. It is drawn
 * first, so that what is drawn after it contradicts nothing. All places and sizes are multiples of a 64th of memory.
 */
import type { ManagerName } from '../../../../machines/index.ts';
import { isQemu, LOOPS, type LoopName, loop } from '../../../../machines/loops.ts';
import type { Chance } from './chance.ts';
import { drawManagerName, drawThrottleName, needsPostCopy, type ThrottleName } from './rules.ts';
import type { Theme } from './themes.ts';

/** Parts of memory; this project's own. */
export const PARTS = 64;

/**
 * Pages of a guest, by page size in KiB: memory stays at or below 64 MiB, so that a run takes milliseconds. The smallest has
 * 16 pages in a part.
 */
const SHAPES = [
  { pageKiB: 4, pages: 1024 },
  { pageKiB: 4, pages: 1024 },
  { pageKiB: 4, pages: 2048 },
  { pageKiB: 4, pages: 4096 },
  { pageKiB: 16, pages: 1024 },
  { pageKiB: 16, pages: 2048 },
  { pageKiB: 64, pages: 1024 },
] as const;

export interface Room {
  readonly theme: Theme;
  readonly loop: LoopName;
  readonly pageKiB: 4 | 16 | 64;
  readonly pages: number;
  /** Of memory, or of what a vIOMMU has mapped. */
  readonly partKiB: number;
  readonly vcpus: number;
  readonly devicesMax: number;
  readonly preCopy: boolean;
  readonly p2p: boolean;
  /** Dirty tracking by iommufd: QEMU 9.1 (commit 52ce88229c). */
  readonly iommufdTracks: boolean;
  /** switchover-ack and avail-switchover-bandwidth: QEMU 8.1 (6574232fff) and 8.2 (8b2395970a). */
  readonly knowsAck: boolean;
  /** Who turns the knobs. */
  readonly manager: ManagerName | undefined;
  readonly throttle: ThrottleName | undefined;
  /** The manager may start post-copy, so that there are no devices. */
  readonly postCopy: boolean;
}

/** A new release is asked for more often than an old one. */
const RELEASES: readonly LoopName[] = [
  ...LOOPS.filter(isQemu),
  'textbook',
  'qemu-8.2',
  'qemu-9.2',
  'qemu-10.2',
  'qemu-10.2',
  'qemu-11.1',
];

/** Where a theme can be. */
const RELEASES_OF: Readonly<Partial<Record<Theme, readonly LoopName[]>>> = {
  'post-copy': RELEASES.filter((name) => name !== 'textbook'),
  'hot-plug': ['textbook'],
  helpers: RELEASES.filter((name) => loop(name).vfio.devices),
  managed: RELEASES.filter(isQemu),
  rules: ['textbook', 'textbook', 'xen', 'xen', 'cloud-hypervisor', 'cloud-hypervisor', 'qemu-10.2', 'qemu-11.1'],
};

export function drawRoom(chance: Chance, theme: Theme): Room {
  const name = chance.pick(RELEASES_OF[theme] ?? RELEASES);
  const { vfio } = loop(name);
  const throttle = drawThrottleName(chance, theme, name);
  const manager = drawManagerName(chance, theme, name);
  const postCopy = theme !== 'hot-plug' && manager !== undefined && needsPostCopy(chance, manager);
  // Seconds of virtual time are many passes.
  const { pageKiB, pages } = throttle === undefined && theme !== 'managed' ? chance.pick(SHAPES) : SHAPES[0];
  return {
    theme,
    loop: name,
    pageKiB,
    pages,
    partKiB: (pages * pageKiB) / PARTS,
    vcpus: chance.pick([1, 1, 2, 4]),
    devicesMax: !vfio.devices || theme === 'post-copy' || postCopy ? 0 : vfio.p2p ? 3 : 1,
    preCopy: vfio.preCopy,
    // Several devices of which one has no P2P states are blocked at once: a few are enough.
    p2p: vfio.p2p && chance.percent(theme === 'anything' ? 92 : 100),
    iommufdTracks: !['qemu-7.2', 'qemu-8.0', 'qemu-8.2'].includes(name),
    knowsAck: !['qemu-7.2', 'qemu-8.0', 'xen', 'cloud-hypervisor'].includes(name),
    manager,
    throttle,
    postCopy,
  };
}

/** So many parts of memory, as a size. */
export function sizeOf({ partKiB }: Pick<Room, 'partKiB'>, parts: number): `${number}KiB` {
  return `${parts * partKiB}KiB`;
}

/** A place and a size that fit together: `at` and so many parts. */
export function drawPlace(chance: Chance, room: Pick<Room, 'partKiB'>, partsMax = 16) {
  const parts = chance.between(1, partsMax);
  const at = chance.between(0, PARTS - parts);
  return { at: sizeOf(room, at), set: sizeOf(room, parts) };
}
