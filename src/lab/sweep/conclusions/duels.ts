/** Each policy against each other, or, of many, each against the first: where which of the two has surely less, and by how much. */
import type { MeasureName } from '../../trial/row.ts';
import type { ByPolicy } from './endings.ts';
import type { Cell, Grid } from './grid.ts';
import { rangeText, SAID } from './standing.ts';
import { type Judged, judged, type Pair } from './sure.ts';
import { whereText } from './where.ts';

/** Policies of which every pair is told; beyond, a reader would drown. This project's own. */
const POLICIES_MAX = 5;

interface Duel {
  readonly one: string;
  readonly other: string;
  readonly point: number;
}

export function duelSentences(policies: ByPolicy, grid: Grid, measures: readonly MeasureName[]): readonly string[] {
  const names = [...policies.keys()];
  const couples = names.flatMap((one, index) =>
    (names.length > POLICIES_MAX && index > 0 ? [] : names.slice(index + 1)).map((other) => ({ one, other })),
  );
  const duels = couples.flatMap(({ one, other }) =>
    grid.places.flatMap((_, point): readonly Pair<Duel>[] => {
      const [first, later] = [policies.get(one)![point]!, policies.get(other)![point]!] as [Cell, Cell];
      return first.whole && later.whole ? [{ of: { one, other, point }, first, later }] : [];
    }),
  );
  const verdicts = measures.map((measure) => ({ measure, all: judged(duels, measure) }));
  return couples.flatMap(({ one, other }) => {
    const own = (all: readonly Judged<Duel>[]) => all.filter(({ of }) => of.one === one && of.other === other);
    const both = duels.filter(({ of }) => of.one === one && of.other === other).length;
    if (both === 0) return [];
    const parts = verdicts.map(
      ({ measure, all }) => `${SAID[measure].noun} is ${verdictText(own(all), measure, grid)}`,
    );
    const where = both === grid.places.length ? '' : `, at the ${both} points where both complete every run`;
    return [`${other} against ${one}${where}: ${parts.join('; ')}.`];
  });
}

function verdictText(all: readonly Judged<Duel>[], measure: MeasureName, grid: Grid): string {
  const told = (word: string, some: readonly Judged<Duel>[]) => {
    if (some.length === 0) return [];
    const figures = `${rangeText(
      measure,
      some.map(({ later }) => later),
    )} against ${rangeText(
      measure,
      some.map(({ first }) => first),
    )}`;
    const place =
      some.length === all.length
        ? 'at every one'
        : whereText(
            some.map(({ of }) => of.point),
            grid,
          );
    return [`${word} ${place} (${figures})`];
  };
  const sure = all.filter((one) => one.sure);
  const parts = [
    ...told(
      'less',
      sure.filter(({ first, later }) => later < first),
    ),
    ...told(
      'more',
      sure.filter(({ first, later }) => later > first),
    ),
  ];
  if (parts.length === 0) return 'level';
  return sure.length === all.length ? parts.join(', ') : `${parts.join(', ')}, else level`;
}
