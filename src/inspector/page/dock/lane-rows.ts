/** The rows of the lanes' picture: groups in order, folded up or not, and under each lane the same one of the run beside. */
import type { Course } from '../../view/course.ts';
import { LANE_GROUPS, type Lane, type LaneGroup, type LaneSpan } from '../../view/lanes.ts';
import type { Mark } from '../../view/marks.ts';
import { duration } from '../format.ts';

export const ROW_PX = 20;
/** The downtime's row has two lines of durations under its parts. */
export const DOWNTIME_ROW_PX = 46;

export interface LaneRow {
  readonly key: string;
  readonly lane: Lane;
  readonly whose: 'run' | 'beside';
  readonly label: string;
  readonly top: number;
  readonly height: number;
  readonly endNs: number;
  readonly marks: readonly Mark[];
  /** The group that begins here, which this row can fold up. */
  readonly begins?: LaneGroup;
  /** It stands for so many lanes of its group. */
  readonly folds?: number;
}

interface OneRun {
  readonly course: Course | undefined;
  readonly endNs: number;
}

export function laneRows(run: OneRun, beside: OneRun | undefined, folded: ReadonlySet<LaneGroup>): readonly LaneRow[] {
  const rows: LaneRow[] = [];
  let top = 0;
  const marksBy = [run, beside].map((one) => byLane(one?.course?.marks ?? []));
  const add = (lane: Lane, whose: LaneRow['whose'], more: Pick<LaneRow, 'begins' | 'folds'>) => {
    const height = lane.group === 'downtime' ? DOWNTIME_ROW_PX : ROW_PX;
    const endNs = whose === 'run' ? run.endNs : (beside?.endNs ?? 0);
    const marks = marksBy[whose === 'run' ? 0 : 1]?.get(lane.id) ?? [];
    const label = lane.group === 'downtime' ? `downtime ${sumOf(lane, endNs)}` : lane.label;
    rows.push({ key: `${whose} ${lane.id}`, lane, whose, label, top, height, endNs, marks, ...more });
    top += height;
  };
  for (const group of LANE_GROUPS) {
    const own = (run.course?.lanes ?? []).filter((lane) => lane.group === group);
    const other = (beside?.course?.lanes ?? []).filter((lane) => lane.group === group);
    const ids = [...new Set([...own, ...other].map(({ id }) => id))];
    const isFolded = folded.has(group) && ids.length > 1;
    for (const [nth, id] of (isFolded ? ids.slice(0, 1) : ids).entries()) {
      const first = { ...(nth === 0 && ids.length > 1 && { begins: group }), ...(isFolded && { folds: ids.length }) };
      const mine = own.find((lane) => lane.id === id);
      const theirs = other.find((lane) => lane.id === id);
      if (mine !== undefined) add(mine, 'run', first);
      if (theirs !== undefined) add(theirs, 'beside', mine === undefined ? first : {});
    }
  }
  return rows;
}

/** All of it, where it is over. */
function sumOf({ spans }: Lane, endNs: number): string {
  const [first] = spans;
  return first === undefined ? '' : duration((spans.at(-1)?.toNs ?? endNs) - first.fromNs);
}

function byLane(marks: readonly Mark[]): ReadonlyMap<string, readonly Mark[]> {
  const found = new Map<string, Mark[]>();
  for (const mark of marks) {
    if (mark.lane === undefined) continue;
    const known = found.get(mark.lane);
    if (known === undefined) found.set(mark.lane, [mark]);
    else known.push(mark);
  }
  return found;
}

/** Of the last span that began at or before a time; -1 before the first. */
export function indexAt(spans: readonly LaneSpan[], ns: number): number {
  let [low, high] = [0, spans.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spans[middle] as LaneSpan).fromNs <= ns) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** What a lane is in at a record; undefined where it is in nothing. */
export function spanAtPosition(spans: readonly LaneSpan[], position: number, atNs: number): LaneSpan | undefined {
  const span = spans[begunBy(spans, position) - 1];
  return span?.toNs !== undefined && span.toNs < atNs ? undefined : span;
}

/** Where the next state begins, or the one before; undefined at either end. */
export function stepFrom({ spans }: Lane, position: number, by: 1 | -1): number | undefined {
  const at = begunBy(spans, position);
  if (by === 1) return spans[at]?.position;
  const here = spans[at - 1];
  return here === undefined || here.position < position ? here?.position : spans[at - 2]?.position;
}

/** How many of them began with a record or before it. */
function begunBy(spans: readonly LaneSpan[], position: number): number {
  let [low, high] = [0, spans.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spans[middle] as LaneSpan).position <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
