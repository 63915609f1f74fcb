/** One lane while it is being written: spans follow each other without a gap unless somebody leaves. */
import type { Lane, LaneGroup, LaneSpan } from './lane.ts';

/** Where in a run something happens. */
export interface Moment {
  readonly atNs: number;
  readonly position: number;
}

export interface SpanMore {
  readonly note?: string | undefined;
  readonly towards?: string | undefined;
}

type OpenSpan = { -readonly [K in keyof LaneSpan]: LaneSpan[K] };

export class LaneTrack {
  readonly id: string;
  readonly group: LaneGroup;
  label: string;
  readonly #spans: OpenSpan[] = [];

  constructor(id: string, group: LaneGroup, label: string) {
    this.id = id;
    this.group = group;
    this.label = label;
  }

  /** What it is in now; undefined before the first span and after it was left. */
  get now(): LaneSpan | undefined {
    const last = this.#spans.at(-1);
    return last?.toNs === undefined ? last : undefined;
  }

  /** Nothing happens where it is in that already. Of what one record leads through, only where it comes to rest is kept. */
  enter(state: string, { atNs, position }: Moment, { note, towards }: SpanMore = {}): void {
    const { now } = this;
    if (now !== undefined && now.state === state && now.note === note && now.towards === towards) return;
    if (now?.position === position && now.fromNs === atNs) this.#spans.pop();
    else this.#close(atNs);
    const before = this.#spans.at(-1);
    const isBack =
      before?.toNs === atNs && before.state === state && before.note === note && before.towards === towards;
    if (isBack) {
      const { toNs: _, ...open } = before;
      this.#spans[this.#spans.length - 1] = open;
    } else this.#spans.push(spanOf(state, { atNs, position }, { note, towards }));
  }

  /** As `enter`, and what takes no time is kept as well: what is added up must name all its parts. */
  follow(state: string, { atNs, position }: Moment): void {
    this.#close(atNs);
    this.#spans.push({ state, fromNs: atNs, position });
  }

  leave({ atNs, position }: Moment): void {
    if (this.now?.position === position && this.now.fromNs === atNs) this.#spans.pop();
    else this.#close(atNs);
  }

  /** The last span ends here, also where it has ended already. */
  endAt(atNs: number): void {
    const last = this.#spans.at(-1);
    // In place: there may be a hundred thousand of these.
    if (last !== undefined) last.toNs = Math.max(last.fromNs, atNs);
  }

  lane(): Lane {
    return { id: this.id, group: this.group, label: this.label, spans: this.#spans };
  }

  #close(atNs: number): void {
    if (this.now !== undefined) this.endAt(atNs);
  }
}

function spanOf(state: string, { atNs, position }: Moment, { note, towards }: SpanMore): LaneSpan {
  // Spread only where there is something: there may be a hundred thousand of these.
  const span = { state, fromNs: atNs, position };
  if (note === undefined && towards === undefined) return span;
  return { ...span, ...(note !== undefined && { note }), ...(towards !== undefined && { towards }) };
}
