/** Shipped scenarios, rehearsed and folded: once as a report is made, and once as a page does it. */
import type { Rec } from '../../../src/core/record.ts';
import { FoldedRun } from '../../../src/inspector/view/folded-run.ts';
import type { Folded } from '../../../src/inspector/view/instant.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { ReportProjection } from '../../../src/lab/report/projection.ts';
import type { Report } from '../../../src/lab/report/report.ts';
import { readScenario } from '../../../src/lab/scenario/read.ts';
import type { Scenario } from '../../../src/lab/scenario/scenario.ts';
import { replay } from '../../../src/run/replay.ts';

export function recordsOf(scenario: string | Scenario): readonly Rec[] {
  const { journal, opened } = rehearse(typeof scenario === 'string' ? readScenario(scenario) : scenario);
  return [...journal.read(opened.run)];
}

/** As a page folds it; throws where it cannot. */
export function fold(records: readonly Rec[], see: (folded: Folded) => void): void {
  const run = new FoldedRun({ see });
  run.append(records);
  while (run.fold(1000));
  if (run.broken !== undefined) throw new Error(`record ${run.broken.position}: ${run.broken.because}`);
}

/** The report of the records up to each of at most `most` of them, the last one among them. */
export function reportsAt(records: readonly Rec[], most = 200): ReadonlyMap<number, Report> {
  const every = Math.ceil(records.length / most);
  const projection = new ReportProjection();
  const reports = new Map<number, Report>();
  replay(records, (recorded) => {
    projection.see(recorded);
    const { position } = recorded.record;
    // Rounds are filled in later: what is kept is a copy.
    if (position % every === 0 || position === records.length - 1)
      reports.set(position, structuredClone(projection.report()));
  });
  return reports;
}
