/**
 * The runner: step, append, act, in this order and one record at a time.
 *
 * Step is pure, so a record on which it throws never gets into a journal; nothing has acted before the append returned, so
 * a crash loses nothing. Answers, fired timers, passed deadlines and an operator's orders all come in as inputs. It knows no
 * migration: what an event means is the charts' business.
 */
import { type Observable, Subject, Subscription } from 'rxjs';
import type { Answer } from '../../machines/words.ts';
import type { Entry, RunClock } from '../clock/clock.ts';
import { checksumOfEffects } from '../core/checksum.ts';
import type { Command, Effect, Timer } from '../core/effect.ts';
import type { EffectId, Input, Opened, Rec } from '../core/record.ts';
import type { Stepped, Stepper } from '../core/step.ts';
import { type System, standingOf } from '../core/system.ts';
import type { Driver } from '../drivers/driver.ts';
import type { Journal } from '../journal/journal.ts';
import { JournalError } from '../journal/journal-error.ts';

/** One record with what it caused, as projections (reports, checkers, inspectors) take it. */
export interface Recorded {
  readonly record: Rec;
  readonly effects: readonly Effect[];
  readonly outcome: 'taken' | 'late';
  readonly system: System;
}

export interface RunnerParts {
  readonly stepper: Stepper;
  readonly driver: Driver;
  readonly clock: RunClock;
  readonly journal: Journal;
}

export class Runner {
  private readonly parts: RunnerParts;
  private readonly opened: Opened;
  private readonly inbox: Input[] = [];
  /** Clock entries by the effect that armed them: deadlines of commands, and timers. */
  private readonly entries = new Map<EffectId, Entry>();
  private readonly subject = new Subject<Recorded>();
  private current: System | undefined;
  private busy = false;
  private over: { readonly error?: unknown } | undefined;
  /** Commands from before this orchestrator, to be performed after its first record. */
  private again: ReadonlySet<EffectId> = new Set();
  private readonly factsSubscription = new Subscription();

  constructor(opened: Opened, parts: RunnerParts) {
    this.opened = opened;
    this.parts = parts;
    this.factsSubscription.add(parts.driver.facts$.subscribe((input) => this.hear(input)));
  }

  /** Every record as it is written, with its effects; completes when the run has ended, errors when it cannot go on. */
  get recorded$(): Observable<Recorded> {
    return this.subject.asObservable();
  }

  /** Undefined before `open`. */
  get system(): System | undefined {
    return this.current;
  }

  /** The root chart is done, rests, or the run cannot go on: nothing more will be recorded here. */
  get ended(): boolean {
    return this.over !== undefined;
  }

  /** Why the run could not go on; undefined while it can, and when it has ended as it should. */
  get error(): unknown {
    return this.over?.error;
  }

  /** Nothing waits to be appended: the clock may go on. */
  get idle(): boolean {
    return !this.busy;
  }

  /** Writes the first record. Throws what the journal throws. */
  open(): void {
    this.parts.journal.claim(this.opened.run);
    this.guard(() => {
      const stepped = this.parts.stepper.open(this.opened, this.parts.clock.nowNs);
      const effects = checksumOfEffects(stepped.effects);
      return this.write(
        { position: 0, atNs: this.parts.clock.nowNs, kind: 'opened', opened: this.opened, effects },
        stepped,
      );
    });
    this.guard(() => this.work());
  }

  /**
   * Goes on with a run whose records were folded to `system`: its timers and deadlines are armed anew, `order` is the next
   * record, and `again` names the commands to be performed once it is written (under their old ids). Answers that are known
   * are delivered by the caller. Throws, before anything is armed or performed, when the journal has more records than were
   * folded (somebody else went on with the run) or the clock is behind the last of them. A run that had ended ends at once.
   */
  resume(system: System, order: Input, again: ReadonlySet<EffectId>): void {
    const { journal, clock, stepper } = this.parts;
    const { run } = this.opened;
    if (clock.nowNs < system.atNs) {
      throw new RangeError(
        `the clock shows ${clock.nowNs} ns, and record ${system.position} was at ${system.atNs} ns: start it there`,
      );
    }
    journal.claim(run);
    for (const { position } of journal.read(run, system.position + 1)) {
      journal.release(run);
      throw new JournalError('conflict', 'the run has gone on since it was read', { run, position });
    }
    this.current = system;
    if (standingOf(system.charts.get(stepper.charts.root.address)) === 'ended') {
      this.stop();
      return;
    }
    for (const timer of system.timers.values()) this.arm(timer);
    for (const command of system.pending.values()) this.armDeadline(command);
    this.again = again;
    this.inbox.unshift(order);
    this.guard(() => this.work());
  }

  /** Takes an input; it becomes a record as soon as those before it are written. Ignored once the run has ended. */
  deliver(input: Input): void {
    if (this.over !== undefined) return;
    this.inbox.push(input);
    this.guard(() => this.work());
  }

  /** A driver's own word. What goes wrong has ended the run already; thrown at a stream it would end the process, too. */
  private hear(input: Input): void {
    try {
      this.deliver(input);
    } catch (error) {
      if (this.over === undefined) throw error;
    }
  }

