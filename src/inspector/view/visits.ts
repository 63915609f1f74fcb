/**
 * How often a state was entered and a transition taken, and what each chart took last, at any record: sorted positions instead
 * of counters, so that a moment in the past is a search and no checkpoint has to hold counts.
 */
import type { Address } from '../../core/record.ts';
import type { Folded, LastTaken } from './instant.ts';

export class Visits {
  readonly #states = new Map<Address, Map<string, number[]>>();
  readonly #transitions = new Map<Address, Map<string, number[]>>();
  readonly #lasts = new Map<Address, LastTaken[]>();

  see({ record, told }: Folded): void {
    const { position } = record;
    for (const one of told) {
      for (const state of one.entered) push(this.#states, one.to, state, position);
      for (const id of one.transitions) push(this.#transitions, one.to, id, position);
      if (!one.taken || one.opens) continue;
      const last = { position, event: one.event.type, from: one.from, transitions: one.transitions };
      const lasts = this.#lasts.get(one.to);
      if (lasts === undefined) this.#lasts.set(one.to, [last]);
      else lasts.push(last);
    }
  }

  /** By state and by transition of one chart, up to and with this record. */
  of(address: Address, position: number): Visited {
    return {
      states: countsAt(this.#states.get(address), position),
      transitions: countsAt(this.#transitions.get(address), position),
    };
  }

  /** The visits of one state or transition around a record. */
  around(address: Address, { kind, id }: Visitable, position: number): VisitsAround {
    const all = (kind === 'state' ? this.#states : this.#transitions).get(address)?.get(id) ?? [];
    const count = firstAfter(all, position, (at) => at);
    const [last, next] = [all[count - 1], all[count]];
    // Entered twice by one record, it was entered before it by another.
    const before = all[firstAfter(all, (last ?? 0) - 1, (at) => at) - 1];
    return {
      count,
      total: all.length,
      ...(before !== undefined && { before }),
      ...(last !== undefined && { last }),
      ...(next !== undefined && { next }),
    };
  }

  lastOf(address: Address, position: number): LastTaken | undefined {
    const lasts = this.#lasts.get(address);
    if (lasts === undefined) return undefined;
    return lasts[firstAfter(lasts, position, (last) => last.position) - 1];
  }
}

/** A state by its path, or a transition by its id. */
export interface Visitable {
  readonly kind: 'state' | 'transition';
  readonly id: string;
}

/** How often up to and with a record, how often in all, and at which records: the last up to it, the one before that, the next. */
export interface VisitsAround {
  readonly count: number;
  readonly total: number;
  readonly before?: number;
  readonly last?: number;
  readonly next?: number;
}

export interface Visited {
  readonly states: Readonly<Record<string, number>>;
  readonly transitions: Readonly<Record<string, number>>;
}

function push(index: Map<Address, Map<string, number[]>>, address: Address, key: string, position: number): void {
  let keys = index.get(address);
  if (keys === undefined) index.set(address, (keys = new Map()));
  const positions = keys.get(key);
  if (positions === undefined) keys.set(key, [position]);
  else positions.push(position);
}

function countsAt(keys: ReadonlyMap<string, readonly number[]> | undefined, position: number): Record<string, number> {
  const counts = [...(keys ?? [])].map(
    ([key, positions]) => [key, firstAfter(positions, position, (at) => at)] as const,
  );
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

/** How many of the ascending `list` are at or before `position`. */
export function firstAfter<T>(list: readonly T[], position: number, of: (one: T) => number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (of(list[middle] as T) <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
