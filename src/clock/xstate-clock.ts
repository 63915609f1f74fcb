/**
 * The face of a run's clock that XState's actors take as their `clock`, so that a chart's `after` counts the run's time.
 *
 * Only live actors need it: the pure core turns timers into effects and never meets a clock. The shape is XState's `Clock`,
 * written out because this folder imports no XState.
 */
import { type Entry, nsOfMs, type RunClock } from './clock.ts';

export interface TimeoutClock {
  /** Milliseconds, fractions allowed. */
  setTimeout(run: () => void, delayMs: number): Entry;
  clearTimeout(entry: Entry | undefined): void;
}

export function xstateClock(clock: RunClock): TimeoutClock {
  return {
    setTimeout: (run, delayMs) => clock.at(clock.nowNs + nsOfMs(delayMs), run),
    clearTimeout: (entry) => {
      if (entry !== undefined) clock.cancel(entry);
    },
  };
}
