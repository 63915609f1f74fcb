/** Settings as points of two figures, less being better in both, with the front of those that no other beats in both. */
import { figureOf, type Measure } from '../measure.ts';
import type { Plot } from '../plot.ts';
import { scaled, scaleOf } from '../scale.ts';
import { acrossAxis, colour, FONT_PX, GROUND, INK, logBase, STILL, shape, symbol, upAxis } from '../theme.ts';

export interface Setting {
  readonly group: string;
  readonly x: number;
  readonly y: number;
  readonly front: boolean;
}

/** More numbers than this would hide each other. */
const NUMBERED_MAX = 16;

/**
 * Undefined without settings. A group has the colour of its place among `known`, so that plots of some of them agree. The front is
 * numbered from left to right, as `frontOf` orders it.
 */
export function paretoPlot(
  settings: readonly Setting[],
  x: Measure,
  y: Measure,
  id = 'pareto',
  known: readonly string[] = [],
): Plot | undefined {
  if (settings.length === 0) return undefined;
  const front = frontOf(settings);
  const all = [...new Set([...known, ...settings.map(({ group }) => group)])];
  const groups = all
    .map((name, nth) => ({ name, nth }))
    .filter(({ name }) => settings.some(({ group }) => group === name));
  const [xs, ys] = [settings.map((one) => one.x), settings.map((one) => one.y)];
  const [across, up] = [scaleOf(x.kind, xs), scaleOf(y.kind, ys)];
  const at = (one: Setting) => [scaled(one.x, across), scaled(one.y, up)];
  const numbered = front.length <= NUMBERED_MAX;
  return {
    id,
    title: `${x.name} against ${y.name}`.replace(/^./, (letter) => letter.toUpperCase()),
    says: says(settings, front, x, y),
    heightPx: 420,
    keys: [
      ...groups.map(({ name, nth }) => ({ name, colour: colour(nth), mark: 'point' as const, shape: shape(nth) })),
      { name: numbered ? 'the front, numbered from the left' : 'the front', colour: INK, mark: 'line' },
    ],
    option: {
      grid: { left: 84, right: 32, top: 24, bottom: 56 },
      xAxis: acrossAxis({ name: x.name, scale: across, log: logBase(xs), points: xs }),
      yAxis: upAxis({ name: y.name, scale: up, log: logBase(ys), points: ys }),
      series: [
        {
          ...STILL,
          type: 'line',
          step: 'end',
          showSymbol: false,
          data: front.map(at),
          lineStyle: { color: INK, width: 1.5 },
          itemStyle: { color: INK },
        },
        ...groups.map(({ name, nth }) => ({
          ...STILL,
          type: 'scatter',
          symbol: symbol(nth),
          symbolSize: 8,
          data: settings.filter(({ group, front: on }) => group === name && !on).map(at),
          itemStyle: { color: colour(nth), opacity: 0.75 },
        })),
        ...groups.map(({ name, nth }) => ({
          ...STILL,
          type: 'scatter',
          symbol: symbol(nth),
          symbolSize: 11,
          data: front.flatMap((one, place) =>
            one.group === name ? [{ value: at(one), label: { show: numbered, formatter: String(place + 1) } }] : [],
          ),
          itemStyle: { color: colour(nth), borderColor: GROUND, borderWidth: 1 },
          label: { position: 'top', color: INK, fontSize: FONT_PX, distance: 4 },
        })),
      ],
    },
  };
}

/** Those on the front, the least of x first. */
export function frontOf<T extends Setting>(settings: readonly T[]): readonly T[] {
  return settings.filter(({ front }) => front).sort((a, b) => a.x - b.x || a.y - b.y);
}

function says(settings: readonly Setting[], front: readonly Setting[], x: Measure, y: Measure): string {
  const [first, last] = [front[0], front.at(-1)];
  if (first === undefined || last === undefined) return `${settings.length} settings, none of them on a front.`;
  const point = (one: Setting) =>
    `${figureOf(x, one.x)} of ${x.name} with ${figureOf(y, one.y)} of ${y.name} (${one.group})`;
  const few = `${front.length} of ${settings.length} settings are beaten by no other in both`;
  return first === last ? `${few}: ${point(first)}.` : `${few}, from ${point(first)} to ${point(last)}.`;
}
