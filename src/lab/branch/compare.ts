/** Parent and branch side by side, and from where on they differ. */
import { formatBytes, formatMs } from '../report/format.ts';
import type { Report, Round } from '../report/report.ts';

export interface Side {
  readonly outcome: string;
  readonly totalMs: number;
  /** null: it did not come to a switchover. */
  readonly downtimeMs: number | null;
  readonly bytes: number;
  readonly rounds: number;
  readonly slowdownPercent: number;
}

export interface Comparison {
  readonly parent: Side;
  readonly branch: Side;
  /** The first round that is not the same in both; null: none. */
  readonly differsFromRound: number | null;
}

export function compareBranch(parent: Report, branch: Report): Comparison {
  return { parent: sideOf(parent), branch: sideOf(branch), differsFromRound: firstOther(parent.rounds, branch.rounds) };
}

function sideOf({ outcome, totalMs, downtimeMs, bytes, rounds, guest }: Report): Side {
  return {
    outcome,
    totalMs,
    downtimeMs,
    bytes: bytes.total,
    rounds: rounds.length,
    slowdownPercent: guest.slowdownPercent,
  };
}

function firstOther(parent: readonly Round[], branch: readonly Round[]): number | null {
  const count = Math.max(parent.length, branch.length);
  for (let index = 0; index < count; index++) {
    if (JSON.stringify(parent[index]) !== JSON.stringify(branch[index])) {
      return (branch[index] ?? parent[index])?.round ?? null;
    }
  }
  return null;
}

/** One figure of both, for a person. */
export interface Figure {
  readonly name: string;
  readonly parent: string;
  readonly branch: string;
  /** `=`, `other`, or by how many percent the branch has more. */
  readonly change: string;
  /** Whose is better; absent: neither's, or nobody can say. */
  readonly better?: 'parent' | 'branch';
}

export function figuresOf({ parent, branch }: Comparison): readonly Figure[] {
  const figure = (name: string, of: (side: Side) => number | null, text: (value: number) => string): Figure => {
    const [theirs, ours] = [of(parent), of(branch)];
    const [told, ourTold] = [theirs, ours].map((value) => (value === null ? '-' : text(value))) as [string, string];
    return { name, parent: told, branch: ourTold, change: changeText(theirs, ours), ...lessIsBetter(theirs, ours) };
  };
  return [
    {
      ...{ name: 'outcome', parent: parent.outcome, branch: branch.outcome },
      change: parent.outcome === branch.outcome ? '=' : 'other',
      ...completedIsBetter(parent.outcome, branch.outcome),
    },
    figure('downtime', ({ downtimeMs }) => downtimeMs, formatMs),
    figure('total', ({ totalMs }) => totalMs, formatMs),
    figure('sent', ({ bytes }) => bytes, formatBytes),
    figure('rounds', ({ rounds }) => rounds, String),
    figure(
      'slowdown',
      ({ slowdownPercent }) => slowdownPercent,
      (percent) => `${percent} %`,
    ),
  ];
}

/** Rows for a terminal: what, parent, branch, and what the branch makes of it. */
export function comparisonRows(comparison: Comparison): readonly (readonly string[])[] {
  return figuresOf(comparison).map(({ name, parent, branch, change }) => [name, parent, branch, change]);
}

function lessIsBetter(parent: number | null, branch: number | null): Pick<Figure, 'better'> {
  if (parent === null || branch === null || changeText(parent, branch) === '=') return {};
  return { better: branch < parent ? 'branch' : 'parent' };
}

function completedIsBetter(parent: string, branch: string): Pick<Figure, 'better'> {
  if (parent === branch || (parent !== 'completed' && branch !== 'completed')) return {};
  return { better: branch === 'completed' ? 'branch' : 'parent' };
}

/** Less is nothing to a person: this project's own. */
const NOTHING_PERCENT = 0.001;

function changeText(parent: number | null, branch: number | null): string {
  if (parent === branch) return '=';
  if (parent === null || branch === null || parent === 0) return 'other';
  const percent = ((branch - parent) / parent) * 100;
  if (Math.abs(percent) < NOTHING_PERCENT) return '=';
  return `${percent > 0 ? '+' : ''}${Number(percent.toPrecision(3))} %`;
}
