/** Which of a chart's transitions were taken: every definition of every state, `on`, `always` and `after` alike. */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** `state | event | nth of the event's candidates`, with the states' ids; `always` for eventless ones. */
export function keyOf(transition: AnyTransitionDefinition): string {
  const { source, eventType } = transition;
  const candidates = (eventType === '' ? source.always : source.transitions.get(eventType)) ?? [];
  return `${source.id} | ${eventType || 'always'} | ${candidates.indexOf(transition)}`;
}

export function transitionsOf(machine: AnyStateMachine): readonly AnyTransitionDefinition[] {
  const ofNode = (node: AnyStateNode): AnyTransitionDefinition[] => [
    ...[...node.transitions.values()].flat(),
    ...(node.always ?? []),
    ...Object.values<AnyStateNode>(node.states).flatMap(ofNode),
  ];
  return ofNode(machine.root);
}

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
