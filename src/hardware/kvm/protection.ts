/**
 * Write protection as a bitmap log sees it: a vCPU's write to a protected page faults, sets the page's bit, and makes it
 * writable until it is protected again. With mappings that are never split the whole mapping is protected and made writable
 * at once, and the fault sets every bit of it.
 *
 * Without huge mappings a clear bit is a protected page, and there is no state here.
 */
import { forEachPage, type PageWrites } from '../../streams/page-writes.ts';
import { PageBitmap } from '../page-bitmap.ts';
import type { HugeMappings } from './huge-mappings.ts';

export class Protection {
  readonly #dirty: PageBitmap;
  readonly #mappings: HugeMappings | undefined;
  /** Leaves that are mapped as a whole and writable. All bits of such a leaf are set. */
  readonly #writable: PageBitmap;

  constructor(dirty: PageBitmap, mappings: HugeMappings | undefined) {
    this.#dirty = dirty;
    this.#mappings = mappings;
    this.#writable = new PageBitmap(mappings?.coarse === true ? Math.ceil(dirty.pages / mappings.leafPages) : 0);
  }

  /** vCPUs write: sets bits, returns the number of faults, and charges `vcpus` for what their faults split. */
  write(batch: PageWrites, vcpus: readonly number[]): number {
    const mappings = this.#mappings;
    if (mappings?.coarse === true) return this.#writeLeaves(batch, mappings);
    if (mappings?.splitsInFaults !== true) return this.#dirty.applyWrites(batch);
    let faults = 0;
    let splits = 0;
    forEachPage(batch, (page) => {
      if (!this.#dirty.set(page)) return;
      faults += 1;
      if (mappings.firstWrite(page)) splits += 1;
    });
    mappings.chargeSplits(vcpus, splits);
    return faults;
  }

  /** Everything is protected, and no bit is set. */
  protectAll(): void {
    this.#writable.clearAll();
  }

  /** Everything is writable, and every bit is set. */
  unprotectAll(): void {
    this.#writable.setAll();
  }

  /** Bits of these pages were cleared, not all of them perhaps: a mapping that lost one is protected. */
  protectCleared(firstPage: number, pages: number): void {
    const mappings = this.#mappings;
    if (this.#writable.count === 0 || mappings === undefined) return;
    const end = mappings.leafOf(firstPage + pages - 1);
    for (let leaf = this.#writable.next(mappings.leafOf(firstPage)); leaf !== -1 && leaf <= end; ) {
      const first = leaf * mappings.leafPages;
      const size = Math.min(mappings.leafPages, this.#dirty.pages - first);
      if (this.#dirty.countRange(first, size) < size) this.#writable.clear(leaf);
      leaf = this.#writable.next(leaf + 1);
    }
  }

  #writeLeaves(batch: PageWrites, mappings: HugeMappings): number {
    let faults = 0;
    forEachPage(batch, (page) => {
      if (!mappings.inWholeLeaf(page)) {
        if (this.#dirty.set(page)) faults += 1;
        return;
      }
      const leaf = mappings.leafOf(page);
      if (!this.#writable.set(leaf)) return;
      faults += 1;
      this.#dirty.setRange(leaf * mappings.leafPages, mappings.leafPages);
    });
    return faults;
  }
}
