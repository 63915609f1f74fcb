/**
 * A driver that misbehaves on a plan, around any other: commands that fail, hang, come late, are never answered or twice.
 *
 * A command that fails or hangs never reaches the driver inside, unless the plan says that it is done all the same. Where
 * failing means that hardware rests midway or that a log is emptied for nothing, the driver inside is told (mishaps.ts);
 * one that cannot be told refuses such a plan. It keeps the port's other promises, so that only the planned fault shows.
 */
import type { Answer, CommandName, DeviceState, Errno } from '../../machines/words.ts';
import type { Entry, RunClock } from '../clock/clock.ts';
import type { Command } from '../core/effect.ts';
import type { EffectId } from '../core/record.ts';
import { concernsDevice } from './device-named.ts';
import type { Driver, Found } from './driver.ts';
import type { Mishaps } from './mishaps.ts';

export type Fault =
  /** Answered with this errno at once, and not done. */
  | { readonly kind: 'error'; readonly errno: Errno }
  /** Done, and answered with this errno all the same; a log that was read for it has been emptied for nobody. */
  | { readonly kind: 'done-error'; readonly errno: Errno }
  /** A SET that fails with this errno and rests there: on its way, or in ERROR. */
  | { readonly kind: 'midway'; readonly errno: Errno; readonly restsIn: DeviceState }
  /** Not done and never answered. */
  | { readonly kind: 'hang' }
  /** Done and never answered. */
  | { readonly kind: 'silent' }
  /** Done, and answered this much later, ns. */
  | { readonly kind: 'slow'; readonly byNs: number }
  /** Done, and answered twice at the same time: what no driver may do and a bad one does. */
  | { readonly kind: 'twice' };

export interface PlannedFault {
  /** From 1: which of all commands performed, or of those that `name` and `of` leave. The same id again is not counted again. */
  readonly nth: number;
  readonly name?: CommandName;
  /** Only those that concern this device: `nic0` on the source, `destination/nic0`. */
  readonly of?: string;
  readonly fault: Fault;
}

/**
 * The same driver with faults. Of two faults for one command the first in the plan strikes. Throws a RangeError for an `nth`
 * below 1, and for a SET that is to rest midway where the driver inside cannot be told.
 */
export function withFaults(driver: Driver, clock: RunClock, plan: readonly PlannedFault[]): Driver {
  for (const { nth, fault } of plan) {
    if (!(Number.isInteger(nth) && nth >= 1)) throw new RangeError(`commands are counted from 1, not ${nth}`);
    if (fault.kind === 'midway' && driver.mishaps === undefined) {
      throw new RangeError(`the driver ${driver.name} has no device that could rest in ${fault.restsIn}`);
    }
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
    ...(driver.mishaps === undefined ? {} : { mishaps: driver.mishaps }),
    perform: (command, answer) => faulty.perform(command, answer),
    abandon: (id) => faulty.abandon(id),
    reconcile: (pending) => faulty.reconcile(pending),
    close: () => faulty.close(),
  };
}

class Faulty {
  readonly #driver: Driver;
  readonly #clock: RunClock;
  readonly #plan: readonly { readonly planned: PlannedFault; counted: number }[];
  /** The fault of each command that has one, by its id. */
  readonly #struck = new Map<EffectId, Fault | undefined>();
  /** Answers on the clock, so that they can be taken back. */
  readonly #late = new Map<EffectId, Entry>();

  constructor(driver: Driver, clock: RunClock, plan: readonly PlannedFault[]) {
    this.#driver = driver;
    this.#clock = clock;
    this.#plan = plan.map((planned) => ({ planned, counted: 0 }));
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
      case 'done-error':
      case 'midway':
        if (isNew) tell(this.#driver.mishaps, command, fault);
        this.#driver.perform(command, () => answer(failed(command, fault.errno)));
        break;
      case 'hang':
        break;
      case 'silent':
        this.#driver.perform(command, () => {});
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
    const found = (await this.#driver.reconcile(reached)).map((one) => this.#asTold(one, reached));
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

  /** What was done and told as a failure is the same failure when it is asked for again. */
  #asTold(one: { readonly id: EffectId; readonly found: Found }, pending: readonly Command[]) {
    const fault = this.#struck.get(one.id);
    const command = pending.find(({ id }) => id === one.id);
    const answered = typeof one.found !== 'string';
    if (command === undefined || !answered || (fault?.kind !== 'done-error' && fault?.kind !== 'midway')) return one;
    return { id: one.id, found: failed(command, fault.errno) };
  }

  /** Every plan counts for itself. */
  #faultOf(command: Command): Fault | undefined {
    let struck: Fault | undefined;
    for (const one of this.#plan) {
      const { name, of, nth, fault } = one.planned;
      if ((name !== undefined && name !== command.name) || (of !== undefined && !concernsDevice(command, of))) continue;
      one.counted += 1;
      if (one.counted === nth) struck ??= fault;
    }
    return struck;
  }

  #answerLater(id: EffectId, byNs: number, answer: () => void): void {
    const entry = this.#clock.at(this.#clock.nowNs + Math.ceil(byNs), () => {
      this.#late.delete(id);
      answer();
    });
    this.#late.set(id, entry);
  }
}

/** What of this failure only the driver inside can let happen. */
function tell(
  mishaps: Mishaps | undefined,
  command: Command,
  fault: Extract<Fault, { kind: 'done-error' | 'midway' }>,
): void {
  if (mishaps === undefined) return;
  if (command.name === 'setDeviceState') {
    mishaps.failSet(command, fault.errno, fault.kind === 'midway' ? fault.restsIn : command.params.target);
  }
  if (command.name === 'reportDirty' || command.name === 'getDirtyLog') mishaps.lose(command);
}

function failed({ name }: Command, errno: Errno): Answer {
  return { type: `FAILED.${name}`, errno } as Answer;
}
