/**
 * The page side of the modelled source host: memory, whoever writes it, and whoever watches the writes.
 *
 * Streams are the structure. The writers emit batches into `pages$`; memory's zero map, the truth, KVM's log, each
 * device's log and each IOMMU are its subscribers and learn of writes in no other way, so unsubscribing one of them loses
 * pages, and the truth names them. Time passes only in `advanceTo`; nothing here reads a clock.
 *
 * The same spec and the same calls give the same writes: every writer draws from its own stream of the seed.
 * The file is long because it is one table of contents: every part of the host, and the few calls that reach each.
 */
import { type Observable, Subject, type Subscription } from 'rxjs';
import type { Errno, PageRange, ThroughputPercent } from '../../machines/words.ts';
import type { PageWrites, WriteSource } from '../streams/page-writes.ts';
import { type ByteSpan, pagesTouched } from './byte-span.ts';
import type { DirtyFound, DirtyReport } from './dirty-report.ts';
import { chargesUpdates, DeviceDma, type DeviceDmaSpec } from './dma/device-dma.ts';
import { DmaLog } from './dma-log.ts';
import type { StartRequest } from './dma-log-checks.ts';
import { TrackerBudget } from './dma-log-limits.ts';
import { type HostWriterSpec, HostWriters } from './host-writers.ts';
import { DmaPath, settle, throughputOf } from './iommu/dma-path.ts';
import type { IommuSpec } from './iommu/iommu-spec.ts';
import { Iommu, type IommuQuery } from './iommu/iommufd.ts';
import type { PageArena } from './kernels/page-arena.ts';
import { createKvmLog } from './kvm/create-log.ts';
import type { KvmDirtyLog, KvmSpec } from './kvm/dirty-log.ts';
import { deviceTracker, iommuTracker } from './mappings/trackers.ts';
import { Viommu, type ViommuSpec } from './mappings/viommu.ts';
import { GuestMemory, type MemorySpec } from './memory.ts';
import type { PageBitmap } from './page-bitmap.ts';
import { reportEverythingMapped } from './perpetual.ts';
import { createRandom } from './random.ts';
import type { StallCause, Stalls } from './stalls.ts';
import { Truth, type TruthMode } from './truth.ts';
import { createType1 } from './type1/container.ts';
import type { Type1, Type1Spec } from './type1.ts';
import { Vcpus } from './vcpus.ts';
import { rangesOf, requireRamOf, type WorkloadSpec } from './workloads/workload.ts';

export interface ContainerSpec {
  readonly id: string;
  readonly iommu: IommuSpec;
  /** The container's dirty pages are type1's, and `iommu` tracks nothing. Default: they are not. */
  readonly type1?: Type1Spec;
  /** The guest maps and unmaps for the devices by itself. Default: all of RAM is mapped, address for address. */
  readonly viommu?: ViommuSpec;
  readonly devices: readonly DeviceDmaSpec[];
  /** Ids of devices that are described and not plugged at the start. Default: none. */
  readonly absent?: readonly string[];
}

/** Plain JSON. Ids are unique among containers and among all devices. */
export interface WorldSpec extends MemorySpec {
  readonly seed: number;
  readonly truth: TruthMode;
  readonly vcpus: {
    readonly workloads: readonly WorkloadSpec[];
    /** Of all of them, for sums over vCPUs; those with a workload unless given. */
    readonly count?: number;
    /** A throttle sleeps for its share of each such window; QEMU's timeslice unless given. */
    readonly throttleWindowNs?: number;
    /** Their vmm can hold a quota of dirtied memory for each, with a dirty ring. Default: it cannot. */
    readonly dirtyLimit?: true;
  };
  /** Whoever writes guest memory on the host itself. Default: nobody. */
  readonly hostWriters?: readonly HostWriterSpec[];
  /** KVM's dirty log and what it costs the guest. Default: the bitmap, at no cost. */
  readonly kvm?: KvmSpec;
  readonly containers: readonly ContainerSpec[];
}

interface Device {
  readonly containerId: string;
  /** In front of it, if the guest has an IOMMU. */
  readonly viommu: Viommu | undefined;
  readonly dma: DeviceDma;
  /** Its way to memory. */
  readonly path: DmaPath;
  readonly log: DmaLog;
}

/** Throws a RangeError for a spec that contradicts itself: ids twice, a set outside RAM, a rate that is none. */
export function createWorld(spec: WorldSpec, arena?: PageArena): World {
  return new World(spec, arena);
}

