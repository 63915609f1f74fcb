/**
 * The one virtual clock of a modelled run: time jumps from one due entry to the next and stands still in between.
 *
 * Charts' timers, drivers' answers and every stream of the hardware model hang on the same clock, so that all of them
 * interleave by due time and order of asking, and a run is the same each time. `xstate-clock.ts` and `rxjs-scheduler.ts` are
 * faces of it. XState's own SimulatedClock jumps past intermediate times, and RxJS's VirtualTimeScheduler sorts its whole
 * queue at each schedule; neither is used. It never looks at wall time: `pace.ts` ties the two together.
 */
import type { Entry, RunClock } from './clock.ts';
import { DueHeap } from './due-heap.ts';

export class VirtualClock implements RunClock {
  readonly #heap = new DueHeap();
  #nowNs: number;
  #firing = false;

  /** `startNs`: what the clock shows at first; 0 for a new run. */
  constructor(startNs = 0) {
    if (!Number.isSafeInteger(startNs))
      throw new RangeError(`a clock starts at an integer of nanoseconds, not ${startNs}`);
    this.#nowNs = startNs;
  }

  get nowNs(): number {
    return this.#nowNs;
  }

  /** Entries that wait; cancelled ones do not count. */
  get waitingEntries(): number {
    return this.#heap.livingEntries;
  }

  at(dueNs: number, run: () => void): Entry {
    return this.#heap.add(dueNs, run);
  }

  cancel(entry: Entry): void {
    this.#heap.cancel(entry);
  }

  /** When the next entry is due, ns; undefined when nothing waits. */
  nextDueNs(): number | undefined {
    return this.#heap.nextDueNs();
  }

  /**
   * Sets the time to the next entry's and fires it; false when nothing waits. An entry due in the past fires without turning
   * the clock back. What the entry throws comes through, and the clock can be stepped on. Throws when called by an entry.
   */
  step(): boolean {
    if (this.#firing) throw new Error('a clock is not stepped by what it fires');
    const next = this.#heap.take();
    if (next === undefined) return false;
    if (next.dueNs > this.#nowNs) this.#nowNs = next.dueNs;
    this.#firing = true;
    try {
      next.run();
    } finally {
      this.#firing = false;
    }
    return true;
  }

  /** Fires all that is due up to and including `ns`, new entries too, then shows `ns`. Throws a RangeError for a time past. */
  runUntil(ns: number): void {
    if (!Number.isSafeInteger(ns)) throw new RangeError(`a clock runs until an integer of nanoseconds, not ${ns}`);
    if (ns < this.#nowNs) throw new RangeError(`the clock shows ${this.#nowNs} ns and does not go back to ${ns} ns`);
    for (let dueNs = this.nextDueNs(); dueNs !== undefined && dueNs <= ns; dueNs = this.nextDueNs()) this.step();
    this.#nowNs = ns;
  }

  /** Fires until nothing waits. Returns how many fired; throws when more than `limit` would. */
  runAll(limit: number): number {
    let fired = 0;
    while (this.nextDueNs() !== undefined) {
      if (fired === limit)
        throw new Error(`after ${limit} entries, at ${this.#nowNs} ns, the clock has still more to fire`);
      this.step();
      fired++;
    }
    return fired;
  }
}
