/** Which policy is best in a figure, over two axes: each cell names the policy, and the figure that it has there. */
import { figureOf, type Measure } from '../measure.ts';
import type { Plot } from '../plot.ts';
import { colour, ON_COLOUR, RULE, SOFT } from '../theme.ts';
import { type CellAxis, cellMap, type Place } from './cell-map.ts';

export interface BestCell extends Place {
  /** Null: nobody's runs all completed. */
  readonly best: { readonly policy: string; readonly value: number } | null;
}

export interface BestMapOptions {
  readonly id: string;
  readonly measure: Measure;
  readonly across: CellAxis;
  readonly down: CellAxis;
  /** All that were tried, in their order, which gives them their colours. */
  readonly policies: readonly string[];
}

const ROW_PX = 40;
const LETTER_PX = 7;
/** Narrower cells have no text at all. */
const TEXT_MIN_PX = 48;

/** Undefined where no cell has a best one. */
export function bestMapPlot(
  cells: readonly BestCell[],
  { id, measure, across, down, policies }: BestMapOptions,
): Plot | undefined {
  const wins = cells.flatMap(({ best }) => (best === null ? [] : [best.policy]));
  if (wins.length === 0) return undefined;
  const fillOf = (policy: string) => colour(policies.indexOf(policy));
  const counts = policies
    .map((policy) => ({ policy, cells: wins.filter((one) => one === policy).length }))
    .filter((one) => one.cells > 0);
  const { heightPx, option } = cellMap({
    cells,
    across,
    down,
    rowPx: ROW_PX,
    textMinPx: TEXT_MIN_PX,
    look: ({ best }, widthPx) => {
      if (best === null) return { fill: RULE, text: 'none', ink: SOFT };
      const name = cut(best.policy, Math.floor((widthPx - 8) / LETTER_PX));
      return { fill: fillOf(best.policy), text: `${name}\n${figureOf(measure, best.value)}`, ink: ON_COLOUR };
    },
    textStyle: { align: 'center', lineHeight: 16 },
  });
  return {
    id,
    title: `Lowest ${measure.name}, and whose it is`,
    says: says(counts, cells.length, wins.length, measure),
    heightPx,
    keys: counts.map((one) => ({
      name: one.policy,
      colour: fillOf(one.policy),
      mark: 'block',
      value: `${one.cells} ${one.cells === 1 ? 'cell' : 'cells'}`,
    })),
    option,
  };
}

/** Cut in the middle of nothing: the legend has the whole name. */
function cut(name: string, lettersMax: number): string {
  return name.length <= lettersMax ? name : `${name.slice(0, Math.max(1, lettersMax - 1))}…`;
}

function says(
  counts: readonly { readonly policy: string; readonly cells: number }[],
  all: number,
  won: number,
  { name }: Measure,
): string {
  const most = counts.reduce((top, one) => (one.cells > top.cells ? one : top));
  const none = all === won ? '' : ` In ${all - won} of ${all} cells no policy completed every run.`;
  if (counts.length === 1) return `${most.policy} has the lowest ${name} wherever anybody completes.${none}`;
  return `${most.policy} has the lowest ${name} in ${most.cells} of ${won} cells, ${counts.length - 1} other ${counts.length === 2 ? 'policy' : 'policies'} in the rest. Of policies that tie, the first is named.${none}`;
}
