/**
 * Points of step lines as a plot of so many pixels needs them: of each pixel's values the first, the least, the greatest and the
 * last, so that a picture of a hundred thousand points is the picture of all of them; and several lines over one list of times.
 */
import { firstBeyond, firstNotBefore, type Series } from '../../view/series.ts';
import type { Span } from '../store.ts';

export interface Points {
  readonly xs: readonly number[];
  readonly ys: readonly number[];
}

type Steps = Pick<Series, 'atNs' | 'values'>;

/** Of what a span shows, with the step that leads into it and the one that leads out. */
export function thinned({ atNs, values }: Steps, { fromNs, toNs }: Span, pixels: number): Points {
  const from = Math.max(0, firstBeyond(atNs, fromNs) - 1);
  const to = Math.min(atNs.length, firstNotBefore(atNs, toNs) + 1);
  if (to - from <= 4 * pixels) return { xs: [...atNs.subarray(from, to)], ys: [...values.subarray(from, to)] };
  const xs: number[] = [];
  const ys: number[] = [];
  const pixelNs = (toNs - fromNs) / pixels;
  const put = (index: number) => {
    xs.push(atNs[index] as number);
    ys.push(values[index] as number);
  };
  for (let first = from; first < to; ) {
    const pixel = Math.floor(((atNs[first] as number) - fromNs) / pixelNs);
    const end = Math.max(first + 1, Math.min(to, firstNotBefore(atNs, fromNs + (pixel + 1) * pixelNs)));
    for (const index of keptOf(values, first, end)) put(index);
    first = end;
  }
  return { xs, ys };
}

/** In order, each once. */
function keptOf(values: Float64Array, first: number, end: number): readonly number[] {
  let [least, greatest] = [first, first];
  for (let index = first; index < end; index++) {
    if ((values[index] as number) < (values[least] as number)) least = index;
    if ((values[index] as number) > (values[greatest] as number)) greatest = index;
  }
  return [...new Set([first, least, greatest, end - 1])].sort((a, b) => a - b);
}

export interface Line {
  readonly points: Points;
  readonly holds: Series['holds'];
  /** Nothing is drawn after it: there its run ends. */
  readonly endNs: number;
}

/**
 * All lines over the times of all of them: first the times, then each line's values, null where it has none. A line whose values
 * hold on is carried on to its end, one of means back from each of its points.
 */
export function joined(lines: readonly Line[], { fromNs, toNs }: Span): readonly (readonly (number | null)[])[] {
  const times = new Set<number>([fromNs, toNs]);
  for (const { points, endNs } of lines) {
    for (const x of points.xs) times.add(x);
    times.add(endNs);
  }
  const xs = [...times].sort((a, b) => a - b);
  return [xs, ...lines.map((line) => (line.holds === 'from' ? carriedOn(line, xs) : carriedBack(line, xs)))];
}

function carriedOn({ points, endNs }: Line, xs: readonly number[]): readonly (number | null)[] {
  let next = 0;
  let value: number | null = null;
  return xs.map((x) => {
    while (next < points.xs.length && (points.xs[next] as number) <= x) value = points.ys[next++] as number;
    return x > endNs ? null : value;
  });
}

function carriedBack({ points }: Line, xs: readonly number[]): readonly (number | null)[] {
  let next = 0;
  return xs.map((x) => {
    while (next < points.xs.length && (points.xs[next] as number) < x) next++;
    return points.ys[next] ?? null;
  });
}
