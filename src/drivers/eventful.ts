/**
 * A driver in whose world things happen on a plan: at a time of the run's clock, or right after a command was given. The
 * driver itself lets them happen (mishaps.ts); this only says when.
 *
 * Every command that is given counts, also one that a fault keeps from being done: put this outside `withFaults`.
 */
import type { Answer, CommandName } from '../../machines/words.ts';
import type { Entry, RunClock } from '../clock/clock.ts';
import type { Command } from '../core/effect.ts';
import type { EffectId } from '../core/record.ts';
import type { Driver } from './driver.ts';
import type { Mishaps, WorldEvent } from './mishaps.ts';

export interface PlannedEvent {
  readonly when:
    | { readonly atNs: number }
    /** `nth` counts the commands of that name from 1; the same id again is not counted again. */
    | { readonly after: CommandName; readonly nth: number };
  readonly event: WorldEvent;
}

/**
 * The same driver, and what happens to it. Events of one instant happen in the order of the plan, before anything else that is
 * due then. Throws a RangeError for a driver to whose hardware nothing can be let happen.
 */
export function withEvents(driver: Driver, clock: RunClock, plan: readonly PlannedEvent[]): Driver {
  const { mishaps } = driver;
  if (plan.length === 0) return driver;
  if (mishaps === undefined) throw new RangeError(`the driver ${driver.name} models no hardware that things happen to`);
  const eventful = new Eventful(mishaps, clock, plan);
  return {
    ...driver,
    perform(command: Command, answer: (answer: Answer) => void) {
      driver.perform(command, answer);
      eventful.performed(command);
    },
    close() {
      eventful.close();
      driver.close();
    },
  };
}

class Eventful {
  readonly #mishaps: Mishaps;
  readonly #clock: RunClock;
  readonly #entries: readonly Entry[];
  readonly #afterCommands: readonly PlannedEvent[];
  readonly #seen = new Set<EffectId>();
  readonly #counted = new Map<CommandName, number>();

  constructor(mishaps: Mishaps, clock: RunClock, plan: readonly PlannedEvent[]) {
    this.#mishaps = mishaps;
    this.#clock = clock;
    this.#afterCommands = plan.filter(({ when }) => 'after' in when);
    this.#entries = plan.flatMap(({ when, event }) =>
      'atNs' in when ? [clock.at(when.atNs, () => mishaps.happen(event))] : [],
    );
  }

  performed({ id, name }: Command): void {
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    const nth = (this.#counted.get(name) ?? 0) + 1;
    this.#counted.set(name, nth);
    for (const { when, event } of this.#afterCommands) {
      if ('after' in when && when.after === name && when.nth === nth) this.#mishaps.happen(event);
    }
  }

  close(): void {
    for (const entry of this.#entries) this.#clock.cancel(entry);
  }
}
