/** One figure over a sampled axis: every setting a point at its own value. */
import { figureOf, type Measure } from '../measure.ts';
import type { Plot } from '../plot.ts';
import { scaled, scaleOf } from '../scale.ts';
import { acrossAxis, colour, GROUND, logBase, STILL, shape, symbol, upAxis } from '../theme.ts';
import { capital } from './distribution.ts';

export interface Sampled {
  readonly group: string;
  readonly x: number;
  readonly y: number;
}

export interface ScatterOptions {
  readonly id: string;
  /** The axis with its unit. */
  readonly across: string;
  readonly measure: Measure;
}

/** Undefined without points. */
export function scatterPlot(points: readonly Sampled[], { id, across, measure }: ScatterOptions): Plot | undefined {
  if (points.length === 0) return undefined;
  const groups = [...new Set(points.map(({ group }) => group))];
  const scale = scaleOf(
    measure.kind,
    points.map(({ y }) => y),
  );
  const xs = points.map(({ x }) => x);
  return {
    id,
    title: `${capital(measure.name)} by ${across}`,
    says: says(points, measure),
    heightPx: 360,
    keys: groups.map((name, nth) => ({ name, colour: colour(nth), mark: 'point', shape: shape(nth) })),
    option: {
      grid: { left: 80, right: 28, top: 20, bottom: 56 },
      xAxis: acrossAxis({ name: across, log: logBase(xs), points: xs }),
      yAxis: upAxis({ name: measure.name, scale, log: logBase(points.map(({ y }) => y)) }),
      series: groups.map((name, nth) => ({
        ...STILL,
        type: 'scatter',
        symbol: symbol(nth),
        symbolSize: 8,
        data: points.filter(({ group }) => group === name).map(({ x, y }) => [x, scaled(y, scale)]),
        itemStyle: { color: colour(nth), opacity: 0.75, borderColor: GROUND, borderWidth: 0.5 },
      })),
    },
  };
}

/** By rank, so that one far point does not decide: Spearman's coefficient. */
function says(points: readonly Sampled[], measure: Measure): string {
  const ys = points.map(({ y }) => y);
  const range = `It lies between ${figureOf(measure, Math.min(...ys))} and ${figureOf(measure, Math.max(...ys))}.`;
  if (points.length < 3) return range;
  const rank = correlation(ranks(points.map(({ x }) => x)), ranks(ys));
  if (rank === null) return range;
  const how = Math.abs(rank) < 0.2 ? 'hardly follows' : rank > 0 ? 'rises with' : 'falls with';
  return `${range} It ${how} the axis (rank correlation ${rank.toFixed(2)}).`;
}

/** Equal values share the mean of their places. */
function ranks(values: readonly number[]): readonly number[] {
  const rising = [...values].sort((a, b) => a - b);
  return values.map((value) => (rising.indexOf(value) + rising.lastIndexOf(value)) / 2);
}

function correlation(a: readonly number[], b: readonly number[]): number | null {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  const product = (x: readonly number[], y: readonly number[], mx: number, my: number) =>
    x.reduce((sum, value, at) => sum + (value - mx) * ((y[at] as number) - my), 0);
  const spread = Math.sqrt(product(a, a, meanA, meanA) * product(b, b, meanB, meanB));
  return spread === 0 ? null : product(a, b, meanA, meanB) / spread;
}
