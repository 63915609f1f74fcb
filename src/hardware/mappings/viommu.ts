/**
 * A guest's own IOMMU in front of a container's devices: they write to I/O addresses, and the guest maps and unmaps their
 * buffers while it is migrated. The trackers know I/O pages; the migration copies guest pages; this is what lies between.
 *
 * A dirty I/O page is translated by the mapping it was written through: at a sync each mapping is queried by itself
 * (QEMU, hw/vfio/listener.c, vfio_sync_iommu_dirty_bitmap), and what is known about a mapping that goes is read and marked
 * as it goes, each tracker in its own order (machines/unmap-order.ts). Translated later, the address may name another page.
 *
 * Each step of an unmap can be called by itself, so that a test can run them in a wrong order; `unmap` is the right one.
 */
import { Subject } from 'rxjs';
import { TYPE1_UNMAP_PAGES_MAX, type UnmapStep, type UnmapTracker, unmapOrder } from '../../../machines/unmap-order.ts';
import type { Errno, PageRange } from '../../../machines/words.ts';
import type { PageWrites } from '../../streams/page-writes.ts';
import type { DirtyFound, DirtyReport } from '../dirty-report.ts';
import { GuestMemory } from '../memory.ts';
import { PageBitmap } from '../page-bitmap.ts';
import type { Random } from '../random.ts';
import { ExactRate } from '../workloads/rate.ts';
import { BufferPool } from './buffer-pool.ts';
import type { IoTracker } from './io-tracker.ts';
import { MappingTable } from './mapping-table.ts';
import { Translation, type WindowSlots } from './translation.ts';

export interface ViommuSpec {
  /** Pages of one mapping, a power of two. */
  readonly mappingPages: number;
  /** Mappings that exist at any time. */
  readonly mappings: number;
  /** Mappings that the guest replaces a second, oldest first: each is an unmap and a map elsewhere. 0: none. */
  readonly churnPerSecond: number;
  /** Pages of RAM, from the first on, that its buffers are taken from by chance: two mappings may hit the same. */
  readonly poolPages: number;
  /** ns that the query of one mapping takes at a sync: an ioctl each. Default 0. */
  readonly queryNs?: number;
}

/** The device addresses that a guest with these mappings can use: twice as many, so that one is always free. */
export function aperturePagesOf({ mappingPages, mappings }: ViommuSpec): number {
  return 2 * mappings * mappingPages;
}

type Advance = (fromNs: number, toNs: number, emit: (batch: PageWrites) => void) => void;

export class Viommu implements WindowSlots {
  /** The I/O address space as a tracker takes it: a memory whose page numbers are I/O pages. */
  readonly space: GuestMemory;
  /** What the devices are laid out over: pages 0 on are those of the first mapping, and so on. */
  readonly window: GuestMemory;
  readonly table: MappingTable;
  /** Writes as the devices address them, in I/O pages: what the trackers of this container subscribe to. */
  readonly io$ = new Subject<PageWrites>();
  readonly #slots: Uint32Array;
  readonly #pool: BufferPool;
  readonly #rate: ExactRate;
  readonly #translation = new Translation(this);
  readonly #scratch: PageBitmap;
  readonly #gone: PageBitmap;
  #trackers: readonly IoTracker[] = [];
  readonly #queryNs: number;
  #perpetual = false;
  #nextSlot = 0;
  #nextPlace = 0;
  #errno: Errno | undefined;

  /** Throws a RangeError for sizes that do not fit each other or the guest. */
  constructor(spec: ViommuSpec, memory: GuestMemory, random: Random) {
    const { mappingPages, mappings, poolPages } = spec;
    if (!(Number.isInteger(mappings) && mappings >= 1)) throw new RangeError(`a vIOMMU with ${mappings} mappings`);
    const space = (pages: number) =>
      new GuestMemory({ pageBytes: memory.pageBytes, slots: [{ firstPage: 0, pages }], nonZeroPages: 0 });
    this.table = new MappingTable(2 * mappings, mappingPages);
    this.space = space(aperturePagesOf(spec));
    this.window = space(mappings * mappingPages);
    this.#slots = new Uint32Array(mappings);
    this.#pool = new BufferPool(memory.ramRanges(0, poolPages), mappingPages, random);
    this.#queryNs = spec.queryNs ?? 0;
    this.#rate = new ExactRate(spec.churnPerSecond);
    this.#scratch = new PageBitmap(this.space.pages);
    this.#gone = new PageBitmap(memory.pages);
    for (let slot = 0; slot < mappings; slot++) this.#mapAnew(slot);
  }

