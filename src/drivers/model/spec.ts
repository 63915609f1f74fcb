/**
 * What a modelled run is made from: plain JSON, every parameter with its unit and its default. A scenario is turned into
 * one of these; nothing below this file knows scenarios. What takes time takes none unless it is given, but for a pass.
 */
import { LOOPS, type LoopName } from '../../../machines/loops.ts';
import type { FeatureMask } from '../../../machines/words.ts';
import type { DestinationTimes } from '../../hardware/destination-host.ts';
import type { LinkSpec } from '../../hardware/link.ts';
import type { SenderCosts, WireFormat } from '../../hardware/sender.ts';
import type { StorageTimes } from '../../hardware/storage.ts';
import type { DeviceTimes } from '../../hardware/vfio-function.ts';
import type { WorldSpec } from '../../hardware/world.ts';
import type { MultifdSpec, ThreadSpec } from './channels.ts';

export interface ModelSpec extends WorldSpec {
  /** Whose pre-copy loop: its windows, its bytes on the wire, when its devices may send. */
  readonly loop: LoopName;
  readonly link: LinkSpec;
  /** QEMU's `max-bandwidth`, bytes per second, lifted in the stop phase. 0, the default: no limit but the link. */
  readonly maxBandwidthBytesPerSecond?: number;
  /** QEMU's `max-postcopy-bandwidth`, bytes per second: of what is pushed, not of what is requested. 0, the default: no limit. */
  readonly maxPostcopyBandwidthBytesPerSecond?: number;
  /** The destination acknowledges each device's initial data (QEMU's `switchover-ack`). Default false. */
  readonly switchoverAck?: boolean;
  readonly sender?: Partial<SenderCosts>;
  /** Several connections. Absent: one. */
  readonly multifd?: MultifdSpec;
  /** TLS and compression. Absent: none. */
  readonly threads?: ThreadSpec;
  /** Bytes on the wire; as the loop has them unless given. */
  readonly wire?: WireFormat;
  /**
   * ns that a pass takes at least, even with next to nothing to send: its turn, its sync and its queries cost a real sender
   * something, and one that cannot switch over yet passes as often as they let it. Default 1,000,000, this project's own.
   */
  readonly leastPassNs?: number;
  readonly logs?: Partial<LogCosts>;
  /** The migration side of each device that `containers` names, in any order. */
  readonly devices: readonly ModelDeviceSpec[];
  readonly hosts?: {
    readonly source?: Partial<SourceTimes>;
    readonly destination?: Partial<DestinationTimes>;
  };
  readonly storage?: Partial<StorageTimes>;
}

/** What the dirty logs cost, ns. The sender stands still meanwhile; the guest does not. */
export interface LogCosts {
  /** Per sync of the migration bitmap. Default 0. */
  readonly syncNs: number;
  /** Per sync and page of RAM, fractions allowed. Default 0. */
  readonly syncPageNs: number;
  /** KVM's log: to switch it on, to fetch it, to switch it off. Default 0. */
  readonly startDirtyLogNs: number;
  readonly getDirtyLogNs: number;
  readonly stopDirtyLogNs: number;
  /** One container's tracker: DMA_LOGGING_START or SET_DIRTY_TRACKING of one member, REPORT and STOP of all. Default 0. */
  readonly startTrackingNs: number;
  readonly reportDirtyNs: number;
  readonly stopTrackingNs: number;
}

export interface SourceTimes {
  /** ns until every vCPU has stopped. Default 0. */
  readonly stopVcpusNs: number;
  /** ns until the vCPUs run again. Default 0. */
  readonly resumeVcpusNs: number;
}

export interface ModelDeviceSpec {
  readonly id: string;
  readonly features: FeatureMask;
  /** Initial bytes of pre-copy (VFIO_MIG_GET_PRECOPY_INFO). Default 0. */
  readonly initialBytes?: number;
  /** How fast pre-copy state that was read changes again while the device runs. Default 0. */
  readonly dirtyBytesPerSecond?: number;
  /** All that must be sent if the device stopped now (MIG_DATA_SIZE); `initialBytes` is part of it. */
  readonly stopCopyBytes: number;
  /** ns to enter each state, and for a reset; the same on both ends. Default 0. */
  readonly times?: Partial<DeviceTimes>;
  /** ns on the destination to allocate resources, from the arrival of the initial bytes on. Default 0. */
  readonly loadInitialNs?: number;
  /** ns on the destination to load the rest, once all has arrived. Default 0. */
  readonly loadNs?: number;
  /** How fast its state can be read, bytes per second. 0, the default: as fast as the link takes it. */
  readonly readBytesPerSecond?: number;
  /** Where RESUMING to STOP leaves it when the image is incomplete. Default `stay`. */
  readonly onBadImage?: 'stay' | 'error';
}

