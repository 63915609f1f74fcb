/**
 * A sweep's rows put together: the means of each setting with their intervals, and the Pareto fronts over them. A setting whose
 * runs did not all complete is on no front: the mean of those that did would flatter it.
 */

import { sampleOf } from '../statistics/sample.ts';
import { MEASURES } from '../trial/row.ts';
import { conclusionsOf } from './conclusions/conclusions.ts';
import { onFront } from './pareto.ts';
import type { MarkedRow, SettingSummary, SweepResult } from './result.ts';
import { placeOf, type Sweep, type SweepRow } from './sweep.ts';

export interface Summed {
  readonly result: SweepResult;
  readonly rows: readonly MarkedRow[];
}

/** `rows` are all of them, in the order of the trials. */
export function summed(sweep: Sweep, rows: readonly SweepRow[]): Summed {
  const runs = sweep.seeds.length;
  const groups = Array.from({ length: rows.length / runs }, (_, setting) =>
    rows.slice(setting * runs, (setting + 1) * runs),
  );
  const marks = marksOf(sweep, groups);
  const settings = groups.map((group, setting) => settingSummary(sweep, group, marks[setting]!));
  const { name, question, axes, policies, leftOut, seeds, pareto } = sweep;
  const result: SweepResult = {
    sweep: name,
    question,
    description: sweep.description ?? null,
    notModelled: sweep.notModelled ?? [],
    conclusions: conclusionsOf(sweep, rows),
    axes,
    shares: sweep.shares ?? [],
    policies,
    leftOut,
    seeds,
    trials: rows.length,
    pareto,
    settings,
    broken: rows.flatMap(({ trial, broken }) => (broken === '' ? [] : [`trial ${trial}: ${broken}`])),
  };
  return { result, rows: rows.map((row) => ({ ...row, pareto: marks[placeOf(sweep, row.trial).setting]! })) };
}

function settingSummary(sweep: Sweep, rows: readonly SweepRow[], pareto: boolean): SettingSummary {
  const [first] = rows as readonly [SweepRow];
  const completed = rows.filter(({ outcome }) => outcome === 'completed');
  const outcomes: Record<string, number> = {};
  for (const { outcome } of rows) if (outcome !== 'completed') outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  return {
    point: first.point,
    at: Object.fromEntries(sweep.axes.map((axis) => [axis, first[axis] as string | number | boolean])),
    policy: first.policy,
    runs: rows.length,
    completed: completed.length,
    outcomes,
    figures: figuresIn(completed, sweep.pareto.of),
    pareto,
  };
}

/** Of the usual columns, and of those that the front is of. */
function figuresIn(rows: readonly SweepRow[], of: readonly string[]): SettingSummary['figures'] {
  const samples = [...new Set<string>([...MEASURES, ...of])].map((measure) => {
    const figures = rows.map((row) => row[measure]).filter((figure) => typeof figure === 'number');
    return [measure, sampleOf(figures)] as const;
  });
  return Object.fromEntries(samples) as SettingSummary['figures'];
}

/** For each setting whether it is on the front of those that share what is given. */
function marksOf({ axes, pareto }: Sweep, groups: readonly (readonly SweepRow[])[]): readonly boolean[] {
  const marks: boolean[] = new Array(groups.length).fill(false);
  const given = pareto.per.filter((axis) => axes.includes(axis));
  const fronts = new Map<string, { setting: number; figures: readonly number[] }[]>();
  for (const [setting, rows] of groups.entries()) {
    const figures = figuresOf(rows, pareto.of);
    if (figures === null) continue;
    const key = JSON.stringify(given.map((axis) => rows[0]![axis]));
    const front = fronts.get(key);
    if (front === undefined) fronts.set(key, [{ setting, figures }]);
    else front.push({ setting, figures });
  }
  for (const candidates of fronts.values()) {
    const on = onFront(candidates.map(({ figures }) => figures));
    for (const [index, { setting }] of candidates.entries()) marks[setting] = on[index]!;
  }
  return marks;
}

/** The means of the columns; null where a run did not complete or has no such figure. */
function figuresOf(rows: readonly SweepRow[], columns: readonly string[]): readonly number[] | null {
  const means: number[] = [];
  for (const column of columns) {
    let sum = 0;
    for (const row of rows) {
      const value = row[column];
      if (row.outcome !== 'completed' || typeof value !== 'number') return null;
      sum += value;
    }
    means.push(sum / rows.length);
  }
  return means;
}
