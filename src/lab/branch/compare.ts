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

/** Rows for a person: what, parent, branch, and what the branch makes of it. */
export function comparisonRows({ parent, branch }: Comparison): readonly (readonly string[])[] {
  const downtime = ({ downtimeMs }: Side) => (downtimeMs === null ? '-' : formatMs(downtimeMs));
  const change = (of: (side: Side) => number | null) => changeText(of(parent), of(branch));
  return [
    ['outcome', parent.outcome, branch.outcome, parent.outcome === branch.outcome ? '=' : 'other'],
    ['downtime', downtime(parent), downtime(branch), change(({ downtimeMs }) => downtimeMs)],
    ['total', formatMs(parent.totalMs), formatMs(branch.totalMs), change(({ totalMs }) => totalMs)],
    ['sent', formatBytes(parent.bytes), formatBytes(branch.bytes), change(({ bytes }) => bytes)],
    ['rounds', String(parent.rounds), String(branch.rounds), change(({ rounds }) => rounds)],
    [
      'slowdown',
      `${parent.slowdownPercent} %`,
      `${branch.slowdownPercent} %`,
      change(({ slowdownPercent }) => slowdownPercent),
    ],
  ];
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
