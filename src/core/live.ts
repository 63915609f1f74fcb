/**
 * The charts of one migration as running XState actors, one at each address, so that any XState inspector can attach.
 *
 * It gives the same effects with the same ids at the same times as the pure core (a test holds the two together), because it
 * keeps the core's order: messages run to rest first in, first out, and what a turn puts out goes out when the turn is over.
 * `sendTo` between actors would deliver depth first, so this file delivers. It keeps no journal and cannot be replayed or
 * recovered: a turn that throws stops everything. For that use the runner.
 */
import type { Actor, AnyStateMachine } from 'xstate';
import type { Opening } from '../../machines/messages.ts';
import { type Answer, COMMANDS, type CommandName } from '../../machines/words.ts';
import type { Command, Effect, Timer } from './effect.ts';
import { createLiveChart, type Inspector, type LiveChart } from './live-chart.ts';
import { type Clock, LiveWaits } from './live-waits.ts';
import type { Address, EffectId, Input, RecordedEvent } from './record.ts';
import { DELIVERIES_MAX, type Letter, type OutputSink, putOut } from './route.ts';
import { type ChartSet, standingOf } from './system.ts';

export interface LiveOptions {
  /** Of the actors' timers and of the commands' deadlines. */
  readonly clock: Clock;
  /** The same clock's time, integer ns: `atNs` of every event, and what deadlines count from. */
  readonly nowNs: () => number;
  /** Given to every actor as it is made. */
  readonly inspect?: Inspector | undefined;
  /** Overrides of the default time limits, by command. */
  readonly deadlinesMs?: Partial<Record<CommandName, number>> | undefined;
  /** A command to be carried out; answer it with `answer`, later. */
  readonly perform?: ((command: Command) => void) | undefined;
  /** Nobody waits for this command any more. */
  readonly abandon?: ((id: EffectId) => void) | undefined;
  /** Each turn when it is over, before its effects go out. */
  readonly watch?: ((turn: LiveTurn) => void) | undefined;
}

/** What the core would have made a record of. `late`: an answer that nobody waited for. */
export interface LiveTurn {
  readonly position: number;
  readonly atNs: number;
  readonly effects: readonly Effect[];
  readonly outcome: 'taken' | 'late';
}

export interface Live {
  /** The running actors by address; a closed chart's actor is stopped and gone. */
  readonly actors: ReadonlyMap<Address, Actor<AnyStateMachine>>;
  /** The root chart is done, or a turn threw, or it was stopped. */
  readonly ended: boolean;
  /** Opens the root chart. */
  start(): void;
  /** Takes an input, in its turn. Ignored once ended; throws before `start`. */
  deliver(input: Input): void;
  /** The answer to a command; a second one, or one after its deadline, is late and reaches nobody. */
  answer(id: EffectId, event: Answer): void;
  /** Stops every actor and timer. */
  stop(): void;
}

/** Live charts of a migration; `plan` is the root chart's input. Nothing runs before `start`. */
export function live(charts: ChartSet, plan: unknown, options: LiveOptions): Live {
  return new LiveSystem(charts, plan, options);
}

class LiveSystem implements Live, OutputSink {
  private readonly charts: ChartSet;
  private readonly plan: unknown;
  private readonly options: LiveOptions;
  private readonly open = new Map<Address, LiveChart>();
  private readonly waits: LiveWaits;
  private readonly inbox: (() => 'taken' | 'late')[] = [];
  private queue: Letter[] = [];
  private effects: Effect[] = [];
  private position = -1;
  atNs = 0;
  private busy = false;
  private over = false;

  constructor(charts: ChartSet, plan: unknown, options: LiveOptions) {
    this.charts = charts;
    this.plan = plan;
    this.options = options;
    this.waits = new LiveWaits(options.clock);
  }

  get actors(): ReadonlyMap<Address, Actor<AnyStateMachine>> {
    return new Map([...this.open].map(([address, { actor }]) => [address, actor]));
  }

  get ended(): boolean {
    return this.over;
  }

  start(): void {
    const { kind, address } = this.charts.root;
    this.enter(() => {
      this.openChart(kind, { address, input: this.plan });
      return 'taken';
    });
  }

  deliver(input: Input): void {
    if (this.position < 0) throw new Error('the live system has not been started');
    this.enter(() => {
      if (input.answers !== undefined && !this.waits.settle(input.answers)) return 'late';
      this.post(input.to, input.by, input.event);
      return 'taken';
    });
  }

  answer(id: EffectId, event: Answer): void {
    this.enter(() => {
      const by = this.waits.giverOf(id);
      if (by === undefined || !this.waits.settle(id)) return 'late';
      this.post(by, 'driver', { ...event });
      return 'taken';
    });
  }

  stop(): void {
    if (this.over) return;
    this.over = true;
    this.inbox.length = 0;
    for (const chart of this.open.values()) chart.stop();
    this.open.clear();
    this.waits.clear();
  }

