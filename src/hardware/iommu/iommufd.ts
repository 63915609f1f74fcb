/**
 * iommufd's dirty tracking for one container: a D bit in each leaf of the I/O page table, set by the hardware when any
 * device of the container writes, read and cleared by a walk that ends with one IOTLB flush
 * (drivers/iommu/iommufd/io_pagetable.c).
 *
 * Nothing splits a large leaf when tracking starts (an unanswered wish of the April 2022 series), so one 4 KiB packet into a
 * 2 MiB leaf is 512 dirty pages; the strategies that would are marked hypothetical in the spec. `report` is the query as the
 * kernel makes it. Its halves, `readAndClear` and `flush`, are there so that a test can put something between them: until the
 * flush, what is written through a cached translation is seen by nobody.
 */
import type { Errno, PageRange } from '../../../machines/words.ts';
import { forEachPage, type PageWrites, type WriteSource } from '../../streams/page-writes.ts';
import type { DirtyReport } from '../dirty-report.ts';
import { DmaPace } from '../dma/dma-pace.ts';
import type { GuestMemory } from '../memory.ts';
import type { PageBitmap } from '../page-bitmap.ts';
import { IoPageTable } from './io-page-table.ts';
import { checkAttach } from './ioctl-checks.ts';
import { IOMMU_HARDWARE, type IommuHardware } from './iommu-hardware.ts';
import { COLLAPSE_AFTER_NS, DEFAULT_IOMMU_COSTS, FREE_IOMMU, type IommuCosts, type IommuSpec } from './iommu-spec.ts';
import { Iotlb } from './iotlb.ts';
import { visitLeaves } from './leaf-visits.ts';
import { TranslationCache } from './translation-cache.ts';

export interface IommuQuery {
  /**
   * What to walk, each range a GET_DIRTY_BITMAP of its own; every mapped area when absent. A walk ends at the first hole, and
   * a leaf that a range cuts is cleared whole: query exactly what is mapped, cut at leaves.
   */
  readonly ranges?: readonly PageRange[];
  /** IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR: leaves every D bit as it is, for the read before an unmap. */
  readonly noClear?: boolean;
}

export class Iommu {
  readonly table: IoPageTable;
  readonly iotlb: Iotlb;
  readonly #spec: IommuSpec;
  readonly #hardware: IommuHardware;
  readonly #costs: IommuCosts;
  readonly #paces = new Map<WriteSource, DmaPace>();
  readonly #cache: TranslationCache | undefined;
  readonly #aborted = new Set<WriteSource>();
  #tracking = false;
  #collapseAtNs: number | undefined;
  /** Leaves that the latest `readAndClear` cleared: their first pages. */
  #cleared: number[] = [];
  #clearedFine = 0;

