/**
 * A policy that only watches: the same chart, whose verdicts become facts. What it "would have" done is recorded and never
 * acted upon. It may ask a user's function, which changes nothing; any other output of a chart would change the run.
 */
import type { AnyStateMachine } from 'xstate';
import { facts, type OutputRoute } from '../messages.ts';

const told = facts({ judged: 'SHADOW_JUDGED', failed: 'SHADOW_FAILED' });

/** The machine as a shadow. Throws a RangeError for one that would do more than judge. */
export function shadowOf(machine: AnyStateMachine): AnyStateMachine {
  const actions: Record<string, () => void> = {};
  for (const [name, action] of Object.entries(machine.implementations.actions)) {
    const { route } = action as { readonly route?: OutputRoute };
    if (route === undefined || route.kind === 'fact') continue;
    if (route.kind === 'command' && route.name === 'decide') continue;
    const fact = route.kind === 'message' ? FACTS[route.type] : undefined;
    if (fact === undefined) {
      throw new RangeError(`${machine.id} cannot be a shadow: its action ${name} would change the run`);
    }
    actions[name] = fact as () => void;
  }
  return machine.provide({ actions });
}

const FACTS: Readonly<Record<string, unknown>> = { VERDICT: told.judged, POLICY_FAILED: told.failed };
