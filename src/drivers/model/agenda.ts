/**
 * The driver's part of the run's clock: all that it has put there can be taken back at once when it is closed. It is the
 * clock that the modelled hardware is given, so that nothing of a closed model fires any more.
 */
import type { Entry, RunClock } from '../../clock/clock.ts';

export class Agenda implements RunClock {
  readonly #clock: RunClock;
  readonly #entries = new Set<Entry>();
  #closed = false;

  constructor(clock: RunClock) {
    this.#clock = clock;
  }

  get nowNs(): number {
    return this.#clock.nowNs;
  }

  get closed(): boolean {
    return this.#closed;
  }

  at(dueNs: number, run: () => void): Entry {
    if (this.#closed) return { dueNs };
    const entry = this.#clock.at(dueNs, () => {
      this.#entries.delete(entry);
      run();
    });
    this.#entries.add(entry);
    return entry;
  }

  /** After so many ns, a fraction rounded up. */
  after(ns: number, run: () => void): Entry {
    return this.at(this.nowNs + Math.ceil(ns), run);
  }

  cancel(entry: Entry): void {
    if (this.#entries.delete(entry)) this.#clock.cancel(entry);
  }

  close(): void {
    this.#closed = true;
    for (const entry of this.#entries) this.#clock.cancel(entry);
    this.#entries.clear();
  }
}
