/**
 * A device without DMA tracking and the guest's driver of it, which knows every page that the device can reach and helps to
 * migrate it: told to, it halts the DMA and writes a page's worth of nothing to each of those pages, so that the vCPUs' log
 * knows them (kvm list, December 2015, on live migration of SR-IOV NICs). The order is everything. A dummy write while the
 * device still runs races with it, and so does one into space that was reserved in a buffer for it; a buffer handed out
 * after the event must be written as well as those that were there; stopped vCPUs write nothing.
 *
 * `dirty` is the right composition: it refuses while bus mastering is on and covers everything. Its halves (`notify`,
 * `halt`, `beginWriting`) are there for tests that run them in another order. The device is a NIC: received data goes round
 * a ring of streaming buffers, and each buffer's descriptor is written back into coherent memory.
 */
import type { Errno, PageRange } from '../../../machines/words.ts';
import type { PageWrites, WriteSource } from '../../streams/page-writes.ts';
import type { GuestMemory } from '../memory.ts';
import { PageSet } from '../page-set.ts';
import { WriteHead } from '../workloads/write-head.ts';
import type { Emit, Writer } from '../workloads/writer.ts';

/** A receive descriptor as it is written back: union ixgbe_adv_rx_desc, drivers/net/ethernet/intel/ixgbevf/defines.h. */
const DESCRIPTOR_BYTES = 16;

export interface GuestDriverSpec {
  /**
   * `suspend`: as for system sleep, the driver takes its device down and sets it up anew, on the destination too; its ring
   * begins from the start. `quiesce`: it only stops handing out buffers, and goes on where it was.
   */
  readonly mode: 'suspend' | 'quiesce';
  /** ns until the guest has heard of the migration, its DMA has halted, it goes on. */
  readonly notifyNs: number;
  readonly haltNs: number;
  readonly resumeNs: number;
  /** ns that the dummy write of one page takes on its vCPU. */
  readonly writePageNs: number;
  /** Which vCPU the driver runs on. Default 0. */
  readonly vcpu?: number;
  /**
   * `dirtyAtUnmap`: the guest's DMA API writes to each streaming buffer when it is unmapped or synced for the CPU, so that
   * the log knows completed ones at once. Buffers in flight and coherent memory it does not see. Default `plain`: neither.
   */
  readonly dmaApi?: 'plain' | 'dirtyAtUnmap';
}

export interface CooperativeDmaSpec {
  readonly kind: 'guest-cooperative';
  /** Streaming buffers behind its receive ring. */
  readonly buffers: readonly PageRange[];
  /** Further buffers that the driver hands out once it has been notified. Default none. */
  readonly lateBuffers?: readonly PageRange[];
  /** Descriptor rings and whatever else stays mapped for both sides. Default none. */
  readonly coherent?: readonly PageRange[];
  readonly bytesPerSecond: number;
  readonly driver: GuestDriverSpec;
}

export class GuestDriver implements Writer {
  readonly spec: GuestDriverSpec;
  readonly #dma: CooperativeDmaSpec;
  readonly #source: WriteSource;
  readonly #vcpu: WriteSource;
  readonly #pageBytes: number;
  readonly #descriptors: WriteHead | undefined;
  #ring: PageSet;
  #head: WriteHead;
  #busMastering = true;
  /** Buffers that were completed and not unmapped yet: index in the ring, number. */
  #completed = { first: 0, count: 0 };
  #dummy = new PageSet([]);
  #written = 0;
  /** ns on the vCPU since the dummy writes began, times 100: whole at any throttle. */
  #spentNsPercent = 0;

  /** Throws a RangeError for pages that are not RAM or are named twice, and for a time that is none. */
  constructor(dma: CooperativeDmaSpec, source: WriteSource, memory: GuestMemory) {
    const { buffers, lateBuffers = [], coherent = [], bytesPerSecond, driver } = dma;
    const all = new PageSet([...buffers, ...lateBuffers, ...coherent]);
    memory.requireRam(all.ranges, source);
    for (const ns of [driver.notifyNs, driver.haltNs, driver.resumeNs, driver.writePageNs]) {
      if (!(Number.isFinite(ns) && ns >= 0)) throw new RangeError(`${source}: a time is 0 ns or more, not ${ns}`);
    }
    this.spec = driver;
    this.#dma = dma;
    this.#source = source;
    this.#vcpu = `vcpu:${driver.vcpu ?? 0}`;
    this.#pageBytes = memory.pageBytes;
    this.#ring = new PageSet(buffers);
    this.#head = this.#headAt(0);
    const rate = { bytesPerSecond: (bytesPerSecond / memory.pageBytes) * DESCRIPTOR_BYTES };
    const set = new PageSet(coherent);
    this.#descriptors = set.pages === 0 ? undefined : new WriteHead(source, { set, rate, pageBytes: memory.pageBytes });
  }

  /** The PCI command register's bus master bit, as it is read back. */
  get busMastering(): boolean {
    return this.#busMastering;
  }

