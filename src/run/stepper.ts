/**
 * The stepper of one run: the charts that its first record names, with its policy and its time limits. A run and its replay
 * make theirs here, so that they cannot differ.
 */
import { chartsFor } from '../../machines/index.ts';
import type { Plan } from '../../machines/plan.ts';
import type { WatchTransitions } from '../core/chart.ts';
import type { Opened } from '../core/record.ts';
import { createStepper, type Delivery, type Stepper } from '../core/step.ts';
import { type ChartSet, chartSet } from '../core/system.ts';
import { withExchanged } from './exchanged-charts.ts';
import { isObserved, observedCharts } from './observed-charts.ts';
import { withShadows } from './shadow-charts.ts';

export interface StepperOptions {
  /** A message that no state takes throws; for tests and checks. */
  readonly strict?: boolean | undefined;
  readonly listen?: ((delivery: Delivery) => void) | undefined;
  /**
   * Charts in place of this package's, for instance with a guard or an action given by XState's `provide`. What a run made
   * with them left behind folds only with them.
   */
  readonly charts?: ChartSet | undefined;
  /** Told of every transition that any chart takes, microsteps included; not of those of `charts`, which have their own. */
  readonly watch?: WatchTransitions | undefined;
}

/** Steppers of machines cost a millisecond to warm up and hold no run's state: one set serves every run with a policy. */
const chartSets = new Map<string, ChartSet>();

export function stepperFor(opened: Opened, options: StepperOptions = {}): Stepper {
  const { watch } = options;
  if (isObserved(opened)) return createStepper(observedCharts(watch), options);
  const plan = opened.plan as Plan;
  const charts = withShadows(options.charts ?? chartsOf(plan, watch), plan.shadows, watch);
  // Only a run that was branched exchanges its policy or its manager.
  const all = opened.origin === undefined ? charts : withExchanged(charts, watch);
  return createStepper(all, Object.assign({}, options, { deadlinesMs: plan.deadlinesMs }));
}

function chartsOf({ policy, manager }: Plan, watch: WatchTransitions | undefined): ChartSet {
  // Who watches would be told of every other run, too.
  if (watch !== undefined) return chartSet(chartsFor(policy.name, manager?.name), watch);
  const key = `${policy.name} ${manager?.name ?? ''}`;
  let charts = chartSets.get(key);
  if (charts === undefined) {
    charts = chartSet(chartsFor(policy.name, manager?.name));
    chartSets.set(key, charts);
  }
  return charts;
}
