/** A sweep's result as text for a terminal: how many, the front, the settings with their intervals, and what was left out. */

import { figureText } from '../experiment/words.ts';
import { plainTable } from '../report/text.ts';
import type { Sample } from '../statistics/sample.ts';
import { isServiceColumn, type MeasureName } from '../trial/row.ts';
import type { SettingSummary, SweepResult } from './result.ts';

export interface SweepTextOptions {
  /** ANSI bold. */
  readonly colour?: boolean;
}

/** Rows of a table beyond which a file is the better place to look. */
const ROWS_MAX = 20;

export function sweepText(result: SweepResult, { colour = false }: SweepTextOptions = {}): string {
  const bold = (text: string) => (colour ? `\u001b[1m${text}\u001b[22m` : text);
  const { settings, pareto, broken, leftOut, description, conclusions } = result;
  const front = frontOf(result);
  const [, ...other] = settings;
  const parts = [
    `${bold(result.sweep)}\n${result.question}`,
    ...(description === null ? [] : [description]),
    ...sharesText(result),
    counted(result),
    ...(broken.length === 0 ? [] : [`BROKEN, the figures are void:\n  ${broken.slice(0, ROWS_MAX).join('\n  ')}`]),
    ...conclusions.map(({ about, sentences }) => `${bold(about)}\n${sentences.map((one) => `  ${one}`).join('\n')}`),
    ...notModelledText(result, bold),
    ...(byPolicy(result) === '' ? [] : [`${bold('By policy')}\n${byPolicy(result)}`]),
    ...(other.length === 0 ? [] : [`${bold(frontTitle(pareto, front.length))}\n${table(result, front, pareto.of)}`]),
    `${bold('All settings')}, means of the runs that completed, with the 95 % interval over seeds\n${table(result, settings, SHOWN)}`,
    ...(leftOut.length === 0 ? [] : [leftOutText(leftOut)]),
  ];
  return `${parts.join('\n\n').replace(/[ \t]+$/gm, '')}\n`;
}

/** One front from its least to its most; where there are several, as the points come. */
function frontOf({ settings, pareto: { of, per } }: SweepResult): readonly SettingSummary[] {
  const front = settings.filter((setting) => setting.pareto);
  const first = ({ figures }: SettingSummary) => figures[of[0] as MeasureName]?.mean ?? 0;
  return per.length > 0 ? front : front.sort((a, b) => first(a) - first(b));
}

const SHOWN: readonly MeasureName[] = ['downtimeMs', 'totalMs', 'bytesTotal', 'slowdownPercent'];

const TITLES: Readonly<Partial<Record<string, string>>> = {
  downtimeMs: 'downtime',
  serviceDowntimeMs: 'service downtime',
  totalMs: 'total time',
  bytesTotal: 'sent',
  bytesWasted: 'sent for nothing',
  rounds: 'rounds',
  slowdownPercent: 'slowdown',
  throttleMaxPercent: 'throttle',
};

function titleOf(column: string): string {
  if (isServiceColumn(column)) return `service downtime of ${column.slice(column.indexOf('.') + 1)}`;
  return TITLES[column] ?? column;
}

function counted({ trials, settings, policies, seeds }: SweepResult): string {
  const points = settings.length / policies.length;
  const each = `${points} ${points === 1 ? 'point' : 'points'}, ${policies.length} ${policies.length === 1 ? 'policy' : 'policies'}, ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'}`;
  const ended: Record<string, number> = {};
  for (const { completed, outcomes } of settings) {
    ended.completed = (ended.completed ?? 0) + completed;
    for (const [outcome, runs] of Object.entries(outcomes)) ended[outcome] = (ended[outcome] ?? 0) + runs;
  }
  const outcomes = Object.entries(ended).map(([outcome, runs]) => `${runs} ${outcome}`);
  return `${trials} migrations (${each}): ${outcomes.join(', ')}.`;
}

