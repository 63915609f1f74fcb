/** The page of a comparison: policies side by side on the same random numbers, with what differs for sure and what may be chance. */
import type { Against, ComparedName, PolicyFigures } from '../compare/comparison.ts';
import type { ComparisonResult } from '../compare/run.ts';
import type { Interval } from '../statistics/sample.ts';
import { onFront } from '../sweep/pareto.ts';
import { COMPARED, type TrialRow } from '../trial/row.ts';
import { html, type Markup } from './markup.ts';
import { figureOf, type Measure, measureOf } from './measure.ts';
import { pageText, sectionMarkup } from './page.ts';
import { type Plot, plotMarkup } from './plot.ts';
import { distributionPlot } from './plots/distribution.ts';
import { outcomesPlot } from './plots/outcomes.ts';
import { frontOf, paretoPlot } from './plots/pareto.ts';
import { tableMarkup } from './table.ts';

export interface ComparisonPageInput {
  readonly result: ComparisonResult;
  /** What was typed. */
  readonly command?: string | undefined;
}

export function comparisonPage({ result, command }: ComparisonPageInput): string {
  const { scenario, policies, seeds, reference, sentences, confidence, tests, rows } = result;
  const broken = policies.flatMap((one) => one.broken.map((what) => `${one.policy}, ${what}`));
  const completed = policies.reduce((sum, one) => sum + one.completed.count, 0);
  const differ = policies.filter(
    ({ against }) => against !== null && Object.values(against.figures).some((one) => one?.significant),
  );
  const percent = Math.round(100 * confidence);
  return pageText({
    kind: 'Comparison',
    title: scenario,
    ...(broken.length === 0 ? {} : { verdict: { word: 'void: an invariant was broken', mood: 'bad' as const } }),
    lead: sentences[0] ?? '',
    about: [`set against ${reference}`, seedsText(seeds), `${percent} % intervals, ${tests} differences tested (Holm)`],
    figures: [
      { name: 'policies', value: String(policies.length), note: `${differ.length} differ from ${reference} for sure` },
      { name: 'runs', value: figureOf({ kind: 'count' }, rows.length), note: `${seeds.length} of each policy` },
      {
        name: 'completed',
        value: figureOf({ kind: 'percent' }, rows.length === 0 ? 0 : (100 * completed) / rows.length),
        note: `${completed} runs`,
      },
    ],
    body: [
      listMarkup('Broken: the figures are void', broken),
      listMarkup('What was found', sentences.slice(1)),
      sectionMarkup('Figures by policy', [samenessMarkup(policies), ...plotsOf(result).map(plotMarkup)]),
      sectionMarkup('In numbers', [
        figuresTable(policies),
        differencesTable(result),
        servicesTable(policies),
        outcomesTable(policies),
        settingsTable(policies),
        leftOutTable(result),
      ]),
    ],
    command,
    data: result,
  });
}

function seedsText(seeds: readonly number[]): string {
  const [first, last] = [seeds[0], seeds.at(-1)];
  return seeds.length === 1 ? `seed ${first}` : `seeds ${first} to ${last}, the same for each`;
}

function listMarkup(title: string, lines: readonly string[]): Markup {
  if (lines.length === 0) return html``;
  return sectionMarkup(title, [html`<ul class="notes">${lines.map((line) => html`<li>${line}</li>`)}</ul>`]);
}

function samenessMarkup(policies: readonly PolicyFigures[]): Markup {
  const same = policies.filter(({ sameAs }) => sameAs !== null);
  if (same.length === 0) return html``;
  const told = same.map(({ policy, sameAs }) => `${policy} (as ${sameAs})`);
  return html`<p>Not drawn, because every run of theirs is as one of another policy: ${told.join(', ')}.</p>\n`;
}

const DRAWN = ['downtimeMs', 'serviceDowntimeMs', 'totalMs', 'bytesTotal', 'slowdownPercent'] as const;

/** Of policies that are the same here one is drawn. */
function plotsOf({ policies: all, rows, confidence, reference }: ComparisonResult): readonly Plot[] {
  const policies = all.filter(({ sameAs }) => sameAs === null);
  const endings = outcomesPlot(
    all.map(({ policy, completed, outcomes }) => ({
      name: policy,
      runs: completed.of,
      outcomes: Object.fromEntries(Object.entries(outcomes).map(([outcome, { count }]) => [outcome, count])),
    })),
  );
  const spreads = DRAWN.map((key) => {
    const groups = policies.map(({ policy, figures, against }) => {
      const sample = figures[key];
      return {
        name: policy,
        marked: against?.figures[key]?.significant === true,
        values: rows.filter((row) => row.policy === policy).map((row) => valueIn(row, key)),
        mean: sample?.interval === null || sample === null ? undefined : { value: sample.mean, ...sample.interval },
      };
    });
    const plot = distributionPlot(measureOf(key), groups, Math.round(100 * confidence));
    const marked = groups.some((group) => group.marked);
    return plot === undefined || !marked
      ? plot
      : { ...plot, says: `${plot.says} A star marks who differs from ${reference} for sure.` };
  });
  return [tradePlot(policies), ...spreads, endings].filter((plot) => plot !== undefined);
}

/** What a policy's runs that completed have. */
function valueIn(row: TrialRow, key: ComparedName): number | null {
  return row.outcome === 'completed' ? row[key] : null;
}

