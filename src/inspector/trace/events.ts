/**
 * Events of Chrome's trace format (JSON), as far as a run needs them: complete slices, counters, instants and flows. Times are us
 * with a fraction, which a double holds to the ns for a hundred days.
 */
import type { Series } from '../view/series.ts';
import { pidOf, type Thread } from './threads.ts';

export type TraceEvent = Thread & { readonly ts: number; readonly name: string } & (
    | { readonly ph: 'X'; readonly dur: number; readonly args: Args }
    | { readonly ph: 'C'; readonly args: Readonly<Record<string, number>> }
    | { readonly ph: 'i'; readonly s: 't'; readonly args: Args }
    | { readonly ph: 's' | 't'; readonly cat: 'command'; readonly id: number }
    /** `e`: it belongs to the slice in which it is, not to the next one. */
    | { readonly ph: 'f'; readonly cat: 'command'; readonly id: number; readonly bp: 'e' }
  );

type Args = Readonly<Record<string, unknown>>;

interface Span {
  readonly fromNs: number;
  readonly toNs: number;
}

export function slice(thread: Thread, name: string, { fromNs, toNs }: Span, args: Args): TraceEvent {
  return { ph: 'X', ...thread, ts: us(fromNs), dur: us(toNs - fromNs), name, args };
}

export function instant(thread: Thread, name: string, atNs: number, args: Args): TraceEvent {
  return { ph: 'i', ...thread, ts: us(atNs), s: 't', name, args };
}

/**
 * One arrow: from where a command was given, through the slice of whoever was at work on it, to where it was answered. Absent
 * `to`: nobody was told.
 */
export function flow(
  id: number,
  from: Thread,
  through: Thread,
  to: Thread | undefined,
  { fromNs, toNs }: Span,
): readonly TraceEvent[] {
  const [name, cat] = ['command', 'command'] as const;
  return [
    { ph: 's', ...from, ts: us(fromNs), name, cat, id },
    to === undefined
      ? { ph: 'f', ...through, ts: us(fromNs), name, cat, id, bp: 'e' }
      : { ph: 't', ...through, ts: us(fromNs), name, cat, id },
    ...(to === undefined ? [] : [{ ph: 'f', ...to, ts: us(toNs), name, cat, id, bp: 'e' } as const]),
  ];
}

/** Short labels are for plots that have a title; a counter stands by itself. Who dirtied is said as records say it: `dma:nic0`. */
function nameOf({ id, label }: Series): string {
  if (id.startsWith('dirty:')) return `dirtied by ${id.slice('dirty:'.length)}`;
  return id === 'send-rate' ? 'send rate' : label;
}

/** A mean holds for the time before its point, so that it stands at the point before it; `beganNs`: of the first. */
export function* counter(series: Series, beganNs: number): Generator<TraceEvent> {
  const { unit, holds, atNs, values } = series;
  const name = nameOf(series);
  const thread = { pid: pidOf('migration'), tid: 0 };
  const at = (index: number) => (holds === 'from' ? atNs[index]! : index === 0 ? beganNs : atNs[index - 1]!);
  for (const [index, value] of values.entries()) {
    if (Number.isFinite(value)) yield { ph: 'C', ...thread, ts: us(at(index)), name, args: { [unit]: value } };
  }
  const endNs = atNs.at(-1);
  if (holds === 'until' && endNs !== undefined) yield { ph: 'C', ...thread, ts: us(endNs), name, args: { [unit]: 0 } };
}

function us(ns: number): number {
  return ns / 1000;
}
