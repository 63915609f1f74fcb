/**
 * A driver that misbehaves on a plan, around any other: commands that fail, hang, come late, or are answered twice.
 *
 * It is for tests of what stands above a driver. A command that fails or hangs here never reaches the driver inside; one
 * that is slow is done in time and answered late. It keeps the port's other promises, so that only the planned fault shows.
 */
import type { Answer, CommandName, Errno } from '../../machines/words.ts';
import type { Entry, RunClock } from '../clock/clock.ts';
import type { Command } from '../core/effect.ts';
import type { EffectId } from '../core/record.ts';
import type { Driver, Found } from './driver.ts';

export type Fault =
  /** Answered with this errno at once, and not done. */
  | { readonly kind: 'error'; readonly errno: Errno }
  /** Not done and never answered. */
  | { readonly kind: 'hang' }
  /** Done, and answered this much later, ns. */
  | { readonly kind: 'slow'; readonly byNs: number }
  /** Done, and answered twice at the same time: what no driver may do and a bad one does. */
  | { readonly kind: 'twice' };

export interface PlannedFault {
  /** From 1: which of all commands performed, or of those named `name`. The same id again is not counted again. */
  readonly nth: number;
  readonly name?: CommandName;
  readonly fault: Fault;
}

/** The same driver with faults. Throws a RangeError for an `nth` below 1. */
export function withFaults(driver: Driver, clock: RunClock, plan: readonly PlannedFault[]): Driver {
  for (const { nth } of plan) {
    if (!(Number.isInteger(nth) && nth >= 1)) throw new RangeError(`commands are counted from 1, not ${nth}`);
  }
  const faulty = new Faulty(driver, clock, plan);
  return {
    name: driver.name,
    commands: driver.commands,
    loop: driver.loop,
    verdicts: driver.verdicts,
    sizes: driver.sizes,
    facts$: driver.facts$,
    pages$: driver.pages$,
    ...(driver.progress$ === undefined ? {} : { progress$: driver.progress$ }),
    ...(driver.measured === undefined ? {} : { measured: () => driver.measured!() }),
    perform: (command, answer) => faulty.perform(command, answer),
    abandon: (id) => faulty.abandon(id),
    reconcile: (pending) => faulty.reconcile(pending),
    close: () => faulty.close(),
  };
}

class Faulty {
  readonly #driver: Driver;
  readonly #clock: RunClock;
  readonly #plan: readonly PlannedFault[];
  readonly #performed = new Map<CommandName | 'all', number>();
  /** The fault of each command that has one, by its id. */
  readonly #struck = new Map<EffectId, Fault | undefined>();
  /** Answers on the clock, so that they can be taken back. */
  readonly #late = new Map<EffectId, Entry>();

  constructor(driver: Driver, clock: RunClock, plan: readonly PlannedFault[]) {
    this.#driver = driver;
    this.#clock = clock;
    this.#plan = plan;
  }

  perform(command: Command, answer: (answer: Answer) => void): void {
    const { id } = command;
    const isNew = !this.#struck.has(id);
    if (isNew) this.#struck.set(id, this.#faultOf(command));
    const fault = this.#struck.get(id);
    switch (fault?.kind) {
      case undefined:
        this.#driver.perform(command, answer);
        break;
      case 'error':
        if (isNew) this.#answerLater(id, 0, () => answer(failed(command, fault.errno)));
        break;
      case 'hang':
        break;
      case 'slow':
        this.#driver.perform(command, (result) => this.#answerLater(id, fault.byNs, () => answer(result)));
        break;
      case 'twice':
        this.#driver.perform(command, (result) => {
          answer(result);
          this.#answerLater(id, 0, () => answer(result));
        });
        break;
      default:
        fault satisfies never;
    }
  }

  abandon(id: EffectId): void {
    const entry = this.#late.get(id);
    if (entry !== undefined) this.#clock.cancel(entry);
    this.#driver.abandon(id);
  }

  async reconcile(pending: readonly Command[]): Promise<readonly { readonly id: EffectId; readonly found: Found }[]> {
    const reached = pending.filter(({ id }) => !this.#keptFrom(id));
    const found = await this.#driver.reconcile(reached);
    const kept = pending.filter(({ id }) => this.#keptFrom(id));
    return [...found, ...kept.map((command) => ({ id: command.id, found: this.#foundOf(command) }))];
  }

  close(): void {
    for (const entry of this.#late.values()) this.#clock.cancel(entry);
    this.#driver.close();
  }

  /** The driver inside has not heard of it. */
  #keptFrom(id: EffectId): boolean {
    const kind = this.#struck.get(id)?.kind;
    return kind === 'error' || kind === 'hang';
  }

  #foundOf(command: Command): Found {
    const fault = this.#struck.get(command.id);
    return fault?.kind === 'error' ? failed(command, fault.errno) : 'not-done';
  }

  #faultOf({ name }: Command): Fault | undefined {
    const ofAll = this.#count('all');
    const ofName = this.#count(name);
    const planned = this.#plan.find((one) =>
      one.name === undefined ? one.nth === ofAll : one.name === name && one.nth === ofName,
    );
    return planned?.fault;
  }

  #count(key: CommandName | 'all'): number {
    const count = (this.#performed.get(key) ?? 0) + 1;
    this.#performed.set(key, count);
    return count;
  }

  #answerLater(id: EffectId, byNs: number, answer: () => void): void {
    const entry = this.#clock.at(this.#clock.nowNs + Math.ceil(byNs), () => {
      this.#late.delete(id);
      answer();
    });
    this.#late.set(id, entry);
  }
}

function failed({ name }: Command, errno: Errno): Answer {
  return { type: `FAILED.${name}`, errno } as Answer;
}
