/** Where a branched run left its parent, and what is other since. */
import { formatMs } from './format.ts';

export interface OriginReport {
  /** The parent. */
  readonly run: string;
  /** The last record that both have. */
  readonly position: number;
  readonly atMs: number;
  /** Keys of the scenario as they were set; none: nothing is other. */
  readonly changes: Readonly<Record<string, unknown>>;
}

/** `link.bandwidth=5Gbit/s, manager.policy=nova`. */
export function changesText(changes: OriginReport['changes']): string {
  const set = Object.entries(changes).map(([key, value]) => {
    return `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`;
  });
  return set.length === 0 ? 'nothing is other' : set.join(', ');
}

export function originText({ run, position, atMs, changes }: OriginReport): string {
  return `branched from ${run} at ${formatMs(atMs)} (record ${position}): ${changesText(changes)}`;
}
