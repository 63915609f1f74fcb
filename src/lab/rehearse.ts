/** A modelled run from start to end, as fast as it goes, in one call: what tests, sweeps and re-runs are made of. */
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { Rec } from '../core/record.ts';
import { isTakeUp } from '../run/recover.ts';
import { branchesIn, isBranchesOwn } from './branch/recorded.ts';
import { ordersOfOthers, type PostCopyOrder } from './post-copy-operator.ts';
import { type PreparedRun, type PrepareOptions, prepareRun } from './prepare.ts';
import type { Report } from './report/report.ts';
import type { Scenario } from './scenario/scenario.ts';

export interface Rehearsed extends PreparedRun {
  readonly ended: Report;
}

/** A person's cancel, or order about post-copy, as it stands in a journal: when it came, and after which records. */
export interface RecordedCancel {
  readonly position: number;
  readonly atNs: number;
  /** An order about post-copy in its place; absent: a cancel. */
  readonly order?: PostCopyOrder;
  /** Given at that time, whatever the record: in a run that went on differently. */
  readonly byTime?: true;
}

export interface RehearseOptions extends Omit<PrepareOptions, 'clock' | 'driver'> {
  /** Given again where they came in an earlier run, in order; the scenario's own `cancelAt` is none of them. */
  readonly cancels?: readonly RecordedCancel[];
}

/** Blocks until the run has ended. Throws what a step or the journal throws, and when the model falls silent. */
export function rehearse(scenario: Scenario, { cancels = [], ...options }: RehearseOptions = {}): Rehearsed {
  const clock = new VirtualClock();
  const waiting = [...cancels];
  const prepared = prepareRun(scenario, { ...options, clock });
  try {
    prepared.start();
    do {
      const [next] = waiting;
      if (next !== undefined && hasCome(next, prepared, clock)) {
        waiting.shift();
        if (next.atNs > clock.nowNs) clock.runUntil(next.atNs);
        giveAgain(next, prepared);
      }
    } while (!prepared.runner.ended && clock.step());
    if (prepared.runner.error !== undefined) throw prepared.runner.error;
    if (!prepared.runner.ended) throw new Error(`run ${prepared.opened.run} fell silent at ${clock.nowNs} ns`);
    // Not a spread: V8 of Node 20 takes microseconds for one with more keys behind it.
    return Object.assign(prepared, { ended: prepared.report() });
  } finally {
    prepared.runner.stop();
    prepared.driver.close();
  }
}

/**
 * What a person did while a run went on (Ctrl-C, `cancel()`), in order: every cancel but the scenario's own, which a run that is
 * made again gives by itself.
 */
export function cancelsIn(
  records: readonly Rec[],
  { cancelAtNs, cancelAfterRecord, vmm }: Pick<Scenario, 'cancelAtNs' | 'cancelAfterRecord' | 'vmm'>,
): readonly RecordedCancel[] {
  const branches = branchesIn(records);
  const all = records.filter(
    (record) =>
      record.kind === 'input' &&
      record.by === 'operator' &&
      record.event.type === 'CANCEL' &&
      !isBranchesOwn(record, branches),
  );
  // What was due while nobody was there is given as soon as somebody is.
  const missedNs = records.filter((record, index) => isTakeUp(record) && isDue(cancelAtNs, records[index - 1], record));
  // A timer fires, and a record is answered, before anybody else can say the same at that instant.
  const own = all.findIndex(({ position, atNs }) =>
    cancelAfterRecord === undefined
      ? atNs === cancelAtNs || missedNs.some((takenUp) => takenUp.atNs === atNs)
      : position > cancelAfterRecord,
  );
  const cancels = all.filter((_, index) => index !== own).map(({ position, atNs }) => ({ position, atNs }));
  const orders = ordersOfOthers(records, vmm.postcopy);
  return orders.length === 0 ? cancels : [...cancels, ...orders].sort((a, b) => a.position - b.position);
}

function isDue(dueNs: number | null, before: Rec | undefined, { atNs }: Rec): boolean {
  return dueNs !== null && before !== undefined && before.atNs < dueNs && dueNs <= atNs;
}

/** Says again what somebody said. */
export function giveAgain({ order }: RecordedCancel, prepared: PreparedRun): void {
  if (order === undefined) prepared.cancel();
  else prepared.order(order);
}

/** It came once all that was due by then had been done; at the very instant of something else, right after the record before it. */
export function hasCome(
  { position, atNs, byTime }: RecordedCancel,
  { runner }: PreparedRun,
  clock: VirtualClock,
): boolean {
  if (byTime !== true && runner.system?.position !== position - 1) return false;
  const dueNs = clock.nextDueNs();
  return clock.nowNs >= atNs || dueNs === undefined || dueNs > atNs;
}
