/** A run's own clock inside a longer time: it shows 0 when the run begins, so that a run is what it would be alone. */
import type { Entry, RunClock } from '../../clock/clock.ts';

interface Shifted extends Entry {
  readonly inner: Entry;
}

export class ShiftedClock implements RunClock {
  readonly #clock: RunClock;
  readonly #beganNs: number;

  constructor(clock: RunClock) {
    this.#clock = clock;
    this.#beganNs = clock.nowNs;
  }

  get nowNs(): number {
    return this.#clock.nowNs - this.#beganNs;
  }

  at(dueNs: number, run: () => void): Entry {
    const shifted: Shifted = { dueNs, inner: this.#clock.at(dueNs + this.#beganNs, run) };
    return shifted;
  }

  cancel(entry: Entry): void {
    this.#clock.cancel((entry as Shifted).inner);
  }
}
