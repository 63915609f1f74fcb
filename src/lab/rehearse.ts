/** A modelled run from start to end, as fast as it goes, in one call: what tests, sweeps and re-runs are made of. */
import { VirtualClock } from '../clock/virtual-clock.ts';
import { type PreparedRun, type PrepareOptions, prepareRun } from './prepare.ts';
import type { Report } from './report/report.ts';
import type { Scenario } from './scenario/scenario.ts';

export interface Rehearsed extends PreparedRun {
  readonly ended: Report;
}

/** Blocks until the run has ended. Throws what a step or the journal throws, and when the model falls silent. */
export function rehearse(scenario: Scenario, options: Omit<PrepareOptions, 'clock' | 'driver'> = {}): Rehearsed {
  const clock = new VirtualClock();
  const prepared = prepareRun(scenario, { ...options, clock });
  try {
    prepared.start();
    while (!prepared.runner.ended && clock.step());
    if (!prepared.runner.ended) throw new Error(`run ${prepared.opened.run} fell silent at ${clock.nowNs} ns`);
    return { ...prepared, ended: prepared.report() };
  } finally {
    prepared.runner.stop();
    prepared.driver.close();
  }
}
