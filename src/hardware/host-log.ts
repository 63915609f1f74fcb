/**
 * The vmm's own log of what it writes into guest memory itself: device emulation, vhost, mediated drivers' emulation. KVM's
 * log does not see these writes (Documentation/virt/kvm/api.rst), so QEMU keeps them in DIRTY_MEMORY_MIGRATION and merges
 * both (system/physmem.c, cpu_physical_memory_sync_dirty_bitmap). It sees writes of `host:*` and no others.
 */
import type { PageWrites } from '../streams/page-writes.ts';
import { PageBitmap } from './page-bitmap.ts';

export class HostLog {
  readonly #pages: number;
  /** From the first of its writes on: most guests have none, and a set of a large one costs. */
  #dirty: PageBitmap | undefined;
  #active = false;

  constructor(pages: number) {
    this.#pages = pages;
  }

  /** Begins an epoch; nothing changes while it is on already. */
  start(): void {
    if (!this.#active) this.#dirty?.clearAll();
    this.#active = true;
  }

  stop(): void {
    this.#active = false;
    this.#dirty?.clearAll();
  }

  /** Moves what is dirty to `into`; returns how many pages it reported. */
  takeInto(into: PageBitmap): number {
    const dirtyPages = this.#dirty?.count ?? 0;
    this.#dirty?.takeInto(into);
    return dirtyPages;
  }

  receive(batch: PageWrites): void {
    if (!this.#active || !batch.source.startsWith('host:')) return;
    this.#dirty ??= new PageBitmap(this.#pages);
    this.#dirty.applyWrites(batch);
  }
}
