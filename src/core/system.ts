/**
 * The charts of one migration at rest: what a fold of records has come to. Nothing else is needed to recover: the
 * commands without an answer carry their deadlines, the armed timers their due times.
 */

import type { AnyStateMachine } from 'xstate';
import type { Kind } from '../../machines/messages.ts';
import { type Chart, createChart, type Snapshot, type WatchTransitions } from './chart.ts';
import type { Command, Timer } from './effect.ts';
import type { Address, EffectId } from './record.ts';

export interface System {
  /** Position of the last record folded. */
  readonly position: number;
  readonly atNs: number;
  readonly charts: ReadonlyMap<Address, Snapshot>;
  readonly pending: ReadonlyMap<EffectId, Command>;
  readonly timers: ReadonlyMap<EffectId, Timer>;
}

/** The kinds of chart that a system is made of, each with the stepper of its machine. */
export interface ChartSet {
  readonly root: { readonly address: Address; readonly kind: Kind };
  chart(kind: string, address: Address): Chart;
}

/**
 * Steppers for a set of machines. `policy` is looked up by the run's own choice, so that the same set of charts runs
 * with any convergence policy. `watch` is told of every transition that any of them takes.
 */
export function chartSet(
  machines: Readonly<Partial<Record<Kind, AnyStateMachine>>>,
  watch?: WatchTransitions,
): ChartSet {
  const charts = new Map<string, Chart>();
  return {
    root: { address: 'migration', kind: 'migration' },
    chart(kind) {
      let chart = charts.get(kind);
      if (chart === undefined) {
        const machine = machines[kind as Kind];
        if (machine === undefined) throw new Error(`no chart of kind "${kind}"`);
        chart = createChart(machine, watch);
        charts.set(kind, chart);
      }
      return chart;
    },
  };
}

/** Carried by a state of the root chart in which nothing happens by itself until somebody takes the run up again. */
const RESTS = 'rests';

/** Whether a run goes on by itself: `rests` until somebody takes it up again, `ended` for ever. */
export type Standing = 'goes-on' | 'rests' | 'ended';

export function standingOf(root: Pick<Snapshot, 'status' | 'hasTag'> | undefined): Standing {
  if (root?.status === 'done') return 'ended';
  return root?.hasTag(RESTS) === true ? 'rests' : 'goes-on';
}

/** `device/destination/nic0` -> `device`. */
export function kindOf(address: Address): string {
  const slash = address.indexOf('/');
  return slash === -1 ? address : address.slice(0, slash);
}
