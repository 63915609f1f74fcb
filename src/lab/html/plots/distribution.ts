/**
 * One figure of many runs, a row for each policy: every run a dot, a box from the first to the third quartile with the median
 * in it, and where it was computed the mean with its confidence interval.
 */
import { quantile } from '../../statistics/sample.ts';
import { figureOf, type Measure } from '../measure.ts';
import type { Key, Plot } from '../plot.ts';
import { type Scale, scaled, scaleOf } from '../scale.ts';
import { acrossAxis, BLUE, categoriesDown, INK, logBase, roomFor, STILL, VERMILION } from '../theme.ts';
import type { Api } from './course.ts';

export interface Group {
  readonly name: string;
  /** Null: the run did not get that far. */
  readonly values: readonly (number | null)[];
  /** With a star at its name. */
  readonly marked?: boolean;
  readonly mean?: { readonly value: number; readonly low: number; readonly high: number } | undefined;
}

const ROW_PX = 34;

/** Undefined where no run has the figure. */
export function distributionPlot(measure: Measure, groups: readonly Group[], level = 95): Plot | undefined {
  const shown = groups
    .map((group) => ({ ...group, known: rising(group.values) }))
    .filter(({ known }) => known.length > 0);
  if (shown.length === 0) return undefined;
  const names = shown.map(({ name, known, values, marked }) => {
    const some = known.length === values.length ? '' : ` (${known.length} of ${values.length})`;
    return `${name}${some}${marked === true ? ' *' : ''}`;
  });
  const values = shown.flatMap(({ known, mean }) => [...known, ...(mean === undefined ? [] : [mean.high])]);
  const every = dots(shown);
  const scale = scaleOf(measure.kind, values);
  const log = logBase(values);
  const left = roomFor(names);
  const hasMean = shown.some(({ mean }) => mean !== undefined);
  return {
    id: `spread-${measure.key.replace(/[^A-Za-z0-9]+/g, '-')}`,
    title: capital(measure.name),
    says: says(measure, shown),
    heightPx: 72 + ROW_PX * shown.length,
    keys: [
      { name: 'a run', colour: BLUE, mark: 'point' },
      { name: 'half of the runs, with the median', colour: BLUE, mark: 'block' },
      ...(hasMean ? [{ name: `mean, ${level} % interval`, colour: VERMILION, mark: 'line' } satisfies Key] : []),
    ],
    option: {
      grid: { left, right: 28, top: 8, bottom: 56 },
      xAxis: acrossAxis({ name: measure.name, scale, log, points: values }),
      yAxis: categoriesDown(names, left),
      series: [
        {
          ...STILL,
          type: 'custom',
          data: shown.map(({ known }, row) => [...quartiles(known).map((value) => scaled(value, scale)), row]),
          encode: { x: [0, 1, 2], y: 3 },
          renderItem: ({ dataIndex }: { readonly dataIndex: number }, api: Api) =>
            boxShape(quartiles(shown[dataIndex]?.known ?? []), dataIndex, scale, api),
        },
        {
          ...STILL,
          type: 'custom',
          data: every.map(({ value, row }) => [scaled(value, scale), row]),
          encode: { x: 0, y: 1 },
          renderItem: ({ dataIndex }: { readonly dataIndex: number }, api: Api) =>
            dotShape(every[dataIndex] as Dot, scale, api),
        },
        {
          ...STILL,
          type: 'custom',
          data: shown.map(({ mean }, row) => [mean === undefined ? null : scaled(mean.value, scale), row]),
          encode: { x: 0, y: 1 },
          renderItem: ({ dataIndex }: { readonly dataIndex: number }, api: Api) =>
            meanShape(shown[dataIndex]?.mean, dataIndex, scale, api),
        },
      ],
    },
  };
}

interface Dot {
  readonly value: number;
  readonly row: number;
  /** Up or down, so that dots on each other can be counted. */
  readonly offPx: number;
}

/** Runs of a row step through these, which keeps neighbours apart without anything random. */
const OFF_PX = [0, -7, 5, -3, 8, -5, 3, -8, 7] as const;

