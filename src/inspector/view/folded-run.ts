/**
 * One run, folded: any of its records can be asked for, and is what a replay from the start would be there.
 *
 * Records are folded once from the first to the last, a few at a time, and every so many the system is kept. A moment is folded
 * again from the system kept before it, so that it costs the same everywhere and nothing is remembered that could differ. A
 * record whose effects are not what they were ends it: nothing after it can be believed.
 */
import type { AnyTransitionDefinition } from 'xstate';
import type { Plan } from '../../../machines/plan.ts';
import { checksumOfEffects } from '../../core/checksum.ts';
import type { Rec } from '../../core/record.ts';
import type { Delivery, Stepped, Stepper } from '../../core/step.ts';
import { type ChartSet, kindOf, type System } from '../../core/system.ts';
import { stepperFor } from '../../run/stepper.ts';
import { idOfTaken } from '../chart/graph.ts';
import type { TapeStep } from '../page-data.ts';
import { activePaths, leavesOf } from './active.ts';
import { enteredIn } from './entered.ts';
import type { ChartAt, Folded, Instant, Told } from './instant.ts';
import { pictureOf } from './pictures.ts';
import type { Tapes } from './taped-charts.ts';
import { Visits } from './visits.ts';

/** A system is kept every so many records: a seek folds half of them again on average, at about 50 us each. */
const KEEP_EVERY = 64;

export interface Broken {
  readonly position: number;
  readonly because: string;
}

export interface FoldedRunOptions {
  /** Told of every record once, in order. */
  readonly see?: (folded: Folded) => void;
  /** In place of this package's charts. */
  readonly charts?: ChartSet | undefined;
  /** What charts of the user's own did, where the run has such. */
  readonly tapes?: Tapes | undefined;
  readonly keepEvery?: number;
}

interface Refolded {
  readonly record: Rec;
  readonly before: System | undefined;
  readonly stepped: Stepped;
  readonly system: System;
  readonly told: readonly Told[];
}

export class FoldedRun {
  readonly visits = new Visits();
  readonly #records: Rec[] = [];
  readonly #kept: System[] = [];
  readonly #options: FoldedRunOptions;
  readonly #keepEvery: number;
  #stepper: Stepper | undefined;
  #head: System | undefined;
  #broken: Broken | undefined;
  /** What the record that is being folded tells whom. */
  #told: Told[] = [];
  /** The step of a tape that was just played. */
  #taped: TapeStep | undefined;
  #refolded: Refolded | undefined;
  #transitions: string[] = [];
  #microsteps: (readonly AnyTransitionDefinition[])[] = [];

  constructor(options: FoldedRunOptions = {}) {
    this.#options = options;
    this.#keepEvery = options.keepEvery ?? KEEP_EVERY;
  }

  get records(): readonly Rec[] {
    return this.#records;
  }

  /** How many records have been folded. */
  get folded(): number {
    return this.#head === undefined ? 0 : this.#head.position + 1;
  }

  get broken(): Broken | undefined {
    return this.#broken;
  }

  append(records: readonly Rec[]): void {
    for (const record of records) this.#records.push(record);
  }

