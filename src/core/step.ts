/**
 * The heart: one record in, the next system and its effects out. Pure; throws only on programmer errors (a message to a
 * chart that is not there, an order that no state takes under `strict`), and then nothing has been changed or appended.
 *
 * The record's event is delivered to its chart; messages between charts run to rest first in, first out; what is left
 * over is effects with ids `position:index`.
 */

import type { Opening } from '../../machines/messages.ts';
import { COMMANDS, type CommandName } from '../../machines/words.ts';
import type { Snapshot } from './chart.ts';
import type { Command, Effect, Timer } from './effect.ts';
import type { Address, EffectId, Input, Opened, RecordedEvent } from './record.ts';
import { DELIVERIES_MAX, type Letter, type OutputSink, putOut } from './route.ts';
import { type ChartSet, kindOf, type System } from './system.ts';

/** One event given to one chart, as a listener (inspector, transcript, coverage) sees it. */
export interface Delivery {
  readonly to: Address;
  readonly from: Address | undefined;
  readonly event: RecordedEvent;
  readonly before: Snapshot | undefined;
  readonly after: Snapshot;
  readonly taken: boolean;
}

export interface Stepped {
  readonly system: System;
  readonly effects: readonly Effect[];
  /** `late`: an answer that nobody waits for; recorded, not delivered. */
  readonly outcome: 'taken' | 'late';
}

export interface StepOptions {
  readonly listen?: ((delivery: Delivery) => void) | undefined;
  /** A message that no state takes throws: on in tests and in `check`. */
  readonly strict?: boolean | undefined;
  /** Overrides of the default time limits, by command. */
  readonly deadlinesMs?: Partial<Record<CommandName, number>> | undefined;
}

export type Stepper = ReturnType<typeof createStepper>;

/** Binds `open` and `step` to a set of charts. */
export function createStepper(charts: ChartSet, options: StepOptions = {}) {
  return {
    charts,
    /** The system of a run's first record. */
    open(opened: Opened, atNs: number): Stepped {
      const turn = new Turn(charts, options, undefined, 0, atNs);
      turn.openChart(charts.root.kind, { address: charts.root.address, input: opened.plan });
      return turn.finish('taken');
    },
    step(system: System, input: Input & { readonly position: number; readonly atNs: number }): Stepped {
      if (input.position !== system.position + 1) {
        throw new Error(`record ${input.position} does not follow record ${system.position}`);
      }
      const turn = new Turn(charts, options, system, input.position, input.atNs);
      if (input.answers !== undefined && !turn.settle(input.answers)) return turn.finish('late');
      // Not a spread with more keys behind it: V8 of Node 20 takes microseconds for each such object.
      const event = Object.assign({}, input.event, { from: input.by, atNs: input.atNs });
      turn.enqueue({ to: input.to, from: undefined, event });
      turn.run();
      return turn.finish('taken');
    },
  };
}

/** The work of one record: copies of the system's maps, a queue of letters, the effects so far. */
class Turn implements OutputSink {
  private readonly snapshots: Map<Address, Snapshot>;
  private readonly pending: Map<EffectId, Command>;
  private readonly timers: Map<EffectId, Timer>;
  private readonly effects: Effect[] = [];
  private readonly queue: Letter[] = [];
  private readonly charts: ChartSet;
  private readonly options: StepOptions;
  private readonly position: number;
  readonly atNs: number;

  constructor(charts: ChartSet, options: StepOptions, system: System | undefined, position: number, atNs: number) {
    this.charts = charts;
    this.options = options;
    this.position = position;
    this.atNs = atNs;
    this.snapshots = new Map(system?.charts);
    this.pending = new Map(system?.pending);
    this.timers = new Map(system?.timers);
  }

  /** Takes the answered command or fired timer off the lists; false when nobody waits for it. */
  settle(id: EffectId): boolean {
    return this.pending.delete(id) || this.timers.delete(id);
  }

  enqueue(letter: Letter): void {
    this.queue.push(letter);
  }

