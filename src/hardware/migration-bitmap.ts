/**
 * The migration bitmap: which pages are still to be sent. Every dirty log is collected into one set first and merged into
 * the bitmap by a sync (QEMU: migration/ram.c, migration_bitmap_sync); the first sync of an epoch finds everything dirty.
 */
import type { PagesBySource } from '../../machines/words.ts';
import type { GuestMemory } from './memory.ts';
import type { PageBitmap } from './page-bitmap.ts';

export interface Merged {
  /** Pages that were not waiting to be sent already. */
  readonly newDirtyPages: number;
  /** What each log reported since the last sync; a page that two logs reported counts for both. */
  readonly dirtyPagesBySource: PagesBySource;
}

export class MigrationBitmap {
  /** Not sent yet. The sender clears it. */
  readonly unsent: PageBitmap;
  /** Reported by a log and not merged yet. */
  readonly collected: PageBitmap;
  readonly #memory: GuestMemory;
  readonly #reported = new Map<string, number>();
  #everything = true;
  #dirtySet = 0;

  constructor(memory: GuestMemory) {
    this.#memory = memory;
    this.unsent = memory.emptySet();
    this.collected = memory.emptySet();
  }

  /** Number of the latest sync; 0 before the first. */
  get dirtySet(): number {
    return this.#dirtySet;
  }

  /** As QEMU's `remaining` counts them: a zero page counts whole. */
  get remainingBytes(): number {
    return this.unsent.count * this.#memory.pageBytes;
  }

  /** A new epoch: what was collected belongs to the old one, and nothing has been sent in this one. */
  begin(): void {
    this.collected.clearAll();
    this.#reported.clear();
    this.#everything = true;
  }

  /** Notes how many pages a log has just added to `collected`. */
  note(source: string, pages: number): void {
    this.#reported.set(source, (this.#reported.get(source) ?? 0) + pages);
  }

  /** Merges what was collected. `everything`: a log failed after it may have been cleared, so all of memory is dirty. */
  merge(everything: boolean): Merged {
    let newDirtyPages = this.collected.takeInto(this.unsent);
    if (everything || this.#everything) newDirtyPages += this.#memory.setAllRam(this.unsent);
    this.#everything = false;
    this.#dirtySet += 1;
    const dirtyPagesBySource = Object.fromEntries(this.#reported);
    this.#reported.clear();
    return { newDirtyPages, dirtyPagesBySource };
  }
}
