/** Charts of a run that policies watch as shadows: which chart stands at `shadow/0` its plan says, not the kind. */
import type { AnyStateMachine } from 'xstate';
import { policies, shadowOf } from '../../machines/index.ts';
import type { Plan } from '../../machines/plan.ts';
import { type Chart, createChart, type WatchTransitions } from '../core/chart.ts';
import type { ChartSet } from '../core/system.ts';

/** By machine: a shadow's stepper holds no run's state, and warms up once. */
const known = new WeakMap<AnyStateMachine, Chart>();

/** The same charts, and the plan's shadows; one of a name that no policy has must be in `charts` already. */
export function withShadows(charts: ChartSet, shadows: Plan['shadows'] = [], watch?: WatchTransitions): ChartSet {
  if (shadows.length === 0) return charts;
  // Who watches would be told of every other run, too.
  const made = watch === undefined ? known : new WeakMap<AnyStateMachine, Chart>();
  return {
    root: charts.root,
    chart(kind, address) {
      const machine = kind === 'shadow' ? policies[shadows[indexOf(address)]?.name ?? '']?.machine : undefined;
      return machine === undefined ? charts.chart(kind, address) : shadowChart(machine, watch, made);
    },
  };
}

/** The stepper of a machine that only watches. Throws a RangeError for one that would do more. */
export function shadowChart(machine: AnyStateMachine, watch?: WatchTransitions, made = known): Chart {
  let chart = made.get(machine);
  if (chart === undefined) {
    chart = createChart(shadowOf(machine), watch);
    made.set(machine, chart);
  }
  return chart;
}

/** `shadow/1` -> 1 */
export function indexOf(address: string): number {
  return Number(address.slice(address.indexOf('/') + 1));
}
