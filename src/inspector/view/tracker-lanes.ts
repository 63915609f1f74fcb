/** What knows of writes: each container's tracker of DMA, and KVM's dirty log. */
import type { Folded } from './instant.ts';
import { inWords, type LaneOf, type LaneWriter, leafOf } from './lane-writer.ts';

export class TrackerLanes implements LaneWriter {
  readonly #laneOf: LaneOf;
  /** By container: which tracker, and why. */
  readonly #chosen = new Map<string, string>();

  constructor(laneOf: LaneOf) {
    this.#laneOf = laneOf;
  }

  see({ record, effects, told, closed }: Folded): void {
    for (const effect of effects) {
      if (effect.kind !== 'fact' || effect.event.type !== 'TRACKER_CHOSEN') continue;
      const { tracking, tracker, because } = effect.event as { readonly [key: string]: unknown };
      this.#chosen.set(`tracking/${String(tracking)}`, `${String(tracker)}: ${String(because)}`);
      this.#lane(`tracking/${String(tracking)}`).label = `container ${String(tracking)}: ${String(tracker)}`;
    }
    for (const { to, after } of told) {
      const leaf = leafOf(after);
      if (to === 'dirty-log') this.#laneOf(to, 'trackers', 'KVM log').enter(logState(leaf), record);
      if (!to.startsWith('tracking/')) continue;
      const note = this.#chosen.get(to);
      this.#lane(to).enter(
        leaf === 'tracking.resting' ? 'tracking' : inWords(leaf),
        record,
        note === undefined ? {} : { note },
      );
    }
    for (const address of closed) if (address.startsWith('tracking/')) this.#lane(address).leave(record);
  }

  #lane(address: string) {
    return this.#laneOf(address, 'trackers', `container ${address.slice('tracking/'.length)}`);
  }
}

/** Its own state, and while it collects, from whom. */
function logState(leaf: string): string {
  const [state = '', inner] = leaf.split('.');
  return state === 'on' ? (inner === 'resting' || inner === undefined ? 'on' : 'collecting') : inWords(state);
}
