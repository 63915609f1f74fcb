/**
 * The page side of the modelled source host: memory, whoever writes it, and whoever watches the writes.
 *
 * Streams are the structure. The writers emit batches into `pages$`; memory's zero map, the truth, KVM's log, each
 * device's log and each IOMMU are its subscribers and learn of writes in no other way, so unsubscribing one of them loses
 * pages, and the truth names them. Time passes only in `advanceTo`; nothing here reads a clock.
 *
 * The same spec and the same calls give the same writes: every writer draws from its own stream of the seed.
 */
import { type Observable, Subject, type Subscription } from 'rxjs';
import type { Errno, PageRange } from '../../machines/words.ts';
import type { PageWrites, WriteSource } from '../streams/page-writes.ts';
import type { DirtyFound, DirtyReport } from './dirty-report.ts';
import { DeviceDma, type DeviceDmaSpec } from './dma/device-dma.ts';
import { DmaLog } from './dma-log.ts';
import type { StartRequest } from './dma-log-checks.ts';
import { Iommu, type IommuQuery, type IommuSpec } from './iommu.ts';
import { createKvmLog } from './kvm/create-log.ts';
import type { KvmDirtyLog, KvmSpec } from './kvm/dirty-log.ts';
import { GuestMemory, type MemorySpec } from './memory.ts';
import type { PageBitmap } from './page-bitmap.ts';
import { reportEverythingMapped } from './perpetual.ts';
import { createRandom } from './random.ts';
import type { Stalls } from './stalls.ts';
import { Truth, type TruthMode } from './truth.ts';
import { Vcpus } from './vcpus.ts';
import type { WorkloadSpec } from './workloads/workload.ts';

export interface ContainerSpec {
  readonly id: string;
  readonly iommu: IommuSpec;
  readonly devices: readonly DeviceDmaSpec[];
}

/** Plain JSON. Ids are unique among containers and among all devices. */
export interface WorldSpec extends MemorySpec {
  readonly seed: number;
  readonly truth: TruthMode;
  readonly vcpus: { readonly workloads: readonly WorkloadSpec[] };
  /** KVM's dirty log and what it costs the guest. Default: the bitmap, at no cost. */
  readonly kvm?: KvmSpec;
  readonly containers: readonly ContainerSpec[];
}

interface Device {
  readonly dma: DeviceDma;
  readonly log: DmaLog;
}

/** Throws a RangeError for a spec that contradicts itself: ids twice, a set outside RAM, a rate that is none. */
export function createWorld(spec: WorldSpec): World {
  return new World(spec);
}

export class World {
  readonly memory: GuestMemory;
  readonly truth: Truth;
  readonly vcpus: Vcpus;
  readonly kvmLog: KvmDirtyLog;
  /** What KVM's log has cost the vCPUs. */
  readonly stalls: Stalls;
  /**
   * Who watches: `memory`, `truth`, `kvm-log`, `dma-log/<device>`, `iommu/<container>`. Unsubscribing one makes it blind
   * for good; that is what it is for.
   */
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  readonly pages$: Observable<PageWrites>;
  readonly #writes = new Subject<PageWrites>();
  readonly #emit = (batch: PageWrites) => this.#writes.next(batch);
  readonly #devices = new Map<string, Device>();
  readonly #iommus = new Map<string, Iommu>();
  #nowNs = 0;
  #failure: unknown;

