/**
 * How far a run has come and what is known of it so far. It is told while the run is folded, several times a second: only what
 * is new crosses from the worker to the page, and the page keeps the rest.
 */
import type { Broken } from './folded-run.ts';
import type { Lane, LaneSpan } from './lane.ts';
import type { Lanes } from './lanes.ts';
import type { Mark } from './marks.ts';
import type { Series, SeriesBook } from './series.ts';
import { type Points, type SeriesHeader, SeriesTrack } from './series-track.ts';

export interface Course extends CourseHead {
  readonly lanes: readonly Lane[];
  readonly marks: readonly Mark[];
  readonly series: readonly Series[];
}

export interface CourseHead {
  readonly run: string;
  /** Records that have come, and those of them that have been folded. */
  readonly known: number;
  readonly folded: number;
  readonly broken?: Broken;
}

/** All lanes and series in order; of each only what has come since, from the number `from` on. */
export interface CourseNews extends CourseHead {
  readonly lanes: readonly (Omit<Lane, 'spans'> & { readonly from: number; readonly spans: readonly LaneSpan[] })[];
  readonly marks: { readonly from: number; readonly marks: readonly Mark[] };
  readonly series: readonly (SeriesHeader & { readonly points: Points })[];
}

/** Beside the fold: remembers how much has been told. */
export class CourseTeller {
  readonly #lanes: Lanes;
  readonly #series: SeriesBook;
  readonly #told = new Map<string, number>();
  #marksTold = 0;

  constructor(lanes: Lanes, series: SeriesBook) {
    this.#lanes = lanes;
    this.#series = series;
  }

  news(head: CourseHead): CourseNews {
    const marks = this.#lanes.marks();
    const marksFrom = this.#marksTold;
    this.#marksTold = marks.length;
    return {
      ...head,
      lanes: this.#lanes.all().map(({ spans, ...lane }) => {
        const from = this.#from(`lane ${lane.id}`, spans.length);
        return { ...lane, from, spans: spans.slice(from) };
      }),
      marks: { from: marksFrom, marks: marks.slice(marksFrom) },
      series: this.#series.tracks().map((track) => {
        const from = this.#from(`series ${track.header.id}`, track.length);
        return { ...track.header, points: track.pointsFrom(from) };
      }),
    };
  }

  /** The last one that was told may have changed since: a span has ended, or a value was another one at its record's end. */
  #from(key: string, length: number): number {
    const from = Math.max(0, (this.#told.get(key) ?? 0) - 1);
    this.#told.set(key, length);
    return from;
  }
}

/** On the page: a course that grows with the news. */
export class CourseKeeper {
  readonly #spans = new Map<string, LaneSpan[]>();
  readonly #marks: Mark[] = [];
  readonly #tracks = new Map<string, SeriesTrack>();

  add({ lanes, marks, series, ...head }: CourseNews): Course {
    renew(this.#marks, marks.from, marks.marks);
    return {
      ...head,
      lanes: lanes.map(({ from, spans, ...lane }): Lane => {
        const kept = this.#spans.get(lane.id) ?? [];
        this.#spans.set(lane.id, kept);
        renew(kept, from, spans);
        return { ...lane, spans: kept };
      }),
      marks: this.#marks,
      series: series.map(({ points, ...header }): Series => {
        const track = this.#tracks.get(header.id) ?? new SeriesTrack(header);
        this.#tracks.set(header.id, track);
        track.take(points);
        return track.series();
      }),
    };
  }
}

function renew<T>(kept: T[], from: number, fresh: readonly T[]): void {
  kept.length = from;
  for (const one of fresh) kept.push(one);
}
