/** Every transition that a chart has, and a name for each: what coverage is counted in. */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** `state | event | nth of the event's candidates`, with the states' ids; `always` for eventless ones. */
export function keyOf(transition: AnyTransitionDefinition): string {
  const { source, eventType } = transition;
  const candidates = (eventType === '' ? source.always : source.transitions.get(eventType)) ?? [];
  return `${source.id} | ${eventType || 'always'} | ${candidates.indexOf(transition)}`;
}

/** Of all states, `on`, `always` and `after` alike. */
export function transitionsOf(machine: AnyStateMachine): readonly AnyTransitionDefinition[] {
  const ofNode = (of: AnyStateNode): AnyTransitionDefinition[] => [
    ...[...of.transitions.values()].flat(),
    ...(of.always ?? []),
    ...Object.values<AnyStateNode>(of.states).flatMap(ofNode),
  ];
  return ofNode(machine.root);
}
