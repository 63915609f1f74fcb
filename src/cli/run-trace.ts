/**
 * `--trace FILE`: a run as a timeline that https://ui.perfetto.dev opens. Whether it can be written is found out before anything
 * runs; it is written once the run has ended, of its records.
 */
import type { Plan } from '../../machines/plan.ts';
import type { Rec } from '../core/record.ts';
import { traceText } from '../inspector/trace/run-trace.ts';
import type { Migration } from '../lab/migrate.ts';
import { ownCharts, ownPoliciesIn } from '../lab/policy/own-policies.ts';
import { ReportFile } from './report-file.ts';

export class RunTraceFile {
  private readonly file: ReportFile;
  private readonly records: Rec[] = [];

  /** Throws a UsageError where nothing can be written. */
  constructor(path: string) {
    this.file = new ReportFile(path, '--trace', 'run.trace.json');
  }

  follow({ records$ }: Migration): void {
    // A run that breaks off has no timeline, and its own promise says why.
    records$.subscribe({ next: ({ record }) => this.records.push(record), error: () => {} });
  }

  /** `records`: of a journal; those that were followed unless given. */
  write(records: readonly Rec[] = this.records): void {
    const [first] = records;
    if (first?.kind !== 'opened') return;
    const { opened } = first;
    this.file.write(traceText(records, ownCharts(opened.plan as Plan, ownPoliciesIn(opened))));
  }
}
