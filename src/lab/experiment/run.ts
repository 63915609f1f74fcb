/**
 * Runs the cells of an experiment one after the other and puts their figures together. A run that does not complete is a
 * value, too: it has no figure, its outcome is counted, and its side is behind everybody who has one. A run that broke an
 * invariant is told by name, because no figure of it is worth anything.
 */
import { rehearse } from '../rehearse.ts';
import { pathText, ScenarioError } from '../scenario/error.ts';
import { nearestWord } from '../scenario/vocabulary.ts';
import { checkpointed } from './checkpoints.ts';
import { race } from './crossover.ts';
import type { Experiment } from './experiment.ts';
import type { Cell } from './grid.ts';
import { figureAt, partsOf } from './path.ts';
import type { ReadExperiment } from './read.ts';
import type { CellFigures, ExperimentResult, RunFigure } from './result.ts';
import { experimentSentence } from './sentence.ts';

export interface RunExperimentOptions {
  /** In place of the scenario's own. */
  readonly seed?: number | undefined;
  /** Told after each run, before the next begins. */
  readonly onProgress?: (done: number, all: number) => void;
}

/** Lets the event loop have its turn between runs. Rejects with a ScenarioError when the figure is in no report. */
export async function runExperiment(
  { experiment, cells }: ReadExperiment,
  { seed, onProgress }: RunExperimentOptions = {},
): Promise<ExperimentResult> {
  const all = cells.length * experiment.seeds;
  const broken: string[] = [];
  const measured: CellFigures[] = [];
  for (const [index, cell] of cells.entries()) {
    const runs: RunFigure[] = [];
    for (let nth = 0; nth < experiment.seeds; nth++) {
      const own = ((seed ?? cell.scenario.seed) + nth) % 2 ** 32;
      const run = runCell(cell, own, experiment);
      runs.push(run.figure);
      broken.push(...run.broken.map((what) => `${nameOf(cell)}, seed ${own}: ${what}`));
      onProgress?.(index * experiment.seeds + nth + 1, all);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    const figure = median(
      runs.map((run) => run.figure),
      experiment.measure.better,
    );
    measured.push({ side: cell.side, at: cell.at?.input ?? null, runs, figure });
  }
  return resultOf(experiment, measured, broken);
}

function runCell(cell: Cell, seed: number, { measure }: Experiment): { figure: RunFigure; broken: readonly string[] } {
  const scenario = { ...cell.scenario, seed };
  const report = cell.checkpoints === null ? rehearse(scenario).ended : checkpointed(scenario, cell.checkpoints);
  const checks = 'checks' in report ? report.checks.filter(({ held }) => !held) : [];
  const broken = checks.map(({ name, because }) => `${name}: ${because ?? 'broken'}`);
  const { outcome } = report;
  if (outcome !== 'completed') return { figure: { seed, outcome, figure: null }, broken };
  const found = figureAt(report, partsOf(measure.figure));
  if (!('figure' in found)) throw noFigure(measure.figure, found);
  return { figure: { seed, outcome, figure: found.figure }, broken };
}

function resultOf(experiment: Experiment, cells: readonly CellFigures[], broken: readonly string[]): ExperimentResult {
  const { name, question, measure, over } = experiment;
  const sides = experiment.sides.map((side) => side.name);
  const curves = sides.map((side) => ({
    side,
    values: cells.filter((cell) => cell.side === side).map(({ figure }) => figure),
  }));
  const raced =
    over === null
      ? null
      : race(
          over.values.map(({ x }) => x),
          curves,
          { ...measure, scale: over.scale },
        );
  return {
    experiment: name,
    question,
    figure: measure.figure,
    better: measure.better,
    seed: cells[0]?.runs[0]?.seed ?? 0,
    sides,
    axis: over === null ? null : { name: over.name, values: over.values.map(({ input }) => input) },
    cells,
    race: raced,
    broken,
    sentence: experimentSentence(experiment, cells, raced),
  };
}

/** Null where the middle is a run without a figure. */
export function median(figures: readonly (number | null)[], better: 'lower' | 'higher'): number | null {
  const worst = better === 'lower' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  const sorted = figures.map((figure) => figure ?? worst).sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const value = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  return Number.isFinite(value) ? value : null;
}

function nameOf({ side, at }: Cell): string {
  return [side, ...(at === null ? [] : [String(at.input)])].filter((part) => part !== '').join(' at ');
}

function noFigure(
  figure: string,
  { reached, known }: { readonly reached: readonly (string | number)[]; readonly known: readonly string[] },
): ScenarioError {
  const missing = String(partsOf(figure)[reached.length] ?? '');
  const near = nearestWord(missing, known);
  const place = reached.length === 0 ? 'the report' : pathText(reached);
  const advice =
    near === undefined ? (known.length > 0 ? `; it has ${known.join(', ')}` : '') : `; did you mean ${near}?`;
  const message = `${figure} is no number of the report: ${place} has no ${missing === '' ? 'single value' : missing}${advice}`;
  return new ScenarioError([
    {
      file: 'experiment',
      line: null,
      column: null,
      path: 'measure.figure',
      message,
      expected: 'a path into the report',
      example: 'totalMs',
    },
  ]);
}
