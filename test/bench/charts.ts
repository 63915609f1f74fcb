/**
 * One migration's charts in three ways: stepped by the core, stepped by XState's own pure functions, and alive. All three
 * are driven by the scripted driver of the simulations, which answers at once and knows no pages.
 */
import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  type ExecutableActionsFrom,
  initialTransition,
  transition,
} from 'xstate';
import type { Plan } from '../../machines/plan.ts';
import type { Chart, ChartOutput, Snapshot } from '../../src/core/chart.ts';
import type { RecordedEvent } from '../../src/core/record.ts';
import type { Delivery } from '../../src/core/step.ts';
import type { ChartSet } from '../../src/core/system.ts';
import type { Journal } from '../../src/journal/journal.ts';
import type { Recorded } from '../../src/run/runner.ts';
import { scriptedDriver } from '../simulation/scripted-driver.ts';
import { openedFrom, smallPlan } from '../simulation/small-plan.ts';
import { built } from './bench.ts';

const { VirtualClock } = await built<typeof import('../../src/clock/virtual-clock.ts')>('src/clock/virtual-clock');
const { xstateClock } = await built<typeof import('../../src/clock/xstate-clock.ts')>('src/clock/xstate-clock');
const { live } = await built<typeof import('../../src/core/live.ts')>('src/core/live');
const { createStepper } = await built<typeof import('../../src/core/step.ts')>('src/core/step');
const { Runner } = await built<typeof import('../../src/run/runner.ts')>('src/run/runner');
const { stepperFor } = await built<typeof import('../../src/run/stepper.ts')>('src/run/stepper');

/** The small migration with so many devices in one container. */
export function planWith(devices: number): Plan {
  const all = Array.from({ length: devices }, (_, i) => ({ id: `nic${i}`, features: 7, logsDma: true }) as const);
  return smallPlan({ containers: devices === 0 ? [] : [{ id: '0', iommuTracks: true, devices: all }] });
}

/** The charts as the core steps them; one set serves every run. */
export function coreCharts(plan: Plan): ChartSet {
  return stepperFor(openedFrom(plan)).charts;
}

/** The same machines stepped by XState's `initialTransition` and `transition`. */
export function stockCharts(core: ChartSet): ChartSet {
  const charts = new Map<string, Chart>();
  return {
    root: core.root,
    chart(kind, address) {
      let chart = charts.get(kind);
      if (chart === undefined) charts.set(kind, (chart = stockChart(core.chart(kind, address).machine)));
      return chart;
    },
  };
}

function stockChart(machine: AnyStateMachine): Chart {
  return {
    machine,
    start(input) {
      const [snapshot, actions] = initialTransition(machine, input as never);
      return { snapshot: snapshot as Snapshot, outputs: outputsOf(actions) };
    },
    step(snapshot, event) {
      const [next, actions] = transition(machine, snapshot as AnyMachineSnapshot, event as never);
      return { snapshot: next as Snapshot, outputs: outputsOf(actions), taken: next !== snapshot };
    },
  };
}

/** XState's actions in the core's words. */
function outputsOf(actions: readonly ExecutableActionsFrom<AnyStateMachine>[]): ChartOutput[] {
  const outputs: ChartOutput[] = [];
  for (const action of actions) {
    // biome-ignore lint/suspicious/noExplicitAny: each type of action has params of its own.
    const { type, params, exec } = action as { type: string; params: any; exec: any };
    if (type === 'xstate.raise') {
      const { id, delay, event } = params;
      if (delay !== undefined) outputs.push({ kind: 'setTimer', timer: id, delayMs: delay, event });
    } else if (type === 'xstate.cancel') outputs.push({ kind: 'clearTimer', timer: params.sendId });
    else if (type === 'xstate.emit') outputs.push({ kind: 'emitted', event: params.event });
    else outputs.push({ kind: 'routed', action: type, route: exec.route, params });
  }
  return outputs;
}

export interface MigrateOptions {
  readonly journal?: Journal;
  readonly run?: string;
  readonly listen?: (delivery: Delivery) => void;
  readonly see?: (recorded: Recorded) => void;
}

/** One migration on the runner, from its first record to its end. Without a journal, nothing is kept. */
export function migrateOn(charts: ChartSet, plan: Plan, options: MigrateOptions = {}): void {
  const clock = new VirtualClock();
  const opened = { ...openedFrom(plan), run: options.run ?? 'bench' };
  const stepper = createStepper(charts, { deadlinesMs: plan.deadlinesMs, listen: options.listen });
  const journal = options.journal ?? NO_JOURNAL;
  const runner = new Runner(opened, { stepper, driver: scriptedDriver(clock), clock, journal });
  if (options.see !== undefined) runner.recorded$.subscribe(options.see);
  runner.open();
  runner.deliver({ to: 'migration', by: 'operator', event: { type: 'MIGRATE' } });
  while (!runner.ended && clock.step());
  if (!runner.ended) throw new Error('the migration fell silent');
}

/** One migration of living actors. */
export function migrateLive(charts: ChartSet, plan: Plan): void {
  const clock = new VirtualClock();
  const driver = scriptedDriver(clock);
  const system = live(charts, plan, {
    clock: xstateClock(clock),
    nowNs: () => clock.nowNs,
    deadlinesMs: plan.deadlinesMs,
    abandon: (id) => driver.abandon(id),
    perform: (command) => driver.perform(command, (answer) => system.answer(command.id, answer)),
  });
  system.start();
  system.deliver({ to: 'migration', by: 'operator', event: { type: 'MIGRATE' } });
  while (!system.ended && clock.step());
  if (!system.ended) throw new Error('the migration fell silent');
}

const NO_JOURNAL: Journal = {
  append() {},
  read: () => [],
  runs: () => [],
  claim() {},
  release() {},
  close() {},
};

/** What one chart was given in one migration: its input, then its events. */
export interface Life {
  readonly machine: AnyStateMachine;
  readonly input: unknown;
  readonly events: readonly RecordedEvent[];
}

/** Every chart's life in one migration. */
export function livesOf(charts: ChartSet, plan: Plan): readonly Life[] {
  const lives = new Map<string, Life & { readonly events: RecordedEvent[] }>();
  migrateOn(
    {
      root: charts.root,
      chart(kind, address) {
        const chart = charts.chart(kind, address);
        return {
          machine: chart.machine,
          start(input) {
            lives.set(address, { machine: chart.machine, input, events: [] });
            return chart.start(input);
          },
          step(snapshot, event) {
            lives.get(address)!.events.push(event);
            return chart.step(snapshot, event);
          },
        };
      },
    },
    plan,
  );
  return [...lives.values()];
}

export function liveOnCore({ input, events }: Life, chart: Chart): void {
  let { snapshot } = chart.start(input);
  for (const event of events) snapshot = chart.step(snapshot, event).snapshot;
}

/** A plain actor, without anything of ours: its timers never fire, because what they fired is among the events. */
export function liveOnActor({ machine, input, events }: Life): void {
  const actor = createActor(machine, { input, clock: STOPPED });
  actor.start();
  for (const event of events) actor.send(event);
  actor.stop();
}

const STOPPED = { setTimeout: () => 0, clearTimeout: () => {} };
