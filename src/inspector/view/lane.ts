/** A lane as it is drawn and exported: one thing, and the states that it was in, one after the other. */

export interface Lane {
  readonly id: string;
  readonly group: LaneGroup;
  readonly label: string;
  /** In order, without overlaps. */
  readonly spans: readonly LaneSpan[];
}

/** In the order in which they are shown; `phases`: the migration's own, and `downtime`: what the downtime is made of. */
export const LANE_GROUPS = ['phases', 'downtime', 'guest', 'devices', 'trackers', 'link', 'hosts', 'policy'] as const;
export type LaneGroup = (typeof LANE_GROUPS)[number];

export interface LaneSpan {
  readonly state: string;
  readonly fromNs: number;
  /** Absent: it still is. */
  readonly toNs?: number;
  /** The record with which it began. */
  readonly position: number;
  /** What it is on its way to: a SET is under way. */
  readonly towards?: string;
  /** More for a tooltip. */
  readonly note?: string;
}
