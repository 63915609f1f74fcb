/** The page of a sweep: how its runs ended, which policy is best where, the fronts, and a table of the settings. */
import type { SettingSummary, SweepResult } from '../sweep/result.ts';
import { sharesText } from '../sweep/text.ts';
import type { MeasureName } from '../trial/row.ts';
import { html, type Markup } from './markup.ts';
import { figureOf, measureOf } from './measure.ts';
import { pageText, sectionMarkup } from './page.ts';
import { plotMarkup } from './plot.ts';
import { axisPlots, endingsPlot, frontPlots } from './sweep-plots.ts';
import { type Column, tableMarkup } from './table.ts';

export interface SweepPageInput {
  readonly result: SweepResult;
  /** What was typed. */
  readonly command?: string | undefined;
}

/** The JSON has every setting. */
const ROWS_MAX = 200;
const COLUMNS: readonly MeasureName[] = [
  'downtimeMs',
  'serviceDowntimeMs',
  'totalMs',
  'bytesTotal',
  'rounds',
  'slowdownPercent',
];

export function sweepPage({ result, command }: SweepPageInput): string {
  const { sweep, question, trials, settings, policies, seeds, broken } = result;
  const completed = settings.reduce((sum, one) => sum + one.completed, 0);
  const front = settings.filter(({ pareto }) => pareto);
  const endings = endingsPlot(result);
  const fronts = frontPlots(result);
  return pageText({
    kind: 'Sweep',
    title: sweep,
    ...(broken.length === 0 ? {} : { verdict: { word: 'void: an invariant was broken', mood: 'bad' as const } }),
    lead: question,
    about: [`axes: ${result.axes.join(', ')}`, `policies: ${policies.join(', ')}`],
    figures: [
      { name: 'migrations', value: figureOf({ kind: 'count' }, trials), note: `${seeds.length} of each setting` },
      {
        name: 'settings',
        value: figureOf({ kind: 'count' }, settings.length),
        note: `under ${policies.length} ${policies.length === 1 ? 'policy' : 'policies'}`,
      },
      {
        name: 'completed',
        value: figureOf({ kind: 'percent' }, trials === 0 ? 0 : (100 * completed) / trials),
        note: `${figureOf({ kind: 'count' }, completed)} runs`,
      },
      {
        name: 'on a front',
        value: figureOf({ kind: 'count' }, front.length),
        note: result.pareto.of.map((key) => measureOf(key).name).join(' against '),
      },
    ],
    body: [
      brokenMarkup(broken),
      conclusionsMarkup(result),
      descriptionMarkup(result),
      sectionMarkup('Outcomes', endings === undefined ? [] : [plotMarkup(endings)]),
      sectionMarkup('Over the axes', axisPlots(result).map(plotMarkup)),
      sectionMarkup('Pareto fronts', [...fronts.map(plotMarkup), frontTable(result, front)]),
      sectionMarkup('In numbers', [settingsTable(result), leftOutTable(result)]),
    ],
    command,
    data: result,
  });
}

function brokenMarkup(broken: readonly string[]): Markup {
  if (broken.length === 0) return html``;
  const shown = broken.slice(0, ROWS_MAX);
  return sectionMarkup('Broken: the figures are void', [
    html`<ul class="notes">${shown.map((one) => html`<li>${one}</li>`)}</ul>`,
  ]);
}

/** What is run, and what of the world is not in it: read before anything is believed. */
function descriptionMarkup(result: SweepResult): Markup {
  const { description, notModelled } = result;
  const limits = notModelled.map((one) => html`<li>${one}</li>`);
  return sectionMarkup('What was run', [
    description === null ? html`` : html`<p>${description}</p>`,
    ...sharesText(result).map((one) => html`<p>${one}</p>`),
    notModelled.length === 0 ? html`` : html`<h3>Not modelled</h3>\n<ul class="notes">${limits}</ul>`,
  ]);
}

function conclusionsMarkup({ conclusions }: SweepResult): Markup {
  return sectionMarkup(
    'Conclusions',
    conclusions.map(
      ({ about, sentences }) =>
        html`<h3>${about}</h3>\n<ul class="notes">${sentences.map((one) => html`<li>${one}</li>`)}</ul>\n`,
    ),
  );
}

function columnsOf({ axes, policies }: SweepResult, measures: readonly string[]): readonly Column[] {
  return [
    ...axes.map((head) => ({ head, words: true })),
    ...(policies.length > 1 ? [{ head: 'policy', words: true }] : []),
    { head: 'completed' },
    ...measures.map((key) => ({ head: measureOf(key).name })),
  ];
}

function rowOf(
  { axes, policies }: SweepResult,
  setting: SettingSummary,
  measures: readonly string[],
): readonly string[] {
  return [
    ...axes.map((axis) => String(setting.at[axis])),
    ...(policies.length > 1 ? [setting.policy] : []),
    `${setting.completed} of ${setting.runs}`,
    ...measures.map((key) => meanText(setting, key)),
  ];
}

function meanText({ figures }: SettingSummary, key: string): string {
  const sample = figures[key as MeasureName] ?? null;
  if (sample === null) return '';
  const measure = measureOf(key);
  const reach = sample.interval === null ? 0 : sample.interval.high - sample.mean;
  return reach === 0
    ? figureOf(measure, sample.mean)
    : `${figureOf(measure, sample.mean)} ± ${figureOf(measure, reach)}`;
}

/** Numbered from the least of the first column, as the plot numbers them, where there is one front. */
function frontTable(result: SweepResult, front: readonly SettingSummary[]): Markup {
  const [first = ''] = result.pareto.of;
  const single = result.pareto.per.length === 0;
  const mean = ({ figures }: SettingSummary, key: string) => figures[key as MeasureName]?.mean ?? 0;
  const [, second = ''] = result.pareto.of;
  const ordered = single
    ? [...front].sort((a, b) => mean(a, first) - mean(b, first) || mean(a, second) - mean(b, second))
    : front;
  const columns = columnsOf(result, result.pareto.of);
  return tableMarkup(
    title('Settings on a front', ordered.length),
    single ? [{ head: 'no.', words: true }, ...columns] : columns,
    ordered.slice(0, ROWS_MAX).map((setting, nth) => {
      const row = rowOf(result, setting, result.pareto.of);
      return single ? [String(nth + 1), ...row] : row;
    }),
  );
}

function settingsTable(result: SweepResult): Markup {
  const rows = result.settings.slice(0, ROWS_MAX).map((setting) => rowOf(result, setting, COLUMNS));
  return tableMarkup(
    `${title('All settings', result.settings.length)}: means of the runs that completed, with the 95 % interval`,
    columnsOf(result, COLUMNS),
    rows,
  );
}

function title(words: string, rows: number): string {
  return rows <= ROWS_MAX ? words : `${words}, the first ${ROWS_MAX} of ${figureOf({ kind: 'count' }, rows)}`;
}

function leftOutTable({ leftOut }: SweepResult): Markup {
  return tableMarkup(
    'Policies that were left out',
    [
      { head: 'policy', words: true },
      { head: 'because', words: true },
    ],
    leftOut.map(({ policy, because }) => [policy, because]),
  );
}
