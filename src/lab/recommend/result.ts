/** What `recommend` returns, the same for a program and for `--json`. */
import type { ExportName } from '../compare/export/targets.ts';
import type { Sample } from '../statistics/sample.ts';
import type { Change } from '../trial/policy-choice.ts';
import type { MeasureName } from '../trial/row.ts';
import type { Goal } from './goals.ts';
import type { Verdict } from './sequential.ts';

/** A policy with its constants, and what its runs came to. */
export interface Judged {
  readonly policy: string;
  /** What is written into the scenario besides the policy; empty: nothing. */
  readonly constants: readonly Change[];
  readonly runs: number;
  /** Runs that completed within every goal. */
  readonly kept: number;
  readonly completed: number;
  /** `open`: neither was shown by these runs. */
  readonly verdict: Verdict;
  /** Open, and no more runs were made of it: others were ahead. */
  readonly passedOver: boolean;
  /** By goal. */
  readonly goals: Readonly<Partial<Record<MeasureName, GoalFigures>>>;
  /** The 95th percentile of how long a device was without service; null where there is none, or that many did not complete. */
  readonly serviceDowntimeP95Ms: number | null;
  /** The worst goal's share of its limit, at the 95th percentile of the runs; null where that many do not complete. */
  readonly room: number | null;
  readonly figures: Readonly<Record<'downtimeMs' | 'totalMs' | 'bytesTotal' | 'slowdownPercent', Sample | null>>;
}

export interface GoalFigures {
  /** The 95th percentile of the runs, one that did not complete being beyond all; null where that is such a one. */
  readonly p95: number | null;
  readonly met: number;
}

/** The policy that comes nearest to a goal, whatever it does to the others. */
export interface Nearest {
  readonly goal: Goal;
  readonly policy: string;
  readonly constants: readonly Change[];
  readonly p95: number | null;
  readonly met: number;
  readonly completed: number;
  readonly runs: number;
  /** By how much of the limit it is missed; 0: it is met. Null where it does not complete (`p95` is null, too), or the limit is 0. */
  readonly overPercent: number | null;
}

/** Plain JSON. */
export interface Recommendation {
  readonly scenario: string;
  readonly goals: readonly Goal[];
  readonly rule: string;
  readonly firstSeed: number;
  /** How long a run is waited for; one that needs longer is one that does not complete. */
  readonly waitedMs: number;
  /** All runs that were made. */
  readonly runs: number;
  /** Shown to hold, the one with most room first. */
  readonly holding: readonly Judged[];
  /** Everything else, the nearest first. */
  readonly others: readonly Judged[];
  /** One for each goal; empty where something holds. */
  readonly nearest: readonly Nearest[];
  /** The system that can run the first that holds, as `compare --export` writes it; null where there is none. */
  readonly exportsTo: ExportName | null;
  readonly leftOut: readonly { readonly policy: string; readonly because: string }[];
  /** Laws that runs broke; a result with any is void. */
  readonly broken: readonly string[];
  readonly sentence: string;
}
