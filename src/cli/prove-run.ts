/** The proof of one run: folded again, and if asked made again, with a sentence for a person. */
import type { Plan } from '../../machines/plan.ts';
import type { Opened, Rec } from '../core/record.ts';
import { standingOf } from '../core/system.ts';
import { recordText } from '../journal/record-text.ts';
import { reenact } from '../lab/re-enact.ts';
import { cancelsIn, rehearse } from '../lab/rehearse.ts';
import { ReportProjection } from '../lab/report/projection.ts';
import type { Report } from '../lab/report/report.ts';
import type { Scenario } from '../lab/scenario/scenario.ts';
import { fingerprint } from '../run/fingerprint.ts';
import { compareRecords } from '../run/re-run.ts';
import { isTakeUp } from '../run/recover.ts';
import { RecoveryError } from '../run/recovery-error.ts';
import { type Divergence, replay } from '../run/replay.ts';
import { VERSION } from '../version.ts';
import { UsageError } from './usage-error.ts';

export interface Proof {
  readonly run: string;
  readonly records: number;
  readonly divergence: Divergence | undefined;
  readonly sentence: string;
  readonly report: Report | undefined;
}

export interface ProofOptions {
  readonly reRun: boolean;
  readonly allowDrift: boolean;
}

/** `records`: all that there are of the run, from its first. */
export async function proveRun(
  records: readonly Rec[],
  run: string,
  { reRun, allowDrift }: ProofOptions,
): Promise<Proof> {
  const [first] = records;
  if (first?.kind !== 'opened') throw new UsageError(`run "${run}" has no first record`);
  const { opened } = first;
  const ours = fingerprint(opened.policies[0]?.name ?? '', VERSION, (opened.plan as Plan).manager?.name);
  if (ours !== opened.fingerprint && !allowDrift) {
    const now = `version ${VERSION} with charts ${ours}`;
    throw new UsageError(
      `run "${run}" was made by version ${opened.version} with charts ${opened.fingerprint}, and this is ${now}: --allow-drift replays it all the same`,
    );
  }
  const projection = new ReportProjection();
  const folded = replay(records, (recorded) => projection.see(recorded));
  if (folded.divergence !== undefined) return diverged(run, folded.records, folded.divergence, 'the replay');
  const report = projection.report();
  if (reRun) {
    if (opened.drivers.join() !== 'model') {
      throw new UsageError(
        `run "${run}" was driven by ${opened.drivers.join(', ')}: only a modelled run can be made again`,
      );
    }
    const divergence = records.some(isTakeUp)
      ? await reenactedDivergence(records)
      : remadeDivergence(records, opened, standingOf(folded.system?.charts.get('migration')) !== 'goes-on');
    if (divergence !== undefined) return diverged(run, divergence.position, divergence, 'the re-run');
  }
  const how = reRun ? 'replayed and re-run' : 'replayed';
  const sentence = `${run}: ${records.length} records ${how}, every one as it was. ${report.sentence}`;
  return { run, records: records.length, divergence: undefined, sentence, report };
}

function remadeDivergence(records: readonly Rec[], opened: Opened, hasEnded: boolean): Divergence | undefined {
  const { run, scenario } = opened;
  const again = rehearse(scenario as Scenario, { run, cancels: cancelsIn(records, scenario as Scenario) });
  const remade = [...asVersion(opened, again.journal.read(run))];
  // A run whose process died is a beginning of the run that is made again.
  return compareRecords(records, hasEnded ? remade : remade.slice(0, records.length), recordText);
}

/** A run that was recovered is made again with its crashes, and held to the journal as it goes. */
async function reenactedDivergence(records: readonly Rec[]): Promise<Divergence | undefined> {
  try {
    const { prepared } = await reenact(records);
    prepared.driver.close();
    return undefined;
  } catch (error) {
    if (!(error instanceof RecoveryError) || error.divergence === undefined) throw error;
    return error.divergence;
  }
}

/** Where drift is allowed, version and charts of the first record are not what is compared. */
function* asVersion({ version, fingerprint }: Opened, records: Iterable<Rec>): Generator<Rec> {
  for (const record of records) {
    if (record.kind === 'opened') yield { ...record, opened: { ...record.opened, version, fingerprint } };
    else yield record;
  }
}

function diverged(run: string, records: number, divergence: Divergence, what: string): Proof {
  const { position, expected, got } = divergence;
  const sentence = `${run}: ${what} diverged at record ${position}\n  expected ${expected}\n  got      ${got}`;
  return { run, records, divergence, sentence, report: undefined };
}
