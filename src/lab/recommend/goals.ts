/** What was promised: limits on figures of a trial. A run keeps the promise that completed and is within all of them. */
import type { MeasureName, TrialRow } from '../trial/row.ts';

export interface Goal {
  readonly column: MeasureName;
  /** In words: `downtime`. */
  readonly name: string;
  readonly limit: number;
}

export interface GoalLimits {
  readonly maxDowntimeMs?: number | undefined;
  /** Of every device. */
  readonly maxServiceDowntimeMs?: number | undefined;
  readonly withinMs?: number | undefined;
  readonly maxSlowdownPercent?: number | undefined;
}

/** In the order in which they are told. */
export function goalsOf(limits: GoalLimits): readonly Goal[] {
  const all: readonly (readonly [MeasureName, string, number | undefined])[] = [
    ['downtimeMs', 'downtime', limits.maxDowntimeMs],
    ['serviceDowntimeMs', 'service downtime', limits.maxServiceDowntimeMs],
    ['totalMs', 'total time', limits.withinMs],
    ['slowdownPercent', 'slowdown', limits.maxSlowdownPercent],
  ];
  return all.flatMap(([column, name, limit]) => (limit === undefined ? [] : [{ column, name, limit }]));
}

/** Infinite for a run that did not complete: however long one waits, it has no such figure. */
export function figureOf({ column }: Goal, row: TrialRow): number {
  if (row.outcome !== 'completed') return Number.POSITIVE_INFINITY;
  const figure = row[column];
  if (figure !== null) return figure;
  // A VM without devices has no service downtime, and so keeps that within any limit; a device that is not there has no other.
  return Object.keys(row).some((key) => key.startsWith('serviceDowntimeMs.')) ? Number.POSITIVE_INFINITY : 0;
}

/** By how much of its limit it is missed; 0: it is met. Null where there is no such share: beyond all, or of a limit of 0. */
export function overPercent(p95: number | null, limit: number): number | null {
  if (p95 === null) return null;
  if (p95 <= limit) return 0;
  return limit === 0 ? null : 100 * (p95 / limit - 1);
}

export function isMet(goal: Goal, row: TrialRow): boolean {
  return figureOf(goal, row) <= goal.limit;
}

export function allMet(goals: readonly Goal[], row: TrialRow): boolean {
  return goals.every((goal) => isMet(goal, row));
}
