/** Which of a chart's transitions were taken: every definition of every state, `on`, `always` and `after` alike. */
import type { AnyStateMachine, AnyTransitionDefinition } from 'xstate';
import { keyOf, transitionsOf } from '../../src/core/transitions.ts';

export class Coverage {
  private readonly all: readonly string[];
  private readonly taken = new Set<string>();

  constructor(machine: AnyStateMachine) {
    this.all = transitionsOf(machine).map(keyOf);
  }

  take(transitions: readonly AnyTransitionDefinition[]): void {
    for (const transition of transitions) this.taken.add(keyOf(transition));
  }

  missing(): readonly string[] {
    return this.all.filter((key) => !this.taken.has(key));
  }

  percent(): number {
    return 100 * (1 - this.missing().length / this.all.length);
  }
}
