/**
 * The page of a run: it watches the records as they come, from the run itself or out of a journal, and is written once there is
 * a report.
 */
import type { Rec } from '../core/record.ts';
import { runHtml } from '../lab/html/index.ts';
import { Timeline } from '../lab/html/timeline.ts';
import type { Migration } from '../lab/migrate.ts';
import { commandLine } from '../lab/report/command-line.ts';
import type { Report } from '../lab/report/report.ts';
import type { Scenario } from '../lab/scenario/scenario.ts';
import type { Recorded } from '../run/runner.ts';
import { ReportFile } from './report-file.ts';

export class RunPage {
  private readonly file: ReportFile;
  private readonly timeline = new Timeline();

  /** Throws a UsageError where nothing can be written. */
  constructor(path: string) {
    this.file = new ReportFile(path);
  }

  follow({ records$ }: Migration): void {
    // A run that breaks off has no page, and its own promise says why.
    records$.subscribe({ next: (recorded) => this.see(recorded), error: () => {} });
  }

  see(recorded: Recorded): void {
    this.timeline.see(recorded);
  }

  /** `words`: what was typed, after the program's name. */
  async write(report: Report, scenario: Scenario, words: readonly string[]): Promise<void> {
    const command = commandLine(['switchover', ...words, '--report', 'report.html']);
    this.file.write(await runHtml({ report, scenario, course: this.timeline.course(), command }));
  }

  /** Nothing of a run that diverged: it has no report. */
  async writeReplayed(records: readonly Rec[], report: Report | undefined, words: readonly string[]): Promise<void> {
    const [first] = records;
    if (report === undefined || first?.kind !== 'opened') return;
    await this.write(report, first.opened.scenario as Scenario, words);
  }
}
