/** The migration's own status, what it does on a way back or in doubt, and what the downtime is made of. */
import type { Folded } from './instant.ts';
import { inWords, type LaneOf, type LaneWriter, leafOf } from './lane-writer.ts';

/** Charts that are open for a while only, with what their lanes are called. */
const PHASE_CHARTS: Readonly<Record<string, string>> = {
  'post-copy': 'post-copy',
  'roll-back': 'way back',
  'in-doubt': 'in doubt',
};

export class PhaseLanes implements LaneWriter {
  readonly #laneOf: LaneOf;
  #hasStopped = false;

  constructor(laneOf: LaneOf) {
    this.#laneOf = laneOf;
  }

  see({ record, effects, told, closed, outcome }: Folded): void {
    for (const effect of effects) {
      if (effect.kind !== 'fact') continue;
      const { type } = effect.event;
      if (type === 'STATUS_CHANGED')
        this.#laneOf('phases', 'phases', 'migration').enter(String(effect.event.status), record);
      if (type === 'GUEST_SUSPENDED') this.#phase('suspend', record);
      if (type === 'SWITCHOVER_PHASE_ENTERED') this.#phase(String(effect.event.phase), record);
    }
    for (const { to, after } of told) {
      const label = PHASE_CHARTS[to];
      if (label !== undefined) this.#laneOf(to, 'phases', label).enter(stateText(leafOf(after)), record);
      if (to === 'observed') this.#observed(after, record);
    }
    for (const address of closed) {
      const label = PHASE_CHARTS[address];
      if (label !== undefined) this.#laneOf(address, 'phases', label).leave(record);
    }
    if (record.kind !== 'input' || outcome !== 'taken' || !this.#hasStopped) return;
    // The guest runs again, over there or here: as the report has it, the downtime ends with the last of these.
    const { type } = record.event;
    if (type === 'DONE.startDestination' || type === 'DONE.resumeVcpus') this.#downtime().endAt(record.atNs);
  }

  #phase(phase: string, record: Folded['record']): void {
    this.#hasStopped = true;
    this.#downtime().follow(phase, record);
  }

  /** Somebody else's migration does not say what its downtime is made of. */
  #observed(after: readonly string[], record: Folded['record']): void {
    const stands = after.includes('source.stopped') && !after.includes('destination.running');
    if (stands && this.#downtime().now === undefined) this.#downtime().follow('stands', record);
    if (!stands && this.#downtime().now !== undefined) this.#downtime().endAt(record.atNs);
  }

  #downtime() {
    return this.#laneOf('downtime', 'downtime', 'downtime');
  }
}

/** At rest a chart waits for an order. */
function stateText(leaf: string): string {
  const words = inWords(leaf);
  return words === 'resting' ? 'waits' : words;
}
