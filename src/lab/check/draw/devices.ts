/** One VFIO device of any kind: what it can do, what it writes and where, how large its state is, how slow it is. */
import type { ScenarioInput } from '../../scenario/schema.ts';
import type { Chance } from './chance.ts';
import { drawPlace, PARTS, type Room, sizeOf } from './room.ts';

export type ContainerInput = NonNullable<ScenarioInput['containers']>[number];
export type DeviceInput = ContainerInput['devices'][number];

export const DEVICE_KINDS = [
  'nic',
  'vgpu',
  'nvme',
  'accelerator',
  'mediated-nic',
  'guest-cooperative',
  'custom',
] as const;
export type DeviceKind = (typeof DEVICE_KINDS)[number];

/** What a device is drawn into. */
export interface Slot {
  readonly id: string;
  readonly kinds: readonly DeviceKind[];
  /** Devices that a peer-to-peer write may go to. */
  readonly peers: readonly string[];
  /** Nobody else hears of a mediated driver's writes here, so a device that has one must log itself. */
  readonly mustLog: boolean;
  /** The release migrates it only when somebody else tracks it. */
  readonly mustNotLog: boolean;
}

const RATES = ['1MiB/s', '8MiB/s', '60MiB/s'] as const;

export function drawDevice(chance: Chance, room: Room, slot: Slot): DeviceInput {
  const kind = chance.pick(slot.kinds);
  return { ...drawKind(chance, room, slot, kind), ...drawCommon(chance, room, slot, kind) } as unknown as DeviceInput;
}

function drawCommon(chance: Chance, { theme, preCopy, p2p, pageKiB }: Room, slot: Slot, kind: DeviceKind) {
  const hasPreCopy = preCopy && chance.percent(75);
  const features = [
    'stop-copy',
    ...(p2p && chance.percent(theme === 'anything' ? 98 : 100) ? ['p2p'] : []),
    ...(hasPreCopy ? ['pre-copy'] : []),
  ];
  const stopCopyKiB = chance.pick([0, 4, 256, 1024]);
  const initialKiB = hasPreCopy ? Math.min(stopCopyKiB, chance.pick([0, 64, 512])) : 0;
  return {
    id: slot.id,
    features,
    ...(kind === 'guest-cooperative' ? {} : { dmaLogging: drawLogging(chance, pageKiB, slot) }),
    ...(kind === 'guest-cooperative' ? {} : chance.perhaps(10, () => ({ preCopyDirtyTracking: false }))),
    state: {
      stopCopy: `${stopCopyKiB}KiB`,
      initial: `${initialKiB}KiB`,
      ...(hasPreCopy ? chance.perhaps(40, () => ({ dirtyRate: chance.pick(['100KiB/s', '4MiB/s']) })) : {}),
    },
    ...chance.perhaps(60, () => ({ times: drawTimes(chance) })),
  };
}

function drawLogging(chance: Chance, pageKiB: number, { mustLog, mustNotLog }: Slot) {
  if (mustNotLog || (!mustLog && chance.percent(25))) return false;
  return chance.pick([
    true,
    'mlx5',
    'pds',
    { ranges: 2, pageSize: `${4 * pageKiB}KiB` },
    { ranges: 255, physicalFunction: 'pf0' },
  ] as const);
}

function drawTimes(chance: Chance) {
  const time = () => chance.pick(['0ms', '1ms', '7ms', '40ms']);
  return {
    preCopy: time(),
    p2p: time(),
    stop: time(),
    stopCopy: time(),
    resuming: time(),
    run: time(),
    loadInitial: chance.pick(['0ms', '30ms', '400ms']),
    load: time(),
    reset: time(),
  };
}

