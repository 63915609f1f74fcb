/**
 * Whether the guard of a transition would hold now: what stands beside it while a chart is looked at. A guard is a pure function
 * of the snapshot and the event, so it is asked; what it reads of an event that has not come yet is noticed, and then nobody
 * can say.
 *
 * It asks this guard alone: an earlier candidate for the same event, or an inner state, may be taken before it. Pure, and runs
 * in a browser and in Node alike.
 */
import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { evaluateGuard } from 'xstate/guards';

/** `unknown`: it depends on what the event carries, or the guard fails. */
export type Holds = 'yes' | 'no' | 'unknown';

interface AnEvent {
  readonly type: string;
  readonly [key: string]: unknown;
}

/**
 * `transition`: itself, or its id as in the machine's drawing; one without a guard holds. `event`: the one that is to be sent;
 * absent: only its type is known. Never throws.
 */
export function guardHolds(
  machine: AnyStateMachine,
  snapshot: AnyMachineSnapshot,
  transition: AnyTransitionDefinition | string,
  event?: AnEvent,
): Holds {
  const definition = typeof transition === 'string' ? definitionOf(machine, transition) : transition;
  if (definition === undefined) return 'unknown';
  if (definition.guard === undefined) return 'yes';
  const reads = { more: false };
  try {
    const told = event ?? unseen(definition.eventType, reads);
    const holds = evaluateGuard(definition.guard, snapshot.context, told, snapshot);
    if (reads.more) return 'unknown';
    return holds ? 'yes' : 'no';
  } catch {
    return 'unknown';
  }
}

/** An event of which nothing is known but its type; of an eventless transition's not even that. */
function unseen(type: string, reads: { more: boolean }): AnEvent {
  const readsMore = () => {
    reads.more = true;
  };
  return new Proxy({ type } as AnEvent, {
    get(event, key) {
      if (key !== 'type' || type === '' || type.includes('*')) readsMore();
      return key === 'type' ? event.type : undefined;
    },
    has(event, key) {
      if (key !== 'type') readsMore();
      return key in event;
    },
    ownKeys(event) {
      readsMore();
      return Reflect.ownKeys(event);
    },
    getOwnPropertyDescriptor(event, key) {
      if (key !== 'type') readsMore();
      return Reflect.getOwnPropertyDescriptor(event, key);
    },
  });
}

/** `<source>|<descriptor>|<index>`, as chart/graph.ts makes it. */
function definitionOf(machine: AnyStateMachine, id: string): AnyTransitionDefinition | undefined {
  const [first, last] = [id.indexOf('|'), id.lastIndexOf('|')];
  if (first === last) return undefined;
  const [path, descriptor, index] = [id.slice(0, first), id.slice(first + 1, last), Number(id.slice(last + 1))];
  const source = (path === '' ? [] : path.split('.')).reduce<AnyStateNode | undefined>(
    (node, key) => (node !== undefined && Object.hasOwn(node.states, key) ? node.states[key] : undefined),
    machine.root,
  );
  return (descriptor === '' ? source?.always : source?.transitions.get(descriptor))?.[index];
}
