/** Who completes where, how the others end, who completes where the first policy does not, and who is alone or no different. */
import { listed } from '../../experiment/words.ts';
import { MEASURES } from '../../trial/row.ts';
import type { Cell, Grid } from './grid.ts';
import { whereText } from './where.ts';

/** Cells by policy, of each in the order of the points. */
export type ByPolicy = ReadonlyMap<string, readonly Cell[]>;

export function completionSentences(policies: ByPolicy, grid: Grid): readonly string[] {
  const groups = new Map<string, { names: string[]; cells: readonly Cell[] }>();
  for (const [name, cells] of policies) {
    const key = cells.map(completedIn).join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { names: [name], cells });
    else group.names.push(name);
  }
  return [...groups.values()].map(({ names, cells }) => {
    const pointsOf = (wanted: (cell: Cell) => boolean) => cells.flatMap((cell, point) => (wanted(cell) ? [point] : []));
    const whole = pointsOf((cell) => cell.whole);
    const never = pointsOf((cell) => completedIn(cell) === 0);
    const partly = cells.filter((cell) => !cell.whole && completedIn(cell) > 0);
    const verb = names.length === 1 ? 'completes' : 'complete';
    const who = listed(names);
    if (never.length === cells.length) return `${who} ${verb} nowhere.`;
    const first = whole.length === 0 ? 'every run nowhere' : `every run ${whereText(whole, grid)}`;
    if (partly.length === 0) return `${who} ${verb} ${first}.`;
    const runs = partly.reduce((sum, cell) => sum + cell.rows.length, 0);
    const done = partly.reduce((sum, cell) => sum + completedIn(cell), 0);
    const points = pointsOf((cell) => partly.includes(cell));
    return `${who} ${verb} ${first}, and ${done} of ${runs} runs ${whereText(points, grid)}.`;
  });
}

function completedIn({ rows }: Cell): number {
  return rows.filter(({ outcome }) => outcome === 'completed').length;
}

/** How runs end that do not complete, with the vmm's or the manager's own reason; reasons that differ in numbers only are one. */
export function endSentences(policies: ByPolicy, grid: Grid): readonly string[] {
  interface End {
    readonly outcome: string;
    readonly reason: string;
    readonly by: Map<string, Set<number>>;
    runs: number;
    same: boolean;
  }
  const ends = new Map<string, End>();
  for (const [name, cells] of policies) {
    for (const [point, { rows }] of cells.entries()) {
      for (const { outcome, reason } of rows) {
        if (outcome === 'completed') continue;
        const key = `${outcome} ${reason.replace(/\d+(?:\.\d+)?/g, '#')}`;
        const end: End = ends.get(key) ?? { outcome, reason, by: new Map(), runs: 0, same: true };
        ends.set(key, end);
        end.runs++;
        end.same &&= end.reason === reason;
        end.by.set(name, (end.by.get(name) ?? new Set<number>()).add(point));
      }
    }
  }
  return [...ends.values()].map(({ outcome, reason, by, runs, same }) => {
    const wheres = new Map<string, string[]>();
    for (const [name, points] of by) {
      const where = whereText([...points], grid);
      wheres.set(where, [...(wheres.get(where) ?? []), name]);
    }
    const who = [...wheres].map(([where, names]) => `${listed(names)} ${where}`);
    const why = reason === '' ? '' : `: ${same ? '' : 'for example, '}${reason}`;
    const plural = runs === 1 ? 'run ends' : 'runs end';
    return `${runs} ${plural} ${outcome} (${who.join('; ')})${why}.`;
  });
}

/** Whom the first policy needs where it does not complete, and where somebody is alone or nobody is left. */
export function needSentences(policies: ByPolicy, grid: Grid): readonly string[] {
  const [first, ...others] = [...policies];
  if (first === undefined || others.length === 0) return [];
  const points = grid.places.map((_, point) => point);
  const completing = points.map((point) =>
    [...policies].filter(([, cells]) => cells[point]!.whole).map(([name]) => name),
  );
  const open = points.filter((point) => !first[1][point]!.whole);
  const helps = new Map<string, string[]>();
  for (const [name, cells] of others) {
    const helped = open.filter((point) => cells[point]!.whole);
    if (helped.length === 0) continue;
    const where = helped.length === open.length ? 'at each of these points' : whereText(helped, grid);
    helps.set(where, [...(helps.get(where) ?? []), name]);
  }
  const helpers = [...helps].map(([where, names]) => `${listed(names)} ${where}`);
  const helpless = others
    .map(([name]) => name)
    .filter((name) => !open.some((point) => completing[point]!.includes(name)));
  const needs =
    open.length === 0
      ? [`${first[0]} needs nobody: it completes every run everywhere.`]
      : helpers.length === 0
        ? []
        : [
            `Runs with ${first[0]} are left unfinished ${whereText(open, grid)}. Every run completes with ${helpers.join('; with ')}.`,
            ...(helpless.length === 0 ? [] : [`Of no use there: ${listed(helpless)}.`]),
          ];
  const alone = others.concat([first]).flatMap(([name]) => {
    const own = points.filter((point) => completing[point]!.length === 1 && completing[point]![0] === name);
    return own.length === 0 ? [] : [`Only ${name} completes every run ${whereText(own, grid)}.`];
  });
  const nobody = points.filter((point) => completing[point]!.length === 0);
  return [
    ...needs,
    ...alone,
    ...(nobody.length === 0 ? [] : [`Nobody completes every run ${whereText(nobody, grid)}.`]),
  ];
}

/** Policies whose runs are those of one before them, figure by figure. */
export function samenessSentences(policies: ByPolicy, grid: Grid): readonly string[] {
  const names = [...policies.keys()];
  return names.flatMap((name, index) => {
    const cells = policies.get(name)!;
    for (const before of names.slice(0, index)) {
      const others = policies.get(before)!;
      const same = cells.flatMap((cell, point) => (cell.whole && areSame(cell, others[point]!) ? [point] : []));
      if (same.length > 0) return [`${name} does what ${before} does ${whereText(same, grid)}: every run is the same.`];
    }
    return [];
  });
}

/** Run by run, in the outcome and every measure. */
export function areSame(a: Cell, b: Cell): boolean {
  return a.rows.every((row, run) => {
    const other = b.rows[run];
    return (
      other !== undefined &&
      row.outcome === other.outcome &&
      MEASURES.every((measure) => row[measure] === other[measure])
    );
  });
}
