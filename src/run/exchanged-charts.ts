/**
 * Charts of a run in which a policy or a manager may be exchanged for another: a branch goes on with others than its first
 * record names. Which one a chart is stands in what it was opened with (`chart`), and after that in its snapshot.
 */
import type { AnyStateMachine } from 'xstate';
import { chartsFor } from '../../machines/index.ts';
import { type Chart, createChart, type WatchTransitions } from '../core/chart.ts';
import type { ChartSet } from '../core/system.ts';

type Exchanged = 'policy' | 'manager';

/** The same charts, and any other policy and manager by name. */
export function withExchanged(charts: ChartSet, watch?: WatchTransitions): ChartSet {
  const own = { policy: exchangeable('policy', charts, watch), manager: exchangeable('manager', charts, watch) };
  return {
    root: charts.root,
    chart: (kind, address) =>
      kind === 'policy' || kind === 'manager' ? own[kind as Exchanged] : charts.chart(kind, address),
  };
}

function exchangeable(kind: Exchanged, charts: ChartSet, watch: WatchTransitions | undefined): Chart {
  /** Made when it is asked for: a run may have no manager of its own. */
  let first: Chart | undefined;
  const others = new Map<AnyStateMachine, Chart>();
  const chosen = () => {
    first ??= charts.chart(kind, kind);
    return first;
  };
  const chartOf = (machine: AnyStateMachine): Chart => {
    if (first?.machine === machine) return first;
    let chart = others.get(machine);
    if (chart === undefined) {
      chart = createChart(machine, watch);
      others.set(machine, chart);
    }
    return chart;
  };
  return {
    get machine() {
      return chosen().machine;
    },
    start(input) {
      const name = nameIn(input);
      return (name === undefined ? chosen() : chartOf(machineNamed(kind, name))).start(input);
    },
    step: (snapshot, event) => chartOf(snapshot.machine as AnyStateMachine).step(snapshot, event),
  };
}

function nameIn(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null || !('chart' in input)) return undefined;
  return typeof input.chart === 'string' ? input.chart : undefined;
}

/** Throws for a name that no policy, or no manager, has. */
function machineNamed(kind: Exchanged, name: string): AnyStateMachine {
  const charts = kind === 'policy' ? chartsFor(name) : chartsFor('qemu', name);
  const machine = charts[kind];
  if (machine === undefined) throw new Error(`no ${kind} "${name}"`);
  return machine;
}
