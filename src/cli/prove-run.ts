/** The proof of one run: folded again, and if asked made again, with a sentence for a person. */
import type { Plan } from '../../machines/plan.ts';
import type { Opened, Rec } from '../core/record.ts';
import { standingOf } from '../core/system.ts';
import { recordText } from '../journal/record-text.ts';
import { branchesIn } from '../lab/branch/recorded.ts';
import { type ObservedStory, StoryProjection, storyText } from '../lab/import/story.ts';
import { fingerprintOf, ownCharts, ownPoliciesIn } from '../lab/policy/own-policies.ts';
import { reenact } from '../lab/re-enact.ts';
import { cancelsIn, rehearse } from '../lab/rehearse.ts';
import { ReportProjection } from '../lab/report/projection.ts';
import type { Report } from '../lab/report/report.ts';
import type { Scenario } from '../lab/scenario/scenario.ts';
import { observedFingerprint } from '../run/fingerprint.ts';
import { isObserved, readOnlyText } from '../run/observed-charts.ts';
import { compareRecords } from '../run/re-run.ts';
import { isTakeUp } from '../run/recover.ts';
import { RecoveryError } from '../run/recovery-error.ts';
import { type Divergence, replay } from '../run/replay.ts';
import type { Recorded } from '../run/runner.ts';
import { VERSION } from '../version.ts';
import { UsageError } from './usage-error.ts';

export interface Proof {
  readonly run: string;
  readonly records: number;
  readonly divergence: Divergence | undefined;
  readonly sentence: string;
  readonly report: Report | undefined;
  /** Of an imported run, in the report's place. */
  readonly story?: ObservedStory;
}

export interface ProofOptions {
  readonly reRun: boolean;
  readonly allowDrift: boolean;
  /** Told of every record that was folded. */
  readonly onRecorded?: ((recorded: Recorded) => void) | undefined;
}

/** `records`: all that there are of the run, from its first. */
export async function proveRun(
  records: readonly Rec[],
  run: string,
  { reRun, allowDrift, onRecorded }: ProofOptions,
): Promise<Proof> {
  const [first] = records;
  if (first?.kind !== 'opened') throw new UsageError(`run "${run}" has no first record`);
  const { opened } = first;
  if (isObserved(opened)) return proveObserved(records, opened, { reRun, allowDrift });
  const own = ownPoliciesIn(opened, reRun);
  const ours = fingerprintOf(opened.plan as Plan, own);
  if (ours !== opened.fingerprint && !allowDrift) {
    const now = `version ${VERSION} with charts ${ours}`;
    throw new UsageError(
      `run "${run}" was made by version ${opened.version} with charts ${opened.fingerprint}, and this is ${now}: --allow-drift replays it all the same`,
    );
  }
  const projection = new ReportProjection();
  const see = (recorded: Recorded) => {
    projection.see(recorded);
    onRecorded?.(recorded);
  };
  const folded = replay(records, see, { charts: ownCharts(opened.plan as Plan, own) });
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

/** Of a migration that was only watched: folded, and its story told. */
function proveObserved(records: readonly Rec[], opened: Opened, { reRun, allowDrift }: ProofOptions): Proof {
  const { run } = opened;
  if (reRun) throw new UsageError(readOnlyText(run));
  const ours = observedFingerprint(VERSION);
  if (ours !== opened.fingerprint && !allowDrift) {
    throw new UsageError(
      `run "${run}" was imported by version ${opened.version} with a chart ${opened.fingerprint}, and this is version ${VERSION} with ${ours}: --allow-drift replays it all the same`,
    );
  }
  const projection = new StoryProjection();
  const folded = replay(records, (recorded) => projection.see(recorded));
  if (folded.divergence !== undefined) return diverged(run, folded.records, folded.divergence, 'the replay');
  const story = projection.story();
  const sentence = `${storyText(story)}\n${run}: ${records.length} records replayed, every one as it was.`;
  return { run, records: records.length, divergence: undefined, sentence, report: undefined, story };
}

function remadeDivergence(records: readonly Rec[], opened: Opened, hasEnded: boolean): Divergence | undefined {
  const { run, scenario, origin } = opened;
  const cancels = cancelsIn(records, scenario as Scenario);
  const again = rehearse(scenario as Scenario, { run, cancels, origin, branches: branchesIn(records) });
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
