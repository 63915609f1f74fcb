/**
 * Recovery: go on with a run whose orchestrator died, against a world that did not.
 *
 * The journal is folded, the driver is asked what became of every command that has no answer, and the run goes on: what is
 * known is recorded, what was not done is done under its old id, and what nobody knows is asked again only where asking again
 * loses nothing (`repeatable`). Anything else is a failure, and the charts know the way back; past the hand-over they say
 * `in-doubt`. A modelled run's world died with the process: it is run again instead. What the operator did by plan (a cancel at
 * a time, the CONTINUE of a paused switchover) is the operator's again: say it to the runner.
 */
import { COMMANDS, type Errno } from '../../machines/words.ts';
import type { Command } from '../core/effect.ts';
import type { EffectId, Rec } from '../core/record.ts';
import { replay } from './replay.ts';
import { Runner, type RunnerParts } from './runner.ts';
import { type StepperOptions, stepperFor } from './stepper.ts';

/** What a command is answered with when nobody knows what became of it. */
const UNKNOWN: Errno = 'ECONNRESET';

/**
 * A runner that goes on from these records. Throws when they do not fold (the journal is of other charts, or damaged).
 * Nothing is performed before `go` is called, so that a caller can subscribe first.
 */
export async function recover(
  records: readonly Rec[],
  /** The clock shows at least the time of the last record: `new WallClock({ startNs })`. */
  parts: Omit<RunnerParts, 'stepper'>,
  options: StepperOptions = {},
): Promise<{ readonly runner: Runner; readonly go: () => void }> {
  const [first] = records;
  if (first?.kind !== 'opened') throw new Error('the journal has no first record that opens a run');
  const { system, divergence } = replay(records, undefined, options);
  if (divergence !== undefined || system === undefined) {
    throw new Error(`record ${divergence?.position ?? 0} does not fold: ${divergence?.got ?? 'nothing there'}`);
  }
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
    runner.resume(system, again);
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
