/**
 * A driver beside which users' functions answer `decide`; everything else is the inner driver's. A verdict comes in no time,
 * as an input of its own: `by: policy:<name>@<hash>`, so that a journal says who judged and a replay asks nobody.
 *
 * Put this outside of whatever injects faults: what a function does is not the hardware's doing.
 */
import { merge, Subject } from 'rxjs';
import type { Json } from '../../../machines/words.ts';
import type { Entry, RunClock } from '../../clock/clock.ts';
import type { Address, EffectId, Input } from '../../core/record.ts';
import type { Driver } from '../../drivers/driver.ts';
import { type OwnFunction, shortHash } from './own-policy.ts';
import { verdictOf } from './verdict.ts';

/** A function and what it is given, by the address of the chart that asks it. */
export type Deciders = ReadonlyMap<
  Address,
  { readonly own: OwnFunction; readonly parameters: Readonly<Record<string, Json>> }
>;

export function withDeciders(driver: Driver, clock: RunClock, deciders: Deciders): Driver {
  if (deciders.size === 0) return driver;
  const verdicts = new Subject<Input>();
  const entries = new Map<EffectId, Entry>();
  return {
    ...driver,
    commands: new Set([...driver.commands, 'decide' as const]),
    facts$: merge(driver.facts$, verdicts),
    perform(command, answer) {
      const decider = command.name === 'decide' ? deciders.get(command.by) : undefined;
      if (command.name !== 'decide' || decider === undefined) return driver.perform(command, answer);
      const { id, by: to, params } = command;
      if (entries.has(id)) return;
      const { own, parameters } = decider;
      const answered = () => {
        entries.delete(id);
        const by = `policy:${own.called}@${shortHash(own.sha256)}` as const;
        verdicts.next({ to, by, event: verdictOf(own, params, parameters), answers: id });
      };
      // Never before it returned: right after what is due now.
      entries.set(id, clock.at(clock.nowNs, answered));
    },
    abandon(id) {
      const entry = entries.get(id);
      if (entry === undefined) return driver.abandon(id);
      entries.delete(id);
      clock.cancel(entry);
    },
    /** A function that was not heard is asked again: it remembers nothing but what it is given. */
    async reconcile(pending) {
      const own = pending.filter(({ name, by }) => name === 'decide' && deciders.has(by));
      const others = await driver.reconcile(pending.filter((command) => !own.includes(command)));
      return [...own.map(({ id }) => ({ id, found: 'not-done' as const })), ...others];
    },
    close() {
      for (const entry of entries.values()) clock.cancel(entry);
      entries.clear();
      driver.close();
    },
  };
}