  /**
   * `deviceIds` are the devices behind it: it sees the writes of `dma:<id>` and no others. Throws a RangeError for a page
   * table that the hardware does not have, and for a device whose attach it refuses.
   */
  constructor(spec: IommuSpec, memory: GuestMemory, deviceIds: readonly string[]) {
    if (spec.writeProtect !== undefined && spec.split === 'onDirty') {
      throw new RangeError('leaves are split on dirty by their dirty bits, and write protection has none');
    }
    this.#spec = spec;
    this.#hardware = IOMMU_HARDWARE[spec.hardware ?? 'amd'];
    this.#costs = spec.costs === undefined ? FREE_IOMMU : { ...DEFAULT_IOMMU_COSTS, ...spec.costs };
    this.table = new IoPageTable(spec, memory);
    this.iotlb = new Iotlb(memory.pages);
    if (this.#costs.missNs > 0) this.#cache = new TranslationCache(this.#costs.iotlbEntries, memory.pages);
    for (const id of deviceIds) {
      const errno = this.attach(id);
      if (errno !== undefined)
        throw new RangeError(`attach of ${id}: ${errno}, it is behind an IOMMU without dirty bits`);
    }
  }

  get tracking(): boolean {
    return this.#tracking;
  }

  /** Devices may have to wait because of it, and their throughput is an output. */
  get charging(): boolean {
    return this.#cache !== undefined || this.#waitsForPages;
  }

  /** `onDirty`: leaves have been split since the VM was provisioned. */
  get splitsOnDirty(): boolean {
    return this.#spec.split === 'onDirty' && this.#spec.dirtyTracking;
  }

  /** EINVAL: its IOMMU has no dirty bits, and this page table enforces them. */
  attach(deviceId: string): Errno | undefined {
    const capable = !(this.#spec.withoutDirtyBits ?? []).includes(deviceId);
    const errno = checkAttach({ tracks: this.#spec.dirtyTracking }, capable);
    if (errno === undefined) this.#paces.set(`dma:${deviceId}`, new DmaPace());
    return errno;
  }

  /** How fast one of its devices goes; undefined where none ever waits. */
  paceOf(deviceId: string): DmaPace | undefined {
    return this.charging ? this.#paces.get(`dma:${deviceId}`) : undefined;
  }

  /**
   * Enabling clears every D bit first and flushes: a fresh epoch. Setting what is set already changes nothing. `nowNs` is
   * when, for what happens some time after the stop.
   */
  setDirtyTracking(on: boolean, nowNs = 0): Errno | undefined {
    if (!this.#spec.dirtyTracking) return 'EOPNOTSUPP';
    if (on === this.#tracking) return undefined;
    if (on) this.#begin();
    else if (this.#spec.split === 'eager')
      this.#collapseAtNs = nowNs + (this.#spec.collapseAfterNs ?? COLLAPSE_AFTER_NS);
    this.#invalidate(this.#hardware.toggleFlushes(this.#paces.size));
    this.#tracking = on;
    return undefined;
  }

  /** ns that enabling takes now: a walk that clears, its flush, what `eager` splits, and the knob. */
  get startNs(): number {
    if (this.#tracking || !this.#spec.dirtyTracking) return 0;
    const { walkNs, splitNs, flushNs } = this.#costs;
    const made = this.#spec.split === 'eager' ? this.table.unsplitEntries : 0;
    const passed = this.table.ranges.reduce((sum, range) => sum + this.table.entriesIn(range), 0);
    return (passed + made) * walkNs + made * splitNs + (1 + this.#hardware.toggleFlushes(this.#paces.size)) * flushNs;
  }

  /**
   * Adds every mapped page of every dirty leaf to `into`, and clears and flushes unless told not to. Where nothing is marked
   * while tracking is off, the walk finds nothing, without error.
   */
  report(into: PageBitmap, query: IommuQuery = {}): DirtyReport {
    if (!this.#spec.dirtyTracking) return { errno: 'EOPNOTSUPP' };
    let [dirtyPages, newPages, workNs] = [0, 0, 0];
    for (const range of query.ranges ?? this.table.ranges) {
      workNs += this.table.entriesIn(range) * this.#costs.walkNs;
      const found = query.noClear ? this.peek(into, range) : this.readAndClear(into, range);
      if ('errno' in found) return found;
      dirtyPages += found.dirtyPages;
      newPages += found.newPages;
      if (!query.noClear) workNs += this.#splitCleared() + this.flush() * this.#costs.flushNs;
    }
    return { dirtyPages, newPages, ...(workNs > 0 ? { workNs: Math.ceil(workNs) } : {}) };
  }

  /** GET with NO_CLEAR: a pure read. */
  peek(into: PageBitmap, range: PageRange): DirtyReport {
    if (!this.#spec.dirtyTracking) return { errno: 'EOPNOTSUPP' };
    return this.#marking ? this.table.read(into, range) : NOTHING;
  }

  /** The first half of a query: bits are read and cleared, and the IOTLB still believes that they are set. */
  readAndClear(into: PageBitmap, range: PageRange): DirtyReport {
    if (!this.#spec.dirtyTracking) return { errno: 'EOPNOTSUPP' };
    if (!this.#marking) return NOTHING;
    for (const part of this.table.reached(range)) {
      const before = this.iotlb.hiddenPages;
      this.iotlb.clearedPages(this.table.fine, part);
      this.#clearedFine += this.iotlb.hiddenPages - before;
    }
    return this.table.read(into, range, (firstPage, pages) => {
      this.#cleared.push(firstPage);
      this.iotlb.cleared(firstPage, pages);
    });
  }

  /** The second half; returns how many invalidations it took: one, or one for each leaf that was cleared. */
  flush(): number {
    const leaves = this.#cleared.length + this.#clearedFine;
    this.#cleared = [];
    this.#clearedFine = 0;
    const invalidations = this.#spec.flush === 'per-page' ? leaves : 1;
    this.#invalidate(invalidations);
    return invalidations;
  }

  /** Takes the mapping of these pages away: their D bits are gone, and the IOTLB is flushed. Collect before, with NO_CLEAR. */
  unmap(range: PageRange, scratch: PageBitmap): void {
    this.readAndClear(scratch, range);
    this.flush();
  }

  receive(batch: PageWrites): void {
    if (!this.#paces.has(batch.source)) return;
    if (this.#collapseAtNs !== undefined && batch.fromNs >= this.#collapseAtNs) this.#collapse();
    if (this.#cache !== undefined) this.#countMisses(batch, this.#cache);
    if (!this.#marking) return;
    const fresh = this.iotlb.hiddenPages === 0 ? this.table.applyWrites(batch) : this.#applySeen(batch);
    if (this.#waitsForPages) this.#paces.get(batch.source)!.charge(fresh * this.#costs.pageRequestNs);
  }

  /**
   * Whether the IOMMU lets this DMA through to memory. Under write protection without page requests it does not: every leaf
   * is clean, so the first write of a device is aborted, and the device is broken from then on. Asked before anybody is told.
   */
  admits(batch: PageWrites): boolean {
    if (!this.#paces.has(batch.source)) return true;
    if (this.#tracking && this.aborts) this.#aborted.add(batch.source);
    return !this.#aborted.has(batch.source);
  }

  /** A first write to a clean page is not waited for but aborted. */
  get aborts(): boolean {
    return this.#spec.writeProtect?.pageRequests === false;
  }

  /** The device's DMA was aborted, and it has not been reset since. */
  hasAborted(deviceId: string): boolean {
    return this.#aborted.has(`dma:${deviceId}`);
  }

  /** The device has been reset. */
  forgetAbort(deviceId: string): void {
    this.#aborted.delete(`dma:${deviceId}`);
  }

  /** The VM's life before the run is over: leaves stay as they are, nothing is dirty, nobody owes, nothing is counted. */
  beginRun(): void {
    this.#tracking = false;
    this.table.clearAll();
    this.iotlb.flush();
    this.iotlb.forgetCount();
    for (const pace of this.#paces.values()) pace.reset();
  }

  /** Bits are being set: told to, or by hardware that always does. */
  get #marking(): boolean {
    return this.#spec.dirtyTracking && (this.#tracking || this.#hardware.alwaysOn);
  }

  get #waitsForPages(): boolean {
    return this.#spec.writeProtect?.pageRequests === true && this.#costs.pageRequestNs > 0;
  }

  #begin(): void {
    this.#collapseAtNs = undefined;
    if (this.#spec.split === 'eager') this.table.splitAll();
    this.table.clearAll();
    this.#cleared = [];
    this.#clearedFine = 0;
    this.#invalidate(1);
  }

  /** What was used since the last flush has been written since, so a flush of every cleared leaf empties the cache, too. */
  #invalidate(invalidations: number): void {
    this.iotlb.flush(invalidations);
    this.#cache?.clear();
  }

  /** `onDirty`: a leaf that a query found dirty is split before the flush; returns what that took. */
  #splitCleared(): number {
    if (!this.splitsOnDirty) return 0;
    let made = 0;
    for (const firstPage of this.#cleared) made += this.table.split(firstPage);
    return made * this.#costs.splitNs;
  }

  #collapse(): void {
    this.#collapseAtNs = undefined;
    this.table.collapse();
    this.#invalidate(1);
  }

  /** Between a clear and its flush: what the IOTLB hides sets no bit. */
  #applySeen(batch: PageWrites): number {
    let fresh = 0;
    forEachPage(batch, (page) => {
      if (!this.iotlb.hides(page) && this.table.mark(page)) fresh += 1;
    });
    return fresh;
  }

  #countMisses(batch: PageWrites, cache: TranslationCache): void {
    let misses = 0;
    visitLeaves(batch, this.table, (leaf) => {
      if (cache.visit(leaf)) misses += 1;
    });
    if (misses > 0) this.#paces.get(batch.source)!.charge(misses * this.#costs.missNs);
  }
}

const NOTHING = { dirtyPages: 0, newPages: 0 };
