/**
 * A modelled run made again from its journal, record by record, outages and all, up to where its orchestrator died.
 *
 * A fold gives back the charts but not the world: its pages, devices and work under way died with the process. So the run is
 * made once more from its scenario and seed, a person's orders are given where they were given, each crash that the journal
 * tells of happens again, and every record is held to the journal's. The first that differs is an error with its position:
 * nobody may act in a world that is not the one that was left.
 */
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { Input, Rec } from '../core/record.ts';
import type { Driver } from '../drivers/driver.ts';
import type { Journal } from '../journal/journal.ts';
import { MemoryJournal } from '../journal/memory-journal.ts';
import { recordText } from '../journal/record-text.ts';
import { fencedIn, isTakeUp, type RecoverOptions, recover } from '../run/recover.ts';
import { RecoveryError } from '../run/recovery-error.ts';
import type { Divergence } from '../run/replay.ts';
import type { StepperOptions } from '../run/stepper.ts';
import { branchesIn } from './branch/recorded.ts';
import { type FoundOf, liveThrough, type Outage, outageIn } from './outage.ts';
import { type PreparedRun, type PrepareOptions, prepareRun } from './prepare.ts';
import { cancelsIn, giveAgain, hasCome, type RecordedCancel } from './rehearse.ts';
import type { Scenario } from './scenario/scenario.ts';

export interface Reenacted {
  readonly prepared: PreparedRun;
  readonly clock: VirtualClock;
}

export interface ReenactOptions extends StepperOptions {
  /** A driver in place of the model that the scenario describes; the journal must have been made with the same. */
  readonly driver?: PrepareOptions['driver'] | undefined;
}

/** Positions of the first and the last record between two crashes. */
interface Segment {
  readonly from: number;
  readonly until: number;
}

/**
 * Makes the run again up to its last record, where its orchestrator dies again. Throws a RecoveryError `diverged` at the first
 * record that comes out otherwise. The caller closes the driver.
 */
export async function reenact(records: readonly Rec[], options: ReenactOptions = {}): Promise<Reenacted> {
  const [first] = records;
  if (first?.kind !== 'opened') throw new RangeError('the journal has no first record that opens a run');
  const { opened } = first;
  const scenario = opened.scenario as Scenario;
  const clock = new VirtualClock();
  const journal = new HeldJournal(records);
  const { driver, ...stepping } = options;
  const { run, origin } = opened;
  const branches = branchesIn(records);
  const prepared = prepareRun(scenario, { ...stepping, driver, run, journal, clock, origin, branches });
  const cancels = [...cancelsIn(records, scenario)];
  try {
    for (const { from, until } of segmentsOf(records)) {
      prepared.dieAfter(until);
      if (from === 0) prepared.start();
      else await takeUp(prepared, clock, records, from, stepping);
      walk(prepared, clock, cancels);
    }
  } catch (error) {
    prepared.driver.close();
    throw error;
  }
  return { prepared, clock };
}

/** Goes on after an outage as the record at `position` says it was done. */
async function takeUp(
  prepared: PreparedRun,
  clock: VirtualClock,
  records: readonly Rec[],
  position: number,
  stepping: StepperOptions,
): Promise<void> {
  const record = records[position];
  if (record?.kind !== 'input') throw new RangeError(`record ${position} takes nothing up`);
  const there = { records: records.slice(0, position), journal: prepared.journal };
  await goOn(prepared, clock, there, outageIn(record.event), { ...stepping, fenced: fencedIn(record) });
}

export interface GoingOn extends Omit<RecoverOptions, 'note'> {
  readonly onRecord?: ((record: Rec) => void) | undefined;
}

/** Lives through the outage in the world of a run whose orchestrator has died, and has another one go on in `journal`. */
export async function goOn(
  prepared: PreparedRun,
  clock: VirtualClock,
  { records, journal }: { readonly records: readonly Rec[]; readonly journal: Journal },
  outage: Outage,
  { onRecord, ...options }: GoingOn,
): Promise<void> {
  const pending = [...(prepared.runner.system?.pending.values() ?? [])];
  const meanwhile: Input[] = [];
  const heard = prepared.driver.facts$.subscribe((fact) => meanwhile.push(fact));
  const found: FoundOf = liveThrough(outage, pending, prepared.driver, clock);
  heard.unsubscribe();
  const driver: Driver = { ...prepared.driver, reconcile: async () => found };
  const { runner, go } = await recover(records, { driver, clock, journal }, { ...options, note: { outage } });
  if (onRecord !== undefined) runner.recorded$.subscribe({ next: ({ record }) => onRecord(record), error: () => {} });
  prepared.takeOver(runner, go);
  for (const fact of meanwhile) runner.deliver(fact);
}

function walk(prepared: PreparedRun, clock: VirtualClock, cancels: RecordedCancel[]): void {
  do {
    const [next] = cancels;
    if (next !== undefined && hasCome(next, prepared, clock)) {
      cancels.shift();
      if (next.atNs > clock.nowNs) clock.runUntil(next.atNs);
      giveAgain(next, prepared);
    }
  } while (!prepared.runner.ended && clock.step());
}

function segmentsOf(records: readonly Rec[]): readonly Segment[] {
  const starts = [0, ...records.filter(isTakeUp).map(({ position }) => position)];
  return starts.map((from, index) => ({ from, until: (starts[index + 1] ?? records.length) - 1 }));
}

/** Takes the records of the journal that it holds, in order, and nothing else. */
class HeldJournal extends MemoryJournal {
  readonly #records: readonly Rec[];

  constructor(records: readonly Rec[]) {
    super();
    this.#records = records;
  }

  override append(run: string, position: number, added: readonly Rec[]): void {
    for (const record of added) {
      const expected = this.#records[record.position];
      const got = recordText(record);
      const told = expected === undefined ? 'no record' : recordText(expected);
      if (told === got) continue;
      const divergence = { position: record.position, expected: told, got };
      throw new RecoveryError('diverged', divergedText(run, 'cannot be made again', divergence), divergence);
    }
    super.append(run, position, added);
  }
}

/** One message for every way in which a run is not what its journal says. */
export function divergedText(run: string, what: string, { position, expected, got }: Divergence): string {
  return `run "${run}" ${what}: record ${position}\n  expected ${expected}\n  got      ${got}`;
}