  run(): void {
    for (let delivered = 0; delivered < this.queue.length; delivered++) {
      if (delivered >= DELIVERIES_MAX)
        throw new Error(`record ${this.position}: more than ${DELIVERIES_MAX} deliveries`);
      this.deliver(this.queue[delivered] as Letter);
    }
    this.queue.length = 0;
  }

  openChart(kind: string, opening: Opening): void {
    if (this.snapshots.has(opening.address)) throw new Error(`chart ${opening.address} is already open`);
    const { snapshot, outputs } = this.charts.chart(kind, opening.address).start(opening.input);
    this.snapshots.set(opening.address, snapshot);
    this.options.listen?.({
      to: opening.address,
      from: undefined,
      event: { type: 'xstate.init' },
      before: undefined,
      after: snapshot,
      taken: true,
    });
    // `outputs` is the stepper's own array and the next step of the same kind overwrites it: copy before going on.
    putOut(this, opening.address, [...outputs]);
  }

  finish(outcome: 'taken' | 'late'): Stepped {
    this.run();
    return {
      system: {
        position: this.position,
        atNs: this.atNs,
        charts: this.snapshots,
        pending: this.pending,
        timers: this.timers,
      },
      effects: this.effects,
      outcome,
    };
  }

  private deliver(letter: Letter): void {
    const before = this.snapshots.get(letter.to);
    if (before === undefined) {
      // A driver's answer may find its chart closed; anything else told to nobody is a bug.
      if (letter.from === undefined) return;
      throw new Error(`record ${this.position}: ${letter.from} tells ${letter.to} ${letter.event.type}: no such chart`);
    }
    const { event } = letter;
    const { snapshot, outputs, taken } = this.charts.chart(kindOf(letter.to), letter.to).step(before, event);
    this.options.listen?.({ to: letter.to, from: letter.from, event, before, after: snapshot, taken });
    if (!taken && this.options.strict === true) {
      const sender = letter.from ?? 'the journal';
      throw new Error(
        `record ${this.position}: ${letter.to} in ${JSON.stringify(before.value)} does not take ${event.type} from ${sender}`,
      );
    }
    this.snapshots.set(letter.to, snapshot);
    putOut(this, letter.to, [...outputs]);
  }

  command(by: Address, name: CommandName, params: unknown): void {
    for (const [of, waiting] of this.pending) {
      if (waiting.by === by && waiting.name === name) this.abandon(of);
    }
    const deadlineMs = this.options.deadlinesMs?.[name] ?? COMMANDS[name].deadlineMs;
    const id = this.nextId();
    const deadlineNs = this.atNs + Math.round(deadlineMs * 1e6);
    const command = { kind: 'command', id, by, name, params, deadlineNs } as Command;
    this.pending.set(id, command);
    this.effects.push(command);
  }

  fact(by: Address, event: RecordedEvent): void {
    this.effects.push({ kind: 'fact', id: this.nextId(), by, event });
  }

  private abandon(of: EffectId): void {
    this.pending.delete(of);
    this.effects.push({ kind: 'abandon', id: this.nextId(), of });
  }

  setTimer(by: Address, timer: string, delayMs: number, event: RecordedEvent): void {
    this.clearTimer(by, timer);
    const id = this.nextId();
    const effect: Timer = { kind: 'setTimer', id, by, timer, dueNs: this.atNs + Math.round(delayMs * 1e6), event };
    this.timers.set(id, effect);
    this.effects.push(effect);
  }

  clearTimer(by: Address, timer: string): void {
    for (const [of, armed] of this.timers) {
      if (armed.by !== by || armed.timer !== timer) continue;
      this.timers.delete(of);
      this.effects.push({ kind: 'clearTimer', id: this.nextId(), of });
    }
  }

  closeChart(address: Address): void {
    if (!this.snapshots.delete(address)) return;
    for (const [of, command] of this.pending) if (command.by === address) this.abandon(of);
    for (const [of, timer] of this.timers) {
      if (timer.by !== address) continue;
      this.timers.delete(of);
      this.effects.push({ kind: 'clearTimer', id: this.nextId(), of });
    }
  }

  private nextId(): EffectId {
    return `${this.position}:${this.effects.length}`;
  }
}
