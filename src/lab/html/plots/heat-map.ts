/**
 * One figure over two axes, a map for each policy. The colours are cividis (Nunez, Anderton and Renslow, 2018), which people
 * who see colours differently read alike; the figure stands in each cell that has room for it.
 */
import { figureOf, type Measure } from '../measure.ts';
import type { Plot } from '../plot.ts';
import { helpsLog, RULE, SOFT } from '../theme.ts';
import { type CellAxis, cellMap, type Place } from './cell-map.ts';
import { capital } from './distribution.ts';

export interface MapCell extends Place {
  /** Null: no run has the figure. */
  readonly value: number | null;
}

export interface HeatMapOptions {
  readonly id: string;
  /** Whose map it is: a policy. */
  readonly of: string;
  readonly measure: Measure;
  readonly across: CellAxis;
  readonly down: CellAxis;
  /** Of all maps that are to be compared, so that a colour means the same in each. */
  readonly range: { readonly least: number; readonly most: number };
}

/** cividis at ninths. */
const RAMP = [
  '#00224e',
  '#123570',
  '#3b496c',
  '#575d6d',
  '#707173',
  '#8a8678',
  '#a59c74',
  '#c3b369',
  '#e1cc55',
  '#fee838',
] as const;
/** Narrower cells have no text at all. */
const TEXT_MIN_PX = 58;

/** Undefined where no cell has a figure. */
export function heatMapPlot(
  cells: readonly MapCell[],
  { id, of, measure, across, down, range }: HeatMapOptions,
): Plot | undefined {
  const known = cells.filter((cell) => cell.value !== null);
  if (known.length === 0) return undefined;
  const log = helpsLog([range.least, range.most]);
  const text = (value: number) => figureOf(measure, value);
  const { heightPx, option } = cellMap({
    cells,
    across,
    down,
    rowPx: down.labels.length > 16 ? 20 : 30,
    textMinPx: TEXT_MIN_PX,
    look: ({ value }) => {
      if (value === null) return { fill: RULE, text: 'none', ink: SOFT };
      const fill = colourAt(shareOf(value, range, log));
      return { fill, text: text(value), ink: onColour(fill) };
    },
  });
  return {
    id,
    title: of === '' ? capital(measure.name) : `${capital(measure.name)} of ${of}`,
    says: says(known, cells.length, measure, across, down),
    heightPx,
    keys: cells.length > known.length ? [{ name: 'no run has the figure', colour: RULE, mark: 'block' }] : [],
    ramp: { colours: RAMP, from: text(range.least), to: `${text(range.most)}${log ? ', by factors' : ''}` },
    option,
  };
}

function shareOf(value: number, { least, most }: HeatMapOptions['range'], log: boolean): number {
  if (most === least) return 0.5;
  return log ? Math.log(value / least) / Math.log(most / least) : (value - least) / (most - least);
}

/** Black or white, whichever reads better: one of them always has more than 4.5:1. */
function onColour(hex: string): string {
  const [red, green, blue] = [1, 3, 5].map((from) => {
    const part = Number.parseInt(hex.slice(from, from + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  // Relative luminance and the contrast of it, as WCAG 2.2 defines them; both are alike at 0.179.
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? '#000000' : '#ffffff';
}

/** Between the two colours of the ramp that are nearest. */
function colourAt(share: number): string {
  const at = Math.min(1, Math.max(0, share)) * (RAMP.length - 1);
  const [low, high] = [RAMP[Math.floor(at)] as string, RAMP[Math.ceil(at)] as string];
  const part = at - Math.floor(at);
  const channels = [1, 3, 5].map((from) => {
    const [a, b] = [low, high].map((hex) => Number.parseInt(hex.slice(from, from + 2), 16)) as [number, number];
    return Math.round(a + (b - a) * part)
      .toString(16)
      .padStart(2, '0');
  });
  return `#${channels.join('')}`;
}

function says(
  known: readonly MapCell[],
  all: number,
  measure: Measure,
  across: HeatMapOptions['across'],
  down: HeatMapOptions['down'],
): string {
  const of = ({ value }: MapCell) => value as number;
  const least = known.reduce((low, cell) => (of(cell) < of(low) ? cell : low));
  const most = known.reduce((top, cell) => (of(cell) > of(top) ? cell : top));
  const where = (cell: MapCell) =>
    `${across.name} ${across.labels[cell.across]}, ${down.name} ${down.labels[cell.down]}`;
  const lost = all === known.length ? '' : ` In ${all - known.length} of ${all} cells no run has the figure.`;
  return `Lowest, ${figureOf(measure, of(least))}, at ${where(least)}; highest, ${figureOf(measure, of(most))}, at ${where(most)}.${lost}`;
}
