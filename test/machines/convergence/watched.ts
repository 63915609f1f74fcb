/**
 * A manager and its clock: its own timers fire when it armed them for, passes begin when the test says, and query-migrate
 * and the guest answer at once. What comes out is when it asked and what it ordered, so that a wrong delay is a wrong figure.
 */
import type { AnyStateMachine } from 'xstate';
import { managers } from '../../../machines/index.ts';
import { type ChartOutput, createChart } from '../../../src/core/chart.ts';
import type { RecordedEvent } from '../../../src/core/record.ts';

const GIB = 2 ** 30;

export interface Watching {
  readonly parameters?: object;
  readonly vm?: { readonly ramBytes?: number; readonly vfio?: boolean; readonly postCopy?: boolean };
  /** When each pass begins, in s, and what remains then. */
  readonly passes?: readonly (readonly [atS: number, remainingBytes: number])[];
  /** What remains at a poll. */
  readonly remaining?: (atMs: number) => number;
  /** The pass that it is at a poll. */
  readonly pass?: (atMs: number) => number;
  /** The bandwidth at a poll. */
  readonly mbps?: (atMs: number) => number;
  readonly untilS: number;
}

export interface Watched {
  /** When it asked query-migrate. */
  readonly askedMs: readonly number[];
  /** A downtime limit in ms, or what else it ordered. */
  readonly orders: readonly (readonly [atMs: number, order: number | string])[];
  /** Of the orders, in turn. */
  readonly because: readonly Readonly<Record<string, unknown>>[];
  readonly reasons: readonly string[];
}

const ORDERS: Readonly<Record<string, string>> = { START_POSTCOPY: 'postcopy', CANCEL: 'abort', STOP: 'suspend' };

export function watched(name: keyof typeof managers, watching: Watching): Watched {
  const run = new Run(name, watching);
  run.send({ type: 'MIGRATION_ACTIVE' });
  run.goOn();
  return run;
}

class Run implements Watched {
  readonly askedMs: number[] = [];
  readonly orders: [number, number | string][] = [];
  readonly because: Readonly<Record<string, unknown>>[] = [];
  readonly reasons: string[] = [];
  readonly #watching: Watching;
  readonly #chart: ReturnType<typeof createChart>;
  readonly #timers = new Map<string, { readonly dueMs: number; readonly event: RecordedEvent }>();
  #snapshot: ReturnType<ReturnType<typeof createChart>['start']>['snapshot'];
  #nowMs = 0;
  #remainingBytes: number | undefined;

  constructor(name: keyof typeof managers, watching: Watching) {
    const { machine, defaults } = managers[name];
    this.#watching = watching;
    this.#chart = createChart(machine as AnyStateMachine);
    this.#snapshot = this.#chart.start({
      parameters: { ...defaults, ...watching.parameters },
      vm: { ramBytes: GIB, vfio: false, postCopy: false, downtimeLimitMs: 300, ...watching.vm },
    }).snapshot;
  }

  /** Timers and passes in turn; of two at one instant the pass is first. */
  goOn(): void {
    const passes = [...(this.#watching.passes ?? [])];
    const untilMs = this.#watching.untilS * 1000;
    for (;;) {
      const [timer] = [...this.#timers].sort(([, a], [, b]) => a.dueMs - b.dueMs);
      const timerMs = timer?.[1].dueMs ?? Number.POSITIVE_INFINITY;
      const passMs = (passes[0]?.[0] ?? Number.POSITIVE_INFINITY) * 1000;
      this.#nowMs = Math.round(Math.min(timerMs, passMs));
      if (!(this.#nowMs <= untilMs)) return;
      if (passMs <= timerMs) {
        this.#remainingBytes = passes.shift()?.[1];
        this.send({ type: 'MIGRATION_PASS', pass: 2 });
        this.#remainingBytes = undefined;
      } else if (timer !== undefined) {
        this.#timers.delete(timer[0]);
        this.send(timer[1].event);
      }
    }
  }

  send(event: RecordedEvent): void {
    const { snapshot, outputs } = this.#chart.step(this.#snapshot, { from: 'driver', atNs: 0, ...event });
    this.#snapshot = snapshot;
    for (const output of outputs) this.#take(output);
  }

  #take(output: ChartOutput): void {
    if (output.kind === 'setTimer') {
      this.#timers.set(output.timer, { dueMs: this.#nowMs + output.delayMs, event: output.event });
    } else if (output.kind === 'clearTimer') {
      this.#timers.delete(output.timer);
    } else if (output.kind === 'routed') {
      this.#routed(output);
    }
  }

  #routed({ route, params }: Extract<ChartOutput, { kind: 'routed' }>): void {
    const data = (params ?? {}) as Readonly<Record<string, unknown>>;
    if (route.kind === 'command') {
      this.askedMs.push(this.#nowMs);
      this.send(this.#answer());
    } else if (route.kind === 'message') {
      this.orders.push([this.#nowMs, ORDERS[route.type] ?? (data.downtimeLimitMs as number)]);
      if (route.type === 'CANCEL') this.reasons.push(data.because as string);
      if (route.type === 'STOP') this.send({ type: 'GUEST_REACHED', asked: 'stopped', state: 'stopped' });
    } else if (route.kind === 'fact' && route.type === 'MANAGER_DECIDED') {
      this.because.push(data.because as Readonly<Record<string, unknown>>);
    }
  }

  #answer(): RecordedEvent {
    const { remaining = () => GIB, pass = () => 2, mbps = () => 8000 } = this.#watching;
    const polled = this.#remainingBytes === undefined;
    const ram = {
      totalBytes: GIB,
      transferredBytes: 0,
      remainingBytes: this.#remainingBytes ?? remaining(this.#nowMs),
      dirtySyncCount: pass(this.#nowMs),
      dirtyPagesPerSecond: 0,
      // At a pass nobody may look at it.
      mbps: polled ? mbps(this.#nowMs) : 123_456,
    };
    const rest = { status: 'active', totalTimeMs: this.#nowMs, downtimeLimitMs: 300 };
    return { type: 'DONE.queryMigrate', ...rest, ram } as RecordedEvent;
  }
}