  /** Folds up to `count` further records; false when there is nothing more to fold. */
  fold(count: number): boolean {
    for (let n = 0; n < count; n++) {
      const record = this.#records[this.folded];
      if (record === undefined || this.#broken !== undefined) return false;
      this.#foldNext(record);
    }
    return this.folded < this.#records.length && this.#broken === undefined;
  }

  /** Throws a RangeError for a record that has not been folded. */
  at(position: number): Instant {
    const { system, stepped, told, record, before } = this.#refold(position);
    const now = new Set(told.map(({ to }) => to));
    const { charts } = this.#stepperFor(this.#records[0] as Rec);
    return {
      position,
      atNs: record.atNs,
      record,
      outcome: stepped.outcome,
      charts: [...system.charts].map(([address, snapshot]): ChartAt => {
        const active = activePaths(snapshot);
        const last = this.visits.lastOf(address, position);
        return {
          address,
          kind: kindOf(address),
          picture: pictureOf(charts.chart(kindOf(address), address).machine, snapshot),
          active,
          value: leavesOf(active),
          status: snapshot.status,
          context: snapshot.context,
          ...(last !== undefined && { last }),
          isToldHere: now.has(address),
        };
      }),
      closed: closedBy(before, told, system),
      told,
      effects: stepped.effects,
      pending: [...system.pending.values()],
      timers: [...system.timers.values()],
    };
  }

  /** The system itself at a record, for whoever asks more of it than an instant has. */
  systemAt(position: number): System {
    return this.#refold(position).system;
  }

  /** Records `from` up to and with `to`, as projections see them. */
  between(from: number, to: number): readonly Folded[] {
    const last = Math.min(to, this.folded - 1);
    if (from > last) return [];
    let system = from === 0 ? undefined : this.#refold(from - 1).system;
    const all: Folded[] = [];
    for (let position = from; position <= last; position++) {
      const { folded, stepped } = this.#step(system, this.#records[position] as Rec);
      all.push(folded);
      system = stepped.system;
    }
    return all;
  }

  #foldNext(record: Rec): void {
    const { position } = record;
    try {
      const { folded, stepped } = this.#step(this.#head, record);
      const effects = checksumOfEffects(stepped.effects);
      if (effects !== record.effects) {
        this.#broken = { position, because: `it caused ${hex(record.effects)} then, and ${hex(effects)} now` };
        return;
      }
      this.#head = stepped.system;
      if (position % this.#keepEvery === 0) this.#kept.push(stepped.system);
      this.visits.see(folded);
      this.#options.see?.(folded);
    } catch (error) {
      this.#broken = { position, because: (error as Error).message };
    }
  }

  /** What is asked of one moment is asked together mostly. */
  #refold(position: number): Refolded {
    const known = this.#refolded;
    if (known !== undefined && known.record === this.#records[position]) return known;
    const refolded = this.#foldAgain(position);
    this.#refolded = refolded;
    return refolded;
  }

  #foldAgain(position: number): Refolded {
    if (!(position >= 0 && position < this.folded)) throw new RangeError(`record ${position} has not been folded`);
    const kept = Math.floor((position - 1) / this.#keepEvery);
    let before = position === 0 ? undefined : this.#kept[kept];
    for (let next = kept * this.#keepEvery + 1; before !== undefined && next < position; next++) {
      before = this.#step(before, this.#records[next] as Rec).stepped.system;
    }
    const record = this.#records[position] as Rec;
    const { stepped, folded } = this.#step(before, record);
    return { record, before, stepped, system: stepped.system, told: folded.told };
  }

  #step(before: System | undefined, record: Rec): { readonly folded: Folded; readonly stepped: Stepped } {
    const stepper = this.#stepperFor(record);
    this.#told = [];
    this.#transitions = [];
    this.#microsteps = [];
    let stepped: Stepped;
    if (record.kind === 'opened') stepped = stepper.open(record.opened, record.atNs);
    else if (before === undefined) throw new Error('the first record does not open a run');
    else stepped = stepper.step(before, record);
    const told = this.#told;
    const { effects, outcome, system } = stepped;
    return { folded: { record, outcome, effects, told, closed: closedBy(before, told, system) }, stepped };
  }

  #stepperFor(record: Rec): Stepper {
    if (this.#stepper === undefined) {
      if (record.kind !== 'opened') throw new Error('the first record does not open a run');
      this.#stepper = stepperFor(record.opened, {
        charts: this.#options.charts ?? this.#tapedCharts(record.opened.plan as Plan),
        listen: (delivery) => this.#listen(delivery),
        watch: (taken) => this.#watch(taken),
      });
    }
    return this.#stepper;
  }

  #tapedCharts(plan: Plan): ChartSet | undefined {
    const took = (step: TapeStep) => {
      this.#taped = step;
    };
    return this.#options.tapes?.charts(plan, took, (taken) => this.#watch(taken));
  }

  #watch(taken: readonly AnyTransitionDefinition[]): void {
    const own = taken.filter((one) => idOfTaken(one) !== undefined);
    if (own.length > 0) this.#microsteps.push(own);
    for (const one of own) this.#transitions.push(idOfTaken(one) as string);
  }

  #listen({ to, from, event, before: left, after: reached, taken }: Delivery): void {
    const [before, after] = [left === undefined ? [] : activePaths(left), activePaths(reached)];
    this.#told.push({
      to,
      from,
      event,
      taken,
      opens: left === undefined,
      transitions: this.#taped?.transitions ?? this.#transitions,
      entered: this.#taped?.entered ?? enteredIn(before, after, this.#microsteps),
      before,
      after,
    });
    this.#transitions = [];
    this.#microsteps = [];
    this.#taped = undefined;
  }
}

/** Charts that were there before, or were opened, and are not there any more. */
function closedBy(before: System | undefined, told: readonly Told[], { charts }: System): readonly string[] {
  const opened = told.filter(({ opens }) => opens).map(({ to }) => to);
  return [...new Set([...(before?.charts.keys() ?? []), ...opened])].filter((address) => !charts.has(address));
}

const hex = (checksum: number) => `effects ${checksum.toString(16).padStart(8, '0')}`;
