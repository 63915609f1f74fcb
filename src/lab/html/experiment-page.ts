/** The page of an experiment: sides against each other along an axis, or without one, and the sentence that it ends in. */
import type { CellFigures, ExperimentResult } from '../experiment/result.ts';
import { html, type Markup } from './markup.ts';
import { figureOf, measureOf } from './measure.ts';
import { pageText, sectionMarkup } from './page.ts';
import { type Plot, plotMarkup } from './plot.ts';
import { distributionPlot } from './plots/distribution.ts';
import { linesPlot } from './plots/lines.ts';
import { outcomesPlot } from './plots/outcomes.ts';
import { tableMarkup } from './table.ts';

export interface ExperimentPageInput {
  readonly result: ExperimentResult;
  /** What was typed. */
  readonly command?: string | undefined;
}

export function experimentPage({ result, command }: ExperimentPageInput): string {
  const { experiment, question, sentence, sides, axis, cells, seed, broken, better } = result;
  const runs = cells.reduce((sum, cell) => sum + cell.runs.length, 0);
  const completed = cells.reduce((sum, cell) => sum + cell.runs.filter(({ figure }) => figure !== null).length, 0);
  const measure = measureOf(result.figure);
  return pageText({
    kind: 'Experiment',
    title: experiment,
    ...(broken.length === 0 ? {} : { verdict: { word: 'void: an invariant was broken', mood: 'bad' as const } }),
    lead: sentence,
    about: [question, `${measure.name}: ${better} is better`, `seed ${seed} and those after it`],
    figures: [
      { name: 'runs', value: String(runs), note: `${completed} with the figure` },
      { name: 'sides', value: String(sides.length) },
      ...(axis === null ? [] : [{ name: 'points of the axis', value: String(axis.values.length), note: axis.name }]),
    ],
    body: [
      broken.length === 0
        ? html``
        : sectionMarkup('Broken: the figures are void', [
            html`<ul class="notes">${broken.map((one) => html`<li>${one}</li>`)}</ul>`,
          ]),
      sectionMarkup('What was found', plotsOf(result).map(plotMarkup)),
      sectionMarkup('In numbers', [cellsTable(result)]),
    ],
    command,
    data: result,
  });
}

function plotsOf({ sides, axis, cells, figure }: ExperimentResult): readonly Plot[] {
  const measure = measureOf(figure);
  const found =
    axis === null
      ? distributionPlot(
          measure,
          cells.map(({ side, runs }) => ({
            name: side === '' ? 'all runs' : side,
            values: runs.map((run) => run.figure),
          })),
        )
      : linesPlot(
          sides.map((side) => ({
            side,
            points: axis.values.map((value) => pointOf(cells.find((cell) => cell.side === side && cell.at === value))),
          })),
          { id: 'along', measure, axis: axis.name, labels: axis.values.map(String) },
        );
  const endings = outcomesPlot(
    sides.map((side) => {
      const runs = cells.filter((cell) => cell.side === side).flatMap((cell) => cell.runs);
      const outcomes: Record<string, number> = {};
      for (const { outcome } of runs) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      return { name: side === '' ? 'all runs' : side, runs: runs.length, outcomes };
    }),
  );
  return [found, endings].filter((plot) => plot !== undefined);
}

/** Where the middle run has no figure the line has a gap, as in the table. */
function pointOf(cell: CellFigures | undefined) {
  if (cell === undefined || cell.figure === null) return null;
  const values = cell.runs.flatMap(({ figure }) => (figure === null ? [] : [figure]));
  return { middle: cell.figure, least: Math.min(...values), most: Math.max(...values) };
}

function cellsTable({ axis, sides, cells, figure }: ExperimentResult): Markup {
  const named = sides.length > 1;
  return tableMarkup(
    'Every cell',
    [
      ...(axis === null ? [] : [{ head: axis.name, words: true }]),
      ...(named ? [{ head: 'side', words: true }] : []),
      { head: 'runs' },
      { head: 'median' },
      { head: 'least' },
      { head: 'most' },
      { head: 'without the figure', words: true },
    ],
    cells.map((cell) => {
      const values = cell.runs.flatMap((run) => (run.figure === null ? [] : [run.figure]));
      const text = (value: number | null) => (value === null ? 'none' : figureOf(measureOf(figure), value));
      const lost = cell.runs.filter((run) => run.figure === null).map(({ outcome }) => outcome);
      return [
        ...(axis === null ? [] : [String(cell.at)]),
        ...(named ? [cell.side] : []),
        String(cell.runs.length),
        text(cell.figure),
        text(values.length === 0 ? null : Math.min(...values)),
        text(values.length === 0 ? null : Math.max(...values)),
        lost.length === 0 ? '' : `${lost.length}: ${[...new Set(lost)].join(', ')}`,
      ];
    }),
  );
}
