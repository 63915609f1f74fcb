/**
 * A sweep as the rest of the library takes it: points of a scenario's keys, policies and seeds, and the trials that they make
 * together, numbered: point by point, of a point policy by policy, of a policy seed by seed. A trial is told by its number alone.
 */
import type { ScenarioInput } from '../scenario/schema.ts';
import type { Change } from '../trial/policy-choice.ts';
import type { TrialRow } from '../trial/row.ts';
import type { Trial } from '../trial/trial.ts';

export interface Point {
  /** In the order of the axes. */
  readonly labels: readonly (string | number | boolean)[];
  readonly set: readonly Change[];
}

export interface Pareto {
  /** Columns of the rows, two or more. */
  readonly of: readonly string[];
  /** Axes that are given and not chosen: there is a front for each combination of their values. */
  readonly per: readonly string[];
}

/** An axis whose values are multiples of something else in the scenario, and what they came to. */
export interface Shares {
  readonly axis: string;
  readonly of: string;
  /** In the order of the axis; where the point decides what they are of, all that there are. */
  readonly values: readonly { readonly times: number; readonly are: readonly (string | number)[] }[];
}

export interface Sweep {
  readonly name: string;
  readonly question: string;
  /** For whoever reads the results; absent where the file says nothing. */
  readonly description?: string;
  /** What the results leave out, a sentence each; absent: nothing is said. */
  readonly notModelled?: readonly string[];
  /** What every trial begins with. */
  readonly scenario: ScenarioInput;
  /** What its relative paths start from. */
  readonly folder: string;
  /** What files start from that are named as policies. */
  readonly policyFolder: string;
  readonly axes: readonly string[];
  /** Absent: no axis is said in multiples. */
  readonly shares?: readonly Shares[];
  /** At least one. */
  readonly points: readonly Point[];
  /** At least one. */
  readonly policies: readonly string[];
  /** Asked for by `all`, and not possible here. */
  readonly leftOut: readonly { readonly policy: string; readonly because: string }[];
  /** At least one. */
  readonly seeds: readonly number[];
  readonly pareto: Pareto;
  /** Of the charts that its runs are made of. */
  readonly charts: readonly string[];
  /** A hash, by policy, of what the files hold that its points name: traces, own policies. */
  readonly files: readonly string[];
}

/** A trial's row: its number, its point with the values of the axes, and what it came to. */
export type SweepRow = { readonly trial: number; readonly point: number } & TrialRow & {
    readonly [axis: string]: string | number | boolean | null;
  };

export function trialCount({ points, policies, seeds }: Sweep): number {
  return points.length * policies.length * seeds.length;
}

/** Which setting (a point under a policy) and seed, by number. */
export function placeOf({ policies, seeds }: Sweep, trial: number) {
  const setting = Math.floor(trial / seeds.length);
  return {
    setting,
    point: Math.floor(setting / policies.length),
    policy: policies[setting % policies.length]!,
    seed: seeds[trial % seeds.length]!,
  };
}

export function trialOf(sweep: Sweep, trial: number): Trial {
  const { point, policy, seed } = placeOf(sweep, trial);
  const { scenario, folder, policyFolder } = sweep;
  return { scenario, folder, policy, policyFolder, set: sweep.points[point]!.set, seed };
}

export function sweepRow(sweep: Sweep, trial: number, row: TrialRow): SweepRow {
  const { point } = placeOf(sweep, trial);
  const labels = sweep.points[point]!.labels;
  const at = Object.fromEntries(sweep.axes.map((axis, index) => [axis, labels[index]!]));
  return { trial, point, ...at, ...row } as SweepRow;
}