  /** Every page that the device can reach now. */
  get dmaRanges(): readonly PageRange[] {
    return [...this.#ring.ranges, ...(this.#dma.coherent ?? [])];
  }

  get dmaPages(): number {
    return new PageSet(this.dmaRanges).pages;
  }

  /** Dummy writes that are still to come, and have come. */
  get pagesLeft(): number {
    return this.#dummy.pages - this.#written;
  }

  get pagesWritten(): number {
    return this.#written;
  }

  /** The guest has heard: whatever it does about it, buffers go on being handed out until the halt. */
  notify(): void {
    const { lateBuffers = [] } = this.#dma;
    if (lateBuffers.length === 0 || this.#ring.ranges.length > this.#dma.buffers.length) return;
    const at = Math.floor(this.#head.position);
    this.#ring = new PageSet([...this.#dma.buffers, ...lateBuffers]);
    this.#head = this.#headAt(at);
  }

  /** Bus mastering off. A suspended driver forgets where its ring stood. */
  halt(): void {
    this.#busMastering = false;
    if (this.spec.mode === 'suspend') this.#head = this.#headAt(0);
  }

  /** EBUSY while the device may write: a dummy write now would race with it. Else begins to write every page of it. */
  dirty(): Errno | undefined {
    if (this.#busMastering) return 'EBUSY';
    this.beginWriting(this.dmaRanges);
    return undefined;
  }

  /** The dummy writes alone, to these pages, whatever the device does meanwhile. They take the vCPU's time. */
  beginWriting(ranges: readonly PageRange[]): void {
    this.#dummy = new PageSet(ranges);
    this.#written = 0;
    this.#spentNsPercent = 0;
  }

  resume(): void {
    this.#busMastering = true;
  }

  /** ns that the rest of the dummy writes takes on a vCPU of this speed; at least 1 while a page is left. */
  nsLeft(speedPercent: number): number {
    if (this.pagesLeft === 0) return 0;
    const nsPercent = this.#dummy.pages * this.spec.writePageNs * 100 - this.#spentNsPercent;
    return Math.max(1, Math.ceil(nsPercent / speedPercent));
  }

  /** The device's own writes. */
  advance(fromNs: number, toNs: number, speedPercent: number, emit: Emit): void {
    if (!this.#busMastering) return;
    const first = Math.floor(this.#head.position);
    this.#head.advance(fromNs, toNs, speedPercent, (batch) => {
      emit(batch);
      this.#complete(first, batch);
    });
    this.#descriptors?.advance(fromNs, toNs, speedPercent, emit);
  }

  /** The driver's work on its vCPU over that span; whoever calls this has seen that the vCPUs run. */
  work(fromNs: number, toNs: number, speedPercent: number, emit: Emit): void {
    this.#unmap(fromNs, toNs, emit);
    if (this.pagesLeft === 0) return;
    this.#spentNsPercent += (toNs - fromNs) * speedPercent;
    const { writePageNs } = this.spec;
    const reached = writePageNs === 0 ? this.#dummy.pages : Math.floor(this.#spentNsPercent / (100 * writePageNs));
    const count = Math.min(reached, this.#dummy.pages) - this.#written;
    if (count <= 0) return;
    this.#emit(this.#dummy, this.#written, count, fromNs, toNs, emit);
    this.#written += count;
  }

  /** The page that is being filled is not completed; all before it are. */
  #complete(first: number, batch: PageWrites): void {
    if (this.spec.dmaApi !== 'dirtyAtUnmap' || batch.form !== 'extents') return;
    let touched = 0;
    for (let i = 1; i < batch.pairs.length; i += 2) touched += batch.pairs[i]!;
    const inFlight = Number.isInteger(this.#head.position) ? 0 : 1;
    const begun = this.#completed.count === 0 ? first : this.#completed.first;
    const count = Math.min(this.#ring.pages, this.#completed.count + touched - inFlight);
    this.#completed = { first: begun, count };
  }

  #unmap(fromNs: number, toNs: number, emit: Emit): void {
    const { first, count } = this.#completed;
    if (count === 0) return;
    const beforeWrap = Math.min(count, this.#ring.pages - first);
    this.#emit(this.#ring, first, beforeWrap, fromNs, toNs, emit);
    if (count > beforeWrap) this.#emit(this.#ring, 0, count - beforeWrap, fromNs, toNs, emit);
    this.#completed = { first: 0, count: 0 };
  }

  #emit(set: PageSet, first: number, count: number, fromNs: number, toNs: number, emit: Emit): void {
    const pairs = new Uint32Array(2 * set.ranges.length);
    const end = set.extentsInto(pairs, 0, first, count);
    emit({ fromNs, toNs, source: this.#vcpu, form: 'extents', pairs: pairs.subarray(0, end) });
  }

  #headAt(phasePages: number): WriteHead {
    const rate = { bytesPerSecond: this.#dma.bytesPerSecond };
    return new WriteHead(this.#source, { set: this.#ring, rate, pageBytes: this.#pageBytes, phasePages });
  }
}
