/** Every transition that a chart has, and a name for each: what coverage is counted in. */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** `state | event | nth of the event's candidates`, with the states' ids; `always` for eventless ones. */
export function keyOf(transition: AnyTransitionDefinition): string {
  const { source, eventType } = transition;
  return `${source.id} | ${eventType || 'always'} | ${nthOf(transition)}`;
}

/** Which it is among the candidates of its state for its event; -1 for one that no state has (XState's own initial ones). */
export function nthOf(transition: AnyTransitionDefinition): number {
  const { source, eventType } = transition;
  const candidates = (eventType === '' ? source.always : source.transitions.get(eventType)) ?? [];
  return candidates.indexOf(transition);
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
