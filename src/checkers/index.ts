/**
 * The checkers: each holds one invariant against everything that is recorded of a run.
 *
 * They are separate from what they check: no chart, no fold, own copies of the rules, so that a mistake in a chart is not
 * believed twice. Fed with records in order (a runner's, or a replay's), they cost a few map look-ups each. That the journal
 * replays to the same effects is not checked here: whoever has the journal folds it.
 */
import { Accounted } from './accounted.ts';
import type { Checker, CheckName, CheckResult, ModelTruth } from './checker.ts';
import { FinalOrder } from './final-order.ts';
import { type CheckedRecord, Reader } from './happening.ts';
import { LegalArcs } from './legal-arcs.ts';
import { NoLostWrite } from './no-lost-write.ts';
import { OneGuest } from './one-guest.ts';
import { TrackersCover } from './trackers-cover.ts';

export type { CheckName, CheckResult, ModelTruth } from './checker.ts';
export type { CheckedRecord } from './happening.ts';

export interface CheckersOptions {
  /** Only these; all of them unless given. */
  readonly only?: readonly CheckName[] | undefined;
}

export interface Checkers {
  /** Takes the next record. They must come in order, from the first. */
  see(recorded: CheckedRecord): void;
  /** One result a checker, in a fixed order. Changes nothing: may be asked of a run that goes on. */
  finish(truth?: ModelTruth): readonly CheckResult[];
}

export function createCheckers({ only }: CheckersOptions = {}): Checkers {
  const all: readonly Checker[] = [
    new NoLostWrite(),
    new OneGuest(),
    new LegalArcs(),
    new FinalOrder(),
    new TrackersCover(),
    new Accounted(),
  ];
  const checkers = all.filter(({ name }) => only === undefined || only.includes(name));
  const reader = new Reader();
  return {
    see(recorded) {
      for (const happening of reader.read(recorded)) for (const checker of checkers) checker.see(happening);
    },
    finish: (truth = {}) => checkers.map((checker) => checker.finish(truth)),
  };
}