function dots(shown: readonly { readonly known: readonly number[] }[]): readonly Dot[] {
  return shown.flatMap(({ known }, row) =>
    known.map((value, nth) => ({ value, row, offPx: OFF_PX[nth % OFF_PX.length] as number })),
  );
}

function quartiles(known: readonly number[]): readonly [number, number, number] {
  return [quantile(known, 0.25), quantile(known, 0.5), quantile(known, 0.75)];
}

function boxShape([low, middle, high]: readonly [number, number, number], row: number, scale: Scale, api: Api) {
  const [x, y] = api.coord([scaled(low, scale), row]);
  const [until] = api.coord([scaled(high, scale), row]);
  const [median] = api.coord([scaled(middle, scale), row]);
  return {
    type: 'group',
    silent: true,
    children: [
      {
        type: 'rect',
        shape: { x, y: y - 11, width: Math.max(2, until - x), height: 22 },
        style: { fill: BLUE, opacity: 0.25 },
      },
      {
        type: 'line',
        shape: { x1: median, x2: median, y1: y - 11, y2: y + 11 },
        style: { stroke: BLUE, lineWidth: 3 },
      },
    ],
  };
}

function dotShape({ value, row, offPx }: Dot, scale: Scale, api: Api) {
  const [x, y] = api.coord([scaled(value, scale), row]);
  return { type: 'circle', silent: true, shape: { cx: x, cy: y + offPx, r: 2.5 }, style: { fill: BLUE } };
}

function meanShape(mean: Group['mean'], row: number, scale: Scale, api: Api) {
  if (mean === undefined) return undefined;
  const [x, y] = api.coord([scaled(mean.value, scale), row]);
  const [from] = api.coord([scaled(mean.low, scale), row]);
  const [to] = api.coord([scaled(mean.high, scale), row]);
  const stroke = { stroke: VERMILION, lineWidth: 2 };
  return {
    type: 'group',
    silent: true,
    children: [
      { type: 'line', shape: { x1: from, x2: to, y1: y, y2: y }, style: stroke },
      { type: 'line', shape: { x1: from, x2: from, y1: y - 4, y2: y + 4 }, style: stroke },
      { type: 'line', shape: { x1: to, x2: to, y1: y - 4, y2: y + 4 }, style: stroke },
      {
        type: 'polygon',
        shape: {
          points: [
            [x - 5, y],
            [x, y - 5],
            [x + 5, y],
            [x, y + 5],
          ],
        },
        style: { fill: VERMILION, stroke: INK, lineWidth: 0.5 },
      },
    ],
  };
}

function rising(values: readonly (number | null)[]): readonly number[] {
  return values.filter((value) => value !== null).sort((a, b) => a - b);
}

export function capital(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

function says(
  measure: Measure,
  shown: readonly { readonly name: string; readonly known: readonly number[] }[],
): string {
  const medians = shown
    .map(({ name, known }) => ({ name, middle: quantile(known, 0.5) }))
    .sort((a, b) => a.middle - b.middle);
  const [least, most] = [
    medians[0] as { name: string; middle: number },
    medians.at(-1) as { name: string; middle: number },
  ];
  const text = (value: number) => figureOf(measure, value);
  if (shown.length === 1) return `The median is ${text(least.middle)}.`;
  if (least.middle === most.middle) return `Every median is ${text(least.middle)}.`;
  const times = timesText(most.middle / least.middle);
  return `The lowest median is that of ${least.name}, ${text(least.middle)}; the highest that of ${most.name}, ${text(most.middle)}${times}.`;
}

/** `, 13 times as much`, `, 20 % more`; nothing where one of them is 0. */
function timesText(ratio: number): string {
  if (!Number.isFinite(ratio)) return '';
  const percent = 100 * (ratio - 1);
  return ratio >= 2
    ? `, ${Number(ratio.toPrecision(2))} times as much`
    : `, ${percent < 0.1 ? 'less than 0.1' : Number(percent.toPrecision(2))} % more`;
}
