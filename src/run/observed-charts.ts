/**
 * A journal of a migration that was only watched: somebody else ran it, and what their log says is its records. It can be
 * listed, folded and shown like any other. Nobody can go on with it, make it again, or branch it: there is no driver to ask,
 * no model to run, and nothing in it that one could have done otherwise.
 */
import { observed } from '../../machines/observed.ts';
import type { WatchTransitions } from '../core/chart.ts';
import type { Opened } from '../core/record.ts';
import { type ChartSet, chartSet } from '../core/system.ts';

/** The driver of such a run, in its first record. */
const IMPORTED = 'import:qmp-log';

export const OBSERVED_ADDRESS = 'observed';

let charts: ChartSet | undefined;

export function observedCharts(watch?: WatchTransitions): ChartSet {
  const made = () => ({
    ...chartSet({ observed }, watch),
    root: { address: OBSERVED_ADDRESS, kind: 'observed' as const },
  });
  if (watch !== undefined) return made();
  charts ??= made();
  return charts;
}

export function isObserved({ drivers }: Pick<Opened, 'drivers'>): boolean {
  return drivers.join() === IMPORTED;
}

/** Why nobody can go on with this run, make it again or branch it. */
export function readOnlyText(run: string): string {
  return `run "${run}" was imported from a log of QMP and is read-only: it tells what somebody else's QEMU did, and there is no world here to go on in. switchover replay tells its story; for a what-if make a scenario of the log (switchover import without --journal) and run that`;
}

/** The first record's content. `source`: the log's name; `of`: the package's version and the chart's fingerprint. */
export function observedOpening(
  run: string,
  source: string,
  of: { readonly version: string; readonly fingerprint: string },
): Opened {
  return {
    run,
    scenario: { name: `observed: ${source}` },
    plan: {},
    seed: 0,
    drivers: [IMPORTED],
    policies: [],
    fingerprint: of.fingerprint,
    version: of.version,
  };
}
