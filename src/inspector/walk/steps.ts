/** What leads out of a chart now, as steps that a person can take: inner states first, as XState tries them. */
import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyTransitionDefinition,
  getNextTransitions,
} from 'xstate';
import { chartGraph, idOfTaken } from '../chart/graph.ts';
import { guardHolds } from '../guard-holds.ts';
import type { WalkStep } from '../page-data.ts';

export type ExampleOf = (type: string, snapshot: AnyMachineSnapshot) => WalkStep['event'];

/** A state's own end is no step: it comes by itself when its children have ended. */
export function nextSteps(machine: AnyStateMachine, snapshot: AnyMachineSnapshot, exampleOf: ExampleOf): WalkStep[] {
  if (snapshot.status !== 'active') return [];
  const drawn = new Map(chartGraph(machine).transitions.map((transition) => [transition.id, transition]));
  return getNextTransitions(snapshot).flatMap((definition): WalkStep[] => {
    const id = idOfTaken(definition);
    const transition = id === undefined ? undefined : drawn.get(id);
    if (id === undefined || transition === undefined) return [];
    const { trigger, descriptor, event, guard } = transition;
    if (descriptor.startsWith('xstate.done.state.')) return [];
    return [
      {
        id,
        event: trigger === 'event' ? exampleOf(typeOf(descriptor), snapshot) : eventOf(descriptor),
        label: labelOf(machine, snapshot, definition, trigger, event),
        trigger,
        ...(guard === undefined ? {} : { guard }),
        holds: guardHolds(machine, snapshot, definition),
      },
    ];
  });
}

/** A type that `*` or `mouse.*` takes. */
function typeOf(descriptor: string): string {
  return descriptor.replace(/\*$/, 'anything');
}

/** What XState itself would send. An eventless transition is taken by itself, and nothing can be sent for it. */
function eventOf(descriptor: string): WalkStep['event'] {
  const [, how, actorId] = /^xstate\.(done|error)\.actor\.(.*)$/.exec(descriptor) ?? [];
  if (how === 'done') return { type: descriptor, actorId, output: {} };
  if (how === 'error') return { type: descriptor, actorId, error: { message: 'it failed' } };
  return { type: descriptor };
}

function labelOf(
  machine: AnyStateMachine,
  snapshot: AnyMachineSnapshot,
  definition: AnyTransitionDefinition,
  trigger: WalkStep['trigger'],
  event: string,
): string {
  if (trigger === 'always') return 'by itself';
  if (trigger !== 'timer') return event;
  const { delay } = definition as { readonly delay?: unknown };
  if (typeof delay === 'number') return `after ${durationText(delay)}`;
  const ms = lengthOf(machine, snapshot, String(delay));
  return ms === undefined ? event : `${event} (${durationText(ms)})`;
}

/** Of a named delay, as far as it can be known before its event has come. */
function lengthOf(machine: AnyStateMachine, { context }: AnyMachineSnapshot, name: string): number | undefined {
  const { delays } = machine.implementations as { readonly delays: Readonly<Record<string, unknown>> };
  const delay = delays[name];
  try {
    const ms = typeof delay === 'function' ? delay({ context, event: { type: '' } }, undefined) : delay;
    return typeof ms === 'number' && Number.isFinite(ms) ? ms : undefined;
  } catch {
    return undefined;
  }
}

function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms * 1000) / 1000} ms`;
  return ms < 60_000 ? `${Math.round(ms) / 1000} s` : `${Math.round(ms / 600) / 100} min`;
}
