/** Whether a check has reached enough, and nothing that is said to be out of reach; what it lacks, in words. */
import type { Tally } from '../../../src/lab/check/coverage.ts';
import { percentOf, type ReachedReport, reachedOf } from '../../../src/lab/check/reached.ts';
import { reachedAllTheSame, reasonsForNothing } from '../../../src/lab/check/unreachable.ts';

type Kind = Exclude<keyof ReachedReport, 'charts'>;
const KINDS: readonly Kind[] = ['transitions', 'rules', 'errnos', 'statuses', 'faults'];

/** Percent of what can be reached; and in how many runs each end, and each who may interfere, must be met. */
export type Least = Readonly<Record<Kind | 'runs', number>>;

/**
 * CI's own check is the same every time, and has a little more than this. Managers that count in whole seconds or look every few
 * of them have transitions that the small migrations of a check are over before.
 */
export const LEAST_IN_CI: Least = { transitions: 94, rules: 80, errnos: 98, statuses: 100, faults: 100, runs: 50 };

const ENDS = ['completed', 'cancelled', 'failed', 'unconverged', 'blocked', 'in-doubt'];
const INTERFERE = ['cancel', 'crash, effects sent', 'crash, effects unsent', 'doubt asked', 'doubt source-fenced'];

/** One sentence for each thing that is lacking. */
export function lacks(tally: Tally, least: Least): readonly string[] {
  const reached = reachedOf(tally);
  const few = KINDS.flatMap((kind) => {
    const percent = percentOf(reached[kind]);
    const open = reached[kind].missing.filter(({ because }) => because === undefined).map(({ what }) => what);
    return percent >= least[kind]
      ? []
      : [`${kind}: ${percent.toFixed(1)} %, not ${least[kind]} %; not reached: ${open.join(', ')}`];
  });
  const seldom = [...ENDS.map((one) => [one, tally.outcomes] as const), ...INTERFERE.map(among(tally))].flatMap(
    ([one, counts]) => ((counts[one] ?? 0) < least.runs ? [`${one}: in ${counts[one] ?? 0} runs`] : []),
  );
  const nowhere = reachedOf({ ...tally, transitions: {}, errnos: {} });
  const all = [...nowhere.transitions.missing, ...nowhere.rules.missing, ...nowhere.errnos.missing];
  return [
    ...few,
    ...seldom,
    ...reachedAllTheSame({ ...tally.transitions, ...tally.errnos }).map((what) => `reached all the same: ${what}`),
    ...reasonsForNothing(all.map(({ what }) => what)).map((reason) => `a reason that has outlived its use: ${reason}`),
  ];
}

function among({ disturbances }: Tally) {
  return (one: string) => [one, disturbances] as const;
}

/** In a line, for who looks how far from the limits it is. */
export function reachText(tally: Tally): string {
  const reached = reachedOf(tally);
  const percents = KINDS.map((kind) => `${kind} ${percentOf(reached[kind]).toFixed(1)} %`);
  return `${tally.runs} runs: ${percents.join(', ')}; ${JSON.stringify(tally.outcomes)}`;
}
