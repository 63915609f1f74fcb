/** What a check came to, for a person: whether anything was found, how fast, what was reached, and what never was and why. */
import { formatCount } from '../report/format.ts';
import type { Checked } from './check.ts';
import type { WrittenFailure } from './failure-file.ts';
import { type Missing, percentOf, type Reached, reachedOf } from './reached.ts';
import { LAW_TEXT, type Law } from './verdict.ts';

/** How many of what was not reached are named, of each kind. */
const NAMED_MAX = 12;

export function checkText(checked: Checked, written: readonly WrittenFailure[]): string {
  return [headline(checked), ...failures(checked, written), reached(checked)].join('\n\n').concat('\n');
}

function headline({ seed, seeds, runs, tookMs, redraws, found, exhaustive }: Checked): string {
  const asked = [
    ...(seeds === 0 ? [] : [`${formatCount(seeds)} seeds from ${seed}`]),
    ...Object.entries(exhaustive).map(
      ([name, { singles, pairs }]) =>
        `${name}: ${formatCount(singles)} alone${pairs === 0 ? '' : ` and ${formatCount(pairs)} pairs`}`,
    ),
  ];
  const perSecond = formatCount(runs / Math.max(tookMs / 1000, 0.001));
  const speed = `${formatCount(runs)} runs, ${perSecond} a second, ${formatCount(redraws)} drawn again`;
  return `${found.length === 0 ? 'Nothing was found.' : 'Something was found.'} ${speed} (${asked.join('; ')}).`;
}

function failures({ found, broken }: Checked, written: readonly WrittenFailure[]): readonly string[] {
  return found.map(({ broken: { law }, shrunk }, i) => {
    const { file, again, run } = written[i] as WrittenFailure;
    return [
      `Broken: ${LAW_TEXT[law as Law]} (${formatCount(broken[law] ?? 0)} runs).`,
      `  ${shrunk.broken.because}`,
      `  ${file}, made small in ${shrunk.tries} tries`,
      `  Again:  ${run ?? again}`,
    ].join('\n');
  });
}

function reached({ tally }: Checked): string {
  const { charts, transitions, rules, faults, errnos, statuses } = reachedOf(tally);
  const rows: readonly (readonly [string, Reached])[] = [
    ['transitions of charts', transitions],
    ['transitions of rules', rules],
    ['kinds of fault', faults],
    ['errnos by command', errnos],
    ['statuses by release', statuses],
  ];
  const lines = rows.map(
    ([name, one]) => `  ${name.padEnd(22)}${one.taken} of ${one.all}, ${percentOf(one).toFixed(1)} % of what can be`,
  );
  const open = Object.entries(charts)
    .filter(([, one]) => percentOf(one) < 100)
    .map(([name, one]) => `${name} ${percentOf(one).toFixed(0)} %`);
  return [
    'Reached',
    ...lines,
    ...(open.length === 0 ? [] : [`  charts with more:     ${open.join(', ')}`]),
    ...rows.flatMap(([name, one]) => missing(name, one.missing)),
  ].join('\n');
}

function missing(name: string, all: readonly Missing[]): readonly string[] {
  const open = all.filter(({ because }) => because === undefined).map(({ what }) => what);
  const reasons = new Map<string, number>();
  for (const { because } of all) if (because !== undefined) reasons.set(because, (reasons.get(because) ?? 0) + 1);
  const more = open.length > NAMED_MAX ? [`  and ${open.length - NAMED_MAX} more (--json names all)`] : [];
  return [
    ...(open.length === 0 ? [] : ['', `Not reached yet, ${name}`]),
    ...open.slice(0, NAMED_MAX).map((what) => `  ${what}`),
    ...more,
    ...(reasons.size === 0 ? [] : ['', `Out of reach, ${name}`]),
    ...[...reasons].map(([because, count]) => `  ${count}: ${because}`),
  ];
}