const NO_DEVICE_TIMES: DeviceTimes = {
  preCopyNs: 0,
  p2pNs: 0,
  stopNs: 0,
  stopCopyNs: 0,
  resumingNs: 0,
  runNs: 0,
  resetNs: 0,
};
const NO_LOG_COSTS: LogCosts = {
  syncNs: 0,
  syncPageNs: 0,
  startDirtyLogNs: 0,
  getDirtyLogNs: 0,
  stopDirtyLogNs: 0,
  startTrackingNs: 0,
  reportDirtyNs: 0,
  stopTrackingNs: 0,
};

/** The same with every default filled in. */
export type FilledSpec = ReturnType<typeof fillSpec>;
export type FilledDevice = FilledSpec['devices'][number];

/** Fills in the defaults. Throws a RangeError for a spec that contradicts itself or has a figure that is none. */
export function fillSpec(spec: ModelSpec) {
  if (!LOOPS.includes(spec.loop)) throw new RangeError(`no loop ${spec.loop}; there are ${LOOPS.join(', ')}`);
  const filling = {
    maxBandwidthBytesPerSecond: spec.maxBandwidthBytesPerSecond ?? 0,
    maxPostcopyBandwidthBytesPerSecond: spec.maxPostcopyBandwidthBytesPerSecond ?? 0,
    switchoverAck: spec.switchoverAck ?? false,
    leastPassNs: spec.leastPassNs ?? 1_000_000,
    sender: { pageNs: 0, zeroPageNs: 0, firstTouchNs: 0, ...spec.sender },
    threads: spec.threads ?? {},
    logs: { ...NO_LOG_COSTS, ...spec.logs },
    devices: devicesInOrder(spec).map(fillDevice),
    hosts: {
      source: { stopVcpusNs: 0, resumeVcpusNs: 0, ...spec.hosts?.source },
      destination: { prepareNs: 0, loadNs: 0, startNs: 0, quitNs: 0, ...spec.hosts?.destination },
    },
    storage: { releaseNs: 0, acquireNs: 0, ...spec.storage },
  };
  // Not a spread: V8 of Node 20 takes microseconds for one with more keys behind it.
  const filled: Omit<ModelSpec, keyof typeof filling> & typeof filling = Object.assign({}, spec, filling);
  checkChannels(filled);
  const { sender, logs, hosts, storage, maxBandwidthBytesPerSecond, maxPostcopyBandwidthBytesPerSecond, leastPassNs } =
    filled;
  for (const figures of [
    sender,
    logs,
    hosts.source,
    hosts.destination,
    storage,
    { maxBandwidthBytesPerSecond, maxPostcopyBandwidthBytesPerSecond, leastPassNs },
  ]) {
    checkFigures(figures);
  }
  for (const { id: _, features: __, onBadImage: ___, times, ...figures } of filled.devices) {
    checkFigures(times);
    checkFigures(figures);
  }
  return filled;
}

/** In the containers' order, which is the order in which they send. */
function devicesInOrder(spec: ModelSpec): ModelDeviceSpec[] {
  const ids = spec.containers.flatMap((container) => container.devices.map((device) => device.id));
  const extra = spec.devices.filter((device) => !ids.includes(device.id)).map((device) => device.id);
  if (extra.length > 0) throw new RangeError(`no container has device ${extra.join(', ')}`);
  return ids.map((id) => {
    const [device, twice] = spec.devices.filter((candidate) => candidate.id === id);
    if (device === undefined) throw new RangeError(`device ${id} of a container has no migration side`);
    if (twice !== undefined) throw new RangeError(`two devices ${id}`);
    return device;
  });
}

function fillDevice(device: ModelDeviceSpec) {
  return {
    initialBytes: 0,
    dirtyBytesPerSecond: 0,
    loadInitialNs: 0,
    loadNs: 0,
    readBytesPerSecond: 0,
    onBadImage: 'stay' as const,
    ...device,
    times: { ...NO_DEVICE_TIMES, ...device.times },
  };
}

function checkChannels({ multifd, threads }: Pick<ModelSpec, 'multifd'> & { readonly threads: ThreadSpec }): void {
  if (multifd !== undefined && !(multifd.channels > multifd.deviceChannels && multifd.deviceChannels >= 0))
    throw new RangeError(`${multifd.deviceChannels} of ${multifd.channels} channels for devices leave none for memory`);
  const { tlsBytesPerSecond = 1, compression = { bytesPerSecond: 1, ratio: 1 } } = threads;
  for (const [name, figure] of Object.entries({ tlsBytesPerSecond, ...compression })) {
    if (!(Number.isFinite(figure) && figure > 0)) throw new RangeError(`${name} is more than 0, not ${figure}`);
  }
}

function checkFigures(figures: Readonly<Record<string, number>>): void {
  for (const [name, figure] of Object.entries(figures)) {
    if (!(Number.isFinite(figure) && figure >= 0)) throw new RangeError(`${name} is 0 or more, not ${figure}`);
  }
}
