/**
 * One chart three ways at once, fed with the same events: the fast stepper of the core, XState's own pure functions, and a
 * live actor on a virtual clock. After each event their states and what they put out must be the same.
 */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyTransitionDefinition,
  initialTransition,
  transition,
} from 'xstate';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { xstateClock } from '../../src/clock/xstate-clock.ts';
import type { Chart, ChartOutput } from '../../src/core/chart.ts';
import { createLiveChart, type LiveChart } from '../../src/core/live-chart.ts';
import type { RecordedEvent } from '../../src/core/record.ts';

/** A timer that the pure ways would have armed. */
interface Armed {
  readonly dueNs: number;
  readonly event: RecordedEvent;
}

export class ThreeWays {
  /** XState's own pure way; events are chosen by it. */
  stock: AnyMachineSnapshot;
  readonly clock = new VirtualClock();
  private readonly fast: Chart;
  private fastSnapshot: AnyMachineSnapshot;
  private readonly live: LiveChart;
  private readonly machine: AnyStateMachine;
  private readonly timers = new Map<string, Armed>();
  private readonly taken: (transitions: readonly AnyTransitionDefinition[]) => void;
  /** Transitions that the live actor selected for the event itself, before any `always`. */
  private selected: readonly AnyTransitionDefinition[] | undefined;
  private readonly history: unknown[];

  /** `fast` outlives the run, as in the core: its one scope serves every chart of the machine. */
  constructor(
    machine: AnyStateMachine,
    fast: Chart,
    input: unknown,
    taken: (transitions: readonly AnyTransitionDefinition[]) => void,
  ) {
    this.machine = machine;
    this.fast = fast;
    this.taken = taken;
    this.history = [input];
    const started = fast.start(input);
    this.fastSnapshot = started.snapshot;
    const [stock, actions] = initialTransition(machine, input as never);
    this.stock = stock as AnyMachineSnapshot;
    this.live = createLiveChart(machine, machine.id, {
      input,
      clock: xstateClock(this.clock),
      inspect: (seen) => {
        if (seen.type !== '@xstate.microstep') return;
        this.selected ??= seen._transitions;
        this.taken(seen._transitions.filter(({ eventType }) => eventType !== null));
      },
    });
    this.compare([...started.outputs], outputsOf(actions), this.live.start(), true);
  }

  /** Timers that wait, soonest first. */
  get armed(): readonly Armed[] {
    return [...this.timers.values()].sort((a, b) => a.dueNs - b.dueNs);
  }

  get done(): boolean {
    return this.stock.status !== 'active';
  }

  send(event: RecordedEvent): void {
    this.step(event, () => this.live.send(event));
  }

  /** The soonest timer fires: the pure ways are told, the live actor's clock runs on. */
  fire(): void {
    const [next] = this.armed;
    if (next === undefined) throw new Error('no timer is armed');
    const event = { ...next.event, from: 'timer', atNs: next.dueNs };
    for (const [name, timer] of this.timers) if (timer === next) this.timers.delete(name);
    this.step(event, () => this.live.during(() => this.clock.runUntil(next.dueNs)));
  }

  stop(): void {
    this.live.stop();
  }

  private step(event: RecordedEvent, moveLive: () => readonly ChartOutput[]): void {
    this.history.push(event);
    const stepped = this.fast.step(this.fastSnapshot, event);
    const wasTaken = (this.machine.getTransitionData(this.stock, event)?.length ?? 0) > 0;
    const [stock, actions] = transition(this.machine, this.stock, event as never);
    this.fastSnapshot = stepped.snapshot;
    this.stock = stock as AnyMachineSnapshot;
    this.selected = undefined;
    const put = moveLive();
    this.same('taken', stepped.taken, wasTaken, (this.selected ?? []).length > 0);
    this.compare([...stepped.outputs], outputsOf(actions), put, false);
  }

  private compare(
    fast: readonly ChartOutput[],
    stock: readonly ChartOutput[],
    live: readonly ChartOutput[],
    first: boolean,
  ): void {
    const lived = this.live.actor.getSnapshot();
    this.same('state', this.fastSnapshot.value, this.stock.value, lived.value);
    this.same('context', this.fastSnapshot.context, this.stock.context, lived.context);
    this.same('status', this.fastSnapshot.status, this.stock.status, lived.status);
    this.same('output', this.fastSnapshot.output, this.stock.output, lived.output);
    this.same(first ? 'first outputs' : 'outputs', fast, stock, live);
    this.noteTimers(stock);
    const waiting = this.done ? 0 : this.timers.size;
    const soonestNs = this.done ? undefined : this.armed[0]?.dueNs;
    this.same('timers', waiting, this.clock.waitingEntries, waiting);
    this.same('soonest timer', soonestNs, this.clock.nextDueNs(), soonestNs);
  }

  private noteTimers(outputs: readonly ChartOutput[]): void {
    for (const output of outputs) {
      if (output.kind === 'clearTimer') this.timers.delete(output.timer);
      if (output.kind === 'setTimer') {
        const dueNs = this.clock.nowNs + Math.round(output.delayMs * 1e6);
        this.timers.set(output.timer, { dueNs, event: output.event });
      }
    }
  }

  private same(what: string, fast: unknown, stock: unknown, live: unknown): void {
    if (isDeepStrictEqual(fast, stock) && isDeepStrictEqual(stock, live)) return;
    const after = `${this.machine.id}: ${what} after ${JSON.stringify(this.history)}`;
    expect(fast, `the fast stepper's ${after}`).toStrictEqual(stock);
    expect(live, `the live actor's ${after}`).toStrictEqual(stock);
    throw new Error(`not deeply equal: ${after}`);
  }
}

/** XState's executable actions in the core's words, translated apart from the core. */
function outputsOf(actions: readonly { readonly type: string; readonly params?: unknown; readonly exec?: unknown }[]) {
  return actions.flatMap(({ type, params, exec }): ChartOutput[] => {
    // biome-ignore lint/suspicious/noExplicitAny: each type of action has params of its own.
    const { id, delay, event, sendId } = (params ?? {}) as any;
    if (type === 'xstate.emit') return [{ kind: 'emitted', event }];
    if (type === 'xstate.cancel') return [{ kind: 'clearTimer', timer: sendId }];
    if (type === 'xstate.raise')
      return delay === undefined ? [] : [{ kind: 'setTimer', timer: id, delayMs: delay, event }];
    // biome-ignore lint/suspicious/noExplicitAny: the route is the core's own mark on an action.
    return [{ kind: 'routed', action: type, route: (exec as any).route, params }];
  });
}
