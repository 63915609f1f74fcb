/** What a run was at one of its records: everything that a page shows of one instant, as plain data. */
import type { Command, Effect, Timer } from '../../core/effect.ts';
import type { Address, Rec, RecordedEvent } from '../../core/record.ts';

export interface Instant {
  readonly position: number;
  readonly atNs: number;
  readonly record: Rec;
  /** `late`: an answer that nobody waited for; it was not delivered. */
  readonly outcome: 'taken' | 'late';
  /** Charts that are open after this record, in the order in which they were opened. */
  readonly charts: readonly ChartAt[];
  /** Closed by this record. */
  readonly closed: readonly Address[];
  readonly told: readonly Told[];
  readonly effects: readonly Effect[];
  /** Commands without an answer, and armed timers. */
  readonly pending: readonly Command[];
  readonly timers: readonly Timer[];
}

export interface ChartAt {
  readonly address: Address;
  readonly kind: string;
  /** Of its picture, as the gallery names it. */
  readonly picture: string;
  /** Dotted paths of the active states, parents before their children; the root's is the empty one. */
  readonly active: readonly string[];
  /** The active leaves, for people. */
  readonly value: string;
  readonly status: string;
  readonly context: unknown;
  /** What it was last told that it took; absent: it has only been opened. */
  readonly last?: LastTaken;
  /** This record told it something. */
  readonly isToldHere: boolean;
}

export interface LastTaken {
  readonly position: number;
  readonly event: string;
  readonly from: Address | undefined;
  /** Ids of transitions as in the chart's picture. */
  readonly transitions: readonly string[];
}

/** One event given to one chart, in the order of delivery. */
export interface Told {
  readonly to: Address;
  /** Undefined: the record itself. */
  readonly from: Address | undefined;
  readonly event: RecordedEvent;
  /** False: no state takes it. */
  readonly taken: boolean;
  /** This opened the chart. */
  readonly opens: boolean;
  readonly transitions: readonly string[];
  /** States that it entered, in order; those that it only passed, and each as often as it did. */
  readonly entered: readonly string[];
  /** Active states before it (none when it opens the chart) and after it. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** A record as it was folded: what a projection sees. */
export interface Folded {
  readonly record: Rec;
  readonly outcome: 'taken' | 'late';
  readonly effects: readonly Effect[];
  readonly told: readonly Told[];
  readonly closed: readonly Address[];
}
