import type { HostTime } from '../../src/clock/clock.ts';

/** A host whose time the test turns. Timers fire at whole milliseconds after they were set, as a host's do; equal ones in order. */
export class FakeHost implements HostTime {
  wakeUps = 0;
  longestDelayMs = 0;
  #nowMs: number;
  #timers: { run: () => void; dueMs: number }[] = [];

  constructor(nowMs = 0) {
    this.#nowMs = nowMs;
  }

  get armedTimers(): number {
    return this.#timers.length;
  }

  now(): number {
    return this.#nowMs;
  }

  setTimeout(run: () => void, delayMs: number): unknown {
    this.longestDelayMs = Math.max(this.longestDelayMs, delayMs);
    const timer = { run, dueMs: this.#nowMs + delayMs };
    this.#timers.push(timer);
    return timer;
  }

  clearTimeout(handle: unknown): void {
    this.#timers = this.#timers.filter((timer) => timer !== handle);
  }

  /** Lets time pass as if the process were busy: no timer fires. */
  spend(ms: number): void {
    this.#nowMs += ms;
  }

  /** Lets time pass and fires what comes due, also what that sets. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined || next.dueMs > untilMs) break;
      this.clearTimeout(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      this.wakeUps++;
      next.run();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }
}
