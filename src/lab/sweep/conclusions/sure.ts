/**
 * Which differences between cells are sure: paired by seed, so that both ran on the same random numbers, by Student's t, corrected
 * after Holm for all that are looked at together, and no smaller than a margin. All others count as level.
 */
import { holm } from '../../statistics/holm.ts';
import { type Difference, differenceOf } from '../../statistics/paired.ts';
import { CONFIDENCE } from '../../statistics/student.ts';
import type { MeasureName } from '../../trial/row.ts';
import type { Cell } from './grid.ts';

/** As experiments have it, unless they say otherwise: what is nearer than that is no reason to choose. This project's own. */
export const MARGIN_PERCENT = 1;

export interface Judged<T> {
  readonly of: T;
  readonly first: number;
  readonly later: number;
  /** Later minus first. */
  readonly difference: Difference;
  readonly sure: boolean;
}

export interface Pair<T> {
  readonly of: T;
  readonly first: Cell;
  readonly later: Cell;
}

/**
 * All of them together; a pair without the figure on either side is left out. Cells of a single run say nothing of chance: theirs
 * are judged by the margin alone.
 */
export function judged<T>(pairs: readonly Pair<T>[], measure: MeasureName): readonly Judged<T>[] {
  const found = pairs.flatMap(({ of, first, later }) => {
    const [one, other] = [figuresIn(first, measure), figuresIn(later, measure)];
    const difference = differenceOf(one, other);
    const [mean, laterMean] = [meanOf(first, measure), meanOf(later, measure)];
    if (difference === null || mean === null || laterMean === null) return [];
    return [{ of, first: mean, later: laterMean, difference }];
  });
  // Runs that are the same leave nothing to test.
  const isTest = ({ mean, deviation }: Difference) => mean !== 0 || deviation !== 0;
  const isSingle = pairs.every(({ first }) => first.rows.length === 1);
  const chances = holm(found.map(({ difference }) => (isTest(difference) ? difference.p : null)));
  return found.map((one, index) => {
    const chance = chances[index] ?? null;
    const wide = Math.abs(one.later - one.first) >= (MARGIN_PERCENT / 100) * Math.max(one.first, one.later);
    const shown = isSingle || (chance !== null && chance <= 1 - CONFIDENCE);
    return { ...one, sure: shown && wide && one.later !== one.first };
  });
}

function figuresIn({ rows }: Cell, measure: MeasureName): readonly (number | null)[] {
  return rows.map((row) => (row.outcome === 'completed' ? row[measure] : null));
}

/** Of the runs that completed; null where there is none, or none with this figure. */
export function meanOf(cell: Cell, measure: MeasureName): number | null {
  const known = figuresIn(cell, measure).filter((figure) => figure !== null);
  return known.length === 0 ? null : known.reduce((sum, figure) => sum + figure, 0) / known.length;
}
