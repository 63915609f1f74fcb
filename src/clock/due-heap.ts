/**
 * A binary heap of what is due when: the order in which both the virtual and the wall clock fire.
 *
 * Ordered by due time, then by sequence, so that entries of one time come out in the order they went in. Cancelling only
 * marks an entry: it is dropped when it reaches the top, or when dead entries outnumber living ones, so that a timeout that
 * is set and cleared for ever costs no memory. It knows nothing of what time it is.
 */
import type { Entry } from './clock.ts';

interface Slot extends Entry {
  readonly sequence: number;
  /** Undefined once it has been cancelled or taken. */
  run: (() => void) | undefined;
}

/** Below this many dead entries sweeping is not worth it. */
const MIN_DEAD_ENTRIES = 64;

export class DueHeap {
  #slots: Slot[] = [];
  #nextSequence = 0;
  #deadEntries = 0;

  /** Entries neither cancelled nor taken. */
  get livingEntries(): number {
    return this.#slots.length - this.#deadEntries;
  }

  /** Entries held in memory, cancelled ones included. */
  get heldEntries(): number {
    return this.#slots.length;
  }

  add(dueNs: number, run: () => void): Entry {
    if (!Number.isSafeInteger(dueNs))
      throw new RangeError(`a due time is an integer of nanoseconds below 2^53, not ${dueNs}`);
    const slot: Slot = { dueNs, sequence: this.#nextSequence++, run };
    this.#slots.push(slot);
    this.#rise(this.#slots.length - 1);
    return slot;
  }

  cancel(entry: Entry): void {
    const slot = entry as Slot;
    if (slot.run === undefined) return;
    slot.run = undefined;
    this.#deadEntries++;
    if (this.#deadEntries >= MIN_DEAD_ENTRIES && this.#deadEntries * 2 > this.#slots.length) this.#sweep();
  }

  /** The due time of the entry that comes next, ns; undefined when there is none. */
  nextDueNs(): number | undefined {
    this.#dropDead();
    return this.#slots[0]?.dueNs;
  }

  /** Takes the entry that comes next out; undefined when there is none. */
  take(): { readonly dueNs: number; readonly run: () => void } | undefined {
    this.#dropDead();
    const slot = this.#slots[0];
    if (slot === undefined) return undefined;
    this.#removeTop();
    const run = slot.run!;
    slot.run = undefined;
    return { dueNs: slot.dueNs, run };
  }

  clear(): void {
    for (const slot of this.#slots) slot.run = undefined;
    this.#slots = [];
    this.#deadEntries = 0;
  }

  #dropDead(): void {
    while (this.#slots.length > 0 && this.#slots[0]!.run === undefined) {
      this.#removeTop();
      this.#deadEntries--;
    }
  }

  #sweep(): void {
    this.#slots = this.#slots.filter((slot) => slot.run !== undefined);
    this.#deadEntries = 0;
    for (let index = (this.#slots.length >> 1) - 1; index >= 0; index--) this.#sink(index);
  }

  #removeTop(): void {
    const last = this.#slots.pop()!;
    if (this.#slots.length === 0) return;
    this.#slots[0] = last;
    this.#sink(0);
  }

  #rise(start: number): void {
    const slots = this.#slots;
    const slot = slots[start]!;
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!comesBefore(slot, slots[parent]!)) break;
      slots[index] = slots[parent]!;
      index = parent;
    }
    slots[index] = slot;
  }

  #sink(start: number): void {
    const slots = this.#slots;
    const slot = slots[start]!;
    let index = start;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= slots.length) break;
      if (child + 1 < slots.length && comesBefore(slots[child + 1]!, slots[child]!)) child++;
      if (!comesBefore(slots[child]!, slot)) break;
      slots[index] = slots[child]!;
      index = child;
    }
    slots[index] = slot;
  }
}

function comesBefore(a: Slot, b: Slot): boolean {
  return a.dueNs === b.dueNs ? a.sequence < b.sequence : a.dueNs < b.dueNs;
}
