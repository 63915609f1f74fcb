/** What leads out of where a chart stands, and whether each would hold now. */
import type { AnyStateNode } from 'xstate';
import type { Snapshot } from '../../core/chart.ts';
import { idOfTaken } from '../chart/graph.ts';
import { guardHolds, type Holds } from '../guard-holds.ts';

/** By the ids of transitions as in the chart's picture, of all active states; of a chart whose code is not here, none. */
export type Exits = Readonly<Record<string, Holds>>;

export function exitsOf(snapshot: Snapshot): Exits {
  const nodes = (snapshot as { readonly _nodes?: readonly AnyStateNode[] })._nodes ?? [];
  const transitions = nodes.flatMap((node) => [...[...node.transitions.values()].flat(), ...(node.always ?? [])]);
  return Object.fromEntries(
    transitions.flatMap((one) => {
      const id = idOfTaken(one);
      return id === undefined ? [] : [[id, guardHolds(snapshot.machine, snapshot, one)]];
    }),
  );
}
