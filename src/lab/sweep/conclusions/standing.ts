/** Who has the least of a figure where, who is level with them, and what each policy costs where all of its runs complete. */
import { figureText, listed } from '../../experiment/words.ts';
import type { MeasureName } from '../../trial/row.ts';
import type { ByPolicy } from './endings.ts';
import type { Cell, Grid } from './grid.ts';
import { judged, meanOf } from './sure.ts';
import { whereText } from './where.ts';

/** What a figure is called, and what having the least of it is. */
export const SAID: Readonly<Record<MeasureName, { readonly noun: string; readonly least: string }>> = {
  downtimeMs: { noun: 'downtime', least: 'The guest stands for the shortest time' },
  serviceDowntimeMs: { noun: 'service downtime', least: 'A device is without service for the shortest time' },
  totalMs: { noun: 'total time', least: 'The migration is over soonest' },
  bytesTotal: { noun: 'bytes sent', least: 'The least is sent' },
  bytesWasted: { noun: 'bytes sent for nothing', least: 'The least is sent for nothing' },
  rounds: { noun: 'rounds', least: 'The fewest rounds are made' },
  slowdownPercent: { noun: 'slowdown', least: 'The guest is slowed down least' },
  throttleMaxPercent: { noun: 'throttle', least: 'The guest is throttled least' },
};

/** Who leads where, most often first; beyond, a reader would drown. This project's own. */
const GROUPS_MAX = 6;

interface Standing {
  readonly leaders: readonly string[];
  readonly best: readonly number[];
  /** Of the nearest that is not level; null: everybody is. */
  readonly next: number | null;
}

/** Only cells whose runs all completed can lead, and only where there are two or more of them. */
export function standingSentences(policies: ByPolicy, grid: Grid, measure: MeasureName): readonly string[] {
  const groups = new Map<string, { points: number[]; standings: Standing[] }>();
  for (const [point, standing] of standings(policies, grid, measure)) {
    const key = JSON.stringify(standing.leaders);
    const group = groups.get(key) ?? { points: [], standings: [] };
    groups.set(key, group);
    group.points.push(point);
    group.standings.push(standing);
  }
  const { least } = SAID[measure];
  const ranked = [...groups.values()].sort((a, b) => b.points.length - a.points.length);
  const left = ranked.slice(GROUPS_MAX).reduce((sum, { points }) => sum + points.length, 0);
  const sentences = ranked.slice(0, GROUPS_MAX).map(({ points, standings: own }) => {
    const { leaders } = own[0]!;
    const best = rangeText(
      measure,
      own.flatMap((one) => one.best),
    );
    const next = own.flatMap((one) => one.next ?? []);
    const others = next.length === 0 ? '' : `; the next has ${rangeText(measure, next)}`;
    const who = leaders.length === 1 ? leaders[0]! : `${listed(leaders)}, level with each other`;
    return `${least} with ${who}, ${whereText(points, grid)}: ${best}${others}.`;
  });
  return left === 0 ? sentences : [...sentences, `At ${left} more points others lead, or are level.`];
}

function standings(policies: ByPolicy, { places }: Grid, measure: MeasureName): ReadonlyMap<number, Standing> {
  const races = places.flatMap((_, point) => {
    const entered = [...policies.values()]
      .map((cells) => cells[point]!)
      .filter((cell) => cell.whole && meanOf(cell, measure) !== null)
      .sort((a, b) => meanOf(a, measure)! - meanOf(b, measure)!);
    const [first, ...others] = entered;
    return first === undefined || others.length === 0 ? [] : [{ point, first, others }];
  });
  const pairs = races.flatMap(({ point, first, others }) => others.map((later) => ({ of: point, first, later })));
  const sure = judged(
    pairs.map(({ of, first, later }) => ({ of: { point: of, later }, first, later })),
    measure,
  );
  const behind = new Map(sure.map((one) => [one.of.later, one.sure]));
  return new Map(
    races.map(({ point, first, others }) => {
      const level = others.filter((cell) => behind.get(cell) !== true);
      const next = others.find((cell) => behind.get(cell) === true);
      const leading = [first, ...level];
      return [
        point,
        {
          leaders: [...policies.keys()].filter((name) => leading.some(({ policy }) => policy === name)),
          best: leading.map((cell) => meanOf(cell, measure)!),
          next: next === undefined ? null : meanOf(next, measure),
        },
      ];
    }),
  );
}

/** Of each policy the least and the most mean of each figure, over the points at which all of its runs complete. */
export function costSentences(policies: ByPolicy, measures: readonly MeasureName[]): readonly string[] {
  return [...policies].flatMap(([name, cells]) => {
    const whole = cells.filter((cell) => cell.whole);
    const parts = measures.flatMap((measure) => {
      const means = whole.flatMap((cell: Cell) => meanOf(cell, measure) ?? []);
      return means.length === 0 ? [] : [`${SAID[measure].noun} ${rangeText(measure, means)}`];
    });
    if (parts.length === 0) return [];
    const of = cells.length === 1 ? '' : `, at ${whole.length} of ${cells.length} points`;
    return [`${name}${of}: ${parts.join(', ')}.`];
  });
}

export function rangeText(measure: MeasureName, figures: readonly number[]): string {
  // Not by arguments: a call takes only so many.
  const least = figureText(
    measure,
    figures.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
  );
  const most = figureText(
    measure,
    figures.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  );
  return least === most ? least : `${least} to ${most}`;
}
