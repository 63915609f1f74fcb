/** The embeddable library: a table of contents. */

export type { Command, Effect } from './core/effect.ts';
export type { Input, Rec } from './core/record.ts';
export type { Driver, Found } from './drivers/driver.ts';
export type { Journal } from './journal/journal.ts';
export { JournalError } from './journal/journal-error.ts';
export { MemoryJournal } from './journal/memory-journal.ts';
export { openJournal } from './journal/open.ts';
export { SqliteJournal } from './journal/sqlite-journal.ts';
export { type MigrateOptions, type Migration, migrate, type RoundAssessed } from './lab/migrate.ts';
export { migrationLogic } from './lab/migration-logic.ts';
export { ReportProjection } from './lab/report/projection.ts';
export type { Check, DeviceReport, DowntimeSplit, Report, Round } from './lab/report/report.ts';
export { reportText } from './lab/report/text.ts';
export { ScenarioError } from './lab/scenario/error.ts';
export { parseScenario, readScenario, scenarioFrom } from './lab/scenario/read.ts';
export type { Scenario } from './lab/scenario/scenario.ts';
export type { ScenarioInput } from './lab/scenario/schema.ts';
export { listScenarios, type ShippedName, scenarios } from './lab/shipped.ts';
export { recover } from './run/recover.ts';
export { type Divergence, type Replayed, replay } from './run/replay.ts';
export type { Recorded } from './run/runner.ts';
export { copyBatch } from './streams/copy-batch.ts';
export { dirtyPagesBySource } from './streams/dirty-pages-by-source.ts';
export type { PageWrites, WriteSource } from './streams/page-writes.ts';
export { writeRate } from './streams/write-rate.ts';