export class World {
  readonly memory: GuestMemory;
  readonly truth: Truth;
  readonly vcpus: Vcpus;
  /** What KVM's log has cost the vCPUs. */
  readonly stalls: Stalls;
  /**
   * Who watches: `memory`, `truth`, `kvm-log`, `dma-log/<device>`, `iommu/<container>`, `type1/<container>`. Unsubscribing one makes it blind
   * for good; that is what it is for.
   */
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  readonly pages$: Observable<PageWrites>;
  /** Devices whose DMA was aborted by their IOMMU: they are broken until they are reset. */
  readonly dmaAborted$ = new Subject<string>();
  readonly #writes = new Subject<PageWrites>();
  readonly #emit = (batch: PageWrites) => this.#writes.next(batch);
  readonly #devices = new Map<string, Device>();
  readonly #iommus = new Map<string, Iommu>();
  readonly #type1s = new Map<string, Type1>();
  readonly #viommus = new Map<string, Viommu>();
  readonly #budgets = new Map<string, TrackerBudget>();
  readonly #hostWriters: HostWriters;
  readonly #kvmLog: KvmDirtyLog;
  /** Nobody but the truth and KVM's log looks at what vCPUs write, and neither at when: what is written may be told late. */
  readonly #mayOwe: boolean;
  /** All that is ever written, by first page; undefined where others than vCPUs write. */
  readonly #writable: readonly PageRange[] | undefined;
  #settling = false;
  /** When the quota's next period is over; undefined while there is no quota. */
  #limitControlNs: number | undefined;
  #nowNs = 0;
  #failure: unknown;

