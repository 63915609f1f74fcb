/** A comparison as text for a terminal of 100 columns: a table of means with the reach of their intervals, and sentences. */
import { plainTable } from '../report/text.ts';
import { COMPARED } from '../trial/row.ts';
import type { ComparedName, PolicyFigures } from './comparison.ts';
import type { ComparisonResult } from './run.ts';
import { figureOf, reachOf } from './sentence.ts';

export interface ComparisonTextOptions {
  /** ANSI bold. */
  readonly colour?: boolean;
}

const WIDTH = 100;
/** A longer name goes on in the line below, where the reach of the intervals stands. */
const NAME_WIDTH = 19;

const HEADS: Readonly<Record<ComparedName, string>> = {
  downtimeMs: 'downtime',
  serviceDowntimeMs: 'service',
  totalMs: 'total',
  bytesTotal: 'sent',
  bytesWasted: 'wasted',
  rounds: 'rounds',
  slowdownPercent: 'slowdown',
};

export function comparisonText(result: ComparisonResult, { colour = false }: ComparisonTextOptions = {}): string {
  const bold = (text: string) => (colour ? `\u001b[1m${text}\u001b[22m` : text);
  const broken = result.policies.flatMap(({ policy, broken }) => broken.map((what) => `${policy}, ${what}`));
  const parts = [
    `${bold(result.scenario)}  (${seedsText(result.seeds)}, the same random numbers for every policy)`,
    table(result),
    wrapped(legend(result)),
    ...(broken.length === 0 ? [] : [`BROKEN, the figures are void:\n  ${broken.join('\n  ')}`]),
    result.sentences.map((sentence) => wrapped(sentence)).join('\n'),
    ...leftOutText(result),
  ];
  return `${parts.join('\n\n').replace(/[ \t]+$/gm, '')}\n`;
}

function table({ policies }: ComparisonResult): string {
  const shown = COMPARED.filter((measure) => policies.some(({ figures }) => figures[measure] !== null));
  const head = ['policy', 'done', ...shown.map((measure) => HEADS[measure])];
  const rows = policies.map((one) => [
    nameText(one.policy),
    `${one.completed.count}/${one.completed.of}${one.against?.completed.significant === true ? '*' : ''}`,
    ...shown.map((measure) => cell(measure, one)),
  ]);
  return plainTable(head, rows);
}

function cell(measure: ComparedName, { figures, against }: PolicyFigures): string {
  const sample = figures[measure];
  if (sample === null) return '-';
  const mark = against?.figures[measure]?.significant === true ? '*' : '';
  const mean = `${figureOf(measure, sample.mean)}${mark}`;
  if (sample.interval === null) return mean;
  const reach = (sample.interval.high - sample.interval.low) / 2;
  return `${mean}\n${reach === 0 ? '' : reachOf(measure, reach)}`;
}

function nameText(name: string): string {
  if (name.length <= NAME_WIDTH) return name;
  const cut = Math.max(name.lastIndexOf('-', NAME_WIDTH - 1), name.lastIndexOf('+', NAME_WIDTH - 1)) + 1;
  const at = cut > 1 ? cut : NAME_WIDTH;
  const rest = name.slice(at);
  return `${name.slice(0, at)}\n  ${rest.length <= NAME_WIDTH - 2 ? rest : `${rest.slice(0, NAME_WIDTH - 3)}…`}`;
}

function legend({ policies, seeds, reference, tests, confidence }: ComparisonResult): string {
  const percent = Math.round(100 * confidence);
  const some = policies.some(({ completed }) => completed.count < completed.of);
  const whose = some ? 'Means of the runs that completed' : 'Means';
  const wasted = 'wasted is memory that was sent again.';
  if (seeds.length === 1)
    return `One run each: nothing can be said of how much another would differ (--seeds 20). ${wasted}`;
  const spread = `${whose}, ± ${percent} % confidence (Student's t); ${wasted}`;
  if (policies.length === 1) return spread;
  return `${spread} * differs from ${reference}: paired by seed, corrected for ${tests} comparisons (Holm).`;
}

function leftOutText({ leftOut }: ComparisonResult): readonly string[] {
  if (leftOut.length === 0) return [];
  const reasons = [...new Set(leftOut.map(({ because }) => because))];
  const lines = reasons.map((reason) => {
    const names = leftOut.filter(({ because }) => because === reason).map(({ name }) => name);
    return wrapped(`${names.join(', ')}: ${reason}`, '  ', '    ');
  });
  return [`Left out, because they do not fit:\n${lines.join('\n')}`];
}

function seedsText(seeds: readonly number[]): string {
  const [first, last] = [seeds[0], seeds.at(-1)];
  return seeds.length === 1 ? `seed ${first}` : `${seeds.length} seeds, ${first} to ${last}`;
}

/** Words in lines no wider than the terminal. */
function wrapped(text: string, first = '', later = ''): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined) lines.push(`${first}${word}`);
    else if (line.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(`${later}${word}`);
  }
  return lines.join('\n');
}
