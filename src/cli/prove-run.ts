/** The proof of one run: folded again, and if asked made again, with a sentence for a person. */
import type { Opened, Rec } from '../core/record.ts';
import type { Journal } from '../journal/journal.ts';
import { recordText } from '../journal/record-text.ts';
import { type RecordedCancel, rehearse } from '../lab/rehearse.ts';
import { ReportProjection } from '../lab/report/projection.ts';
import type { Report } from '../lab/report/report.ts';
import type { Scenario } from '../lab/scenario/scenario.ts';
import { fingerprint } from '../run/fingerprint.ts';
import { compareRecords } from '../run/re-run.ts';
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

export function proveRun(journal: Journal, run: string, { reRun, allowDrift }: ProofOptions): Proof {
  const records: Rec[] = [...journal.read(run)];
  const [first] = records;
  if (first?.kind !== 'opened') throw new UsageError(`run "${run}" has no first record`);
  const { opened } = first;
  const ours = fingerprint(opened.policies[0]?.name ?? '', VERSION);
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
    const again = rehearse(opened.scenario as Scenario, {
      run,
      cancels: cancelsIn(records, opened.scenario as Scenario),
    });
    const hasEnded = folded.system?.charts.get('migration')?.status === 'done';
    const remade = [...asVersion(opened, again.journal.read(run))];
    // A run whose process died is a beginning of the run that is made again.
    const divergence = compareRecords(records, hasEnded ? remade : remade.slice(0, records.length), recordText);
    if (divergence !== undefined) return diverged(run, divergence.position, divergence, 'the re-run');
  }
  const how = reRun ? 'replayed and re-run' : 'replayed';
  const sentence = `${run}: ${records.length} records ${how}, every one as it was. ${report.sentence}`;
  return { run, records: records.length, divergence: undefined, sentence, report };
}

/** What a person did while it ran (Ctrl-C, `cancel()`): it is no part of the scenario, and is done again. */
function cancelsIn(records: readonly Rec[], { cancelAtNs }: Scenario): readonly RecordedCancel[] {
  const isCancel = (record: Rec) =>
    record.kind === 'input' && record.by === 'operator' && record.event.type === 'CANCEL' && record.atNs !== cancelAtNs;
  return records.filter(isCancel).map(({ position, atNs }) => ({ position, atNs }));
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