  /** Turns do not overlap: what comes in while one runs waits. */
  private enter(begin: () => 'taken' | 'late'): void {
    if (this.over) return;
    this.inbox.push(begin);
    if (this.busy) return;
    this.busy = true;
    try {
      for (let next = this.inbox.shift(); next !== undefined; next = this.inbox.shift()) this.turn(next);
    } catch (error) {
      this.stop();
      throw error;
    } finally {
      this.busy = false;
    }
  }

  private turn(begin: () => 'taken' | 'late'): void {
    this.position++;
    this.atNs = this.options.nowNs();
    this.queue = [];
    this.effects = [];
    const outcome = begin();
    for (let delivered = 0; delivered < this.queue.length; delivered++) {
      if (delivered >= DELIVERIES_MAX) throw new Error(`turn ${this.position}: more than ${DELIVERIES_MAX} deliveries`);
      this.deliverLetter(this.queue[delivered] as Letter);
    }
    const { position, atNs, effects } = this;
    this.options.watch?.({ position, atNs, effects, outcome });
    for (const effect of effects) {
      // Whoever watches or performs may have stopped it.
      if (!this.over) this.carryOut(effect);
    }
    const root = this.open.get(this.charts.root.address);
    if (standingOf(root?.actor.getSnapshot()) !== 'goes-on') this.stop();
  }

  private post(to: Address, from: string, event: RecordedEvent): void {
    this.queue.push({ to, from: undefined, event: { ...event, from, atNs: this.atNs } });
  }

  private deliverLetter({ to, from, event }: Letter): void {
    const chart = this.open.get(to);
    if (chart !== undefined) putOut(this, to, chart.send(event));
    // As in the core: an input may find its chart closed; a chart that tells one that is not there is a bug.
    else if (from !== undefined)
      throw new Error(`turn ${this.position}: ${from} tells ${to} ${event.type}: no such chart`);
  }

  command(by: Address, name: CommandName, params: unknown): void {
    for (const of of this.waits.commandsOf(by, name)) this.giveUp(of);
    const deadlineMs = this.options.deadlinesMs?.[name] ?? COMMANDS[name].deadlineMs;
    const deadlineNs = this.atNs + Math.round(deadlineMs * 1e6);
    const command = { kind: 'command', id: this.nextId(), by, name, params, deadlineNs } as Command;
    this.waits.expectAnswer(command);
    this.effects.push(command);
  }

  openChart(kind: string, { address, input }: Opening): void {
    if (this.open.has(address)) throw new Error(`chart ${address} is already open`);
    const { machine } = this.charts.chart(kind, address);
    const { inspect } = this.options;
    const chart = createLiveChart(machine, address, { input, clock: this.waits.clockOf(address), inspect });
    this.open.set(address, chart);
    putOut(this, address, chart.start());
  }

  closeChart(address: Address): void {
    const chart = this.open.get(address);
    if (chart === undefined) return;
    this.open.delete(address);
    chart.stop();
    for (const of of this.waits.commandsOf(address)) this.giveUp(of);
    this.clearTimer(address);
  }

  enqueue(letter: Letter): void {
    this.queue.push(letter);
  }

  fact(by: Address, event: RecordedEvent): void {
    this.effects.push({ kind: 'fact', id: this.nextId(), by, event });
  }

  private giveUp(of: EffectId): void {
    this.waits.settle(of);
    this.effects.push({ kind: 'abandon', id: this.nextId(), of });
  }

  setTimer(by: Address, timer: string, delayMs: number, event: RecordedEvent): void {
    this.clearTimer(by, timer);
    const dueNs = this.atNs + Math.round(delayMs * 1e6);
    const effect: Timer = { kind: 'setTimer', id: this.nextId(), by, timer, dueNs, event };
    this.waits.noteTimer(effect);
    this.effects.push(effect);
  }

  clearTimer(by: Address, timer?: string): void {
    for (const of of this.waits.forgetTimers(by, timer))
      this.effects.push({ kind: 'clearTimer', id: this.nextId(), of });
  }

  private carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'command': {
        const { id, deadlineNs } = effect;
        this.waits.armDeadline(id, (deadlineNs - this.atNs) / 1e6, () => this.expire(effect));
        this.options.perform?.(effect);
        break;
      }
      case 'abandon':
        this.options.abandon?.(effect.of);
        break;
      case 'setTimer':
        this.waits.armTimer(effect, (run) => this.enter(() => this.fire(effect.by, run)));
        break;
      case 'clearTimer':
      case 'fact':
        break;
      default:
        effect satisfies never;
    }
  }

  private expire({ id, by, name }: Command): void {
    this.options.abandon?.(id);
    this.deliver({ to: by, by: 'timer', event: { type: `FAILED.${name}`, errno: 'ETIMEDOUT' }, answers: id });
  }

  /** XState sends its own event to its own actor: it carries neither `from` nor `atNs`. */
  private fire(by: Address, run: () => void): 'taken' {
    const chart = this.open.get(by);
    if (chart !== undefined) putOut(this, by, chart.during(run));
    return 'taken';
  }

  private nextId(): EffectId {
    return `${this.position}:${this.effects.length}`;
  }
}
