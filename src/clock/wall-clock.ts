/**
 * The clock of a run on real hardware: nanoseconds since the run began, by the host's monotonic time.
 *
 * It can start later than 0: a recovered run goes on at the time its outage left it, and what came due meanwhile fires at
 * the first turn of the event loop, in the order it was due. One host timer is armed, for the earliest entry; the host's
 * timers may be early or late by milliseconds, so an entry fires at the first wake-up at or after its time.
 */
import { type Entry, type HostTime, NS_PER_MS, type RunClock } from './clock.ts';
import { DueHeap } from './due-heap.ts';

/** The host's own time: `performance.now` and its timers. */
export const hostTime: HostTime = {
  now: () => performance.now(),
  setTimeout: (run, delayMs) => globalThis.setTimeout(run, delayMs),
  clearTimeout: (handle) => globalThis.clearTimeout(handle as number),
};

/** Longer delays overflow the 32-bit signed milliseconds of every host's setTimeout and would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Then the event loop gets its turn, even if more is due. */
const MAX_ENTRIES_PER_TURN = 1_000;

export interface WallClockOptions {
  /** What the clock shows at first, ns; 0 for a new run. */
  readonly startNs?: number;
  readonly host?: HostTime;
}

export class WallClock implements RunClock {
  readonly #heap = new DueHeap();
  readonly #host: HostTime;
  readonly #startNs: number;
  readonly #beganMs: number;
  #latestNs: number;
  #armed: { readonly handle: unknown; readonly dueNs: number } | undefined;
  #firing = false;
  #closed = false;

  constructor({ startNs = 0, host = hostTime }: WallClockOptions = {}) {
    if (!Number.isSafeInteger(startNs))
      throw new RangeError(`a clock starts at an integer of nanoseconds, not ${startNs}`);
    this.#host = host;
    this.#startNs = startNs;
    this.#latestNs = startNs;
    this.#beganMs = host.now();
  }

  get nowNs(): number {
    const ns = this.#startNs + Math.floor((this.#host.now() - this.#beganMs) * NS_PER_MS);
    if (ns > this.#latestNs) this.#latestNs = ns;
    return this.#latestNs;
  }

  /** See RunClock; throws once the clock is closed. */
  at(dueNs: number, run: () => void): Entry {
    if (this.#closed) throw new Error('the clock is closed');
    const entry = this.#heap.add(dueNs, run);
    this.#arm();
    return entry;
  }

  cancel(entry: Entry): void {
    this.#heap.cancel(entry);
    this.#arm();
  }

  /** Drops all that waits, so that the process can end. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#heap.clear();
    this.#disarm();
  }

  /** Makes the one host timer stand for the earliest entry. */
  #arm(): void {
    if (this.#firing) return;
    const dueNs = this.#heap.nextDueNs();
    if (dueNs === this.#armed?.dueNs) return;
    this.#disarm();
    if (dueNs === undefined) return;
    const delayMs = Math.ceil((dueNs - this.nowNs) / NS_PER_MS);
    const handle = this.#host.setTimeout(() => this.#wake(), Math.min(Math.max(delayMs, 0), MAX_DELAY_MS));
    this.#armed = { handle, dueNs };
  }

  #disarm(): void {
    if (this.#armed !== undefined) this.#host.clearTimeout(this.#armed.handle);
    this.#armed = undefined;
  }

  #wake(): void {
    this.#armed = undefined;
    const dueUntilNs = this.nowNs;
    this.#firing = true;
    try {
      for (let fired = 0; fired < MAX_ENTRIES_PER_TURN; fired++) {
        const dueNs = this.#heap.nextDueNs();
        if (dueNs === undefined || dueNs > dueUntilNs) break;
        this.#heap.take()!.run();
      }
    } finally {
      this.#firing = false;
      this.#arm();
    }
  }
}
