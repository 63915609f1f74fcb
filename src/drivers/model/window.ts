/**
 * How fast the sender may go and has gone. QEMU's rate limit: a budget of bytes for each window of 100 ms, and the bandwidth that the window before had
 * (migration/migration.c: migration_rate_limit, migration_update_counters). Windows go on across passes and syncs; one
 * that is over is closed when somebody looks, so a window in which the sender was held up is longer than 100 ms.
 */

export class RateWindow {
  #capBytesPerSecond = 0;
  #budgetBytes = Number.POSITIVE_INFINITY;
  readonly #ns: number;
  #startNs: number | undefined;
  #usedBytes = 0;
  #bandwidthBytesPerSecond = 0;

  /** A cap of 0 is none: the budget is never used up. `ns`: the length of a window; infinite for a loop without windows. */
  constructor(capBytesPerSecond: number, ns: number) {
    this.#ns = ns;
    this.capTo(capBytesPerSecond);
  }

  get capBytesPerSecond(): number {
    return this.#capBytesPerSecond;
  }

  /** Another cap, for the window under way too; 0: none. */
  capTo(capBytesPerSecond: number): void {
    this.#capBytesPerSecond = capBytesPerSecond;
    // An integer division by XFER_LIMIT_RATIO = 1000 / BUFFER_DELAY (migration/migration.h).
    const unlimited = capBytesPerSecond === 0 || this.#ns === Number.POSITIVE_INFINITY;
    this.#budgetBytes = unlimited ? Number.POSITIVE_INFINITY : Math.floor((capBytesPerSecond * this.#ns) / 1e9);
  }

  /** Of the last window that was measured; 0 while none has been. */
  get bandwidthBytesPerSecond(): number {
    return this.#bandwidthBytesPerSecond;
  }

  /** More than the budget has been sent in this window. A window that has just used it up is not over it. */
  get exceeded(): boolean {
    return this.#usedBytes > this.#budgetBytes;
  }

  /** What is left of the budget. */
  get leftBytes(): number {
    return this.#budgetBytes - this.#usedBytes;
  }

  /** End of this window, ns on the clock. */
  endNs(nowNs: number): number {
    return (this.#startNs ?? nowNs) + this.#ns;
  }

  /** The sender begins to work: the first window starts. Later calls change nothing. */
  begin(nowNs: number): void {
    this.#startNs ??= nowNs;
  }

  sent(bytes: number): void {
    this.#usedBytes += bytes;
  }

  /** Closes the window if it is over: measures what was sent in it and begins the next one now. */
  measure(nowNs: number): void {
    const startNs = this.#startNs ?? nowNs;
    if (nowNs < startNs + this.#ns) return;
    // Deviation: a loop that has nothing to send spins in QEMU, and its empty sections still measure something; here it
    // sleeps, so a window without a byte says nothing about the link and leaves the figure as it was.
    if (this.#usedBytes > 0) this.#bandwidthBytesPerSecond = (this.#usedBytes / (nowNs - startNs)) * 1e9;
    this.#usedBytes = 0;
    this.#startNs = nowNs;
  }

  /** A loop without windows measures a whole round. */
  measureRound(bytes: number, ns: number): void {
    if (bytes > 0 && ns > 0) this.#bandwidthBytesPerSecond = (bytes / ns) * 1e9;
  }
}
