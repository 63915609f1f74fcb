/**
 * The plots of a sweep, by the shape of its points: lines along one axis, maps over two, and points at their own values where
 * there are more or where they were drawn by chance. Means are over the runs that completed.
 */
import { factorOf, readAxisValue, unitOf } from '../experiment/axis-value.ts';
import type { SettingSummary, SweepResult } from '../sweep/result.ts';
import { type Measure, measureOf } from './measure.ts';
import type { Plot } from './plot.ts';
import { bestMapPlot } from './plots/best-map.ts';
import { heatMapPlot } from './plots/heat-map.ts';
import { linesPlot } from './plots/lines.ts';
import { outcomesPlot } from './plots/outcomes.ts';
import { paretoPlot } from './plots/pareto.ts';
import { scatterPlot } from './plots/scatter.ts';

/** What is drawn besides the columns of the front. */
const USUAL = ['downtimeMs', 'serviceDowntimeMs', 'totalMs', 'bytesTotal', 'slowdownPercent'] as const;
/** An axis with more values than this was drawn by chance, or is drawn as if. */
const LABELS_MAX = 24;
const MAPS_MAX = 12;
const FRONTS_MAX = 6;
const PANELS_MAX = 8;

export function endingsPlot({ policies, settings }: SweepResult): Plot | undefined {
  return outcomesPlot(
    policies.map((name) => {
      const own = settings.filter(({ policy }) => policy === name);
      const outcomes: Record<string, number> = {};
      for (const { completed, outcomes: other } of own) {
        outcomes.completed = (outcomes.completed ?? 0) + completed;
        for (const [outcome, runs] of Object.entries(other)) outcomes[outcome] = (outcomes[outcome] ?? 0) + runs;
      }
      return { name, runs: own.reduce((sum, { runs }) => sum + runs, 0), outcomes };
    }),
  );
}

export function axisPlots(result: SweepResult): readonly Plot[] {
  const axes = result.axes.map((name) => ({ name, values: valuesOf(result, name) }));
  const [first, second] = axes;
  const gridded = axes.every(({ values }) => values.length <= LABELS_MAX);
  if (axes.length === 1 && first !== undefined && gridded) return alongPlots(result, first);
  if (axes.length === 2 && first !== undefined && second !== undefined && gridded)
    return mapPlots(result, first, second);
  return (gridded && axes.length > 2 ? panelPlots(result, axes) : undefined) ?? sampledPlots(result);
}

/**
 * Of a grid of one axis of numbers and some of words: lines along the numbers, drawn for each combination of the words. Undefined:
 * there are more axes of numbers, or more combinations than anybody looks at.
 */
function panelPlots(result: SweepResult, axes: readonly AxisOf[]): readonly Plot[] | undefined {
  const [along, another] = axes.filter(({ values }) => values.length > 1 && values.every((one) => axisX(one) !== null));
  if (along === undefined || another !== undefined) return undefined;
  const panels = new Map<string, SettingSummary[]>();
  for (const setting of result.settings) {
    const given = axes.flatMap(({ name, values }) =>
      name === along.name || values.length === 1 ? [] : [String(setting.at[name])],
    );
    panels.set(given.join(', '), [...(panels.get(given.join(', ')) ?? []), setting]);
  }
  if (panels.size > PANELS_MAX) return undefined;
  const drawn = [...panels].map(([given, settings], nth) =>
    alongPlots({ ...result, settings }, along, result.pareto.of.map(measureOf), `-${nth}`).map((plot) => ({
      ...plot,
      title: `${plot.title}, with ${given}`,
    })),
  );
  // One figure after the other, so that its panels stand together.
  return result.pareto.of.flatMap((_, measure) => drawn.flatMap((plots) => plots[measure] ?? []));
}

interface AxisOf {
  readonly name: string;
  readonly values: readonly (string | number | boolean)[];
}

/** In the order in which the points have them. */
function valuesOf({ settings }: SweepResult, axis: string): AxisOf['values'] {
  return [...new Set(settings.map(({ at }) => at[axis] as string | number | boolean))];
}

function measuresOf({ pareto, settings }: SweepResult): readonly Measure[] {
  const wanted = [...new Set<string>([...pareto.of, ...USUAL])];
  return wanted.filter((key) => settings.some((setting) => meanOf(setting, key) !== null)).map(measureOf);
}

export function meanOf({ figures }: SettingSummary, key: string): number | null {
  return figures[key as keyof typeof figures]?.mean ?? null;
}

function alongPlots(
  result: SweepResult,
  { name, values }: AxisOf,
  measures: readonly Measure[] = measuresOf(result),
  suffix = '',
): readonly Plot[] {
  const plots = measures.map((measure) =>
    linesPlot(
      result.policies.map((policy) => ({
        side: policy,
        points: values.map((value) => {
          const sample = result.settings.find((one) => one.policy === policy && one.at[name] === value)?.figures[
            measure.key as keyof SettingSummary['figures']
          ];
          return sample === null || sample === undefined
            ? null
            : { middle: sample.median, least: sample.min, most: sample.max };
        }),
      })),
      { id: `along-${measure.key}${suffix}`, measure, axis: name, labels: values.map(String) },
    ),
  );
  return plots.filter((plot) => plot !== undefined);
}

