/** Which states of a snapshot are active, as dotted paths, and in words. */
import type { AnyStateNode } from 'xstate';
import type { Snapshot } from '../../core/chart.ts';

/** A chart comes back to the same configurations, and its snapshots share their lists of nodes: each is read once. */
const known = new WeakMap<readonly AnyStateNode[], readonly string[]>();

/** Parents before their children, in document order; the root's path is empty. */
export function activePaths(snapshot: Snapshot): readonly string[] {
  const nodes = (snapshot as { readonly _nodes?: readonly AnyStateNode[] })._nodes;
  if (nodes === undefined) return pathsOfValue(snapshot.value);
  let paths = known.get(nodes);
  if (paths === undefined) {
    paths = [...nodes].sort((a, b) => a.order - b.order).map((node) => node.path.join('.'));
    known.set(nodes, paths);
  }
  return paths;
}

/** Of a state's value alone: `{ active: 'copying' }` is the root, `active` and `active.copying`. */
export function pathsOfValue(value: unknown): readonly string[] {
  const under = (part: unknown, above: string): readonly string[] => {
    const path = (key: string) => (above === '' ? key : `${above}.${key}`);
    if (typeof part === 'string') return [path(part)];
    if (typeof part !== 'object' || part === null) return [];
    return Object.entries(part).flatMap(([key, inner]) => [path(key), ...under(inner, path(key))]);
  };
  return ['', ...under(value, '')];
}

/** `active.copying`, or `a.b, c.d` where regions are active side by side. */
export function leavesOf(active: readonly string[]): string {
  const leaves = active.filter((path) => !active.some((other) => other !== path && isUnder(other, path)));
  return leaves.filter((path) => path !== '').join(', ');
}

function isUnder(path: string, parent: string): boolean {
  return parent === '' ? path !== '' : path.startsWith(`${parent}.`);
}
