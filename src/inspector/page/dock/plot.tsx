/** One plot: lines of a few series, of the run beside dashed, on the frame's axis; its own axis of values lies in the gutter. */
import { effect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { Series } from '../../view/series.ts';
import { bytes, digits } from '../format.ts';
import { scheme } from '../theme.ts';
import { type Palette, palette } from './palette.ts';
import { joined, type Line, thinned } from './plot-points.ts';
import type { Frame } from './time-frame.tsx';
import { type TimeScale, ticksOf } from './time-scale.ts';

/** High enough for a plot, and for its legend beside it. */
export function plotPx(lines: number): number {
  return Math.max(112, 30 + 15 * lines);
}
/** Of the axis of values. */
export const VALUES_PX = 62;

export interface PlottedSeries {
  readonly series: Series;
  readonly whose: 'run' | 'beside';
  readonly colour: string;
  readonly endNs: number;
}

interface PlotProps {
  readonly frame: Frame;
  /** Asked again whenever something has changed. */
  plotted(): readonly PlottedSeries[];
  isLog(): boolean;
  readonly label: string;
}

export function Plot({ frame, plotted, isLog, label }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let drawn: { readonly plot: uPlot; readonly key: string } | undefined;
    let next = 0;
    const stop = effect(() => {
      const [scale, lines, log, look] = [frame.scale.value, plotted(), isLog(), scheme.value];
      cancelAnimationFrame(next);
      next = requestAnimationFrame(() => {
        if (place.current === null || scale.width === 0) return;
        const data = dataOf(lines, scale, log);
        const key = [look, log, scale.width, ...lines.map(({ series, whose }) => `${whose} ${series.id}`)].join();
        if (drawn?.key !== key) {
          drawn?.plot.destroy();
          drawn = { plot: new uPlot(optionsOf(lines, scale, log, palette()), data, place.current), key };
        } else {
          spans.set(drawn.plot, scale);
          drawn.plot.setData(data);
        }
      });
    });
    return () => {
      stop();
      cancelAnimationFrame(next);
      drawn?.plot.destroy();
    };
  }, []);
  return <div class="one-plot" ref={place} role="img" aria-label={label} style={{ left: `${-VALUES_PX}px` }} />;
}

/** What each plot shows now: its axes ask when they are drawn. */
const spans = new WeakMap<uPlot, TimeScale>();

/** A logarithm has no nought: less than this is drawn as this. */
const LOG_LEAST = 1000;

function dataOf(lines: readonly PlottedSeries[], scale: TimeScale, log: boolean): uPlot.AlignedData {
  const thin = lines.map(({ series, endNs }): Line => {
    const points = thinned(series, scale, scale.width);
    const ys = log ? points.ys.map((y) => Math.max(LOG_LEAST, y)) : points.ys;
    return { points: { xs: points.xs, ys }, holds: series.holds, endNs };
  });
  return joined(thin, scale) as uPlot.AlignedData;
}

function optionsOf(lines: readonly PlottedSeries[], scale: TimeScale, log: boolean, colour: Palette): uPlot.Options {
  const unit = lines[0]?.series.unit ?? 'count';
  const shownBy = (plot: uPlot) => spans.get(plot) ?? scale;
  const font = '11px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif';
  return {
    width: scale.width + VALUES_PX,
    height: plotPx(lines.length),
    padding: [8, 0, 6, 0],
    cursor: { show: false },
    legend: { show: false },
    scales: {
      x: { time: false, range: (plot) => [shownBy(plot).fromNs, shownBy(plot).toNs] },
      y: log
        ? {
            distr: 3,
            log: 10,
            range: (_, least, most) => [Math.max(LOG_LEAST, least ?? LOG_LEAST), (most ?? 1e9) * 1.5],
          }
        : { range: (_, __, most) => [0, most === null || most === undefined || most === 0 ? 1 : most * 1.08] },
    },
    axes: [
      {
        size: 0,
        ticks: { show: false },
        grid: { stroke: colour('grid'), width: 1 },
        splits: (plot) => ticksOf(shownBy(plot)).map(({ atNs }) => atNs),
        values: (_, splits) => splits.map(() => ''),
      },
      {
        size: VALUES_PX,
        font,
        stroke: colour('soft'),
        grid: { stroke: colour('grid'), width: 1 },
        ticks: { stroke: colour('edge'), width: 1, size: 4 },
        gap: 3,
        space: 24,
        ...(isOfBytes(unit) && !log && { incrs: BYTE_STEPS }),
        ...(log && { splits: () => LOG_SPLITS, filter: (_: uPlot, splits: number[]) => splits }),
        values: (_, splits) => splits.map((value) => axisText(unit, value)),
      },
    ],
    series: [
      {},
      ...lines.map(
        ({ series, whose, colour: name }): uPlot.Series => ({
          stroke: colour(name),
          width: 1.5,
          points: { show: false },
          spanGaps: false,
          paths: (uPlot.paths.stepped as uPlot.Series.SteppedPathBuilderFactory)({
            align: series.holds === 'from' ? 1 : -1,
          }),
          ...(whose === 'beside' && { dash: [5, 4] }),
        }),
      ),
    ],
  } as uPlot.Options;
}

const isOfBytes = (unit: Series['unit']) => unit === 'bytes' || unit === 'bytes/s';

const BYTE_STEPS = Array.from({ length: 45 }, (_, nth) => [1, 2, 5][nth % 3]! * 10 ** Math.floor(nth / 3));
const LOG_SPLITS = Array.from({ length: 10 }, (_, nth) => LOG_LEAST * 10 ** nth);

function axisText(unit: Series['unit'], value: number): string {
  if (value === 0) return '0';
  switch (unit) {
    case 'bytes':
    case 'bytes/s':
      return bytes(value)
        .replace(/(\.[1-9]*)0+ /, '$1 ')
        .replace('. ', ' ');
    case 'percent':
      return `${digits(value, 3).replace(/\.0+$/, '')} %`;
    case 'ms':
      return `${digits(value, 3).replace(/\.0+$/, '')} ms`;
    case 'pages':
    case 'count':
      return String(value);
    default:
      return unit satisfies never;
  }
}
