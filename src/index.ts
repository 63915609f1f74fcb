/** The embeddable library: a table of contents. */

export { rxjsScheduler } from './clock/rxjs-scheduler.ts';
export { VirtualClock } from './clock/virtual-clock.ts';
export { WallClock } from './clock/wall-clock.ts';
export { xstateClock } from './clock/xstate-clock.ts';
export type { Command, Effect } from './core/effect.ts';
export { type Live, type LiveOptions, live } from './core/live.ts';
export type { Input, Rec } from './core/record.ts';
export { type ChartSet, chartSet } from './core/system.ts';
export type { Driver, Found } from './drivers/driver.ts';
export type { Journal } from './journal/journal.ts';
export { JournalError } from './journal/journal-error.ts';
export { MemoryJournal } from './journal/memory-journal.ts';
export { openJournal } from './journal/open.ts';
export { SqliteJournal } from './journal/sqlite-journal.ts';
export { type Branched, type BranchOptions, branch } from './lab/branch/branch.ts';
export type { Change } from './lab/branch/change.ts';
export type { Comparison } from './lab/branch/compare.ts';
export { BranchError } from './lab/branch/error.ts';
export type { Comparison as PolicyComparison, PolicyFigures } from './lab/compare/comparison.ts';
export { exportText } from './lab/compare/export/export.ts';
export type { ExportName } from './lab/compare/export/targets.ts';
export { type CompareOptions, type ComparisonResult, comparePolicies } from './lab/compare/run.ts';
export { comparisonText } from './lab/compare/text.ts';
export { type Drained, type DrainOptions, drain } from './lab/drain/drain.ts';
export { type DrainPlan, type Order, readDrain } from './lab/drain/plan.ts';
export { experimentFrom, readExperiment } from './lab/experiment/read.ts';
export type { ExperimentResult } from './lab/experiment/result.ts';
export { runExperiment } from './lab/experiment/run.ts';
export { experimentText } from './lab/experiment/text.ts';
export {
  type ComparisonPageInput,
  comparisonHtml,
  type ExperimentPageInput,
  experimentHtml,
  type RunPageInput,
  runHtml,
  type SweepPageInput,
  sweepHtml,
} from './lab/html/index.ts';
export { type MigrateOptions, type Migration, migrate, type RoundAssessed } from './lab/migrate.ts';
export { migrationLogic } from './lab/migration-logic.ts';
export type { Fate, Outage } from './lab/outage.ts';
export { planOf } from './lab/plan.ts';
export type { GivenPolicies } from './lab/policy/own-policies.ts';
export { ownCharts, ownPoliciesIn } from './lab/policy/own-policies.ts';
export type { GivenPolicy, PolicyChart, PolicyFunction, PolicyVerdict } from './lab/policy/own-policy.ts';
export { PolicyError } from './lab/policy/policy-error.ts';
export { type RecommendOptions, recommend } from './lab/recommend/recommend.ts';
export type { Judged, Recommendation } from './lab/recommend/result.ts';
export { recommendText } from './lab/recommend/text.ts';
export { type RecoveredRun, type RecoverRunOptions, recoverRun } from './lab/recover-modelled.ts';
export type { Remedy } from './lab/report/aftermath.ts';
export type { Failure } from './lab/report/failure.ts';
export type { GuestRunsOn } from './lab/report/guest-place.ts';
export type { PostcopyReport } from './lab/report/post-copy.ts';
export { ReportProjection } from './lab/report/projection.ts';
export type { Check, DeviceReport, DowntimeSplit, Report, Round, ShadowReport } from './lab/report/report.ts';
export type { Cancel } from './lab/report/story.ts';
export { reportText } from './lab/report/text.ts';
export { ScenarioError } from './lab/scenario/error.ts';
export { printScenario } from './lab/scenario/print.ts';
export { parseScenario, readScenario, scenarioFrom } from './lab/scenario/read.ts';
export type { Scenario } from './lab/scenario/scenario.ts';
export type { ScenarioInput } from './lab/scenario/schema.ts';
export { listScenarios, type ShippedName, scenarios } from './lab/shipped.ts';
export type { Conclusion } from './lab/sweep/conclusions/conclusions.ts';
export { parseSweep, readSweep, sweepFrom } from './lab/sweep/read.ts';
export type { SettingSummary, SweepResult } from './lab/sweep/result.ts';
export { type RunSweepOptions, runSweep, type SweepEnd } from './lab/sweep/run.ts';
export { sweepText } from './lab/sweep/text.ts';
export type { TrialRow } from './lab/trial/row.ts';
export { runTrial } from './lab/trial/run.ts';
export { type Setting, scenarioOf, type Trial } from './lab/trial/trial.ts';
export { type Fenced, type RecoverOptions, recover } from './run/recover.ts';
export { RecoveryError, type RecoveryProblem } from './run/recovery-error.ts';
export { type Divergence, type Replayed, replay } from './run/replay.ts';
export type { Recorded } from './run/runner.ts';
export { copyBatch } from './streams/copy-batch.ts';
export { dirtyPagesBySource } from './streams/dirty-pages-by-source.ts';
export type { PageWrites, WriteSource } from './streams/page-writes.ts';
export { writeRate } from './streams/write-rate.ts';