/** The axis with fewer values goes across: its cells have room for text. */
function mapPlots(result: SweepResult, first: AxisOf, second: AxisOf): readonly Plot[] {
  const [acrossOf, downOf] = first.values.length <= second.values.length ? [first, second] : [second, first];
  const across = { name: acrossOf.name, labels: acrossOf.values.map(String) };
  const down = { name: downOf.name, labels: downOf.values.map(String) };
  const placed = result.settings.map((setting) => ({
    setting,
    across: acrossOf.values.indexOf(setting.at[acrossOf.name] as string),
    down: downOf.values.indexOf(setting.at[downOf.name] as string),
  }));
  const drawn = result.pareto.of.map(measureOf);
  const best = drawn.map((measure) =>
    result.policies.length < 2
      ? undefined
      : bestMapPlot(bestCells(placed, measure), {
          id: `best-${measure.key}`,
          measure,
          across,
          down,
          policies: result.policies,
        }),
  );
  const maps = drawn.flatMap((measure) => {
    const means = placed.flatMap(({ setting }) => meanOf(setting, measure.key) ?? []);
    if (means.length === 0) return [];
    const range = { least: Math.min(...means), most: Math.max(...means) };
    return result.policies.slice(0, MAPS_MAX).map((policy, nth) => {
      const cells = placed
        .filter(({ setting }) => setting.policy === policy)
        .map((cell) => ({ across: cell.across, down: cell.down, value: meanOf(cell.setting, measure.key) }));
      const of = result.policies.length < 2 ? '' : policy;
      return heatMapPlot(cells, { id: `map-${measure.key}-${nth}`, of, measure, across, down, range });
    });
  });
  return [...best, ...maps].filter((plot) => plot !== undefined);
}

type Placed = { readonly setting: SettingSummary; readonly across: number; readonly down: number };

/** Of the settings whose runs all completed: the mean of some would flatter a policy. */
function bestCells(placed: readonly Placed[], { key }: Measure) {
  const cells = new Map<string, { across: number; down: number; best: { policy: string; value: number } | null }>();
  for (const { setting, across, down } of placed) {
    const name = `${across}/${down}`;
    const cell = cells.get(name) ?? { across, down, best: null };
    cells.set(name, cell);
    const value = meanOf(setting, key);
    if (value === null || setting.completed < setting.runs) continue;
    if (cell.best === null || value < cell.best.value) cell.best = { policy: setting.policy, value };
  }
  return [...cells.values()];
}

/** Axes of words have no place for a point. */
function sampledPlots(result: SweepResult): readonly Plot[] {
  const measures = result.pareto.of.map(measureOf);
  const plots = result.axes.flatMap((axis, nth) => {
    const inputs = new Map(valuesOf(result, axis).map((value) => [value, axisX(value)] as const));
    const known = [...inputs.values()].filter((one) => one !== null);
    const [sample] = known;
    if (sample === undefined || known.length < inputs.size) return [];
    return measures.map((measure) => {
      const points = result.settings.flatMap((setting) => {
        const y = meanOf(setting, measure.key);
        const x = inputs.get(setting.at[axis] as string);
        return y === null || x === null || x === undefined
          ? []
          : [{ group: setting.policy, x: x.x / sample.factor, y }];
      });
      const across = sample.unit === '' ? axis : `${axis} (${sample.unit})`;
      return scatterPlot(points, { id: `sampled-${nth}-${measure.key}`, across, measure });
    });
  });
  return plots.filter((plot) => plot !== undefined);
}

function axisX(value: string | number | boolean) {
  const reading = readAxisValue(value);
  if (!('value' in reading)) return null;
  return { x: reading.value.x, unit: unitOf(reading.value), factor: factorOf(reading.value) };
}

/** A front for each combination of what is given; of many the first, the last and some between. */
export function frontPlots({ policies, settings, pareto }: SweepResult): readonly Plot[] {
  const [x, y] = pareto.of.map(measureOf);
  if (x === undefined || y === undefined) return [];
  const fronts = new Map<string, SettingSummary[]>();
  for (const setting of settings) {
    const given = pareto.per.map((axis) => `${axis} ${setting.at[axis]}`).join(', ');
    fronts.set(given, [...(fronts.get(given) ?? []), setting]);
  }
  const all = [...fronts].filter(([, own]) => own.some((setting) => setting.pareto));
  const shown = spaced(all, FRONTS_MAX);
  const plots = shown.map(([given, own], nth) => {
    const points = own.flatMap((setting) => {
      const [a, b] = [meanOf(setting, x.key), meanOf(setting, y.key)];
      return a === null || b === null || setting.completed < setting.runs
        ? []
        : [{ group: setting.policy, x: a, y: b, front: setting.pareto }];
    });
    const plot = paretoPlot(points, x, y, `pareto-${nth}`, policies);
    if (plot === undefined || given === '') return plot;
    return { ...plot, title: `${plot.title}, at ${given}` };
  });
  return plots.filter((plot) => plot !== undefined);
}

function spaced<T>(list: readonly T[], max: number): readonly T[] {
  if (list.length <= max) return list;
  return Array.from({ length: max }, (_, nth) => list[Math.round((nth * (list.length - 1)) / (max - 1))] as T);
}
