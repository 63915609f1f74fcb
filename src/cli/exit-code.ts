/** What a finished run means to a script: 0, or 1 when it did not complete, broke an invariant or an expectation. */
import type { Report } from '../lab/report/report.ts';
import type { Scenario } from '../lab/scenario/scenario.ts';

/** A scenario that expects another outcome than `completed` and gets it is done as well. */
export function exitCodeOf(report: Report, { expect }: Scenario): 0 | 1 {
  const allHeld = [...report.checks, ...report.expectations].every(({ held }) => held);
  return allHeld && report.outcome === (expect.outcome ?? 'completed') ? 0 : 1;
}
