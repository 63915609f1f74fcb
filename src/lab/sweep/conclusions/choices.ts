/**
 * What changes along an axis whose values just differ (a release, a device, a guest): each value is set against the one before it,
 * run by run, at the same place of the other axes, under the same policy and with the same seed.
 */
import { figureText, listed } from '../../experiment/words.ts';
import type { MeasureName } from '../../trial/row.ts';
import { areSame, type ByPolicy } from './endings.ts';
import { type Cell, type Grid, slice } from './grid.ts';
import { SAID } from './standing.ts';
import { type Judged, judged } from './sure.ts';
import { labelText, whereText } from './where.ts';

interface Setting {
  readonly policy: string;
  /** In the grid without the axis. */
  readonly place: number;
  readonly first: Cell;
  readonly later: Cell;
}

interface Step {
  readonly from: string;
  readonly to: string;
  readonly settings: readonly Setting[];
  readonly policies: readonly string[];
  /** The other axes. */
  readonly grid: Grid;
}

export function choiceSentences(
  policies: ByPolicy,
  grid: Grid,
  axis: number,
  measures: readonly MeasureName[],
): readonly string[] {
  const { name, values } = grid.axes[axis]!;
  return values.slice(1).flatMap((value, index) => {
    const before = slice(grid, axis, index);
    const after = slice(grid, axis, index + 1);
    const at = new Map(after.grid.places.map((place, nth) => [place.join(), after.points[nth]!]));
    const settings = [...policies].flatMap(([policy, cells]) =>
      before.grid.places.map((place, nth) => ({
        policy,
        place: nth,
        first: cells[before.points[nth]!]!,
        later: cells[at.get(place.join())!]!,
      })),
    );
    const [from, to] = [labelText(name, values[index]!), labelText(name, value)];
    return stepSentences({ from, to, settings, policies: [...policies.keys()], grid: before.grid }, measures);
  });
}

function stepSentences(step: Step, measures: readonly MeasureName[]): readonly string[] {
  const { from, to, settings } = step;
  const same = settings.filter(({ first, later }) => areSame(first, later));
  const runs = settings.reduce((sum, { first }) => sum + first.rows.length, 0);
  if (same.length === settings.length)
    return [`Between ${from} and ${to} nothing differs: each of ${runs} runs has the same outcome and figures.`];
  const lost = turned(step, ({ first, later }) => first.whole && !later.whole);
  const won = turned(step, ({ first, later }) => !first.whole && later.whole);
  const others = turned(step, ({ first, later }) => !areSame(first, later));
  return [
    ...(same.length === 0
      ? []
      : [
          `Between ${from} and ${to}, ${same.length} of ${settings.length} settings are the same in every run. What differs: ${others}.`,
        ]),
    ...(lost === '' ? [] : [`With ${to} in place of ${from}, these no longer complete every run: ${lost}.`]),
    ...(won === '' ? [] : [`With ${to} in place of ${from}, these complete every run, and did not before: ${won}.`]),
    ...(lost === '' && won === ''
      ? [`Who completes every run is the same with ${from} and ${to}, point by point.`]
      : []),
    ...measures.flatMap((measure) => differenceSentence(step, measure)),
  ];
}

function turned({ settings, policies, grid }: Step, has: (setting: Setting) => boolean): string {
  const wheres = new Map<string, string[]>();
  for (const policy of policies) {
    const places = settings.filter((setting) => setting.policy === policy && has(setting)).map(({ place }) => place);
    if (places.length === 0) continue;
    const where = whereText(places, grid);
    wheres.set(where, [...(wheres.get(where) ?? []), policy]);
  }
  return [...wheres].map(([where, names]) => `${listed(names)} ${where}`).join('; ');
}

/** Where both complete every run: how many surely differ, which way, and where it is most. */
function differenceSentence(step: Step, measure: MeasureName): readonly string[] {
  const { from, to, settings, grid } = step;
  const both = settings.filter(({ first, later }) => first.whole && later.whole);
  const all = judged(
    both.map((setting) => ({ of: setting, first: setting.first, later: setting.later })),
    measure,
  );
  if (all.length === 0) return [];
  const { noun } = SAID[measure];
  // A single run of each is compared as it is.
  const single = both[0]!.first.rows.length === 1;
  const sure = all.filter((one) => one.sure);
  if (sure.length === 0) {
    const none = `In ${noun} no difference between ${from} and ${to} is ${single ? 'wide enough' : 'sure'}, in ${all.length} settings that complete with both`;
    const seen = all.reduce((a, b) => (apart(b) > apart(a) ? b : a));
    const shows = figureText(measure, seen.first) !== figureText(measure, seen.later);
    return [`${none}; ${shows ? `the largest seen is ${told(seen, measure, grid)}` : 'none is seen in three digits'}.`];
  }
  const more = sure.filter(({ first, later }) => later > first);
  const counts = [
    ...(more.length === 0 ? [] : [`more in ${more.length}`]),
    ...(more.length === sure.length ? [] : [`less in ${sure.length - more.length}`]),
  ];
  const most = sure.reduce((a, b) => (apart(b) > apart(a) ? b : a));
  return [
    `With ${to} in place of ${from}, ${noun} is ${single ? '' : 'surely '}${listed(counts)} of ${all.length} settings that complete with both, most for ${told(most, measure, grid)}.`,
  ];
}

function told({ of: { policy, place }, first, later }: Judged<Setting>, measure: MeasureName, grid: Grid): string {
  return `${policy} ${whereText([place], grid)}, from ${figureText(measure, first)} to ${figureText(measure, later)}`;
}

/** By which factor; from nothing to something is more than any. */
function apart({ first, later }: Judged<Setting>): number {
  const [less, more] = first < later ? [first, later] : [later, first];
  if (more === less) return 1;
  return less <= 0 ? Number.POSITIVE_INFINITY : more / less;
}
