/**
 * Which way the reading goes: the order of siblings, and which edges run against it.
 *
 * A layered layout needs a graph without cycles. Leaving that choice to the layout gives pictures whose first state may be
 * at the bottom; here it is made from what the author wrote. `flow` follows the transitions from the initial state, depth
 * first, so that only real loops run backwards; `document` keeps the order in which states are written.
 */
import { type ChartGraph, type ChartState, isInternal, statesOf } from './graph.ts';

export type Ordering = 'flow' | 'document';

/** True for an edge that is handed to the layout the other way round. */
export type RunsBackward = (source: string, target: string) => boolean;

export function readingOrder(
  graph: ChartGraph,
  ordering: Ordering,
): { readonly rank: ReadonlyMap<string, number>; readonly runsBackward: RunsBackward } {
  const rank = new Map<string, number>();
  for (const state of statesOf(graph.root)) {
    const children = ordering === 'document' ? state.children.map(({ id }) => id) : flowOrder(graph, state);
    children.forEach((id, index) => {
      rank.set(id, index);
    });
  }
  const runsBackward: RunsBackward = (source, target) => {
    const [from, to] = siblingsAbove(source, target);
    return (rank.get(from) ?? 0) > (rank.get(to) ?? 0);
  };
  return { rank, runsBackward };
}

/** The two children of the nearest common ancestor in which two states lie. */
export function siblingsAbove(source: string, target: string): readonly [string, string] {
  const from = source.split('.');
  const to = target.split('.');
  let depth = 0;
  while (depth < from.length - 1 && depth < to.length - 1 && from[depth] === to[depth]) depth += 1;
  return [from.slice(0, depth + 1).join('.'), to.slice(0, depth + 1).join('.')];
}

/** The nearest state that holds both; a state holds itself. */
export function commonAncestor(source: string, target: string): string {
  const from = source === '' ? [] : source.split('.');
  const to = target === '' ? [] : target.split('.');
  let depth = 0;
  while (depth < from.length && depth < to.length && from[depth] === to[depth]) depth += 1;
  return from.slice(0, depth).join('.');
}

/** Children in reverse post-order of a walk along the transitions: every edge but those that close a loop goes forward. */
function flowOrder(graph: ChartGraph, parent: ChartState): readonly string[] {
  const next = new Map<string, string[]>(parent.children.map(({ id }) => [id, []]));
  for (const transition of graph.transitions.filter((each) => !isInternal(each))) {
    for (const target of transition.targets) {
      const [from, to] = childrenOf(parent, transition.source, target);
      if (from !== undefined && to !== undefined && from !== to) next.get(from)?.push(to);
    }
  }
  const finished: string[] = [];
  const seen = new Set<string>();
  const visit = (id: string): void => {
    if (seen.has(id)) return;
    seen.add(id);
    // The last branch is visited first, so that the first one stands nearest after reversal.
    for (const to of [...(next.get(id) ?? [])].reverse()) visit(to);
    finished.push(id);
  };
  const first = parent.initial?.target;
  const starts = parent.children.map(({ id }) => id).filter((id) => id !== first);
  // Later starts end up in front, so what the initial state does not reach is visited before it.
  if (first !== undefined) visit(first);
  const reached = finished.splice(0);
  for (const id of starts.reverse()) visit(id);
  return [...reached.reverse(), ...finished.reverse()];
}

function childrenOf(parent: ChartState, source: string, target: string): readonly (string | undefined)[] {
  return [source, target].map(
    (id) => parent.children.find((child) => id === child.id || id.startsWith(`${child.id}.`))?.id,
  );
}