/** Means of the policies that completed every run: what a short downtime costs in time. */
function tradePlot(policies: readonly PolicyFigures[]): Plot | undefined {
  const whole = policies.flatMap(({ policy, completed, figures: { downtimeMs, totalMs } }) =>
    completed.count < completed.of || downtimeMs === null || totalMs === null
      ? []
      : [{ group: policy, x: totalMs.mean, y: downtimeMs.mean }],
  );
  if (whole.length < 2) return undefined;
  const on = onFront(whole.map(({ x, y }) => [x, y]));
  const settings = whole.map((one, nth) => ({ ...one, front: on[nth] === true }));
  const plot = paretoPlot(settings, measureOf('totalMs'), measureOf('downtimeMs'), 'trade');
  if (plot === undefined) return undefined;
  const best = frontOf(settings).map(({ group }, nth) => `${nth + 1} ${group}`);
  return { ...plot, says: `Means of the policies that completed every run. On the front: ${best.join(', ')}.` };
}

function figuresTable(policies: readonly PolicyFigures[]): Markup {
  return tableMarkup(
    'Means of the runs that completed, with their intervals',
    [{ head: 'policy', words: true }, { head: 'completed' }, ...COMPARED.map((key) => ({ head: measureOf(key).name }))],
    policies.map(({ policy, completed, figures }) => [
      policy,
      `${completed.count} of ${completed.of}`,
      ...COMPARED.map((key) => {
        const sample = figures[key];
        return sample === null ? '' : around(measureOf(key), sample);
      }),
    ]),
  );
}

function around(
  measure: Measure,
  { mean, interval }: { readonly mean: number; readonly interval: Interval | null },
): string {
  const reach = interval === null ? 0 : (interval.high - interval.low) / 2;
  return reach === 0 ? figureOf(measure, mean) : `${figureOf(measure, mean)} ± ${figureOf(measure, reach)}`;
}

function differencesTable({ policies, reference }: ComparisonResult): Markup {
  const others = policies.filter(({ against }) => against !== null);
  return tableMarkup(
    `Differences from ${reference}, run by run of the same seed; a star is sure`,
    [{ head: 'policy', words: true }, ...COMPARED.map((key) => ({ head: measureOf(key).name }))],
    others.map(({ policy, against, sameAs }) => [
      sameAs === null ? policy : `${policy} (every run as ${sameAs})`,
      ...COMPARED.map((key) => differenceMarkup(measureOf(key), against?.figures[key] ?? null)),
    ]),
  );
}

function differenceMarkup(measure: Measure, difference: Against | null): Markup | string {
  if (difference === null) return '';
  const { mean, interval, significant } = difference;
  const size = around(measure, { mean: Math.abs(mean), interval });
  // Between two shares there are points, not per cent.
  const told = measure.key === 'slowdownPercent' ? size.replaceAll(' %', ' points') : size;
  const text = `${mean > 0 ? '+' : mean < 0 ? '−' : ''}${told}`;
  return significant ? html`<strong class="${mean < 0 ? 'good' : 'bad'}">${text} *</strong>` : text;
}

function servicesTable(policies: readonly PolicyFigures[]): Markup {
  const devices = [...new Set(policies.flatMap(({ services }) => Object.keys(services)))];
  if (devices.length < 2) return html``;
  return tableMarkup(
    'Without service, by device',
    [{ head: 'policy', words: true }, ...devices.map((head) => ({ head }))],
    policies.map(({ policy, services }) => [
      policy,
      ...devices.map((device) => {
        const sample = services[device] ?? null;
        return sample === null ? '' : around(measureOf('serviceDowntimeMs'), sample);
      }),
    ]),
  );
}

/** Of policies that did not always complete. */
function outcomesTable(policies: readonly PolicyFigures[]): Markup {
  const share = (value: number) => `${Math.round(100 * value)} %`;
  return tableMarkup(
    'Who does not always complete',
    [
      { head: 'policy', words: true },
      { head: 'completed' },
      { head: 'so of all runs' },
      { head: 'otherwise', words: true },
      { head: 'because', words: true },
    ],
    policies
      .filter(({ unfinished }) => unfinished !== null)
      .map(({ policy, completed, outcomes, reasons }) => [
        policy,
        `${completed.count} of ${completed.of}`,
        `${share(completed.interval.low)} to ${share(completed.interval.high)}`,
        Object.entries(outcomes)
          .filter(([outcome]) => outcome !== 'completed')
          .map(([outcome, { count }]) => `${count} ${outcome}`)
          .join(', '),
        reasons[0]?.reason ?? '',
      ]),
  );
}

function settingsTable(policies: readonly PolicyFigures[]): Markup {
  return tableMarkup(
    'What each policy is made of',
    ['policy', 'loop', 'rule', 'throttle', 'manager', 'downtime limit', 'parameters'].map((head) => ({
      head,
      words: true,
    })),
    policies.map(({ policy, loop, rule, throttle, manager, downtimeLimitMs, parameters }) => [
      policy,
      loop,
      rule,
      throttle,
      manager,
      `${downtimeLimitMs} ms`,
      Object.keys(parameters).length === 0 ? '' : JSON.stringify(parameters),
    ]),
  );
}

function leftOutTable({ leftOut }: ComparisonResult): Markup {
  return tableMarkup(
    'Policies that do not fit',
    ['policy', 'because'].map((head) => ({ head, words: true })),
    leftOut.map(({ name, because }) => [name, because]),
  );
}
