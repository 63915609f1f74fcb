/**
 * An experiment as the rest of the library takes it: one scenario to begin with, sides that are set against each other, an
 * axis along which they are compared, and the figure of a report that decides. Plain data; a file is read by read.ts.
 */
import type { AxisValue, Scale } from './axis-value.ts';

/** What may be written at a path; null takes the key away. */
export type Changes = Readonly<Record<string, unknown>>;

export interface Side {
  readonly name: string;
  /** By dotted path into the scenario, `containers[0].iommu.leaf`; a mapping is merged, anything else is put in its place. */
  readonly changes: Changes;
}

export interface Axis {
  /** In words, for the sentence: `dirty rate`. */
  readonly name: string;
  /** Every one of them gets the value. */
  readonly paths: readonly string[];
  /** Rising strictly. */
  readonly values: readonly AxisValue[];
  /** What a crossover is interpolated on. */
  readonly scale: Scale;
}

export interface Measure {
  /** Dotted path into the report: `totalMs`, `devices[0].serviceDowntimeMs`, `devices[].stateBytes` (the mean of all). */
  readonly figure: string;
  readonly better: 'lower' | 'higher';
  /** Values nearer to each other than this are called equal. */
  readonly marginPercent: number;
}

export interface Experiment {
  readonly name: string;
  readonly question: string;
  /** The scenario input that every cell begins with. */
  readonly base: Readonly<Record<string, unknown>>;
  /** At least one; a single side without a name where nothing is set against anything. */
  readonly sides: readonly Side[];
  readonly over: Axis | null;
  readonly measure: Measure;
  /** Runs of each cell, with the scenario's seed and those after it. */
  readonly seeds: number;
}

/**
 * The guest is not migrated but checkpointed, as COLO and Remus do: every so often it stands, the dirty log is collected and
 * armed again, and it goes on. The one use of a dirty log that has syncs at a period.
 */
export interface Checkpoints {
  readonly everyNs: number;
  readonly count: number;
}
