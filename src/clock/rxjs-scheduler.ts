/**
 * The face of a run's clock that RxJS takes as a scheduler, so that `interval(5, scheduler)` ticks in the run's time and
 * interleaves with charts' timers by due time and order of asking.
 *
 * Actions follow RxJS's AsyncAction: rescheduling one replaces what it waited for, unsubscribing ends it, an error in its
 * work ends it and comes through. A rescheduled action is the same object, so an interval holds no memory of its past ticks.
 * `Subscription` is the one thing imported from RxJS to run: what is no instance of it can be added to a subscriber but
 * never leaves it again, and each tick would add one more.
 */
import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs';
import { type Entry, NS_PER_MS, nsOfMs, type RunClock } from './clock.ts';

type Work<T> = (this: SchedulerAction<T>, state?: T) => void;

/** Times are milliseconds with fractions, as RxJS has them; the clock keeps whole nanoseconds. */
export function rxjsScheduler(clock: RunClock): SchedulerLike {
  return {
    now: () => clock.nowNs / NS_PER_MS,
    schedule<T>(work: Work<T>, delayMs = 0, state?: T): Subscription {
      return new ClockAction(clock, work).schedule(state, delayMs);
    },
  };
}

class ClockAction<T> extends Subscription implements SchedulerAction<T> {
  readonly #clock: RunClock;
  readonly #work: Work<T>;
  #entry: Entry | undefined;

  constructor(clock: RunClock, work: Work<T>) {
    super();
    this.#clock = clock;
    this.#work = work;
  }

  schedule(state?: T, delayMs = 0): Subscription {
    if (this.closed) return this;
    this.#forget();
    this.#entry = this.#clock.at(this.#clock.nowNs + nsOfMs(delayMs), () => this.#fire(state));
    return this;
  }

  override unsubscribe(): void {
    this.#forget();
    super.unsubscribe();
  }

  #fire(state: T | undefined): void {
    this.#entry = undefined;
    try {
      this.#work.call(this, state);
    } catch (error) {
      this.unsubscribe();
      throw error;
    }
  }

  #forget(): void {
    if (this.#entry !== undefined) this.#clock.cancel(this.#entry);
    this.#entry = undefined;
  }
}
