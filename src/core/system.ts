/**
 * The charts of one migration at rest: what a fold of records has come to. Nothing else is needed to recover: the
 * commands without an answer carry their deadlines, the armed timers their due times.
 */

import type { AnyStateMachine } from 'xstate';
import type { Kind } from '../../machines/messages.ts';
import { type Chart, createChart, type Snapshot } from './chart.ts';
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
 * with any convergence policy.
 */
export function chartSet(machines: Readonly<Record<Kind, AnyStateMachine>>): ChartSet {
  const charts = new Map<string, Chart>();
  return {
    root: { address: 'migration', kind: 'migration' },
    chart(kind) {
      let chart = charts.get(kind);
      if (chart === undefined) {
        const machine = machines[kind as Kind];
        if (machine === undefined) throw new Error(`no chart of kind "${kind}"`);
        chart = createChart(machine);
        charts.set(kind, chart);
      }
      return chart;
    },
  };
}

/** `device/destination/nic0` -> `device`. */
export function kindOf(address: Address): string {
  const slash = address.indexOf('/');
  return slash === -1 ? address : address.slice(0, slash);
}
