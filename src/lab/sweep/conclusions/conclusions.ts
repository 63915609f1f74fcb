/**
 * What the rows of a sweep say, in sentences. Every name, place and number in them comes from the rows: there is no sentence about
 * a policy, a loop or a device that this file or those beside it know by name.
 */
import { listed } from '../../experiment/words.ts';
import { CONFIDENCE } from '../../statistics/student.ts';
import { MEASURES, type MeasureName } from '../../trial/row.ts';
import type { Sweep, SweepRow } from '../sweep.ts';
import { choiceSentences } from './choices.ts';
import { duelSentences } from './duels.ts';
import { type ByPolicy, completionSentences, endSentences, needSentences, samenessSentences } from './endings.ts';
import { cellsOf, gridOf } from './grid.ts';
import { costSentences, SAID, standingSentences } from './standing.ts';
import { MARGIN_PERCENT } from './sure.ts';

export interface Conclusion {
  /** What its sentences are about. */
  readonly about: string;
  readonly sentences: readonly string[];
}

/** What a policy buys its downtime with. */
const PRICE: MeasureName = 'slowdownPercent';

/** `rows` are all of them, in the order of the trials. */
export function conclusionsOf(
  sweep: Pick<Sweep, 'axes' | 'points' | 'policies' | 'seeds' | 'pareto'>,
  rows: readonly SweepRow[],
): readonly Conclusion[] {
  const { axes, points, policies, seeds, pareto } = sweep;
  // Of one setting there is nothing to conclude that its row does not say.
  if (points.length * policies.length === 1) return [];
  const grid = gridOf(
    axes,
    points.map(({ labels }) => labels),
  );
  const cells = cellsOf(rows, seeds.length);
  const byPolicy: ByPolicy = new Map(
    policies.map((policy, index) => [policy, cells.filter((_, nth) => nth % policies.length === index)]),
  );
  const measures = pareto.of.filter((name): name is MeasureName => (MEASURES as readonly string[]).includes(name));
  const figures = measures.includes(PRICE) ? measures : [...measures, PRICE];
  const choices = grid.axes.flatMap(({ name, values, ordered }, axis) =>
    ordered || values.length < 2 || !grid.full
      ? []
      : [{ about: `What the ${name} changes`, sentences: choiceSentences(byPolicy, grid, axis, figures) }],
  );
  const several = policies.length > 1;
  const all = [
    { about: 'Who completes', sentences: completionSentences(byPolicy, grid) },
    { about: `Who is needed where ${policies[0]} is not enough`, sentences: needSentences(byPolicy, grid) },
    ...figures.map((measure) => ({
      about: `Least ${SAID[measure].noun}`,
      sentences: several ? standingSentences(byPolicy, grid, measure) : [],
    })),
    { about: 'One against another', sentences: several ? duelSentences(byPolicy, grid, measures) : [] },
    { about: 'What each costs', sentences: costSentences(byPolicy, figures) },
    { about: 'Who makes no difference', sentences: samenessSentences(byPolicy, grid) },
    ...choices,
    { about: 'How the others end', sentences: endSentences(byPolicy, grid) },
    { about: 'How sure this is', sentences: [sureness(seeds.length, figures)] },
  ];
  return all.filter(({ sentences }) => sentences.length > 0);
}

function sureness(seeds: number, measures: readonly MeasureName[]): string {
  const of = listed(measures.map((measure) => SAID[measure].noun));
  if (seeds === 1)
    return `One seed says nothing of chance: whoever is ahead in ${of} is so by ${MARGIN_PERCENT} % or more in a single run, and another seed may turn it.`;
  return `Figures are means over ${seeds} seeds. A difference is called sure, and whoever has the less of ${of} ahead, where pairs of runs with the same seed show it at ${100 * CONFIDENCE} % (Student's t, corrected after Holm for all that are compared at once) and it is ${MARGIN_PERCENT} % or more; whatever is not is called level.`;
}
