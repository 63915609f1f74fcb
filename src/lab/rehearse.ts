/** A modelled run from start to end, as fast as it goes, in one call: what tests, sweeps and re-runs are made of. */
import { VirtualClock } from '../clock/virtual-clock.ts';
import { type PreparedRun, type PrepareOptions, prepareRun } from './prepare.ts';
import type { Report } from './report/report.ts';
import type { Scenario } from './scenario/scenario.ts';

export interface Rehearsed extends PreparedRun {
  readonly ended: Report;
}

/** A person's cancel as it stands in a journal: when it came, and after which records. */
export interface RecordedCancel {
  readonly position: number;
  readonly atNs: number;
}

export interface RehearseOptions extends Omit<PrepareOptions, 'clock' | 'driver'> {
  /** Given again where they came in an earlier run, in order; the scenario's own `cancelAt` is none of them. */
  readonly cancels?: readonly RecordedCancel[];
}

/** Blocks until the run has ended. Throws what a step or the journal throws, and when the model falls silent. */
export function rehearse(scenario: Scenario, { cancels = [], ...options }: RehearseOptions = {}): Rehearsed {
  const clock = new VirtualClock();
  const waiting = [...cancels];
  const prepared = prepareRun(scenario, { ...options, clock });
  try {
    prepared.start();
    do {
      const [next] = waiting;
      if (next !== undefined && hasCome(next, prepared, clock)) {
        waiting.shift();
        if (next.atNs > clock.nowNs) clock.runUntil(next.atNs);
        prepared.cancel();
      }
    } while (!prepared.runner.ended && clock.step());
    if (!prepared.runner.ended) throw new Error(`run ${prepared.opened.run} fell silent at ${clock.nowNs} ns`);
    return { ...prepared, ended: prepared.report() };
  } finally {
    prepared.runner.stop();
    prepared.driver.close();
  }
}

/** It came once all that was due by then had been done; at the very instant of something else, right after the record before it. */
function hasCome({ position, atNs }: RecordedCancel, { runner }: PreparedRun, clock: VirtualClock): boolean {
  if (runner.system?.position !== position - 1) return false;
  const dueNs = clock.nextDueNs();
  return clock.nowNs >= atNs || dueNs === undefined || dueNs > atNs;
}
