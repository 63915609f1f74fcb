/**
 * Recovery of a modelled run: its world is made again up to the last record, an outage is drawn and lived through, and the run
 * goes on in the same journal to its end.
 *
 * What comes out is the report of the whole run. A run that has ended is reported as it is; one that rests in doubt is asked
 * about again. It refuses what was made with other charts, and what another driver made: recover a run over your own driver
 * with `recover`.
 */
import type { Plan } from '../../machines/plan.ts';
import { createCheckers } from '../checkers/index.ts';
import type { Rec } from '../core/record.ts';
import { type Standing, standingOf } from '../core/system.ts';
import type { Journal } from '../journal/journal.ts';
import { isObserved, readOnlyText } from '../run/observed-charts.ts';
import { type Fenced, refuseFencing } from '../run/recover.ts';
import { RecoveryError } from '../run/recovery-error.ts';
import { replay } from '../run/replay.ts';
import type { Recorded } from '../run/runner.ts';
import { VERSION } from '../version.ts';
import { drawOutage, type Fate, type Outage } from './outage.ts';
import { fingerprintOf, ownCharts, ownPoliciesIn } from './policy/own-policies.ts';
import { withoutLost } from './prepare.ts';
import { divergedText, goOn, type ReenactOptions, reenact } from './re-enact.ts';
import { ReportProjection } from './report/projection.ts';
import type { Report } from './report/report.ts';

export interface RecoverRunOptions extends ReenactOptions {
  /** The operator knows that this host is dead and stays so. Only for a run in doubt, and once. */
  readonly fenced?: Fenced | undefined;
  /** Of every command without an answer, where it can be, in place of the draw. For checks that want all of them. */
  readonly fate?: Fate | undefined;
  /** Called after each record that is written. */
  readonly onRecord?: ((record: Rec) => void) | undefined;
}

export interface RecoveredRun {
  readonly report: Report;
  /** What it was when it was read; `ended`: nothing had to be done. */
  readonly was: Standing;
  /** What it is now. */
  readonly is: Standing;
  /** Position of the last record that was there. */
  readonly position: number;
  readonly outage: Outage | undefined;
}

/**
 * Goes on with a run to its end, or to where it rests. Throws a RecoveryError for a run that cannot be made again, and where a
 * fenced host decides nothing; what the journal throws when it is damaged or somebody else writes.
 */
export async function recoverRun(
  journal: Journal,
  run: string,
  options: RecoverRunOptions = {},
): Promise<RecoveredRun> {
  const { fenced, fate, onRecord, ...asked } = options;
  const records = [...journal.read(run)];
  const { standing: was, report, charts } = foldedRun(run, records, options);
  const reenacting = charts === undefined ? asked : { charts, ...asked };
  const position = records.length - 1;
  if (was === 'ended') {
    if (fenced !== undefined) throw new RecoveryError('not-in-doubt', `run "${run}" has ended: nothing is in doubt`);
    return { report, was, is: was, position, outage: undefined };
  }
  const { prepared, clock } = await reenact(records, reenacting);
  try {
    const { system } = prepared.runner;
    if (system === undefined) throw new RangeError(`run "${run}" has no records`);
    const pending = [...system.pending.values()];
    const begun = await prepared.driver.reconcile(pending);
    const outage = drawOutage(prepared.opened.seed, position, pending, begun, fate);
    prepared.dieAfter(undefined);
    await goOn(prepared, clock, { records, journal }, outage, { ...reenacting, fenced, onRecord });
    while (!prepared.runner.ended && clock.step());
    if (!prepared.runner.ended) throw new Error(`run ${run} fell silent at ${clock.nowNs} ns`);
    const root = prepared.runner.system?.charts.get('migration');
    return { report: prepared.report(), was, is: standingOf(root), position, outage };
  } finally {
    prepared.runner.stop();
    prepared.driver.close();
  }
}

/** What the records come to, without a world. Throws a RecoveryError for what nobody here could go on with. */
function foldedRun(run: string, records: readonly Rec[], options: RecoverRunOptions) {
  const [first] = records;
  if (first?.kind !== 'opened') throw new RangeError(`the journal has no run "${run}"`);
  const { opened } = first;
  if (isObserved(opened)) throw new RecoveryError('foreign', readOnlyText(run));
  if (options.driver === undefined && opened.drivers.join() !== 'model') {
    const message = `run "${run}" was driven by ${opened.drivers.join(', ')}: only a modelled run can be made again`;
    throw new RecoveryError('foreign', message);
  }
  const own = ownPoliciesIn(opened, true);
  const charts = ownCharts(opened.plan as Plan, own);
  const ours = fingerprintOf(opened.plan as Plan, own);
  if (ours !== opened.fingerprint && options.charts === undefined) {
    const theirs = `version ${opened.version} with charts ${opened.fingerprint}`;
    const message = `run "${run}" was made by ${theirs}, and this is version ${VERSION} with charts ${ours}: recover it with the version that made it`;
    throw new RecoveryError('foreign', message);
  }
  const projection = new ReportProjection();
  const checkers = createCheckers();
  const see = (recorded: Recorded) => {
    projection.see(recorded);
    checkers.see(recorded);
  };
  const { system, divergence } = replay(records, see, charts === undefined ? options : { charts, ...options });
  if (divergence !== undefined || system === undefined) {
    const at = divergence ?? { position: 0, expected: 'a record', got: 'none' };
    throw new RecoveryError('diverged', divergedText(run, 'does not fold', at), at);
  }
  const standing = standingOf(system.charts.get('migration'));
  if (standing !== 'ended') refuseFencing(system, options.fenced);
  return { standing, report: projection.report(withoutLost(checkers.finish())), charts };
}