function drawKind(chance: Chance, room: Room, slot: Slot, kind: DeviceKind): object {
  const p2pStops = { p2pStops: chance.pick(['peers', 'all']) };
  switch (kind) {
    case 'nic': {
      const { at, set: ring } = drawPlace(chance, room);
      return { kind, ...chance.perhaps(90, () => ({ dma: { rate: chance.pick(RATES), at, ring } })) };
    }
    case 'vgpu':
      return {
        kind,
        mapped: sizeOf(room, chance.between(1, 12)),
        scattered: chance.percent(50),
        ...chance.perhaps(30, () => ({ maintain: chance.pick(['onUpdate', 'walkAtQuery']) })),
        ...chance.perhaps(30, () => ({ updateCost: '1us', walkCost: '50ns', churn: '300/s' })),
        ...(slot.mustLog ? chance.perhaps(30, () => ({ driverWrites: drawWrites(chance, room) })) : {}),
        ...chance.perhaps(30, () => ({ watchdog: chance.pick([true, '100ms']) })),
      };
    case 'nvme':
      return { kind, ...chance.perhaps(90, () => ({ dma: drawQueues(chance, room) })), ...p2pStops };
    case 'accelerator':
      return {
        kind,
        ...chance.perhaps(90, () => ({
          dma: { ...drawPlace(chance, room), rate: chance.pick(['1k/s', '20k/s']), skew: chance.pick([0, 0.99]) },
        })),
        ...(slot.peers.length > 0
          ? chance.perhaps(50, () => ({ peer: { to: chance.pick(slot.peers), rate: '10MiB/s' } }))
          : {}),
        ...p2pStops,
      };
    case 'mediated-nic': {
      const { at, set: pool } = drawPlace(chance, room);
      return {
        kind,
        rate: chance.pick(RATES),
        at,
        pool,
        descriptors: chance.pick([1, 8, 16]),
        ...chance.perhaps(30, () => ({ scanCost: '100ns' })),
        ...(slot.mustLog ? chance.perhaps(40, () => ({ driverWrites: drawWrites(chance, room) })) : {}),
      };
    }
    case 'guest-cooperative':
      return { kind, ...drawCooperative(chance, room) };
    case 'custom':
      return {
        kind,
        dma: Array.from({ length: chance.between(0, 2) }, () => drawPattern(chance, room, slot)),
        ...p2pStops,
      };
    default:
      return kind satisfies never;
  }
}

function drawWrites(chance: Chance, room: Room) {
  return { rate: chance.pick(['100KiB/s', '2MiB/s']), ...drawPlace(chance, room, 4) };
}

function drawQueues(chance: Chance, room: Room) {
  // Queues take at most four pages, less than a part; the buffers begin behind them.
  const at = chance.between(0, PARTS - 9);
  return {
    queues: chance.pick([1, 2]),
    depth: chance.pick([16, 256]),
    at: sizeOf(room, at),
    reads: chance.pick(['100/s', '3k/s']),
    readSize: `${room.pageKiB * chance.pick([1, 2])}KiB`,
    otherCommands: chance.pick(['0/s', '500/s']),
    buffers: sizeOf(room, chance.between(1, 8)),
    buffersAt: sizeOf(room, at + 1),
  };
}

function drawCooperative(chance: Chance, room: Room) {
  const [ring, late, coherent] = [chance.between(1, 8), chance.between(0, 2), chance.between(0, 2)];
  return {
    dma: {
      rate: chance.pick(RATES),
      ring: sizeOf(room, ring),
      late: sizeOf(room, late),
      coherent: sizeOf(room, coherent),
      at: sizeOf(room, chance.between(0, PARTS - ring - late - coherent)),
    },
    cooperation: {
      cooperates: chance.percent(90),
      mode: chance.pick(['suspend', 'quiesce']),
      vcpu: chance.between(0, room.vcpus - 1),
      dmaApi: chance.pick(['plain', 'dirtyAtUnmap']),
      haltDuring: chance.pick(['switchover', 'precopy']),
      ...chance.perhaps(40, () => ({ notify: '0ms', halt: chance.pick(['0ms', '5ms']), resume: '2ms' })),
    },
  };
}

function drawPattern(chance: Chance, room: Room, { peers }: Slot): object {
  const pattern = chance.pick([
    'ring',
    'random',
    'zipf',
    'queues',
    ...(peers.length > 0 ? ['peer' as const] : []),
  ] as const);
  switch (pattern) {
    case 'ring':
      return { pattern, ...drawPlace(chance, room), rate: chance.pick(RATES) };
    case 'random':
      return { pattern, ...drawPlace(chance, room), rate: chance.pick(RATES), block: `${2 * room.pageKiB}KiB` };
    case 'zipf':
      return { pattern, ...drawPlace(chance, room), rate: chance.pick(['1k/s', '20k/s']), skew: 0.8 };
    case 'queues':
      return { pattern, ...drawQueues(chance, room) };
    case 'peer':
      return { pattern, to: chance.pick(peers), rate: '10MiB/s' };
    default:
      return pattern satisfies never;
  }
}
