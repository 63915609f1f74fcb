/**
 * Which states one step entered, those included that it only passed: a step runs a chart to rest, and a choice without an
 * event is left again before anybody could see it in a snapshot. Read from the definitions of the transitions that were
 * taken, as SCXML's algorithm enters states; what a history state restored shows in the states before and after.
 */
import type { AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** One delivery: paths of the states active before and after it, and what was taken in each of its microsteps. */
export function enteredIn(
  before: readonly string[],
  after: readonly string[],
  microsteps: readonly (readonly AnyTransitionDefinition[])[],
): readonly string[] {
  const seen = new Set(before);
  const entered: string[] = [];
  const enter = (path: string) => {
    entered.push(path);
    seen.add(path);
  };
  for (const taken of microsteps) {
    // Where a chart starts, it may leave its first state before its first event.
    for (const { source } of taken) for (const path of withParents(pathOf(source))) if (!seen.has(path)) enter(path);
    for (const path of new Set(taken.flatMap(statesEntered))) enter(path);
  }
  for (const path of after) if (!seen.has(path)) enter(path);
  return entered;
}

const known = new WeakMap<AnyTransitionDefinition, readonly string[]>();

/** Paths of the states that a transition enters, whatever is active. */
export function statesEntered(transition: AnyTransitionDefinition): readonly string[] {
  let paths = known.get(transition);
  if (paths === undefined) {
    paths = [...entrySet(transition)].sort((a, b) => a.order - b.order).map(pathOf);
    known.set(transition, paths);
  }
  return paths;
}

function entrySet({ source, target, reenter }: AnyTransitionDefinition): ReadonlySet<AnyStateNode> {
  const entered = new Set<AnyStateNode>();
  const targets = (target ?? []).filter(({ type }) => type !== 'history');
  if (targets.length === 0) return entered;
  const domain = domainOf(source, targets, reenter);
  for (const one of targets) {
    // A transition that stays inside its source leaves the source as it is, and starts again inside it.
    if (one !== domain) addUpTo(one, domain, entered);
    else if (reenter) entered.add(one);
  }
  if (reenter && source === domain) entered.add(source);
  const fill = (node: AnyStateNode): void => {
    const children = Object.values<AnyStateNode>(node.states);
    const starts = entered.has(node) || targets.includes(node);
    if (node.type === 'parallel' && (starts || node === domain)) for (const child of children) entered.add(child);
    if (node.type === 'compound' && starts && !children.some((child) => entered.has(child))) {
      for (const first of node.initial.target) addUpTo(first, node, entered);
    }
    for (const child of children) if (entered.has(child)) fill(child);
  };
  fill(domain);
  return entered;
}

/** The innermost state whose inside is left and entered: the source itself where the transition stays in it. */
function domainOf(source: AnyStateNode, targets: readonly AnyStateNode[], reenter: boolean): AnyStateNode {
  if (!reenter && targets.every((target) => target === source || isInside(target, source))) return source;
  let domain = source.parent ?? source;
  while (domain.parent !== undefined && !targets.every((target) => isInside(target, domain))) domain = domain.parent;
  return domain;
}

function isInside(node: AnyStateNode, outer: AnyStateNode): boolean {
  for (let at = node.parent; at !== undefined; at = at.parent) if (at === outer) return true;
  return false;
}

/** `outer` is not added. */
function addUpTo(node: AnyStateNode, outer: AnyStateNode, entered: Set<AnyStateNode>): void {
  for (let at: AnyStateNode | undefined = node; at !== undefined && at !== outer; at = at.parent) entered.add(at);
}

/** `a.b` -> the root, `a`, `a.b`. */
function withParents(path: string): readonly string[] {
  const keys = path === '' ? [] : path.split('.');
  return ['', ...keys.map((_, index) => keys.slice(0, index + 1).join('.'))];
}

function pathOf(node: AnyStateNode): string {
  return node.path.join('.');
}
