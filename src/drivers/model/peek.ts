/**
 * What the vCPUs have written since the last sync, for a sender that looks before it sends: a page that is dirty again is not
 * worth sending now (Xen up to 4.5: XEN_DOMCTL_SHADOW_OP_PEEK, before each batch).
 *
 * It hears of no writes but those that KVM's log hears of, and it forgets at each sync, after the log has been read: a page
 * that it names is one that the next sync finds.
 */
import { PageBitmap } from '../../hardware/page-bitmap.ts';
import type { World } from '../../hardware/world.ts';

/** Pages of one batch: MAX_BATCH_SIZE, tools/libxc/xc_domain_save.c. */
export const PEEKED_BATCH_PAGES = 1024;

export class Peek {
  readonly #world: World;
  /** From when it listens on. */
  #written: PageBitmap | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** From here on; a run whose rule does not look never asks. It ends with the world's writes. */
  listen(): void {
    if (this.#written !== undefined) return;
    const written = new PageBitmap(this.#world.memory.pages);
    this.#written = written;
    this.#world.pages$.subscribe((batch) => {
      if (!batch.source.startsWith('vcpu:')) return;
      written.applyWrites(batch);
      // Before its CLEAR a page is writable, and the CLEAR takes the bit of what was written until then.
      const { unarmed } = this.#world.kvmLog;
      if (unarmed !== undefined) written.clearWhere(unarmed);
    });
  }

  /** The logs have been read: what is written from now on is found by the next sync. */
  forget(): void {
    this.#written?.clearAll();
  }

  /** Takes out of `unsent` what has been written again, and says how many pages that is. */
  skip(unsent: PageBitmap): number {
    // A log that is asked for has been told everything, and so has whoever listens beside it.
    return this.#written !== undefined && this.#world.kvmLog.active ? unsent.clearWhere(this.#written) : 0;
  }
}
