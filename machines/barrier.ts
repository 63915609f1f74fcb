/**
 * A barrier: wait until every one of a set has reached what it was asked for.
 *
 * The P2P quiesce is one (all devices before the first is stopped), so are starting and syncing several trackers. The set
 * is expected before the orders go out; an empty set passes at once; only an answer to the order that was given counts.
 */

export interface Barrier {
  /** Who has not arrived yet. */
  readonly waitingFor: readonly string[];
}

/** Expects all of them anew. */
export function expecting(names: readonly string[]): Barrier {
  return { waitingFor: names };
}

/** Without the one that arrived. */
export function arrived(barrier: Barrier, name: string): Barrier {
  return { waitingFor: barrier.waitingFor.filter((waiting) => waiting !== name) };
}

/** Everyone is here. */
export function everyoneArrived(barrier: Barrier): boolean {
  return barrier.waitingFor.length === 0;
}
