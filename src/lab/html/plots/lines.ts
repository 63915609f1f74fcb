/** One figure along an axis, a line for each side: the median, with the least and the most of several runs. */
import { figureOf, type Measure } from '../measure.ts';
import type { Key, Plot } from '../plot.ts';
import { type Scale, scaled, scaleOf } from '../scale.ts';
import { categoriesAcross, colour, GROUND, logBase, SOFT, STILL, shape, symbol, upAxis } from '../theme.ts';
import type { Api } from './course.ts';
import { capital } from './distribution.ts';

export interface Along {
  readonly side: string;
  /** One for each value of the axis; null where no run has the figure. */
  readonly points: readonly ({ readonly middle: number; readonly least: number; readonly most: number } | null)[];
}

export interface LinesOptions {
  readonly id: string;
  readonly measure: Measure;
  readonly axis: string;
  readonly labels: readonly string[];
  /** In place of what is said about the lines alone. */
  readonly says?: string;
}

/** Undefined where no side has the figure anywhere. */
export function linesPlot(all: readonly Along[], { id, measure, axis, labels, says }: LinesOptions): Plot | undefined {
  const values = all.flatMap(({ points }) =>
    points.flatMap((point) => (point === null ? [] : [point.middle, point.least, point.most])),
  );
  if (values.length === 0) return undefined;
  const scale = scaleOf(measure.kind, values);
  const log = logBase(values);
  const spread = all.some(({ points }) => points.some((point) => point !== null && point.least < point.most));
  return {
    id,
    title: `${capital(measure.name)} by ${axis}`,
    says: says ?? saysOf(all, measure, labels),
    heightPx: 380,
    keys: [
      ...all.map(
        ({ side }, nth): Key => ({
          name: side === '' ? measure.name : side,
          colour: colour(nth),
          mark: 'line',
          shape: shape(nth),
        }),
      ),
      ...(spread
        ? [
            {
              name: 'from the least to the most of the runs; the line is the median',
              colour: SOFT,
              mark: 'bar',
            } satisfies Key,
          ]
        : []),
    ],
    option: {
      grid: { left: 80, right: 28, top: 20, bottom: 56 },
      xAxis: { ...categoriesAcross(axis, labels), boundaryGap: true },
      yAxis: upAxis({ name: measure.name, scale, log, points: values }),
      series: [
        ...all.map(({ points }, nth) => ({
          ...STILL,
          type: 'custom',
          data: points.flatMap((point, at) =>
            point === null || point.least === point.most
              ? []
              : [[at, scaled(point.least, scale), scaled(point.most, scale)]],
          ),
          encode: { x: 0, y: [1, 2] },
          renderItem: (_: unknown, api: Api & { value(dimension: number): number }) =>
            whisker(api, colour(nth), offPx(nth, all.length)),
        })),
        ...all.map(({ points }, nth) => ({
          ...STILL,
          type: 'line',
          data: points.map((point) => middleOf(point, scale)),
          connectNulls: false,
          showSymbol: true,
          symbol: symbol(nth),
          symbolSize: 9,
          lineStyle: { color: colour(nth), width: 2, type: nth < 8 ? 'solid' : [6, 4] },
          itemStyle: { color: colour(nth), borderColor: GROUND, borderWidth: 1 },
        })),
      ],
    },
  };
}

function middleOf(point: Along['points'][number], scale: Scale): number | null {
  return point === null ? null : scaled(point.middle, scale);
}

/** Whiskers of sides stand beside each other. */
function offPx(nth: number, sides: number): number {
  return sides === 1 ? 0 : (nth - (sides - 1) / 2) * Math.min(6, 24 / sides);
}

function whisker(api: Api & { value(dimension: number): number }, stroke: string, off: number) {
  const [x, low] = api.coord([api.value(0), api.value(1)]);
  const [, high] = api.coord([api.value(0), api.value(2)]);
  return {
    type: 'line',
    silent: true,
    shape: { x1: x + off, x2: x + off, y1: low, y2: high },
    style: { stroke, lineWidth: 1.5, opacity: 0.7 },
  };
}

function saysOf(all: readonly Along[], measure: Measure, labels: readonly string[]): string {
  const found = all.flatMap(({ side, points }) =>
    points.flatMap((point, at) => (point === null ? [] : [{ side, at, middle: point.middle }])),
  );
  const least = found.reduce((low, one) => (one.middle < low.middle ? one : low));
  const most = found.reduce((top, one) => (one.middle > top.middle ? one : top));
  const where = ({ side, at }: typeof least) => `${side === '' ? '' : `${side} `}at ${labels[at]}`;
  const none = all.flatMap(({ points }) => points).filter((point) => point === null).length;
  const lost =
    none === 0 ? '' : ` Where a line has a gap (${none} ${none === 1 ? 'place' : 'places'}) no run has the figure.`;
  if (least.middle === most.middle) return `It is ${figureOf(measure, least.middle)} everywhere.${lost}`;
  return `It is lowest for ${where(least)}, ${figureOf(measure, least.middle)}, and highest for ${where(most)}, ${figureOf(measure, most.middle)}.${lost}`;
}
