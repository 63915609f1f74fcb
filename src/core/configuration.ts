/**
 * What never changes in the steps of a machine: its configurations (the states that are active together), and for the
 * transitions that are taken in one of them which states are left and entered, in which order, and what it comes to. XState
 * finds all of that anew in every step; here it is found when it is first needed, by SCXML's algorithm (W3C, appendix D:
 * computeExitSet, computeEntrySet) with XState's own details, and kept.
 *
 * For machines without history states and invoked actors: what those enter depends on more than this.
 */
import type { AnyStateNode, AnyTransitionDefinition, StateValue } from 'xstate';

/** An active state with the active states in it, in the order in which they are asked. */
export interface Branch {
  readonly state: AnyStateNode;
  readonly branches: readonly Branch[];
}

export interface Configuration {
  /** In the order in which they were entered, as a snapshot has them. */
  readonly nodes: AnyStateNode[];
  readonly value: StateValue;
  readonly tags: Set<string>;
  readonly root: Branch;
  /** For each state without states in it, the eventless transitions of it and of those around it, where there are any. */
  readonly eventless: readonly (readonly AnyTransitionDefinition[])[];
  readonly single: Map<AnyTransitionDefinition, Move>;
  readonly joint: { readonly selected: readonly AnyTransitionDefinition[]; readonly move: Move }[];
  /** The same states, the last first: so they stand when the machine has ended. */
  ended: Configuration | undefined;
}

export interface Move {
  /** Those of the selected ones that are taken. */
  readonly transitions: readonly AnyTransitionDefinition[];
  /** The last first. */
  readonly exits: readonly AnyStateNode[];
  readonly entries: readonly Entry[];
  /** The configuration itself where the same states are active as before. */
  readonly to: Configuration;
}

export interface Entry {
  readonly state: AnyStateNode;
  /** Its own, and those of its initial transition where nobody named the state in it. */
  readonly actions: readonly unknown[];
  /** Of a final state. */
  readonly completes: Completion | undefined;
}

/** What ends when a final state is entered. */
export interface Completion {
  /** The state around it. */
  readonly parent: AnyStateNode | undefined;
  /** Parallel states of which that was the last region, from within. */
  readonly parallels: readonly AnyStateNode[];
  /** The state that completed the machine; undefined: it goes on. */
  readonly machine: AnyStateNode | undefined;
}

export class Configurations {
  readonly #root: AnyStateNode;
  readonly #byNodes = new WeakMap<readonly AnyStateNode[], Configuration>();
  readonly #byOrder = new Map<string, Configuration>();

  constructor(root: AnyStateNode) {
    this.#root = root;
  }

  /** Of a snapshot's own nodes, whoever made it. */
  of(nodes: readonly AnyStateNode[]): Configuration {
    let found = this.#byNodes.get(nodes);
    if (found !== undefined) return found;
    const order = nodes.map((state) => state.order).join();
    found = this.#byOrder.get(order) ?? configurationOf(this.#root, [...nodes]);
    this.#byOrder.set(order, found);
    this.#byNodes.set(nodes, found);
    this.#byNodes.set(found.nodes, found);
    return found;
  }