  constructor(spec: WorldSpec) {
    this.pages$ = this.#writes.asObservable();
    this.memory = new GuestMemory(spec);
    this.truth = new Truth(this.memory, spec.truth);
    const { log, stalls } = createKvmLog(this.memory, spec.kvm);
    this.kvmLog = log;
    this.stalls = stalls;
    for (const workload of spec.vcpus.workloads) {
      if (workload.kind !== 'idle') this.memory.requireRam(workload.set, `vcpu:${workload.vcpus}`);
    }
    this.vcpus = new Vcpus(spec.vcpus.workloads, spec.pageBytes, spec.seed, stalls);
    for (const container of spec.containers) this.#addContainer(container, spec.seed);
    const receivers: [string, { receive(batch: PageWrites): void }][] = [
      ['memory', this.memory],
      ['truth', this.truth],
      ['kvm-log', this.kvmLog],
      ...[...this.#devices].map(([id, { log }]) => [`dma-log/${id}`, log] as [string, DmaLog]),
      ...[...this.#iommus].map(([id, iommu]) => [`iommu/${id}`, iommu] as [string, Iommu]),
    ];
    this.subscriptions = new Map(receivers.map(([name, receiver]) => [name, this.#subscribe(receiver)]));
  }

  /** ns on the run's clock up to which everything that was written has been emitted. */
  get nowNs(): number {
    return this.#nowNs;
  }

  /** Lets every running writer emit its batches for (nowNs, ns]. Time that runs backwards throws a RangeError. */
  advanceTo(ns: number): void {
    if (!Number.isSafeInteger(ns) || ns < this.#nowNs)
      throw new RangeError(`cannot go from ${this.#nowNs} to ${ns} ns`);
    const { reaper } = this.kvmLog;
    while (this.#nowNs < ns) {
      if (reaper === undefined) {
        this.#step(ns);
        continue;
      }
      const dueNs = (Math.floor(this.#nowNs / reaper.everyNs) + 1) * reaper.everyNs;
      this.#step(Math.min(dueNs, ns));
      if (this.#nowNs === dueNs) reaper.reap();
    }
  }

  /** One write at this instant by somebody outside the spec: emulation in the vmm, vhost. Throws when it is not RAM. */
  write(source: WriteSource, ranges: readonly PageRange[]): void {
    this.memory.requireRam(ranges, source);
    const pairs = Uint32Array.from(ranges.flatMap(({ firstPage, pages }) => [firstPage, pages]));
    this.#emit({ fromNs: this.#nowNs, toNs: this.#nowNs, source, form: 'extents', pairs });
    this.#throwFailure();
  }

  /** One device's DMA: its run state and, for a mediated device, its map. */
  dma(deviceId: string): DeviceDma {
    return this.#device(deviceId).dma;
  }

  /** One device's DMA log, for whoever needs more than the three calls below. */
  dmaLog(deviceId: string): DmaLog {
    return this.#device(deviceId).log;
  }

  /** DMA_LOGGING_START with the guest's page size over ranges of pages. */
  startDmaLog(deviceId: string, ranges: readonly PageRange[]): Errno | undefined {
    const { pageBytes } = this.memory;
    const size = BigInt(pageBytes);
    const request: StartRequest = {
      pageBytes,
      ranges: ranges.map((range) => ({
        iova: BigInt(range.firstPage) * size,
        lengthBytes: BigInt(range.pages) * size,
      })),
    };
    return this.#device(deviceId).log.start(request);
  }

  stopDmaLog(deviceId: string): void {
    this.#device(deviceId).log.stop();
  }

  /** DMA_LOGGING_REPORT over `range`, or over everything that was started. */
  reportDmaLog(deviceId: string, into: PageBitmap, range?: PageRange): DirtyReport {
    return this.#device(deviceId).log.report(into, range);
  }

  setIommuTracking(containerId: string, on: boolean): Errno | undefined {
    return this.#iommu(containerId).setDirtyTracking(on);
  }

  reportIommu(containerId: string, into: PageBitmap, query?: IommuQuery): DirtyReport {
    return this.#iommu(containerId).report(into, query);
  }

  /** Everything that the container maps, which is all of RAM. */
  reportPerpetual(containerId: string, into: PageBitmap): DirtyFound {
    this.#iommu(containerId);
    return reportEverythingMapped(this.memory, into);
  }

  /** The migration bitmap has just been synced: workloads described by a curve begin it again. */
  synced(): void {
    this.vcpus.synced();
  }

  #step(toNs: number): void {
    this.vcpus.advance(this.#nowNs, toNs, this.#emit);
    for (const { dma } of this.#devices.values()) dma.advance(this.#nowNs, toNs, this.#emit);
    this.#nowNs = toNs;
    this.#throwFailure();
  }

  #addContainer({ id, iommu, devices }: ContainerSpec, seed: number): void {
    if (this.#iommus.has(id)) throw new RangeError(`two containers ${id}`);
    const ids = devices.map((device) => device.id);
    this.#iommus.set(id, new Iommu(iommu, this.memory, ids));
    for (const device of devices) {
      if (this.#devices.has(device.id)) throw new RangeError(`two devices ${device.id}`);
      const dma = new DeviceDma(device, this.memory, createRandom(seed, `dma:${device.id}`));
      this.#devices.set(device.id, { dma, log: new DmaLog(device.id, this.memory, device.logging, dma.mapped) });
    }
  }

  /** RxJS reports a subscriber's exception later and elsewhere; ours are programmer errors and belong to the caller. */
  #subscribe(receiver: { receive(batch: PageWrites): void }): Subscription {
    return this.#writes.subscribe((batch) => {
      try {
        receiver.receive(batch);
      } catch (error) {
        this.#failure ??= error;
      }
    });
  }

  #throwFailure(): void {
    if (this.#failure === undefined) return;
    const failure = this.#failure;
    this.#failure = undefined;
    throw failure;
  }

  #device(id: string): Device {
    const device = this.#devices.get(id);
    if (device === undefined) throw new RangeError(`no device ${id}`);
    return device;
  }

  #iommu(containerId: string): Iommu {
    const iommu = this.#iommus.get(containerId);
    if (iommu === undefined) throw new RangeError(`no container ${containerId}`);
    return iommu;
  }
}