/** At how many points each policy is on the front, and ahead in a figure; nothing where there is one policy, or one point. */
function byPolicy({ policies, settings, pareto }: SweepResult): string {
  const points = settings.length / policies.length;
  if (policies.length === 1 || points === 1) return '';
  const head = ['policy', 'completed', 'on the front', ...pareto.of.map((column) => `least ${titleOf(column)}`)];
  const least = pareto.of.map((column) => leastAt(settings, column as MeasureName));
  const rows = policies.map((policy) => {
    const own = settings.filter((setting) => setting.policy === policy);
    const completed = own.reduce((sum, setting) => sum + setting.completed, 0);
    const runs = own.reduce((sum, setting) => sum + setting.runs, 0);
    const ahead = least.map((at) => own.filter((setting) => at.has(setting)).length);
    return [
      policy,
      `${completed} of ${runs}`,
      `${own.filter((setting) => setting.pareto).length} of ${points}`,
      ...ahead.map((count) => `${count} of ${points}`),
    ];
  });
  return plainTable(head, rows, [0]);
}

/** The settings whose mean is the least of their point; of those that are level, all. Only where every run completed. */
function leastAt(settings: readonly SettingSummary[], column: MeasureName): ReadonlySet<SettingSummary> {
  const whole = settings.filter(({ completed, runs, figures }) => completed === runs && figures[column] !== null);
  const least = new Map<number, number>();
  for (const { point, figures } of whole) {
    least.set(point, Math.min(least.get(point) ?? Number.POSITIVE_INFINITY, figures[column]!.mean));
  }
  return new Set(whole.filter(({ point, figures }) => figures[column]!.mean === least.get(point)));
}

function frontTitle({ of, per }: SweepResult['pareto'], settings: number): string {
  const against = of.map(titleOf).join(' against ');
  const within = per.length === 0 ? '' : ` for each ${per.join(' and ')}`;
  return `Pareto front, ${against}${within}: ${settings} ${settings === 1 ? 'setting' : 'settings'}`;
}

function table(
  { axes, policies }: SweepResult,
  settings: readonly SettingSummary[],
  columns: readonly string[],
): string {
  if (settings.length === 0) return '  none: no setting whose runs all completed';
  const manyPolicies = policies.length > 1;
  const head = [...axes, ...(manyPolicies ? ['policy'] : []), 'completed', ...columns.map(titleOf)];
  const rows = settings
    .slice(0, ROWS_MAX)
    .map((setting) => [
      ...axes.map((axis) => String(setting.at[axis])),
      ...(manyPolicies ? [setting.policy] : []),
      endedText(setting),
      ...columns.map((column) => meanText(column, setting.figures[column as MeasureName] ?? null)),
    ]);
  const left = settings.length - rows.length;
  const words = axes.length + (manyPolicies ? 1 : 0);
  const shown = plainTable(
    head,
    rows,
    Array.from({ length: words }, (_, index) => index),
  );
  return left > 0 ? `${shown}\n  and ${left} more; --out FILE has every run, --json every setting` : shown;
}

function endedText({ completed, runs, outcomes }: SettingSummary): string {
  const [first] = Object.keys(outcomes);
  if (completed === runs) return runs === 1 ? 'yes' : `${completed} of ${runs}`;
  return completed === 0 && Object.keys(outcomes).length === 1 ? first! : `${completed} of ${runs}`;
}

function meanText(column: string, sample: Sample | null): string {
  if (sample === null) return '';
  const { mean, interval } = sample;
  const reach = interval === null ? 0 : interval.high - mean;
  return reach === 0 ? figureText(column, mean) : `${figureText(column, mean)} ± ${figureText(column, reach)}`;
}

/** What values that are said as multiples came to. */
export function sharesText({ shares }: SweepResult): readonly string[] {
  return shares.map(({ axis, of, values }) => {
    const are = values.map((value) => `${value.times} is ${value.are.join(' or ')}`);
    return `${axis}, as a multiple of ${of}: ${are.join(', ')}.`;
  });
}

function notModelledText({ notModelled }: SweepResult, bold: (text: string) => string): readonly string[] {
  if (notModelled.length === 0) return [];
  return [`${bold('Not modelled')}\n${notModelled.map((one) => `  ${one}`).join('\n')}`];
}

function leftOutText(leftOut: SweepResult['leftOut']): string {
  return `Left out:\n${leftOut.map(({ policy, because }) => `  ${policy}: ${because}`).join('\n')}`;
}