  /** From the machine alone to its initial states. */
  initially(): Move {
    const target = [...withInitial(this.#root, new Set())];
    const start = { target, source: this.#root, reenter: true, actions: [], eventType: null };
    return this.#found(this.of([this.#root]), [start as unknown as AnyTransitionDefinition], true);
  }

  /** `selected`: at least one, in the order in which they were found. */
  move(from: Configuration, selected: readonly AnyTransitionDefinition[]): Move {
    if (selected.length === 1) {
      let single = from.single.get(selected[0]!);
      if (single === undefined) from.single.set(selected[0]!, (single = this.#found(from, selected, false)));
      return single;
    }
    const known = from.joint.find((one) => areSame(one.selected, selected));
    if (known !== undefined) return known.move;
    const move = this.#found(from, selected, false);
    from.joint.push({ selected: [...selected], move });
    return move;
  }

  /** As a snapshot of the machine's end has it. */
  atEnd(configuration: Configuration): Configuration {
    configuration.ended ??= this.of([...configuration.nodes].sort(lastFirst));
    return configuration.ended;
  }

  #found(from: Configuration, selected: readonly AnyTransitionDefinition[], initial: boolean): Move {
    const active = new Set(from.nodes);
    const transitions = withoutConflicts(selected, active);
    const exits = initial ? [] : [...exitSet(transitions, active)].sort(lastFirst);
    for (const state of exits) active.delete(state);
    const { toEnter, byDefault } = entrySet(transitions);
    if (initial) byDefault.add(this.#root);
    const completed = new Set<AnyStateNode>();
    const entries = [...toEnter].sort(firstFirst).map((state) => {
      active.add(state);
      const completes = state.type === 'final' ? completionOf(state, active, completed) : undefined;
      const actions = byDefault.has(state) ? [...state.entry, ...state.initial.actions] : state.entry;
      return { state, actions, completes };
    });
    const same = active.size === from.nodes.length && from.nodes.every((state) => active.has(state));
    return { transitions, exits, entries, to: same ? from : this.of([...active]) };
  }
}

function configurationOf(root: AnyStateNode, nodes: AnyStateNode[]): Configuration {
  const value = stateValueOf(root, nodes);
  return {
    nodes,
    value,
    tags: new Set(nodes.flatMap(({ tags }) => tags)),
    root: branchOf(root, value),
    eventless: nodes
      .filter(({ type }) => type === 'atomic' || type === 'final')
      .map((state) => [state, ...ancestorsOf(state)].flatMap(({ always }) => always ?? []))
      .filter(({ length }) => length > 0),
    single: new Map(),
    joint: [],
    ended: undefined,
  };
}

function stateValueOf(state: AnyStateNode, nodes: readonly AnyStateNode[]): StateValue {
  const inside = nodes.filter(({ parent }) => parent === state);
  if (state.type === 'compound') {
    const [child] = inside;
    if (child === undefined) return {};
    if (child.type === 'atomic' || child.type === 'final') return child.key;
  }
  return Object.fromEntries(inside.map((child) => [child.key, stateValueOf(child, nodes)]));
}

/** By the value's own keys: numbers among them come first. */
function branchOf(state: AnyStateNode, value: StateValue): Branch {
  if (typeof value === 'string') return { state, branches: [branchOf(state.states[value] as AnyStateNode, {})] };
  const branches = Object.entries(value).map(([key, inner]) => branchOf(state.states[key] as AnyStateNode, inner!));
  return { state, branches };
}

/** Of two transitions that leave the same state the inner one is taken, else the first. */
function withoutConflicts(
  selected: readonly AnyTransitionDefinition[],
  active: ReadonlySet<AnyStateNode>,
): readonly AnyTransitionDefinition[] {
  if (selected.length === 1) return selected;
  let taken: AnyTransitionDefinition[] = [];
  for (const one of new Set(selected)) {
    const left = exitSet([one], active);
    const rivals = taken.filter((other) => [...exitSet([other], active)].some((state) => left.has(state)));
    if (!rivals.every((other) => isInside(one.source, other.source))) continue;
    taken = [...taken.filter((other) => !rivals.includes(other)), one];
  }
  return taken;
}

function exitSet(
  transitions: readonly AnyTransitionDefinition[],
  active: ReadonlySet<AnyStateNode>,
): ReadonlySet<AnyStateNode> {
  const exits = new Set<AnyStateNode>();
  for (const one of transitions) {
    if (!one.target?.length) continue;
    const domain = domainOf(one);
    for (const state of active) if (isInside(state, domain)) exits.add(state);
  }
  return exits;
}

interface ToEnter {
  readonly toEnter: Set<AnyStateNode>;
  readonly byDefault: Set<AnyStateNode>;
}

function entrySet(transitions: readonly AnyTransitionDefinition[]): ToEnter {
  const all: ToEnter = { toEnter: new Set(), byDefault: new Set() };
  for (const one of transitions) {
    const domain = domainOf(one);
    const { source, reenter, target = [] } = one;
    for (const state of target as readonly AnyStateNode[]) {
      if (source !== state || source !== domain || reenter) enterByDefault(state, all);
      enterInside(state, all);
    }
    for (const state of target as readonly AnyStateNode[]) {
      const around = ancestorsOf(state, domain);
      if (domain?.type === 'parallel') around.push(domain);
      enterAround(around, source.parent === undefined && reenter ? undefined : domain, all);
    }
  }
  return all;
}

function enterByDefault(state: AnyStateNode, { toEnter, byDefault }: ToEnter): void {
  toEnter.add(state);
  byDefault.add(state);
}

/** The states that are active in a state as soon as it is. */
function enterInside(state: AnyStateNode, all: ToEnter): void {
  if (state.type === 'compound') {
    const initial = state.initial.target[0] as AnyStateNode;
    enterByDefault(initial, all);
    enterInside(initial, all);
    enterAround(ancestorsOf(initial, state), undefined, all);
  } else if (state.type === 'parallel') {
    for (const region of Object.values(state.states)) {
      if ([...all.toEnter].some((entered) => isInside(entered, region))) continue;
      enterByDefault(region, all);
      enterInside(region, all);
    }
  }
}

function enterAround(around: readonly AnyStateNode[], domain: AnyStateNode | undefined, all: ToEnter): void {
  for (const state of around) {
    if (domain === undefined || isInside(state, domain)) all.toEnter.add(state);
    if (state.type !== 'parallel') continue;
    for (const region of Object.values(state.states)) {
      if ([...all.toEnter].some((entered) => isInside(entered, region))) continue;
      all.toEnter.add(region);
      enterInside(region, all);
    }
  }
}

/** The state within which a transition leaves and enters; undefined: the machine itself is left and entered. */
function domainOf({ source, target, reenter }: AnyTransitionDefinition): AnyStateNode | undefined {
  const targets = (target ?? []) as readonly AnyStateNode[];
  if (!reenter && targets.every((state) => state === source || isInside(state, source))) return source;
  const [head = source, ...others] = [...new Set(targets), source];
  const common = ancestorsOf(head).find((ancestor) => others.every((state) => isInside(state, ancestor)));
  return common ?? (reenter ? undefined : source.machine.root);
}

function completionOf(
  state: AnyStateNode,
  active: ReadonlySet<AnyStateNode>,
  completed: Set<AnyStateNode>,
): Completion {
  const { parent } = state;
  let around = parent?.type === 'parallel' ? parent : parent?.parent;
  let last: AnyStateNode = around ?? state;
  const parallels: AnyStateNode[] = [];
  while (around?.type === 'parallel' && !completed.has(around) && isComplete(around, active)) {
    completed.add(around);
    parallels.push(around);
    last = around;
    around = around.parent;
  }
  return {
    parent: parent?.type === 'compound' ? parent : undefined,
    parallels,
    machine: around === undefined ? last : undefined,
  };
}

function isComplete(state: AnyStateNode, active: ReadonlySet<AnyStateNode>): boolean {
  const inside = Object.values(state.states);
  if (state.type === 'compound') return inside.some((child) => child.type === 'final' && active.has(child));
  if (state.type === 'parallel') return inside.every((child) => isComplete(child, active));
  return state.type === 'final';
}

function withInitial(state: AnyStateNode, all: Set<AnyStateNode>): Set<AnyStateNode> {
  if (all.has(state)) return all;
  all.add(state);
  if (state.type === 'compound') withInitial(state.initial.target[0] as AnyStateNode, all);
  else if (state.type === 'parallel') for (const region of Object.values(state.states)) withInitial(region, all);
  return all;
}

/** From within, without the state itself and without `up`. */
function ancestorsOf(state: AnyStateNode, up?: AnyStateNode): AnyStateNode[] {
  const ancestors: AnyStateNode[] = [];
  if (state === up) return ancestors;
  for (let at = state.parent; at !== undefined && at !== up; at = at.parent) ancestors.push(at);
  return ancestors;
}

/** Everything is inside of nothing, a root too. */
function isInside(state: AnyStateNode, ancestor: AnyStateNode | undefined): boolean {
  let at = state;
  while (at.parent !== undefined && at.parent !== ancestor) at = at.parent;
  return at.parent === ancestor;
}

function areSame<T>(some: readonly T[], others: readonly T[]): boolean {
  return some.length === others.length && some.every((one, index) => one === others[index]);
}

function firstFirst(a: AnyStateNode, b: AnyStateNode): number {
  return a.order - b.order;
}

function lastFirst(a: AnyStateNode, b: AnyStateNode): number {
  return b.order - a.order;
}
