/**
 * VFIO's type1 backend and its notion of dirty pages, which is no notion of a write by a device: what a device could have
 * written is dirty. While a group of the container has all of its memory mapped for it by the IOMMU and nobody pins pages
 * for it, that is everything mapped, at every GET. Once every group is of pinned scope it is what drivers have pinned,
 * what they had pinned since the last GET, and what they wrote themselves on the guest's behalf (vfio_dma_rw).
 *
 * drivers/vfio/vfio_iommu_type1.c, with commits 2c5af98592f6 and on. The writes of `mdev:<group>` are all it hears; the
 * DMA of a device it cannot see, and a container with such a device never converges below what is mapped.
 */
import type { Errno, PageRange } from '../../machines/words.ts';
import type { PageWrites } from '../streams/page-writes.ts';
import type { DirtyFound, DirtyReport } from './dirty-report.ts';
import { type GuestMemory, overlapPages } from './memory.ts';
import type { PageBitmap } from './page-bitmap.ts';
import { Pins } from './type1/pins.ts';
import {
  bitmapBytes,
  checkFlags,
  checkGetBitmap,
  checkTrackable,
  checkUnmap,
  DIRTY_PAGES_START,
  DIRTY_PAGES_STOP,
  type GetBitmapRequest,
  type Type1State,
  type UnmapRequest,
} from './type1/requests.ts';

/** `iommu`: an IOMMU domain translates for it, so all that is mapped is open to it. `emulated`: a mediated device. */
export type GroupBacking = 'iommu' | 'emulated';

export interface Type1Spec {
  /** VFIO_TYPE1v2_IOMMU, the default, or the first type1, which has no dirty pages at all. */
  readonly version?: 1 | 2;
}

/** A driver's callback: it must unpin what it has pinned in the range (vfio_device_ops.dma_unmap). */
export type DmaUnmapped = (range: PageRange) => void;

interface Group {
  pinnedScope: boolean;
  readonly dmaUnmapped: DmaUnmapped | undefined;
}

export class Type1 implements Type1State {
  readonly pageBytes: number;
  readonly #version: 1 | 2;
  readonly #groups = new Map<string, Group>();
  readonly #pins: Pins;
  /** Every mapping's bitmap: mappings do not overlap. */
  readonly #dirty: PageBitmap;
  #mappings: readonly PageRange[];
  #tracking = false;

  /** At the start all of RAM is mapped, each slot at its own address, and the container has no group. */
  constructor(memory: GuestMemory, { version = 2 }: Type1Spec = {}) {
    this.pageBytes = memory.pageBytes;
    this.#version = version;
    this.#mappings = memory.slots;
    this.#pins = new Pins(memory.pages);
    this.#dirty = memory.emptySet();
  }

  get tracking(): boolean {
    return this.#tracking;
  }

  /** By ascending page number. */
  get mappings(): readonly PageRange[] {
    return this.#mappings;
  }

  /** The pages that drivers have pinned now, for reading. */
  get pinned(): PageBitmap {
    return this.#pins.pages;
  }

