/**
 * One vCPU's dirty ring: entries whose flags are the whole protocol between KVM and its user, and two free-running 32-bit
 * indices that only KVM knows (virt/kvm/dirty_ring.c; Documentation/virt/kvm/api.rst, "KVM_CAP_DIRTY_LOG_RING").
 *
 * KVM publishes an entry, the user harvests it, KVM resets it; each step is legal in one state only. A published entry is
 * never changed and never merged, so a page may stand in a ring twice. The ring is full softly, some entries before it
 * really is: what an exit still has to drain needs room.
 */

/** Flags of an entry: free, KVM_DIRTY_GFN_F_DIRTY, KVM_DIRTY_GFN_F_RESET. The user sets the second bit and keeps the first. */
export const FREE = 0;
export const DIRTY = 1;
export const RESET = 2;

export type Step = 'push' | 'harvest' | 'reset';

/** The flags after a step; undefined where the step is not allowed. A reset looks at the second bit only (`1x`). */
export function nextFlags(flags: number, step: Step): number | undefined {
  switch (step) {
    case 'push':
      return flags === FREE ? DIRTY : undefined;
    case 'harvest':
      return flags === DIRTY ? DIRTY | RESET : undefined;
    case 'reset':
      return (flags & RESET) !== 0 ? FREE : undefined;
    default:
      return step satisfies never;
  }
}

/** `struct kvm_dirty_gfn` without its flags; `pages` is 1 in every kernel that there is. */
export interface RingEntry {
  readonly slot: number;
  /** Pages from the slot's first one. */
  readonly offset: number;
  readonly pages: number;
}

export class DirtyRing {
  readonly entries: number;
  readonly softLimit: number;
  readonly #mask: number;
  readonly #flags: Uint8Array;
  readonly #slots: Uint16Array;
  readonly #offsets: Uint32Array;
  readonly #lengths: Uint32Array;
  #dirtyIndex = 0;
  #resetIndex = 0;
  #fetchIndex = 0;

  /** `entries`: a power of two. `firstIndex` is where all indices begin, so that a test sees them wrap. */
  constructor(entries: number, reservedEntries: number, firstIndex = 0) {
    if (!(Number.isInteger(entries) && entries > reservedEntries && Number.isInteger(Math.log2(entries)))) {
      throw new RangeError(`a ring has a power of two of entries, more than ${reservedEntries}, not ${entries}`);
    }
    this.entries = entries;
    this.softLimit = entries - reservedEntries;
    this.#mask = entries - 1;
    this.#flags = new Uint8Array(entries);
    this.#slots = new Uint16Array(entries);
    this.#offsets = new Uint32Array(entries);
    this.#lengths = new Uint32Array(entries);
    this.#dirtyIndex = this.#resetIndex = this.#fetchIndex = firstIndex >>> 0;
  }

  /** Published and not reset. */
  get used(): number {
    return (this.#dirtyIndex - this.#resetIndex) >>> 0;
  }

  /** KVM_RUN exits with KVM_EXIT_DIRTY_RING_FULL, again and again, until a reset lowers this. */
  get softFull(): boolean {
    return this.used >= this.softLimit;
  }

  /** Where the user's next harvest looks. */
  get fetchIndex(): number {
    return this.#fetchIndex;
  }

  /** KVM publishes an entry. False when there is no room at all, which the reserve is there to prevent: the write is lost. */
  push(slot: number, offset: number, pages = 1): boolean {
    if (this.used >= this.entries) return false;
    const i = this.#dirtyIndex & this.#mask;
    const flags = nextFlags(this.#flags[i]!, 'push');
    if (flags === undefined) throw new Error(`entry ${i} is not free but within the room of the ring`);
    this.#slots[i] = slot;
    this.#offsets[i] = offset;
    this.#lengths[i] = pages;
    this.#flags[i] = flags;
    this.#dirtyIndex = (this.#dirtyIndex + 1) >>> 0;
    return true;
  }

  /** The user takes the entry at an index of its choice; undefined unless it is published and not taken. */
  harvestAt(index: number): RingEntry | undefined {
    const i = index & this.#mask;
    const flags = nextFlags(this.#flags[i]!, 'harvest');
    if (flags === undefined) return undefined;
    this.#flags[i] = flags;
    return this.#entry(i);
  }

  /** The user takes entries in order, at most `max`, up to the first that is not published; returns how many. */
  harvest(visit: (entry: RingEntry) => void, max = this.entries): number {
    let count = 0;
    while (count < max) {
      const entry = this.harvestAt(this.#fetchIndex);
      if (entry === undefined) break;
      visit(entry);
      this.#fetchIndex = (this.#fetchIndex + 1) >>> 0;
      count += 1;
    }
    return count;
  }

  /** KVM frees harvested entries in order, at most `max`, up to the first that is not: a gap ends it. Returns how many. */
  reset(visit: (entry: RingEntry) => void, max = this.entries): number {
    let count = 0;
    while (count < max && this.used > 0) {
      const i = this.#resetIndex & this.#mask;
      const flags = nextFlags(this.#flags[i]!, 'reset');
      if (flags === undefined) break;
      const entry = this.#entry(i);
      this.#flags[i] = flags;
      this.#resetIndex = (this.#resetIndex + 1) >>> 0;
      visit(entry);
      count += 1;
    }
    return count;
  }

  #entry(i: number): RingEntry {
    return { slot: this.#slots[i]!, offset: this.#offsets[i]!, pages: this.#lengths[i]! };
  }
}
