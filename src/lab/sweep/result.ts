/** What a sweep comes to, the same for a program and for `--json`: each point under each policy over its seeds, and the fronts. */
import type { Sample } from '../statistics/sample.ts';
import type { MeasureName, ServiceColumn } from '../trial/row.ts';
import type { Conclusion } from './conclusions/conclusions.ts';
import type { Shares, SweepRow } from './sweep.ts';

/** A row of a finished file: whether its setting is on the front. */
export type MarkedRow = SweepRow & { readonly pareto: boolean };

/** A point under a policy, over its seeds. */
export interface SettingSummary {
  readonly point: number;
  /** By axis. */
  readonly at: Readonly<Record<string, string | number | boolean>>;
  readonly policy: string;
  readonly runs: number;
  readonly completed: number;
  /** How many ended how, where not all completed. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Over the runs that completed; null where none has the figure. Of single devices, what the front is of. */
  readonly figures: Readonly<Record<MeasureName, Sample | null>> & { readonly [device: ServiceColumn]: Sample | null };
  /** Every run completed, and no other setting of its front is as good in all columns and better in one. */
  readonly pareto: boolean;
}

/** Plain JSON. */
export interface SweepResult {
  readonly sweep: string;
  readonly question: string;
  /** What is run and why so; null where the file says nothing. */
  readonly description: string | null;
  readonly notModelled: readonly string[];
  /** What the rows say, made of the rows alone. */
  readonly conclusions: readonly Conclusion[];
  readonly axes: readonly string[];
  /** What values that are multiples of something came to; empty where there are none. */
  readonly shares: readonly Shares[];
  readonly policies: readonly string[];
  readonly leftOut: readonly { readonly policy: string; readonly because: string }[];
  readonly seeds: readonly number[];
  readonly trials: number;
  readonly pareto: { readonly of: readonly string[]; readonly per: readonly string[] };
  /** Point by point, of a point policy by policy. */
  readonly settings: readonly SettingSummary[];
  /** Laws that runs broke; a result with any is void. */
  readonly broken: readonly string[];
}
