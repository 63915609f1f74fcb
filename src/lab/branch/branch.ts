/**
 * A branch: a modelled run made again from its journal up to a moment, every record held to the journal's, and from there on
 * differently.
 *
 * What comes out is a whole run with a journal of its own: its first record says where it came from, the parent's records
 * follow, then the operator's record with what is other, and whatever comes of it. So it can be replayed, made again,
 * recovered, and branched. With no change it is its parent to the end. What a person did in the parent later on (a cancel) is
 * done again, at its time.
 */
import type { Plan } from '../../../machines/plan.ts';
import type { Opened, Origin, Rec } from '../../core/record.ts';
import type { System } from '../../core/system.ts';
import type { Journal } from '../../journal/journal.ts';
import { MemoryJournal } from '../../journal/memory-journal.ts';
import { isObserved, readOnlyText } from '../../run/observed-charts.ts';
import { isTakeUp } from '../../run/recover.ts';
import { replay } from '../../run/replay.ts';
import type { StepperOptions } from '../../run/stepper.ts';
import { VERSION } from '../../version.ts';
import { fingerprintOf, ownCharts, ownPoliciesIn } from '../policy/own-policies.ts';
import { freeName } from '../prepare.ts';
import { cancelsIn, rehearse } from '../rehearse.ts';
import { ReportProjection } from '../report/projection.ts';
import type { Report } from '../report/report.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { type Change, changeEvent } from './change.ts';
import { type Comparison, compareBranch } from './compare.ts';
import { BranchError } from './error.ts';
import { HeldJournal } from './held-journal.ts';
import { branchesIn, type RecordedBranch } from './recorded.ts';

export interface BranchOptions {
  /** Which run of the journal; needed unless it holds one. */
  readonly run?: string | undefined;
  /** After this record, or at this time on the run's clock. */
  readonly at: number | { readonly ns: number };
  /** What is other from there on: dotted keys of the scenario. Absent: nothing. */
  readonly change?: Change | undefined;
  /** Takes the new run; in memory unless given. May be the same journal. */
  readonly into?: Journal | undefined;
}

export interface Branched {
  readonly run: string;
  readonly origin: Origin;
  /** Where the new run's records are. */
  readonly journal: Journal;
  readonly parent: Report;
  readonly branch: Report;
  readonly comparison: Comparison;
}

/**
 * Makes the branch and runs it to its end. Throws a BranchError for a moment or a change that cannot be, a ScenarioError for a
 * value that cannot, a RecoveryError `diverged` when the parent does not come out again as it was.
 */
export function branch(
  journal: Journal,
  { run, at, change = {}, into = new MemoryJournal() }: BranchOptions,
): Branched {
  const parent = parentIn(journal, run);
  const { records, opened } = parent;
  const scenario = opened.scenario as Scenario;
  const moment = momentOf(parent, at);
  const { position, atNs } = moment;
  const past = records.slice(0, position + 1);
  const all = branchesIn(records);
  const told = all.filter((one) => one.position <= position);
  const inPreCopy = isInPreCopy(parent, position);
  const earlier = told.map(({ event }) => event.set);
  const event = changeEvent(scenario, change, { atNs, inPreCopy }, earlier);
  if (event === undefined && Object.keys(change).length > 0) {
    throw new BranchError(`nothing is other: ${Object.keys(change).join(', ')} is what it was in the parent`);
  }
  refuseBefore(all, position, event !== undefined);
  const branches: readonly RecordedBranch[] =
    event === undefined ? all : [...told, { position: position + 1, atNs, after: moment.after, event }];
  const origin: Origin = { run: opened.run, position, atNs, changes: change };
  const name = freeName(`${opened.run}.at-${position}`, into);
  const cancels = cancelsIn(records, scenario).map((one) =>
    event === undefined || one.position <= position ? one : { ...one, byTime: true as const },
  );
  const held = new HeldJournal(into, past);
  const { ended } = rehearse(scenario, { run: name, journal: held, origin, branches, cancels });
  const before = reportOf(parent);
  return { run: name, origin, journal: into, parent: before, branch: ended, comparison: compareBranch(before, ended) };
}

interface Parent {
  readonly records: readonly Rec[];
  readonly opened: Opened;
}

interface Moment {
  /** Of the last record of the past. */
  readonly position: number;
  readonly atNs: number;
  readonly after: RecordedBranch['after'];
}