  /** Ends without another record: the journal stays as it is and can be recovered. */
  stop(error?: unknown): void {
    if (this.over !== undefined) return;
    this.over = error === undefined ? {} : { error };
    this.factsSubscription.unsubscribe();
    for (const entry of this.entries.values()) this.parts.clock.cancel(entry);
    this.entries.clear();
    this.parts.journal.release(this.opened.run);
    if (error === undefined) this.subject.complete();
    else this.subject.error(error);
  }

  /** Runs work that must not overlap; an append that is a promise keeps the place until it has settled. */
  private guard(work: () => void | Promise<void>): void {
    if (this.busy) return;
    this.busy = true;
    try {
      const pending = work();
      if (pending === undefined) {
        this.busy = false;
        return;
      }
      pending.then(
        () => {
          this.busy = false;
          this.guard(() => this.work());
        },
        (error) => this.fail(error),
      );
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  private fail(error: unknown): void {
    this.busy = false;
    this.stop(error);
  }

  private work(): void | Promise<void> {
    // What comes before the run is open waits for its first record.
    while (this.over === undefined && this.current !== undefined) {
      const input = this.inbox.shift();
      if (input === undefined) return;
      const pending = this.take(input);
      if (pending !== undefined) return pending.then(() => this.work());
    }
  }

  private take(input: Input): void | Promise<void> {
    const { stepper, clock } = this.parts;
    const before = this.current;
    if (before === undefined) throw new Error('the run is not open');
    const position = before.position + 1;
    const atNs = clock.nowNs;
    const { to, by, event, answers } = input;
    const said = answers === undefined ? { to, by, event } : { to, by, event, answers };
    const stepped = stepper.step(before, Object.assign({ position, atNs }, said));
    const effects = checksumOfEffects(stepped.effects);
    return this.write(Object.assign({ position, atNs, kind: 'input' as const }, said, { effects }), stepped);
  }

  private write(record: Rec, stepped: Stepped): void | Promise<void> {
    const appended = this.parts.journal.append(this.opened.run, record.position, [record]);
    if (appended === undefined) return this.act(record, stepped);
    return appended.then(() => this.act(record, stepped));
  }

  private act(record: Rec, stepped: Stepped): void {
    this.current = stepped.system;
    if (record.kind === 'input' && record.answers !== undefined) this.disarm(record.answers);
    this.subject.next({ record, effects: stepped.effects, outcome: stepped.outcome, system: stepped.system });
    // A deadline that passed ends the driver's wait, too; only now, because nothing acts before its record is written.
    if (
      record.kind === 'input' &&
      record.by === 'timer' &&
      record.answers !== undefined &&
      stepped.outcome === 'taken'
    ) {
      if (record.event.type.startsWith('FAILED.')) this.parts.driver.abandon(record.answers);
    }
    for (const effect of stepped.effects) {
      // Whoever watches may have stopped the run.
      if (this.over !== undefined) return;
      this.carryOut(effect);
    }
    if (this.over !== undefined) return;
    this.performAgain(stepped.system);
    const root = stepped.system.charts.get(this.parts.stepper.charts.root.address);
    if (standingOf(root) !== 'goes-on') this.stop();
  }

  private performAgain({ pending }: System): void {
    for (const id of this.again) {
      const command = pending.get(id);
      if (command !== undefined) this.parts.driver.perform(command, (answer) => this.answer(command, answer));
    }
    this.again = new Set();
  }

  private carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'command':
        this.command(effect);
        break;
      case 'setTimer':
        this.arm(effect);
        break;
      case 'clearTimer':
        this.disarm(effect.of);
        break;
      case 'abandon':
        this.disarm(effect.of);
        this.parts.driver.abandon(effect.of);
        break;
      case 'fact':
        break;
      default:
        effect satisfies never;
    }
  }

  private command(command: Command): void {
    this.armDeadline(command);
    this.parts.driver.perform(command, (answer) => this.answer(command, answer));
  }

  private armDeadline(command: Command): void {
    const entry = this.parts.clock.at(command.deadlineNs, () => {
      this.entries.delete(command.id);
      this.deliver({
        to: command.by,
        by: 'timer',
        event: { type: `FAILED.${command.name}`, errno: 'ETIMEDOUT' },
        answers: command.id,
      });
    });
    this.entries.set(command.id, entry);
  }

  private answer(command: Command, answer: Answer): void {
    this.deliver({ to: command.by, by: 'driver', event: { ...answer }, answers: command.id });
  }

  private arm(timer: Timer): void {
    const entry = this.parts.clock.at(timer.dueNs, () => {
      this.entries.delete(timer.id);
      this.deliver({ to: timer.by, by: 'timer', event: timer.event, answers: timer.id });
    });
    this.entries.set(timer.id, entry);
  }

  private disarm(id: EffectId): void {
    const entry = this.entries.get(id);
    if (entry === undefined) return;
    this.entries.delete(id);
    this.parts.clock.cancel(entry);
  }
}