  constructor(spec: WorldSpec, arena?: PageArena) {
    this.pages$ = this.#writes.asObservable();
    this.memory = new GuestMemory(spec, arena);
    this.truth = new Truth(this.memory, spec.truth);
    const { log, stalls } = createKvmLog(this.memory, spec.kvm, chargedBesides(spec));
    this.#kvmLog = log;
    this.stalls = stalls;
    this.#mayOwe = !stalls.charging && isPlainBitmap(spec.kvm);
    this.truth.settle = (fromPage, toPage) => this.#settle(fromPage, toPage);
    for (const workload of spec.vcpus.workloads) requireRamOf(workload, this.memory, `vcpu:${workload.vcpus}`);
    const { workloads, throttleWindowNs } = spec.vcpus;
    this.vcpus = new Vcpus(workloads, spec.pageBytes, spec.seed, stalls, throttleWindowNs, this.memory.arena);
    this.#writable = this.vcpus.tellLate ? writableIn(spec) : undefined;
    this.#hostWriters = new HostWriters(spec.hostWriters ?? [], this.memory, spec.seed);
    for (const container of spec.containers) this.#addContainer(container, spec.seed);
    for (const { dma } of this.#devices.values()) for (const { to } of dma.peers) this.#device(to);
    const receivers: [string, { receive(batch: PageWrites): void }][] = [
      ['memory', this.memory],
      ['truth', this.truth],
      ['kvm-log', this.#kvmLog],
    ];
    this.subscriptions = new Map([
      ...receivers.map(([name, receiver]) => [name, this.#subscribe(receiver)] as const),
      // Behind a guest's IOMMU a tracker sees I/O pages, and not what page of memory they are.
      ...[...this.#devices].map(
        ([id, { log, viommu }]) => [`dma-log/${id}`, this.#subscribe(log, viommu?.io$)] as const,
      ),
      ...[...this.#type1s].map(([id, type1]) => [`type1/${id}`, this.#subscribe(type1)] as const),
      ...[...this.#iommus].map(
        ([id, iommu]) => [`iommu/${id}`, this.#subscribe(iommu, this.#viommus.get(id)?.io$)] as const,
      ),
    ]);
  }

  /** What vCPUs have written so far is in it, if it is on. */
  get kvmLog(): KvmDirtyLog {
    this.tellOwed();
    return this.#kvmLog;
  }

  /** Emits what vCPUs have written and not told yet: of whoever counts it on `pages$` and looks at no page. */
  tellOwed(): void {
    this.#settle(0, Number.POSITIVE_INFINITY);
  }

  /** ns on the run's clock up to which everything that was written has been emitted, or will be before a page is looked at. */
  get nowNs(): number {
    return this.#nowNs;
  }

  /** Lets every running writer emit its batches for (nowNs, ns]. Time that runs backwards throws a RangeError. */
  advanceTo(ns: number): void {
    if (!Number.isSafeInteger(ns) || ns < this.#nowNs)
      throw new RangeError(`cannot go from ${this.#nowNs} to ${ns} ns`);
    const { reaper } = this.#kvmLog;
    while (this.#nowNs < ns) {
      if (reaper === undefined) {
        this.#step(ns);
        continue;
      }
      const dueNs = (Math.floor(this.#nowNs / reaper.everyNs) + 1) * reaper.everyNs;
      const controlNs = this.#limitControlNs ?? Number.POSITIVE_INFINITY;
      this.#step(Math.min(dueNs, controlNs, ns));
      if (this.#nowNs === dueNs) reaper.reap();
      if (this.#nowNs === controlNs) this.#controlLimit();
    }
  }

  /**
   * A quota of dirtied memory for each vCPU, measured and adjusted every so many ms; 0 bytes ends it. ENOTTY where no dirty
   * ring is that could hold it.
   */
  limitDirtyRate(bytesPerSecond: number, periodMs: number): Errno | undefined {
    const { limit } = this.#kvmLog;
    if (limit === undefined || !this.stalls.causes.includes('dirtyLimit')) return 'ENOTTY';
    limit.set(bytesPerSecond, periodMs);
    this.#limitControlNs = limit.on ? this.#nowNs + limit.periodNs : undefined;
    return undefined;
  }

  #controlLimit(): void {
    const { limit } = this.#kvmLog;
    limit?.control();
    this.#limitControlNs = this.#nowNs + (limit?.periodNs ?? 0);
  }

  /**
   * The guest runs on another host over this span, its vCPUs standing as `standsNs` says: what it and that host write goes to
   * `emit` and to nobody who watches this one.
   */
  guestElsewhere(
    fromNs: number,
    toNs: number,
    standsNs: (vcpu: number) => number,
    emit: (batch: PageWrites) => void,
  ): void {
    this.vcpus.advanceStanding(fromNs, toNs, standsNs, emit);
    this.#hostWriters.advance(fromNs, toNs, emit);
  }

  /**
   * From this page on nobody of the spec writes, up to, without, the answer; the page itself where that is not known, or where
   * what is written elsewhere depends on how often time advances.
   */
  quietUntil(page: number): number {
    if (this.#writable === undefined || !this.#owesNow) return page;
    const next = this.#writable.find((range) => range.firstPage + range.pages > page);
    return next === undefined ? this.memory.pages : Math.max(next.firstPage, page);
  }

  /**
   * Whoever writes tells it when somebody looks, and KVM's log hears of it: what a sync finds is then the same in distribution
   * whenever pages were sent since the last one, because all that is drawn of a page is whether it was written in a span, and
   * spans add up (owed-writes.ts). Who writes by time or by address is none of these, and is told turn by turn.
   */
  get writesLate(): boolean {
    return this.#writable !== undefined && this.#owesNow && this.subscriptions.get('kvm-log')?.closed === false;
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
    const { log, viommu } = this.#device(deviceId);
    return viommu === undefined ? log.report(into, range) : viommu.report(deviceTracker(log), into);
  }

  setIommuTracking(containerId: string, on: boolean): Errno | undefined {
    const type1 = this.#type1s.get(containerId);
    if (type1 !== undefined) {
      if (on) return type1.start();
      type1.stop();
      return undefined;
    }
    return this.#iommu(containerId).setDirtyTracking(on, this.#nowNs);
  }

  /** Whether the container's IOMMU, or type1 for it, was told to track and not told to stop. */
  iommuTracks(containerId: string): boolean {
    return this.#type1s.get(containerId)?.tracking ?? this.#iommu(containerId).tracking;
  }

  /** ns that turning the container's IOMMU tracking on takes, if it were done now. */
  iommuStartNs(containerId: string): number {
    return this.#type1s.has(containerId) ? 0 : this.#iommu(containerId).startNs;
  }

  /** A container's IOMMU, for whoever needs more than these calls. */
  iommu(containerId: string): Iommu {
    return this.#iommu(containerId);
  }

  /** How fast devices go that may have to wait for their IOMMU; undefined where none has. */
  deviceThroughput(): Readonly<Record<string, ThroughputPercent>> | undefined {
    return throughputOf([...this.#devices.values()].map(({ path }) => path));
  }

  /** The device has been reset: what broke it is forgotten. */
  deviceReset(deviceId: string): void {
    this.#device(deviceId).path.reset();
  }

  /** With type1 every mapping is asked for, whatever the query. */
  reportIommu(containerId: string, into: PageBitmap, query?: IommuQuery): DirtyReport {
    const type1 = this.#type1s.get(containerId);
    if (type1 !== undefined) return type1.report(into);
    const viommu = this.#viommus.get(containerId);
    const iommu = this.#iommu(containerId);
    if (viommu === undefined) return iommu.report(into, query);
    return viommu.report(iommuTracker(iommu, viommu.space.pages), into);
  }

  /** Everything that the container maps, which is all of RAM unless the guest maps for itself. */
  reportPerpetual(containerId: string, into: PageBitmap): DirtyFound {
    this.#iommu(containerId);
    return this.#viommus.get(containerId)?.reportPerpetual(into) ?? reportEverythingMapped(this.memory, into);
  }

  /** A container's type1 backend, for whoever needs more than the calls above; undefined where it has none. */
  type1(containerId: string): Type1 | undefined {
    return this.#type1s.get(containerId);
  }

  /**
   * vfio_dma_rw: the driver of a mediated device writes some bytes for the guest, at this instant. EINVAL where they are not
   * all mapped. No log of KVM or of the vmm hears of it.
   */
  writeForGuest(deviceId: string, span: ByteSpan): Errno | undefined {
    const range = pagesTouched(span, this.memory.pageBytes);
    const { containerId } = this.#device(deviceId);
    if (this.#type1s.get(containerId)?.covers(range) === false) return 'EINVAL';
    this.write(`mdev:${deviceId}`, range.pages === 0 ? [] : [range]);
    return undefined;
  }

  /** The guest's IOMMU in front of a container's devices; undefined where all of RAM is mapped, address for address. */
  viommu(containerId: string): Viommu | undefined {
    return this.#viommus.get(containerId);
  }

  /** The migration bitmap has just been synced: workloads described by a curve begin it again. */
  synced(): void {
    this.vcpus.synced();
    this.#hostWriters.synced();
  }

  /** Before pages are looked at. What a subscriber asks for in the middle of it, it gets with the next batch. */
  #settle(fromPage: number, toPage: number): void {
    if (!this.#mayOwe || this.#settling) return;
    this.#settling = true;
    try {
      this.vcpus.settle(fromPage, toPage, this.#emit);
    } finally {
      this.#settling = false;
    }
  }

  /** A zero page that is written is sent at another price: who wrote what must be known while there are any. */
  get #owesNow(): boolean {
    return this.#mayOwe && this.memory.nonZeroPages === this.memory.ramPages;
  }

  #step(toNs: number): void {
    this.vcpus.advance(this.#nowNs, toNs, this.#emit, this.#owesNow);
    // Emulation and vhost are stopped with the vCPUs: QEMU's vm_stop tells every device before it returns.
    if (this.vcpus.running) this.#hostWriters.advance(this.#nowNs, toNs, this.#emit);
    for (const viommu of this.#viommus.values()) this.#advanceBehind(viommu, toNs);
    this.#advanceGuestDrivers(toNs);
    for (const { dma, path, viommu } of this.#devices.values()) {
      if (viommu === undefined) path.advance(this.#nowNs, toNs, this.#emit);
      if (this.vcpus.running) dma.driver?.work(this.#nowNs, toNs, 100 - this.vcpus.throttlePercent, this.#emit);
      dma.advancePeers(toNs - this.#nowNs, (id) => this.dma(id).state === 'stopped');
    }
    this.#nowNs = toNs;
    this.#throwFailure();
  }

  /** The guest hands pages to mediated devices and takes them back; what noting that costs, its vCPUs share. */
  #advanceGuestDrivers(toNs: number): void {
    const speedPercent = this.vcpus.running ? 100 - this.vcpus.throttlePercent : 0;
    for (const { dma } of this.#devices.values()) {
      const ns = dma.guestAdvances(this.#nowNs, toNs, speedPercent);
      if (ns > 0) this.stalls.charge(this.vcpus.busy, 'tableUpdates', ns);
    }
  }

  /** Its devices write, and the guest maps and unmaps for them while it runs. */
  #advanceBehind(viommu: Viommu, toNs: number): void {
    const guestPercent = this.vcpus.running ? 100 - this.vcpus.throttlePercent : 0;
    const devices = [...this.#devices.values()].filter((device) => device.viommu === viommu);
    viommu.advance(
      this.#nowNs,
      toNs,
      guestPercent,
      (fromNs, untilNs, emit) => {
        for (const { path } of devices) path.advance(fromNs, untilNs, emit);
      },
      this.#emit,
    );
  }

  #addContainer({ id, iommu, type1, devices, absent = [], viommu: guestIommu }: ContainerSpec, seed: number): void {
    if (this.#iommus.has(id)) throw new RangeError(`two containers ${id}`);
    const ids = devices.map((device) => device.id);
    const viommu = guestIommu && new Viommu(guestIommu, this.memory, createRandom(seed, `viommu:${id}`));
    const shared = new Iommu(viommu?.leavesOf(iommu) ?? iommu, viommu?.space ?? this.memory, ids);
    this.#iommus.set(id, shared);
    for (const device of devices) {
      if (this.#devices.has(device.id)) throw new RangeError(`two devices ${device.id}`);
      const dma = this.#dmaOf(device, viommu, seed);
      const path = new DmaPath(dma, shared, () => this.dmaAborted$.next(device.id));
      const budget = this.#budgetOf(device);
      const log = new DmaLog(device.id, viommu?.space ?? this.memory, device.logging, dma.mapped, budget);
      this.#devices.set(device.id, { containerId: id, dma, path, log, viommu });
    }
    // What a guest maps for its devices before a run, nobody knows.
    const there = devices.filter((device) => !absent.includes(device.id));
    const copies = () => there.map((device) => this.#dmaOf(device, viommu, seed));
    const paths = there.map((device) => this.#device(device.id).path);
    if (viommu === undefined) settle(shared, paths, copies);
    if (type1 !== undefined) {
      if (viommu !== undefined) throw new RangeError(`container ${id}: type1 and a vIOMMU together are not modelled`);
      const dmas = ids.map((device) => this.dma(device));
      this.#type1s.set(id, createType1(this.memory, type1, dmas));
    }
    if (viommu === undefined) return;
    this.#viommus.set(id, viommu);
    const behind = ids.map((device) => this.#device(device));
    if (behind.some(({ dma }) => dma.mapped !== undefined || dma.driver !== undefined)) {
      throw new RangeError(`container ${id}: a mediated or cooperating device has no vIOMMU in front of it`);
    }
    const trackers = [...behind.map(({ log }) => deviceTracker(log)), iommuTracker(shared, viommu.space.pages)];
    viommu.attach(trackers, !iommu.dirtyTracking && !behind.every(({ log }) => log.capable));
  }

  /** The same device gives the same writes, whoever makes it. */
  #dmaOf(device: DeviceDmaSpec, viommu: Viommu | undefined, seed: number): DeviceDma {
    return new DeviceDma(device, viommu?.window ?? this.memory, createRandom(seed, `dma:${device.id}`));
  }

  /** The limits of the physical function that a device is part of; undefined: its limits are its own. */
  #budgetOf({ id, logging }: DeviceDmaSpec): TrackerBudget | undefined {
    const parent = logging?.physicalFunction;
    if (logging === undefined || parent === undefined) return undefined;
    const budget = this.#budgets.get(parent) ?? new TrackerBudget(logging);
    if (!budget.hasLimits(logging)) throw new RangeError(`${id}: ${parent} has other limits for another device`);
    this.#budgets.set(parent, budget);
    return budget;
  }

  /** RxJS reports a subscriber's exception later and elsewhere; ours are programmer errors and belong to the caller. */
  #subscribe(
    receiver: { receive(batch: PageWrites): void },
    stream: Observable<PageWrites> = this.#writes,
  ): Subscription {
    return stream.subscribe((batch) => {
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

/** What the vCPUs stand for besides KVM's log: writes to tables of a mediated device whose map is kept, and their quota. */
function chargedBesides({ containers, vcpus }: WorldSpec): readonly StallCause[] {
  const kept = containers.flatMap(({ devices }) => devices).some(({ dma }) => chargesUpdates(dma));
  return [...(kept ? (['tableUpdates'] as const) : []), ...(vcpus.dirtyLimit ? (['dirtyLimit'] as const) : [])];
}

/** Undefined where devices or the host itself write. */
function writableIn({ containers, hostWriters = [], vcpus }: WorldSpec): readonly PageRange[] | undefined {
  if (containers.length + hostWriters.length > 0) return undefined;
  const ranges = vcpus.workloads.map(rangesOf);
  if (ranges.includes(undefined)) return undefined;
  return ranges.flatMap((each) => each ?? []).sort((a, b) => a.firstPage - b.firstPage);
}

/** KVM's bitmap over base pages: a set that is taken as a whole, whatever the order in which it came about. */
function isPlainBitmap(kvm: KvmSpec | undefined): boolean {
  return kvm === undefined || (kvm.log === 'bitmap' && kvm.mappings === undefined);
}