function parentIn(journal: Journal, wanted: string | undefined): Parent {
  const present = journal.runs().map(({ run }) => run);
  const [only, ...others] = present;
  if (only === undefined) throw new BranchError('the journal holds no runs');
  if (wanted === undefined && others.length > 0) throw new BranchError(`which run to branch? ${present.join(' | ')}`);
  const run = wanted ?? only;
  if (!present.includes(run)) throw new BranchError(`the journal has no run "${run}": it has ${present.join(', ')}`);
  const records = [...journal.read(run)];
  const [first] = records;
  if (first?.kind !== 'opened') throw new BranchError(`run "${run}" has no first record`);
  const { opened } = first;
  refuseForeign(opened);
  return { records, opened };
}

/** Only a model's world can be made again. */
function refuseForeign(opened: Opened): void {
  const { run, drivers, plan, fingerprint: theirs, version } = opened;
  if (isObserved(opened)) throw new BranchError(readOnlyText(run));
  if (drivers.join() !== 'model') {
    throw new BranchError(
      `run "${run}" was driven by ${drivers.join(', ')}, not by the model: what it would have done otherwise nobody can say, because its world cannot be made again. A what-if starts from a model: describe the machine in a scenario (switchover import makes a workload of measured figures), run it, and branch that`,
    );
  }
  const ours = fingerprintOf(plan as Plan, ownPoliciesIn(opened, true));
  if (ours === theirs) return;
  throw new BranchError(
    `run "${run}" was made by version ${version} with charts ${theirs}, and this is version ${VERSION} with charts ${ours}: branch it with the version that made it`,
  );
}

function momentOf({ records, opened }: Parent, at: BranchOptions['at']): Moment {
  const last = records.length - 1;
  const endNs = records[last]?.atNs ?? 0;
  const byTime = typeof at !== 'number';
  const position = byTime ? records.findLastIndex(({ atNs }) => atNs <= at.ns) : at;
  if (!Number.isInteger(position) || position < 0 || position > last || (byTime && at.ns > endNs)) {
    const asked = byTime ? `${at.ns / 1e6} ms` : `record ${at}`;
    throw new BranchError(
      `${asked} is not in run "${opened.run}": it has records 0 to ${last}, from 0 to ${endNs / 1e6} ms`,
    );
  }
  if (position === 0) {
    throw new BranchError('record 0 opens the run, and nothing has happened yet: run the scenario with other values');
  }
  if (position === last) {
    throw new BranchError(`the run ended with record ${last}, at ${endNs / 1e6} ms: branch before it`);
  }
  const crossed = records.slice(position + 1).find(isTakeUp);
  if (crossed !== undefined) {
    throw new BranchError(
      `the run was taken up after a crash by record ${crossed.position}, and a branch does not crash: branch after it`,
    );
  }
  if (records.slice(0, position + 1).some(isTakeUp)) {
    throw new BranchError(
      `the run was taken up after a crash before record ${position}: a branch of a recovered run is not made`,
    );
  }
  const recordNs = records[position]?.atNs ?? 0;
  const atNs = byTime ? at.ns : recordNs;
  return { position, atNs, after: atNs === recordNs ? 'record' : 'time' };
}

/** What the parent's own branch changed later may contradict this change, or be about what is no more. */
function refuseBefore(branches: readonly RecordedBranch[], position: number, isOther: boolean): void {
  const later = branches.find((one) => one.position > position);
  if (later === undefined || !isOther) return;
  throw new BranchError(
    `the run itself is a branch from record ${later.position} on: branch at that record or later, or branch its parent`,
  );
}

/** Between the order to migrate and the decision to switch over, or the way back. */
function isInPreCopy({ records, opened }: Parent, position: number): boolean {
  let system: System | undefined;
  replay(
    records.slice(0, position + 1),
    (recorded) => {
      system = recorded.system;
    },
    foldingOf(opened),
  );
  const root = system?.charts.get('migration');
  return (
    root !== undefined &&
    (root.matches({ reversible: 'setup' }) || root.matches({ reversible: { active: 'iterating' } }))
  );
}

/** The user's own charts, where the run has some. */
function foldingOf(opened: Opened): StepperOptions {
  return { charts: ownCharts(opened.plan as Plan, ownPoliciesIn(opened)) };
}

function reportOf({ records, opened }: Parent): Report {
  const projection = new ReportProjection();
  replay(records, (recorded) => projection.see(recorded), foldingOf(opened));
  return projection.report();
}
