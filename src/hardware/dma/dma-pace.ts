/**
 * How fast one device really goes: what it waits for (a translation, a page request) it owes, and it pays by standing still
 * in the slice of time after the one in which it was charged, so that it writes less. Its rate is what it does when it never
 * waits; a device with time to spare would hide some of this, and the model does not know how much.
 */

/** How long a device runs on before it pays: short against a round, long enough to be cheap. This project's own. */
const SLICE_NS = 5_000_000;

export class DmaPace {
  #owedNs = 0;
  #ranNs = 0;
  #waitedNs = 0;

  charge(ns: number): void {
    this.#owedNs += ns;
  }

  /** Calls `run` for the parts of (fromNs, toNs] in which the device does not wait. */
  advance(fromNs: number, toNs: number, run: (fromNs: number, toNs: number) => void): void {
    for (let at = fromNs; at < toNs; ) {
      const end = Math.min(at + SLICE_NS, toNs);
      const waits = Math.min(end - at, Math.floor(this.#owedNs));
      this.#owedNs -= waits;
      this.#waitedNs += waits;
      this.#ranNs += end - at - waits;
      if (at + waits < end) run(at + waits, end);
      at = end;
    }
  }

  /** Share of its rate that it reached, in tenths of a percent; 100 before any time has passed. */
  get throughputPercent(): number {
    const all = this.#ranNs + this.#waitedNs;
    return all === 0 ? 100 : Math.round((1000 * this.#ranNs) / all) / 10;
  }

  /** Nothing is owed, and the share is measured from now on. */
  reset(): void {
    this.#owedNs = 0;
    this.#ranNs = 0;
    this.#waitedNs = 0;
  }
}
