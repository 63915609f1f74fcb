/**
 * Charts walked through by hand, as far as each has come: the events so far, and how many of them count now. Going back keeps
 * those behind, until another event is sent. The server keeps nothing: it takes all the events again each time.
 */
import { signal } from '@preact/signals';
import type { Walk, WalkWish } from '../../page-data.ts';
import type { Source } from '../source.ts';

export type WalkEvent = WalkWish['events'][number];

export interface WalkState {
  readonly input?: unknown;
  readonly events: readonly WalkEvent[];
  /** So many of the events are taken; 0: it has just been started. */
  readonly at: number;
  readonly walk?: Walk;
  /** What an event led to instead, or why there is no walk. */
  readonly trouble?: string;
}

/** Whose walk is shown; kept while the page shows something else. */
export const chosenMachine = signal<string | undefined>(undefined);
export const walks = signal<Readonly<Record<string, WalkState>>>({});

const BEGINNING: WalkState = { events: [], at: 0 };

export class Walker {
  readonly #source: Source;
  /** Of the latest question: an answer to an earlier one is not shown. */
  #asked = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Takes up a machine's walk where it was left, or begins it. */
  async open(machine: string): Promise<void> {
    if (stateOf(machine).walk === undefined) await this.#go(machine, stateOf(machine));
  }

  async send(machine: string, event: WalkEvent): Promise<void> {
    const { events, at } = stateOf(machine);
    await this.#go(machine, { ...stateOf(machine), events: [...events.slice(0, at), event], at: at + 1 });
  }

  /** Back, or forth again, to where so many events were taken. */
  async goTo(machine: string, at: number): Promise<void> {
    await this.#go(machine, { ...stateOf(machine), at });
  }

  /** `input`: absent, what the server gives such a chart as an example. */
  async reset(machine: string, input?: unknown): Promise<void> {
    await this.#go(machine, { ...BEGINNING, ...(input !== undefined && { input }) });
  }

  async #go(machine: string, wanted: WalkState): Promise<void> {
    const asked = ++this.#asked;
    const before = stateOf(machine);
    const { input, events, at } = wanted;
    const wish = { machine, events: events.slice(0, at), ...(input !== undefined && { input }) };
    let found: WalkState;
    try {
      const walk = await this.#source.walk(wish);
      // Nothing of that event was taken, so it is no step of the walk; what was there before stays lit.
      if (walk.error !== undefined && at > 0) found = { ...before, trouble: `${events[at - 1]?.type}: ${walk.error}` };
      else
        found = {
          events,
          at,
          walk,
          ...(input !== undefined && { input }),
          ...(walk.error !== undefined && { trouble: walk.error }),
        };
    } catch (error) {
      found = { ...before, trouble: (error as Error).message };
    }
    if (asked === this.#asked) walks.value = { ...walks.peek(), [machine]: found };
  }
}

function stateOf(machine: string): WalkState {
  return walks.peek()[machine] ?? BEGINNING;
}
