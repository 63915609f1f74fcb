/** Every chart that a run ever opened, and when: what keeps a list of charts in one place while they come and go. */
import type { Address } from '../../core/record.ts';
import type { Folded } from './instant.ts';

export interface RosterEntry {
  readonly address: Address;
  /** Positions: opened by the first, closed by the second; one that is still open has no second. */
  readonly spans: readonly { readonly from: number; readonly to?: number }[];
}

export class Roster {
  readonly #spans = new Map<Address, { from: number; to?: number }[]>();

  see({ record: { position }, told, closed }: Folded): void {
    for (const { to, opens } of told) {
      if (!opens) continue;
      const spans = this.#spans.get(to);
      if (spans === undefined) this.#spans.set(to, [{ from: position }]);
      else spans.push({ from: position });
    }
    for (const address of closed) {
      const last = this.#spans.get(address)?.at(-1);
      if (last !== undefined) last.to = position;
    }
  }

  /** In the order in which they were first opened. */
  all(): readonly RosterEntry[] {
    return [...this.#spans].map(([address, spans]) => ({ address, spans }));
  }
}
