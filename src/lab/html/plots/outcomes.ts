/** What share of the runs of each policy ended how. */
import type { Plot } from '../plot.ts';
import {
  AMBER,
  acrossAxis,
  categoriesDown,
  FONT_PX,
  GREEN,
  GREY,
  GROUND,
  INK,
  ON_COLOUR,
  PURPLE,
  roomFor,
  SKY,
  STILL,
  VERMILION,
} from '../theme.ts';

export interface Endings {
  readonly name: string;
  readonly runs: number;
  /** How many of the runs by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
}

const COLOURS: Readonly<Record<string, string>> = {
  completed: GREEN,
  unconverged: VERMILION,
  cancelled: GREY,
  failed: PURPLE,
  blocked: AMBER,
  'in-doubt': SKY,
};
/** A share is written on its segment from this on. */
const LABEL_FROM_PERCENT = 8;

/** Undefined where there are no runs. */
export function outcomesPlot(all: readonly Endings[]): Plot | undefined {
  if (all.length === 0 || all.every(({ runs }) => runs === 0)) return undefined;
  const found = new Set(all.flatMap(({ outcomes }) => Object.keys(outcomes)));
  const outcomes = [
    ...Object.keys(COLOURS).filter((outcome) => found.has(outcome)),
    ...[...found].filter((outcome) => COLOURS[outcome] === undefined),
  ];
  const names = all.map(({ name }) => name);
  const left = roomFor(names);
  const percent = ({ runs, outcomes: counts }: Endings, outcome: string) =>
    runs === 0 ? 0 : (100 * (counts[outcome] ?? 0)) / runs;
  return {
    id: 'outcomes',
    title: 'How the runs ended',
    says: says(all),
    heightPx: 72 + 32 * all.length,
    keys: outcomes.map((outcome) => ({ name: outcome, colour: COLOURS[outcome] ?? INK, mark: 'block' })),
    option: {
      grid: { left, right: 28, top: 8, bottom: 56 },
      xAxis: acrossAxis({ name: 'share of the runs (%)', min: 0, max: 100 }),
      yAxis: categoriesDown(names, left),
      series: outcomes.map((outcome) => ({
        ...STILL,
        type: 'bar',
        stack: 'outcome',
        barWidth: 20,
        data: all.map((one) => ({
          value: percent(one, outcome),
          label: {
            show: percent(one, outcome) >= LABEL_FROM_PERCENT,
            formatter: `${Math.round(percent(one, outcome))} %`,
          },
        })),
        itemStyle: { color: COLOURS[outcome] ?? INK, borderColor: GROUND, borderWidth: 1 },
        label: { position: 'inside', color: ON_COLOUR, fontSize: FONT_PX },
      })),
    },
  };
}

function says(all: readonly Endings[]): string {
  const completed = (one: Endings) => one.outcomes.completed ?? 0;
  const always = all.filter((one) => completed(one) === one.runs);
  const never = all.filter((one) => completed(one) === 0);
  if (always.length === all.length) return 'Every run completed.';
  if (never.length === all.length) return 'No run completed.';
  const first = `${always.length} of ${all.length} always completed`;
  const last =
    never.length === 0
      ? 'and each did at least once'
      : `${never.length} never did: ${listed(never.map(({ name }) => name))}`;
  return `${first}, ${last}.`;
}

const NAMED_MAX = 6;

export function listed(names: readonly string[]): string {
  return names.length <= NAMED_MAX
    ? names.join(', ')
    : `${names.slice(0, NAMED_MAX).join(', ')} and ${names.length - NAMED_MAX} more`;
}
