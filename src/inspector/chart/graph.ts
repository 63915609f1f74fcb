/**
 * An XState machine as a plain JSON graph: what every drawing (SVG, Mermaid, SCXML) starts from.
 *
 * Nothing is run: states, transitions and names are read from the machine's own state nodes, so any XState 5 machine can
 * be drawn, not only this project's charts. What XState adds by itself (the delayed raise and the cancel of an `after`) is
 * taken out again. Functions cannot be drawn: an action or guard without a name appears as `(inline)`.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { nthOf } from '../../core/transitions.ts';
import { type ActionName, actionName, eventName, guardExpression, guardName } from './names.ts';

export interface ChartGraph {
  /** The machine's id. */
  readonly id: string;
  readonly root: ChartState;
  /** Every transition, in document order of its source, then in the order in which XState tries them. */
  readonly transitions: readonly ChartTransition[];
}

export interface ChartState {
  /** Dotted path from the root, as in a state value: `active.copying`; the root's is empty. */
  readonly id: string;
  readonly key: string;
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly history?: 'shallow' | 'deep';
  readonly description?: string;
  readonly tags: readonly string[];
  readonly entry: readonly ActionName[];
  readonly exit: readonly ActionName[];
  /** Sources of invoked actors. */
  readonly invokes: readonly string[];
  /** The child that is entered by default, and what is done on the way there. */
  readonly initial?: { readonly target: string; readonly actions: readonly ActionName[] };
  readonly children: readonly ChartState[];
}

export interface ChartTransition {
  /** `<source>|<XState's event descriptor>|<index among that event's transitions>`: stable, and computable from a snapshot. */
  readonly id: string;
  readonly source: string;
  /** Empty: it stays inside its source. */
  readonly targets: readonly string[];
  /** `event`: from outside; `timer`: an `after`; `always`: without an event; `done`: the state or an actor ended. */
  readonly trigger: 'event' | 'timer' | 'always' | 'done';
  /** Of a timer: its name, or its length in ms. */
  readonly delay?: string | number;
  /** XState's own name for the event. */
  readonly descriptor: string;
  /** For people: `SET_STATE`, `after patience`, `done`; empty for `always`. */
  readonly event: string;
  readonly guard?: string;
  /** The guard as an ECMAScript expression: `next({"to":"STOP"})`, `!(isStalled())`. */
  readonly condition?: string;
  /** It has no guard and stands after guarded ones of the same event. */
  readonly otherwise: boolean;
  readonly actions: readonly ActionName[];
  /** Leaves and enters its source again. */
  readonly reenter: boolean;
  readonly description?: string;
}

/** The machine as data. Pure; the same machine gives the same graph. */
export function chartGraph(machine: AnyStateMachine): ChartGraph {
  const transitions: ChartTransition[] = [];
  const visit = (node: AnyStateNode): ChartState => {
    transitions.push(...transitionsOf(node));
    return stateOf(node, Object.values(node.states).map(visit));
  };
  return { id: machine.id, root: visit(machine.root), transitions };
}

/** Every state of a graph, parents before their children. */
export function statesOf(state: ChartState): readonly ChartState[] {
  return [state, ...state.children.flatMap(statesOf)];
}

/** True for a transition that is written inside its state instead of being drawn as an edge. */
export function isInternal(transition: ChartTransition): boolean {
  return transition.targets.every((target) => target === transition.source);
}

function stateOf(node: AnyStateNode, children: readonly ChartState[]): ChartState {
  const initial = node.type === 'compound' ? node.initial : undefined;
  const first = initial?.target[0];
  return {
    id: pathOf(node),
    key: node.parent === undefined ? node.machine.id : node.key,
    kind: node.type,
    ...(node.history !== false && { history: node.history }),
    ...(node.description !== undefined && { description: node.description }),
    tags: node.tags,
    entry: namesOf(node, node.entry),
    exit: namesOf(node, node.exit),
    invokes: node.invoke.map(({ src }) =>
      typeof src !== 'string' || src.startsWith('xstate.invoke.') ? '(inline)' : src,
    ),
    ...(first !== undefined && { initial: { target: pathOf(first), actions: namesOf(node, initial?.actions ?? []) } }),
    children,
  };
}

function transitionsOf(node: AnyStateNode): ChartTransition[] {
  if (node.type === 'history') return historyDefault(node);
  const lists = [...node.transitions.values(), node.always ?? []];
  return lists.flatMap((list) =>
    list.map((definition, index): ChartTransition => {
      const { trigger, event } = eventName(definition.eventType, delayOf(definition));
      const guard = guardName(definition.guard, pathOf(node));
      return {
        id: transitionId(node, definition.eventType, index),
        source: pathOf(node),
        targets: (definition.target ?? []).map(pathOf),
        trigger,
        ...(trigger === 'timer' && { delay: delayOf(definition) ?? '' }),
        descriptor: definition.eventType,
        event,
        ...(guard !== undefined && { guard, condition: guardExpression(definition.guard) }),
        otherwise: guard === undefined && list.slice(0, index).some((earlier) => earlier.guard !== undefined),
        actions: namesOf(node, definition.actions),
        reenter: definition.reenter,
        ...(definition.description !== undefined && { description: definition.description }),
      };
    }),
  );
}

function transitionId(source: AnyStateNode, descriptor: string, index: number): string {
  return `${pathOf(source)}|${descriptor}|${index}`;
}

/** The id that a drawing gives this transition; undefined for one that XState makes by itself (the initial one). */
export function idOfTaken(taken: AnyTransitionDefinition): string | undefined {
  const nth = nthOf(taken);
  return nth === -1 ? undefined : transitionId(taken.source, taken.eventType, nth);
}

/** Where a history state leads while nothing is remembered. */
function historyDefault(node: AnyStateNode): ChartTransition[] {
  const target = (node.config as { readonly target?: unknown }).target;
  if (typeof target !== 'string') return [];
  const found = target.startsWith('#')
    ? node.machine.getStateNodeById(target.slice(1))
    : target.split('.').reduce<AnyStateNode | undefined>((at, key) => at?.states[key], node.parent);
  if (found === undefined) return [];
  return [
    {
      id: `${pathOf(node)}||history`,
      source: pathOf(node),
      targets: [pathOf(found)],
      trigger: 'always',
      descriptor: '',
      event: '',
      otherwise: false,
      actions: [],
      reenter: false,
    },
  ];
}

/** Only the transitions of an `after` have one, and XState's type of a transition does not say so. */
function delayOf(definition: object): string | number | undefined {
  const { delay } = definition as { readonly delay?: unknown };
  return typeof delay === 'number' || delay === undefined ? delay : String(delay);
}

function namesOf(node: AnyStateNode, actions: readonly unknown[]): ActionName[] {
  const implementations = node.machine.implementations.actions as Readonly<Record<string, unknown>>;
  return actions.map((action) => actionName(action, implementations)).filter((name) => name !== undefined);
}

function pathOf(node: AnyStateNode): string {
  return node.path.join('.');
}