  /** Groups whose DMA could be anywhere in what is mapped (num_non_pinned_groups). */
  get nonPinnedGroups(): number {
    return [...this.#groups.values()].filter(({ pinnedScope }) => !pinnedScope).length;
  }

  /**
   * A device's group joins. An emulated one is of pinned scope from the start: it has no DMA but through pages that its
   * driver pins. Without `dmaUnmapped` its driver cannot pin.
   */
  attachGroup(id: string, backing: GroupBacking, dmaUnmapped?: DmaUnmapped): void {
    if (this.#groups.has(id)) throw new RangeError(`group ${id} is in the container already`);
    this.#groups.set(id, { pinnedScope: backing === 'emulated', dmaUnmapped });
  }

  /**
   * A group leaves. The past DMA of one that was not of pinned scope could be anywhere, and the counter no longer says so:
   * while tracking is on every bit is set in its place, so that the next GET is everything once more.
   */
  detachGroup(id: string): void {
    if (this.removeGroup(id) && this.#tracking) this.setEverything();
  }

  /** First half of a detach, for tests: the group is gone. Returns whether it was not of pinned scope. */
  removeGroup(id: string): boolean {
    const group = this.#group(id);
    this.#groups.delete(id);
    return !group.pinnedScope;
  }

  /** The other half: every bit of every mapping (vfio_iommu_populate_bitmap_full). */
  setEverything(): void {
    for (const { firstPage, pages } of this.#mappings) this.#dirty.setRange(firstPage, pages);
  }

  /**
   * A driver pins pages for its device: they are dirty from now on, and the group is of pinned scope for good. EINVAL for a
   * driver without an unmap callback and for pages that are not mapped; then none is pinned.
   */
  pinPages(groupId: string, range: PageRange): Errno | undefined {
    const group = this.#group(groupId);
    if (group.dmaUnmapped === undefined || !this.covers(range)) return 'EINVAL';
    this.#pins.pin(range);
    if (this.#tracking) this.#dirty.setRange(range.firstPage, range.pages);
    group.pinnedScope = true;
    return undefined;
  }

  /** Says nothing about dirt: the bits of the last GET's refill still stand, and show the pages exactly once more. */
  unpinPages(groupId: string, range: PageRange): void {
    this.#group(groupId);
    this.#pins.unpin(range);
  }

  /** Whether every page of the range is mapped: else nobody pins there, and vfio_dma_rw fails. */
  covers({ firstPage, pages }: PageRange): boolean {
    return this.#mappings.reduce((sum, mapping) => sum + overlapPages(mapping, firstPage, pages), 0) === pages;
  }

  /** MAP_DMA. While tracking is on the mapping gets a bitmap, which is clean until a page of it is pinned. */
  map(range: PageRange): Errno | undefined {
    if (range.pages < 1) return 'EINVAL';
    if (this.#mappings.some((mapping) => overlapPages(mapping, range.firstPage, range.pages) > 0)) return 'EEXIST';
    const refused = this.#tracking ? checkTrackable(range) : undefined;
    if (refused !== undefined) return refused;
    this.#mappings = [...this.#mappings, range].sort((a, b) => a.firstPage - b.firstPage);
    return undefined;
  }

  /**
   * UNMAP_DMA of whole mappings. Drivers are told first and unpin; with a bitmap in the request, what each mapping's bitmap
   * says is added to `into` as the mapping goes. Throws when a driver keeps a pin: the kernel warns and is broken.
   */
  unmap(request: UnmapRequest, into: PageBitmap): (DirtyFound & { readonly unmappedBytes: bigint }) | { errno: Errno } {
    const errno = checkUnmap(request, this);
    if (errno !== undefined) return { errno };
    const gone = request.all ? this.#mappings : this.#within(request);
    let [dirtyPages, newPages, pages] = [0, 0, 0];
    for (const mapping of gone) {
      for (const { dmaUnmapped } of this.#groups.values()) dmaUnmapped?.(mapping);
      if (this.#pins.pages.countRange(mapping.firstPage, mapping.pages) > 0) {
        throw new Error(`pages from ${mapping.firstPage} on are unmapped and still pinned`);
      }
      if (request.bitmap !== undefined) {
        const found = this.copyBits(mapping, into);
        dirtyPages += found.dirtyPages;
        newPages += found.newPages;
      }
      this.clearBits(mapping);
      pages += mapping.pages;
    }
    this.#mappings = this.#mappings.filter((mapping) => !gone.includes(mapping));
    return { dirtyPages, newPages, unmappedBytes: BigInt(pages) * BigInt(this.pageBytes) };
  }

  /** VFIO_IOMMU_DIRTY_PAGES with these flags; `get` and `into` belong to GET_BITMAP. */
  dirtyPages(flags: number, get?: GetBitmapRequest, into?: PageBitmap): DirtyReport {
    const errno = checkFlags(this.#version, flags);
    if (errno !== undefined) return { errno };
    const nothing = { dirtyPages: 0, newPages: 0 };
    if (flags === DIRTY_PAGES_START) {
      const refused = this.start();
      return refused === undefined ? nothing : { errno: refused };
    }
    if (flags === DIRTY_PAGES_STOP) {
      this.stop();
      return nothing;
    }
    if (get === undefined || into === undefined) return { errno: 'EINVAL' };
    return this.getBitmap(get, into);
  }

  /**
   * A bitmap for each mapping, with what is pinned now. While on it changes nothing. EINVAL for a mapping of more than
   * INT_MAX pages; ENOMEM when the host has none; then nothing is on.
   */
  start(faults: { readonly outOfMemory?: boolean } = {}): Errno | undefined {
    if (this.#version !== 2) return 'EACCES';
    if (this.#tracking) return undefined;
    const refused = this.#mappings.map(checkTrackable).find((errno) => errno !== undefined);
    if (refused !== undefined) return refused;
    if (faults.outOfMemory) return 'ENOMEM';
    this.#tracking = true;
    for (const mapping of this.#mappings) this.refill(mapping);
    return undefined;
  }

  /** The bitmaps are gone. While off it changes nothing. */
  stop(): void {
    this.#tracking = false;
    this.#dirty.clearAll();
  }

  /** GET_BITMAP of whole mappings: each is copied, cleared and filled again with what is pinned. */
  getBitmap(request: GetBitmapRequest, into: PageBitmap): DirtyReport {
    const errno = checkGetBitmap(request, this);
    if (errno !== undefined) return { errno };
    let [dirtyPages, newPages] = [0, 0];
    for (const mapping of this.#within(request)) {
      const found = this.copyBits(mapping, into);
      dirtyPages += found.dirtyPages;
      newPages += found.newPages;
      this.clearBits(mapping);
      this.refill(mapping);
    }
    return { dirtyPages, newPages };
  }

  /** As a vmm asks: one GET_BITMAP for each mapping, with a bitmap that just holds it. The first error ends it. */
  report(into: PageBitmap): DirtyReport {
    let [dirtyPages, newPages] = [0, 0];
    const size = BigInt(this.pageBytes);
    for (const { firstPage, pages } of this.#mappings) {
      const bitmap = { pageBytes: this.pageBytes, bytes: bitmapBytes(pages) };
      const found = this.getBitmap({ iova: BigInt(firstPage) * size, sizeBytes: BigInt(pages) * size, bitmap }, into);
      if ('errno' in found) return found;
      dirtyPages += found.dirtyPages;
      newPages += found.newPages;
    }
    return { dirtyPages, newPages };
  }

  /** First part of a GET: adds the mapping's bits to `into`, all of them while a group is not of pinned scope. */
  copyBits({ firstPage, pages }: PageRange, into: PageBitmap): DirtyFound {
    if (this.nonPinnedGroups > 0) return { dirtyPages: pages, newPages: into.setRange(firstPage, pages) };
    const newPages = this.#dirty.orRangeInto(into, firstPage, pages);
    return { dirtyPages: this.#dirty.countRange(firstPage, pages), newPages };
  }

  /** Second part: the mapping's bits are cleared. */
  clearBits({ firstPage, pages }: PageRange): void {
    this.#dirty.clearRange(firstPage, pages);
  }

  /** Last part: what is pinned is dirty again, so that it shows at the next GET whatever happens until then. */
  refill({ firstPage, pages }: PageRange): void {
    this.#pins.pages.orRangeInto(this.#dirty, firstPage, pages);
  }

  receive(batch: PageWrites): void {
    if (!this.#tracking || !batch.source.startsWith('mdev:')) return;
    if (this.#groups.has(batch.source.slice('mdev:'.length))) this.#dirty.applyWrites(batch);
  }

  #within({ iova, sizeBytes }: { readonly iova: bigint; readonly sizeBytes: bigint }): readonly PageRange[] {
    const first = iova / BigInt(this.pageBytes);
    const end = first + sizeBytes / BigInt(this.pageBytes);
    return this.#mappings.filter(({ firstPage }) => firstPage >= first && firstPage < end);
  }

  #group(id: string): Group {
    const group = this.#groups.get(id);
    if (group === undefined) throw new RangeError(`no group ${id} in the container`);
    return group;
  }
}