  /** A container's IOMMU behind this one: a leaf of its table is never larger than the mapping that it is part of. */
  leavesOf<Spec extends { readonly leafPages: number }>(spec: Spec): Spec {
    return { ...spec, leafPages: this.mappingPages >= spec.leafPages ? spec.leafPages : 1 };
  }

  /** Who tracks writes here. `perpetual`: nobody can, so all that was ever mapped counts as written. */
  attach(trackers: readonly IoTracker[], perpetual: boolean): void {
    this.#trackers = trackers;
    this.#perpetual = perpetual;
  }

  get mappingPages(): number {
    return this.table.mappingPages;
  }

  ioPageOf(slot: number): number {
    return this.#slots[slot]! * this.mappingPages;
  }

  firstPageOf(slot: number): number {
    return this.table.at(this.#slots[slot]!).firstPage;
  }

  /** Where the mapping of a slot stands in the table now. */
  placeOf(slot: number): number {
    return this.#slots[slot]!;
  }

  /**
   * Lets the devices write in (fromNs, toNs] and the guest replace mappings in between, evenly spread. `guestPercent` is how
   * fast the guest runs, 0 when it is stopped. What reaches memory goes to `emit`.
   */
  advance(
    fromNs: number,
    toNs: number,
    guestPercent: number,
    devices: Advance,
    emit: (batch: PageWrites) => void,
  ): void {
    const replaced = this.#rate.due(toNs - fromNs, guestPercent);
    const through = (batch: PageWrites) => {
      const { io, memory } = this.#translation.of(batch);
      this.io$.next(io);
      emit(memory);
    };
    for (let i = 0, at = fromNs; i <= replaced; i++) {
      const next = fromNs + Math.floor(((toNs - fromNs) * (i + 1)) / (replaced + 1));
      if (next > at) devices(at, next, through);
      at = next;
      if (i < replaced) this.replace();
    }
  }

  /** The guest takes its oldest mapping away and maps another buffer at another address. */
  replace(): void {
    const slot = this.#nextSlot;
    this.#nextSlot = (slot + 1) % this.#slots.length;
    this.replaceBy(slot, () => this.unmap(slot));
  }

  /** The same for one slot, whose mapping `unmap` takes away. */
  replaceBy(slot: number, unmap: (slot: number) => void): void {
    unmap(slot);
    this.#mapAnew(slot);
  }

  /** Takes a slot's mapping away, by the order of whoever tracks now. */
  unmap(slot: number): void {
    for (const { step, of } of unmapOrder(this.activeTrackers)) this.takeStep(slot, step, of);
  }

  /** Who tracks now: `off` where somebody could and nobody was started. */
  get activeTrackers(): readonly UnmapTracker[] {
    const active = new Set<UnmapTracker>(this.#trackers.filter((tracker) => tracker.active).map(({ kind }) => kind));
    if (active.size > 0) return [...active];
    return [this.#perpetual ? 'perpetual' : 'off'];
  }

  /** One step of an unmap. A query that fails makes the next report fail; the mapping is gone all the same (QEMU). */
  takeStep(slot: number, step: UnmapStep, of: UnmapTracker): void {
    const place = this.#slots[slot]!;
    const io = this.table.ioRange(place);
    switch (step) {
      case 'query-no-clear':
        this.#mark(slot, of, true);
        break;
      case 'query':
        this.#mark(slot, of, false);
        break;
      case 'unmap-and-query':
        if (io.pages > TYPE1_UNMAP_PAGES_MAX) this.#errno ??= 'E2BIG';
        else this.#mark(slot, of, false);
        this.#takeAway(place, io);
        break;
      case 'unmap':
        this.#takeAway(place, io);
        break;
      default:
        step satisfies never;
    }
  }

  /** One tracker's dirty pages, mapping by mapping, and what was marked when mappings went. */
  report(tracker: IoTracker, into: PageBitmap): DirtyReport {
    if (this.#errno !== undefined) {
      const errno = this.#errno;
      this.#errno = undefined;
      return { errno };
    }
    let { dirtyPages, newPages } = this.#takeGone(into);
    let workNs = this.#queryNs * this.table.count;
    // Each mapping is an ioctl; neighbours are asked about together here, which finds the same.
    for (let place = this.table.next(0); place !== -1; place = this.table.next(this.table.nextFree(place))) {
      const found = this.#query(tracker, place, this.table.nextFree(place), into, false);
      if ('errno' in found) return found;
      dirtyPages += found.dirtyPages;
      newPages += found.newPages;
      workNs += found.workNs ?? 0;
    }
    return workNs === 0 ? { dirtyPages, newPages } : { dirtyPages, newPages, workNs };
  }

  /** Everything mapped now, and everything that was since the last report. */
  reportPerpetual(into: PageBitmap): DirtyFound {
    let { dirtyPages, newPages } = this.#takeGone(into);
    for (let place = this.table.next(0); place !== -1; place = this.table.next(place + 1)) {
      dirtyPages += this.mappingPages;
      newPages += into.setRange(this.table.at(place).firstPage, this.mappingPages);
    }
    return { dirtyPages, newPages };
  }

  #takeAway(place: number, io: PageRange): void {
    this.table.unmap(place);
    for (const tracker of this.#trackers) tracker.unmapped?.(io);
  }

  /** Where the slot's mapping is, or was until the step before: the vmm keeps the translation until it has asked. */
  #mark(slot: number, of: UnmapTracker, noClear: boolean): void {
    const place = this.#slots[slot]!;
    if (of === 'perpetual') this.#gone.setRange(this.table.lastFirstPage(place), this.mappingPages);
    for (const tracker of this.#trackers) {
      if (tracker.kind !== of || !tracker.active) continue;
      const found = this.#query(tracker, place, place + 1, this.#gone, noClear);
      if ('errno' in found) this.#errno ??= found.errno;
    }
  }

  /** The mappings from one place up to, without, another. */
  #query(tracker: IoTracker, place: number, endPlace: number, into: PageBitmap, noClear: boolean): DirtyReport {
    const first = this.table.ioRange(place);
    const io = { firstPage: first.firstPage, pages: (endPlace - place) * first.pages };
    if (!tracker.watches(io)) return this.#markUnwatched(place, endPlace, into);
    const found = tracker.report(this.#scratch, io, noClear);
    if ('errno' in found) {
      this.#scratch.clearAll();
      return found;
    }
    const newPages = this.table.translateInto(into, this.#scratch);
    this.#scratch.clearAll();
    return { ...found, newPages };
  }

  /** Mapped after START and outside its ranges, at least in part: nothing can be known, so all of it is dirty. */
  #markUnwatched(place: number, endPlace: number, into: PageBitmap): DirtyFound {
    let newPages = 0;
    for (let at = place; at < endPlace; at++)
      newPages += into.setRange(this.table.lastFirstPage(at), this.mappingPages);
    return { dirtyPages: (endPlace - place) * this.mappingPages, newPages };
  }

  #takeGone(into: PageBitmap): { dirtyPages: number; newPages: number } {
    const dirtyPages = this.#gone.count;
    return { dirtyPages, newPages: this.#gone.takeInto(into) };
  }

  /** Free addresses are taken in turn, so that one comes back, for another buffer, after as many maps as there are mappings. */
  #mapAnew(slot: number): void {
    while (this.table.isMapped(this.#nextPlace)) this.#nextPlace = (this.#nextPlace + 1) % (2 * this.#slots.length);
    this.table.map(this.#nextPlace, this.#pool.take());
    this.#slots[slot] = this.#nextPlace;
    this.#nextPlace = (this.#nextPlace + 1) % (2 * this.#slots.length);
  }
}
