/** The suite's result as text for a terminal: a table for each source, what is not covered, and a sentence. */
import { formatCount } from '../report/format.ts';
import { plainTable } from '../report/text.ts';
import type { Figure, Judged, Tolerance } from './figure.ts';
import type { JudgedGroup, Validation } from './suite.ts';

export function validationText({ groups, notCovered, held }: Validation): string {
  const all = groups.flatMap(({ figures }) => figures);
  const off = all.filter((figure) => !figure.held).length;
  const end = held
    ? `All ${all.length} figures are within their tolerance.`
    : `${off} of ${all.length} figures are off.`;
  const parts = [
    ...groups.map(groupText),
    `Not covered\n${notCovered.map(({ what, because }) => `  ${what}:\n    ${because}`).join('\n')}`,
    end,
  ];
  return `${parts.join('\n\n').replace(/[ \t]+$/gm, '')}\n`;
}

function groupText({ name, about, source, figures }: JudgedGroup): string {
  const head = ['', 'expected', 'got', 'error', 'allowed', 'closed form', 'its error', ''];
  return `${name}\n  ${about}\n  ${source}\n${plainTable(head, figures.map(row))}`;
}

function row(figure: Judged): readonly string[] {
  const { name, expected, got, closedForm, tolerance } = figure;
  return [
    name,
    valueText(figure, expected),
    valueText(figure, got),
    percentText(figure.errorPercent),
    toleranceText(tolerance, figure),
    closedForm === undefined ? '' : valueText(figure, closedForm),
    closedForm === undefined ? '' : percentText(figure.closedFormErrorPercent ?? null),
    figure.held ? '' : 'OFF',
  ];
}

function valueText({ unit }: Pick<Figure, 'unit'>, value: number | null): string {
  if (value === null) return 'never';
  switch (unit) {
    case 'ms':
      return `${value.toFixed(1)} ms`;
    case 's':
      return `${Number(value.toFixed(3))} s`;
    case 'bytes':
    case 'pages':
    case 'rounds':
      return formatCount(value);
    default:
      return unit satisfies never;
  }
}

function percentText(percent: number | null): string {
  if (percent === null) return '';
  return percent === 0 ? '0 %' : `${percent > 0 ? '+' : ''}${percent.toFixed(Math.abs(percent) < 0.1 ? 4 : 2)} %`;
}

function toleranceText(tolerance: Tolerance, { unit }: Pick<Figure, 'unit'>): string {
  const by = (amount: number) => `${Number(amount.toFixed(3))} ${unit}`;
  switch (tolerance.kind) {
    case 'exact':
      return 'none';
    case 'percent':
      return `${tolerance.percent} %`;
    case 'absolute':
      return by(tolerance.by);
    case 'percent-or-absolute':
      return `${tolerance.percent} % or ${by(tolerance.by)}`;
    case 'between':
      return `${tolerance.least} to ${by(tolerance.most)}`;
    case 'deviations':
      return `${tolerance.deviations} sigma = ${by(tolerance.deviations * tolerance.standardDeviation)}`;
    default:
      return tolerance satisfies never;
  }
}
