/**
 * The clock that a run is timed by: what the runner, the drivers and the hardware model may ask of time.
 *
 * Times are integer nanoseconds since the run began, so that a journal's times are exact and equal on every machine; a
 * double holds them exactly for 104 days. A clock is always passed in: nothing reads a global one. It only fires what it was
 * asked to fire; what a due time means is the caller's.
 */

/** One thing that is to happen at a time. Handed out by `at`, handed back to `cancel`. */
export interface Entry {
  /** When it is due, ns on the run's clock. */
  readonly dueNs: number;
}

export interface RunClock {
  /** Integer ns since the run began; never goes back. */
  readonly nowNs: number;
  /**
   * Calls `run` once, when `dueNs` is reached, never before `at` has returned. Entries fire in the order of their due
   * times, those of one time in the order they were asked for. A due time that is past fires at the next opportunity.
   * Throws a RangeError for a due time that is no safe integer.
   */
  at(dueNs: number, run: () => void): Entry;
  /** Takes an entry back. One that has fired, or was cancelled already, is left as it is. */
  cancel(entry: Entry): void;
}

/** The wall time that a host offers, as a parameter, so that tests can pass their own. */
export interface HostTime {
  /** Monotonic milliseconds since some moment, with fractions. */
  now(): number;
  setTimeout(run: () => void, delayMs: number): unknown;
  clearTimeout(handle: unknown): void;
}

export const NS_PER_MS = 1_000_000;

/** Milliseconds, with fractions, as whole nanoseconds. Less than nothing is nothing, as with every host's setTimeout. */
export function nsOfMs(ms: number): number {
  return ms > 0 ? Math.round(ms * NS_PER_MS) : 0;
}
