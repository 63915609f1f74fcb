/**
 * Recovery: go on with a run whose orchestrator died, against a world that did not.
 *
 * The journal is folded, the driver is asked what became of every command that has no answer, and the run goes on: that it
 * was taken up is its next record; what is known is recorded; what was not done is done under its old id, and what nobody
 * knows is asked again only where asking again loses nothing (`repeatable`). Anything else is a failure, and the charts know
 * the way back; past the hand-over they say `in-doubt`. A run in doubt is settled by the same: whoever may have the guest is
 * asked, or an operator's word that a host is dead is taken. A modelled run's world died with the process: it is run again
 * first (the lab does it). What the operator did by plan (a cancel at a time, the CONTINUE of a paused switchover) is the
 * operator's again: say it to the runner.
 */
import { COMMANDS, type Errno } from '../../machines/words.ts';
import type { Command } from '../core/effect.ts';
import type { EffectId, Input, Rec } from '../core/record.ts';
import { type System, standingOf } from '../core/system.ts';
import { RecoveryError } from './recovery-error.ts';
import { replay } from './replay.ts';
import { type Recorded, Runner, type RunnerParts } from './runner.ts';
import { type StepperOptions, stepperFor } from './stepper.ts';

/** What a command is answered with when nobody knows what became of it. */
const UNKNOWN: Errno = 'ECONNRESET';

export type Fenced = 'source' | 'destination';

export interface RecoverOptions extends StepperOptions {
  /** The operator knows that this host is dead and stays so. Only for a run in doubt, and once. */
  readonly fenced?: Fenced | undefined;
  /** Written beside the order to take the run up: what whoever recovers it has to know another time. */
  readonly note?: Readonly<Record<string, unknown>> | undefined;
}

const ORDERS = { source: 'SOURCE_FENCED', destination: 'DESTINATION_FENCED', nobody: 'TAKE_UP' } as const;

/** Whether this record is where an orchestrator took the run up. */
export function isTakeUp(record: Rec): record is Extract<Rec, { kind: 'input' }> {
  if (record.kind !== 'input' || record.by !== 'operator' || record.to !== 'migration') return false;
  return Object.values(ORDERS).some((type) => type === record.event.type);
}

/** The host that the operator fenced with this record, if any. */
export function fencedIn(record: Rec): Fenced | undefined {
  if (record.kind !== 'input' || record.by !== 'operator') return undefined;
  if (record.event.type === ORDERS.source) return 'source';
  return record.event.type === ORDERS.destination ? 'destination' : undefined;
}

/**
 * A runner that goes on from these records. Throws when they do not fold (the journal is of other charts, or damaged), and a
 * RecoveryError where a fenced host decides nothing. Nothing is performed before `go` is called, so that a caller can
 * subscribe first.
 */
export async function recover(
  records: readonly Rec[],
  /** The clock shows at least the time of the last record: `new WallClock({ startNs })`. */
  parts: Omit<RunnerParts, 'stepper'>,
  options: RecoverOptions = {},
): Promise<{ readonly runner: Runner; readonly go: () => void }> {
  const [first] = records;
  if (first?.kind !== 'opened') throw new Error('the journal has no first record that opens a run');
  const { system, last } = folded(records, options);
  refuseFencing(system, options.fenced);
  const found = await parts.driver.reconcile([...system.pending.values()]);
  const runner = new Runner(first.opened, { ...parts, stepper: stepperFor(first.opened, options) });
  const go = () => {
    const again = new Set<EffectId>();
    const unknown: Command[] = [];
    for (const command of system.pending.values()) {
      const answer = found.find(({ id }) => id === command.id)?.found ?? 'unknown';
      if (answer === 'not-done') again.add(command.id);
      else if (answer === 'unknown') {
        if (COMMANDS[command.name].class === 'repeatable') again.add(command.id);
        else unknown.push(command);
      }
    }
    runner.resume(system, orderOf(options), again);
    // Whether the driver heard of it is not known; hearing it twice does no harm.
    for (const effect of last.effects) if (effect.kind === 'abandon') parts.driver.abandon(effect.of);
    for (const { id, found: answer } of found) {
      const command = system.pending.get(id);
      if (command === undefined || answer === 'not-done' || answer === 'unknown') continue;
      runner.deliver({ to: command.by, by: 'driver', event: { ...answer }, answers: id });
    }
    for (const command of unknown) {
      runner.deliver({
        to: command.by,
        by: 'driver',
        event: { type: `FAILED.${command.name}`, errno: UNKNOWN },
        answers: command.id,
      });
    }
  };
  return { runner, go };
}

function folded(records: readonly Rec[], options: StepperOptions): { system: System; last: Recorded } {
  let last: Recorded | undefined;
  const { system, divergence } = replay(records, (recorded) => (last = recorded), options);
  if (divergence !== undefined || system === undefined || last === undefined) {
    throw new Error(`record ${divergence?.position ?? 0} does not fold: ${divergence?.got ?? 'nothing there'}`);
  }
  return { system, last };
}

function orderOf({ fenced, note = {} }: RecoverOptions): Input {
  return { to: 'migration', by: 'operator', event: { ...note, type: ORDERS[fenced ?? 'nobody'] } };
}

/** Throws a RecoveryError unless the run is in doubt and no host has been fenced yet. */
export function refuseFencing({ charts }: System, fenced: Fenced | undefined): void {
  if (fenced === undefined) return;
  if (standingOf(charts.get('migration')) !== 'rests') {
    throw new RecoveryError(
      'not-in-doubt',
      `the run is not in doubt, so that fencing the ${fenced} decides nothing: recover it without`,
    );
  }
  const before = (charts.get('in-doubt')?.context as { readonly fenced?: Fenced | 'nobody' } | undefined)?.fenced;
  if (before === undefined || before === 'nobody') return;
  const message =
    before === fenced
      ? `the ${fenced} has been fenced already: recover the run without fencing it again`
      : `the ${before} has been fenced already: with the ${fenced} fenced as well nobody could run the guest`;
  throw new RecoveryError('fenced-already', message);
}
