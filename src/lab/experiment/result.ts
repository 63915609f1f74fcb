/** What an experiment returns, the same for a program and for `--json`: every run's figure, who is ahead where, and the sentence. */
import type { Race } from './crossover.ts';

/** One run of a cell. */
export interface RunFigure {
  readonly seed: number;
  readonly outcome: string;
  /** Null: the run did not complete, or did not get as far as this figure. */
  readonly figure: number | null;
}

export interface CellFigures {
  readonly side: string;
  /** As in the experiment's file; null without an axis. */
  readonly at: string | number | null;
  readonly runs: readonly RunFigure[];
  /** The median; a run without a figure counts as the worst. */
  readonly figure: number | null;
}

/** Plain JSON. */
export interface ExperimentResult {
  readonly experiment: string;
  readonly question: string;
  readonly figure: string;
  readonly better: 'lower' | 'higher';
  /** Of the first run of each cell. */
  readonly seed: number;
  readonly sides: readonly string[];
  readonly axis: { readonly name: string; readonly values: readonly (string | number)[] } | null;
  /** Sides first, then points of the axis. */
  readonly cells: readonly CellFigures[];
  /** Who is ahead where. Null without an axis. */
  readonly race: Race | null;
  /** Invariants that a run broke; a result with any is void. */
  readonly broken: readonly string[];
  readonly sentence: string;
}
