/**
 * What one device writes into guest memory, in its run states. It is a list of patterns, or a device that has a name of
 * its own because it is more than its writes. A device that is quiet towards its peers (the P2P states) still writes guest
 * memory, unless it cannot tell the two apart and then stops all of it; a stopped one writes nothing
 * (include/uapi/linux/vfio.h, VFIO_DEVICE_STATE_RUNNING_P2P and _STOP).
 */
import type { PageRange } from '../../../machines/words.ts';
import type { WriteSource } from '../../streams/page-writes.ts';
import type { DmaLoggerSpec } from '../dma-log.ts';
import type { GuestMemory } from '../memory.ts';
import { PageSet } from '../page-set.ts';
import type { Random } from '../random.ts';
import { Idle } from '../workloads/idle.ts';
import { WriteHead } from '../workloads/write-head.ts';
import type { Emit, Writer } from '../workloads/writer.ts';
import { type CooperativeDmaSpec, GuestDriver } from './guest-driver.ts';
import type { MappedPages } from './mapped-pages.ts';
import { isMediated, type MediatedWriter } from './mediated.ts';
import { MediatedNic, type MediatedNicSpec } from './mediated-nic.ts';
import { createNicDma, type NicDmaSpec } from './nic.ts';
import { createPattern, type DmaPattern, type MemoryPattern } from './pattern.ts';
import { type PeerPattern, PeerWrites } from './peer-writes.ts';
import { VgpuDma, type VgpuDmaSpec } from './vgpu.ts';

/** `none`: a device that reads guest memory or does nothing. */
export type DmaSpec = { readonly kind: 'none' } | NicDmaSpec | CooperativeDmaSpec | VgpuDmaSpec | MediatedNicSpec;

export interface DeviceDmaSpec {
  readonly id: string;
  /** A list: all of them at once. */
  readonly dma: DmaSpec | readonly DmaPattern[];
  /** Absent: the device has no DMA logging. */
  readonly logging?: DmaLoggerSpec;
  /** It cannot tell peer-to-peer from other DMA, and stops all of it in a P2P state. */
  readonly quietStopsAllDma?: boolean;
  /**
   * What the host's driver of a mediated device writes for the guest while the device runs (vfio_dma_rw): a status area,
   * round and round. Named `mdev:<id>`: type1 hears it, and the driver's own log.
   */
  readonly driverWrites?: { readonly set: readonly PageRange[]; readonly bytesPerSecond: number };
}

export type DmaState = 'running' | 'p2pQuiet' | 'stopped';

export class DeviceDma {
  readonly id: string;
  /** A mediated device's map; undefined for others. */
  readonly mapped: MappedPages | undefined;
  /** The guest's driver that helps to migrate it; undefined for others. */
  readonly driver: GuestDriver | undefined;
  /** What it writes into other devices, in the order of its patterns. */
  readonly peers: readonly PeerWrites[];
  readonly #writers: readonly Writer[];
  readonly #mediated: MediatedWriter | undefined;
  readonly #hostDriver: Writer | undefined;
  readonly #quietStopsAllDma: boolean;
  #state: DmaState = 'running';

  /** Throws a RangeError when the device would write outside RAM. */
  constructor(spec: DeviceDmaSpec, memory: GuestMemory, random: Random) {
    this.id = spec.id;
    this.#quietStopsAllDma = spec.quietStopsAllDma ?? false;
    const source: WriteSource = `dma:${spec.id}`;
    const { dma } = spec;
    this.peers = isPatterns(dma) ? dma.filter(isPeer).map((pattern) => new PeerWrites(pattern)) : [];
    this.#writers = isPatterns(dma)
      ? dma.filter(isMemory).map((pattern) => createPattern(pattern, source, memory, random))
      : [createDma(dma, source, memory, random)];
    const [first] = this.#writers;
    this.#mediated = isMediated(first) ? first : undefined;
    this.mapped = this.#mediated?.mapped;
    this.#hostDriver = this.#createHostDriver(spec, memory);
    this.driver = first instanceof GuestDriver ? first : undefined;
  }

  get state(): DmaState {
    return this.#state;
  }

  set(state: DmaState): void {
    this.#state = state;
  }

  advance(fromNs: number, toNs: number, emit: Emit): void {
    if (this.#state === 'stopped' || (this.#state === 'p2pQuiet' && this.#quietStopsAllDma)) return;
    for (const writer of this.#writers) writer.advance(fromNs, toNs, 100, emit);
    this.#hostDriver?.advance(fromNs, toNs, 100, emit);
  }

  /** A mediated device's guest had that span at this speed; comes before `advance`. Returns ns that it cost the vCPUs. */
  guestAdvances(fromNs: number, toNs: number, speedPercent: number): number {
    this.#mediated?.guestAdvances(fromNs, toNs, speedPercent);
    return this.mapped?.takeUpdateNs() ?? 0;
  }

  /** Its writes into peers over that span: none in a P2P state. `stopped` says of a device whether it has stopped. */
  advancePeers(spanNs: number, stopped: (deviceId: string) => boolean): void {
    if (this.#state !== 'running') return;
    for (const peer of this.peers) peer.advance(spanNs, stopped(peer.to));
  }

  #createHostDriver({ id, driverWrites }: DeviceDmaSpec, memory: GuestMemory): Writer | undefined {
    if (driverWrites === undefined) return undefined;
    const source: WriteSource = `mdev:${id}`;
    if (this.mapped === undefined) throw new RangeError(`${source}: no driver on the host mediates this device`);
    memory.requireRam(driverWrites.set, source);
    const { set, bytesPerSecond } = driverWrites;
    return new WriteHead(source, { set: new PageSet(set), rate: { bytesPerSecond }, pageBytes: memory.pageBytes });
  }
}

function isPatterns(dma: DeviceDmaSpec['dma']): dma is readonly DmaPattern[] {
  return Array.isArray(dma);
}

function isPeer(pattern: DmaPattern): pattern is PeerPattern {
  return pattern.pattern === 'peer';
}

function isMemory(pattern: DmaPattern): pattern is MemoryPattern {
  return pattern.pattern !== 'peer';
}

function createDma(spec: DmaSpec, source: WriteSource, memory: GuestMemory, random: Random): Writer {
  switch (spec.kind) {
    case 'none':
      return new Idle();
    case 'nic':
      memory.requireRam(spec.buffers, source);
      return createNicDma(spec, source, memory.pageBytes);
    case 'guest-cooperative':
      return new GuestDriver(spec, source, memory);
    case 'vgpu':
      return new VgpuDma(spec, source, memory, random);
    case 'mediated-nic':
      return new MediatedNic(spec, source, memory);
    default:
      return spec satisfies never;
  }
}

/** Whether the guest pays for what it maps and unmaps for such a device. */
export function chargesUpdates(dma: DeviceDmaSpec['dma']): boolean {
  return !isPatterns(dma) && dma.kind === 'vgpu' && (dma.costs?.updateNs ?? 0) > 0;
}
