/**
 * What a live system waits for: commands without an answer, with their deadlines, and the timers of its actors.
 *
 * XState's actors ask for their timeouts in the middle of a turn. They are kept back and armed when the turn is over, each at
 * its effect's place among the other effects, because a clock fires what is due at one time in the order of asking.
 */
import type { ActorOptions, AnyStateMachine } from 'xstate';
import type { Command, Timer } from './effect.ts';
import type { Address, EffectId } from './record.ts';

/** What XState takes as an actor's `clock`: milliseconds, fractions allowed. */
export type Clock = NonNullable<ActorOptions<AnyStateMachine>['clock']>;

/** A timeout that an actor asked for; `entry` is the clock's, once armed. */
interface Timeout {
  readonly run: () => void;
  readonly delayMs: number;
  cancelled: boolean;
  entry: unknown;
}

export class LiveWaits {
  private readonly clock: Clock;
  private readonly commands = new Map<EffectId, { readonly command: Command; deadline: unknown }>();
  private readonly timers = new Map<EffectId, Timer>();
  /** Asked for and not armed yet, by the actor's address, in the order of asking. */
  private readonly asked = new Map<Address, Timeout[]>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  expectAnswer(command: Command): void {
    this.commands.set(command.id, { command, deadline: undefined });
  }

  /** Who gave the command; undefined when nobody waits for its answer. */
  giverOf(id: EffectId): Address | undefined {
    return this.commands.get(id)?.command.by;
  }

  commandsOf(by: Address, name?: string): readonly EffectId[] {
    const given = [...this.commands.values()].map(({ command }) => command);
    return given.filter((command) => command.by === by && (name ?? command.name) === command.name).map(({ id }) => id);
  }

  /** Takes a command off the list, with its deadline; false when it was not there. */
  settle(id: EffectId): boolean {
    const waiting = this.commands.get(id);
    if (waiting?.deadline !== undefined) this.clock.clearTimeout(waiting.deadline);
    return this.commands.delete(id);
  }

  /** Nothing is armed for a command that the same turn has given up again. */
  armDeadline(id: EffectId, delayMs: number, expire: () => void): void {
    const waiting = this.commands.get(id);
    if (waiting !== undefined) waiting.deadline = this.clock.setTimeout(expire, delayMs);
  }

  /** The clock that the actor at this address is given. */
  clockOf(address: Address): Clock {
    return {
      setTimeout: (run: () => void, delayMs: number) => {
        const timeout: Timeout = { run, delayMs, cancelled: false, entry: undefined };
        const asked = this.asked.get(address);
        if (asked === undefined) this.asked.set(address, [timeout]);
        else asked.push(timeout);
        return timeout;
      },
      clearTimeout: (timeout: Timeout) => {
        timeout.cancelled = true;
        if (timeout.entry !== undefined) this.clock.clearTimeout(timeout.entry);
      },
    };
  }

  noteTimer(timer: Timer): void {
    this.timers.set(timer.id, timer);
  }

  /** Takes timers off the list; their actor has taken the timeouts back itself. Returns their ids. */
  forgetTimers(by: Address, name?: string): readonly EffectId[] {
    const gone = [...this.timers.values()].filter((timer) => timer.by === by && (name ?? timer.timer) === timer.timer);
    for (const { id } of gone) this.timers.delete(id);
    return gone.map(({ id }) => id);
  }

  /** Arms the timeout that belongs to this timer; `fire` is given what wakes the actor. */
  armTimer({ id, by }: Timer, fire: (run: () => void) => void): void {
    const timeout = this.asked.get(by)?.shift();
    if (timeout === undefined || timeout.cancelled) return;
    timeout.entry = this.clock.setTimeout(() => {
      this.timers.delete(id);
      // It may have to wait for its turn, and be taken back meanwhile.
      fire(() => timeout.cancelled || timeout.run());
    }, timeout.delayMs);
  }

  /** Gives back every deadline; the actors' own timeouts go when they are stopped. */
  clear(): void {
    for (const id of [...this.commands.keys()]) this.settle(id);
    this.timers.clear();
    this.asked.clear();
  }
}
