/**
 * Changes as they stand in the journal of a run that was branched: an operator's records, given again where they were given
 * when the run is made once more.
 */
import type { PlanChange } from '../../../machines/branched.ts';
import type { RunClock } from '../../clock/clock.ts';
import type { Input, Rec } from '../../core/record.ts';
import type { Driver } from '../../drivers/driver.ts';
import type { WorldChange } from '../../drivers/mishaps.ts';
import { withScenarioFaults } from '../model/faults.ts';
import type { ScenarioFault } from '../scenario/faults.ts';

/** What is other in the world: told to the driver, and plain JSON. */
export interface BranchedWorld extends WorldChange {
  /** What goes wrong from here on; commands are counted from here. */
  readonly faults?: readonly ScenarioFault[];
}

export interface BranchedEvent {
  readonly type: 'BRANCHED';
  /** As it was written. */
  readonly set: Readonly<Record<string, unknown>>;
  readonly plan: PlanChange;
  readonly world: BranchedWorld;
  /** When the branch is to be cancelled; at once if that is past. */
  readonly cancelAtNs?: number;
  readonly [key: string]: unknown;
}

export interface RecordedBranch {
  /** Of the record that tells of it. */
  readonly position: number;
  readonly atNs: number;
  /** `record`: right after the record before it was written; `time`: when this time came, with nothing else then. */
  readonly after: 'record' | 'time';
  readonly event: BranchedEvent;
}

export function isBranched(record: Rec): record is Extract<Rec, { kind: 'input' }> & { event: BranchedEvent } {
  return (
    record.kind === 'input' &&
    record.by === 'operator' &&
    record.to === 'migration' &&
    record.event.type === ('BRANCHED' satisfies BranchedEvent['type'])
  );
}

/** `records`: of a run, from its first. */
export function branchesIn(records: readonly Rec[]): readonly RecordedBranch[] {
  return records.filter(isBranched).map(({ position, atNs, event }) => {
    const after = records[position - 1]?.atNs === atNs ? 'record' : 'time';
    return { position, atNs, after, event };
  });
}

/** Whether this order to cancel is the one that a branch of the run gave. */
export function isBranchesOwn({ position, atNs }: Rec, branches: readonly RecordedBranch[]): boolean {
  return branches.some(
    ({ position: branched, atNs: branchedNs, event: { cancelAtNs } }) =>
      cancelAtNs !== undefined && position > branched && atNs === Math.max(cancelAtNs, branchedNs),
  );
}

export function branchedInput(event: BranchedEvent): Input {
  return { to: 'migration', by: 'operator', event };
}

/** A driver whose world will be changed by what a record says, while it works. */
export interface ChangingDriver {
  readonly driver: Driver;
  /** The record is written. */
  change(event: BranchedEvent): void;
}

/** Throws a RangeError, when it comes to it, for a driver whose world cannot be changed: only a model's can. */
export function changing(driver: Driver, clock: RunClock): ChangingDriver {
  let outer = driver;
  return {
    driver: {
      ...driver,
      perform: (command, answer) => outer.perform(command, answer),
      abandon: (id) => outer.abandon(id),
      reconcile: (pending) => outer.reconcile(pending),
      close: () => outer.close(),
    },
    change({ world: { faults = [], ...world } }) {
      if (driver.mishaps === undefined) throw new RangeError(`the driver ${driver.name} has no world to be changed`);
      driver.mishaps.become(world);
      outer = withScenarioFaults(outer, { faults }, clock);
    },
  };
}
