/** What a finished run means to a script: 0, or 1 when it did not complete, broke an invariant or an expectation. */
import type { Report } from '../lab/report/report.ts';
import type { Scenario } from '../lab/scenario/scenario.ts';

/** A scenario that expects another outcome than `completed` and gets it is done as well. */
export function exitCodeOf(report: Report, { expect }: Pick<Scenario, 'expect'>): 0 | 1 {
  const allHeld = [...report.checks, ...report.expectations].every(({ held }) => held);
  return allHeld && report.outcome === (expect.outcome ?? 'completed') ? 0 : 1;
}

/** Of a run that was changed on its way: what its scenario expects was said of another one. */
export function exitCodeOfChanged(report: Report): 0 | 1 {
  return report.checks.every(({ held }) => held) && report.outcome === 'completed' ? 0 : 1;
}
