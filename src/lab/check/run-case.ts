/**
 * Runs one case to its end over the hardware model and brings back everything that can be judged: the report, what the world
 * really came to, the journal, and how the run stopped. It judges nothing itself (verdict.ts) and throws for nothing that a
 * migration does: an exception inside the run is one of its ends.
 */
import { VirtualClock } from '../../clock/virtual-clock.ts';
import type { Command, Effect } from '../../core/effect.ts';
import type { Rec } from '../../core/record.ts';
import { type ChartSet, type System, standingOf } from '../../core/system.ts';
import type { Driver } from '../../drivers/driver.ts';
import { createModelDriver, type Inspection, type ModelDriver } from '../../drivers/model/model-driver.ts';
import { MemoryJournal } from '../../journal/memory-journal.ts';
import { type Fenced, recover } from '../../run/recover.ts';
import type { Recorded } from '../../run/runner.ts';
import { changeEvent } from '../branch/change.ts';
import { modelSpecOf } from '../model/spec.ts';
import { type PreparedRun, prepareRun } from '../prepare.ts';
import type { Report } from '../report/report.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Case, Crash, Doubt, FaultInput, Order } from './case.ts';
import { OWN_POLICIES } from './draw/own-policies.ts';
import { Moments } from './moments.ts';
import { Neighbour, type NeighbourEnded } from './neighbour.ts';
import { commandsIn, hasStruck } from './struck.ts';

/**
 * A run that has written so many records, or lasted so long on its own clock, will not end: this project's own limits. The longest
 * that is drawn gives up after some six seconds, in passes of a millisecond with five records each.
 */
const RECORDS_MAX = 60_000;
const VIRTUAL_NS_MAX = 7_200_000_000_000;

export interface RunOptions {
  readonly charts?: ChartSet | undefined;
  /** The driver in place of the model, which the case's faults are put around; for planted mistakes. */
  readonly wrap?: ((model: ModelDriver, clock: VirtualClock) => Driver) | undefined;
}

/** How a run stopped. `silent`: nothing was left to wait for, and it had not ended. */
export type Stop =
  | { readonly kind: 'ended' }
  | { readonly kind: 'silent'; readonly atNs: number }
  | { readonly kind: 'endless'; readonly atNs: number; readonly records: number }
  | { readonly kind: 'threw'; readonly error: unknown };

export interface CaseRun {
  readonly one: Case;
  readonly scenario: Scenario;
  readonly stop: Stop;
  readonly report: Report;
  readonly inspection: Inspection;
  readonly model: ModelDriver;
  readonly records: readonly Rec[];
  readonly recorded: readonly Recorded[];
  /** What the charts have come to; undefined when not even the first record was written. */
  readonly system: System | undefined;
  /** Every command that was given, in order. */
  readonly given: readonly Command[];
  /** Faults whose command was given, or whose time had come. */
  readonly struck: readonly FaultInput[];
  /** The first record after which the guest ran on both hosts. */
  readonly twoGuestsAt: number | undefined;
  /** The orchestrator died and came back. */
  readonly crashed: boolean;
  readonly cancelled: boolean;
  /** What was done about the doubts in which the run rested, in order. */
  readonly settled: readonly Doubt[];
  /** What became of the other migration on the link. */
  readonly neighbour: NeighbourEnded | undefined;
}

export async function runCase(one: Case, scenario: Scenario, options: RunOptions = {}): Promise<CaseRun> {
  const clock = new VirtualClock();
  const neighbour = one.neighbour === undefined ? undefined : new Neighbour(clock, scenario.link);
  let world: ModelDriver | undefined;
  const journal = new MemoryJournal();
  const prepared = prepareRun(scenario, {
    clock,
    driver: (its) => {
      world = createModelDriver(modelSpecOf(its), clock, { share: neighbour?.share });
      return options.wrap?.(world, clock) ?? world;
    },
    journal,
    strict: true,
    charts: options.charts,
    continues: one.pause === undefined,
    policy: one.own === undefined ? undefined : OWN_POLICIES[one.own],
    ...branchOf(one, scenario),
    shadows: one.ownShadows?.map((name) => OWN_POLICIES[name]),
  });
  const model = world as unknown as ModelDriver;
  const course = new Course(prepared, clock, model, options);
  let stop: Stop;
  try {
    neighbour?.start();
    stop = await course.run(one);
  } catch (error) {
    stop = { kind: 'threw', error };
  }
  const { recorded } = course;
  const given = commandsIn(recorded);
  const run: CaseRun = {
    one,
    // With what was handed over in it.
    scenario: prepared.opened.scenario as Scenario,
    stop,
    report: prepared.report(),
    inspection: model.inspect(),
    model,
    records: [...journal.read(prepared.opened.run)],
    recorded,
    system: prepared.runner.system,
    given,
    struck: (one.input.faults ?? []).filter((_, i) => hasStruck(scenario.faults![i]!, given, clock.nowNs)),
    twoGuestsAt: course.twoGuestsAt,
    crashed: course.crashed,
    cancelled: recorded.some(({ record }) => record.kind === 'input' && record.event.type === 'CANCEL'),
    settled: course.settled,
    neighbour: undefined,
  };
  prepared.runner.stop();
  prepared.driver.close();
  // It is told last, so that the rest is what was there when the run ended.
  return neighbour === undefined || stop.kind === 'threw' ? run : { ...run, neighbour: neighbour.finish() };
}

/** As a branch's own journal has it: its first record says where it came from. */
function branchOf({ branch }: Case, scenario: Scenario) {
  if (branch === undefined) return {};
  const { after, change } = branch;
  const event = changeEvent(scenario, change, { atNs: 0, inPreCopy: true });
  if (event === undefined) return {};
  return {
    origin: { run: 'parent', position: after, atNs: 0, changes: change },
    branches: [{ position: after + 1, atNs: 0, after: 'record' as const, event }],
  };
}

/** The way of one run, through the orchestrators that it has. */
class Course {
  readonly recorded: Recorded[] = [];
  twoGuestsAt: number | undefined;
  crashed = false;
  readonly settled: Doubt[] = [];
  readonly #prepared: PreparedRun;
  readonly #clock: VirtualClock;
  readonly #model: ModelDriver;
  readonly #options: RunOptions;
  readonly #moments = new Moments();
  #handingOver = false;
  #orders: readonly Order[] = [];
  #pause: Case['pause'];
  /** What the orchestrator that is at work dies of. */
  #crash: Crash | undefined;
  #dead = false;

  constructor(prepared: PreparedRun, clock: VirtualClock, model: ModelDriver, options: RunOptions) {
    this.#prepared = prepared;
    this.#clock = clock;
    this.#model = model;
    this.#options = options;
  }

  async run({ crash, secondCrash, doubts = [], orders = [], pause }: Case): Promise<Stop> {
    this.#pause = pause;
    this.#orders = orders;
    this.#crash = crash;
    this.#watch();
    this.#prepared.start();
    let stop = this.#drive();
    for (const next of [secondCrash, undefined]) {
      if (stop !== undefined || this.#crash === undefined) break;
      this.crashed = true;
      this.#prepared.runner.stop();
      this.#clock.runUntil(this.#clock.nowNs + this.#crash.deadMs * 1e6);
      this.#crash = next;
      this.#dead = false;
      await this.#recover(undefined);
      stop = this.#drive();
    }
    for (const doubt of doubts) {
      if (stop?.kind !== 'ended' || this.#standing() !== 'rests') break;
      // The second host that is fenced is refused before anything is written: recover's own tests have it.
      if (doubt !== 'asked' && this.settled.some((before) => before !== 'asked')) continue;
      this.settled.push(doubt);
      this.#crash = undefined;
      this.#dead = false;
      await this.#recover(doubt === 'asked' ? undefined : doubt === 'source-fenced' ? 'source' : 'destination');
      stop = this.#drive();
    }
    return stop as Stop;
  }

  /** Undefined when the orchestrator dies first. */
  #drive(): Stop | undefined {
    const { runner } = this.#prepared;
    while (!this.#dead && !runner.ended) {
      const { nowNs } = this.#clock;
      if (!this.#clock.step()) return { kind: 'silent', atNs: nowNs };
      if (this.recorded.length > RECORDS_MAX || nowNs > VIRTUAL_NS_MAX) {
        return { kind: 'endless', atNs: nowNs, records: this.recorded.length };
      }
    }
    // An orchestrator that dies before its effects go out ends its runner, and not the run.
    return this.#dead && this.#standing() === 'goes-on' ? undefined : { kind: 'ended' };
  }

  #standing(): ReturnType<typeof standingOf> {
    return standingOf(this.#prepared.runner.system?.charts.get('migration'));
  }

  async #recover(fenced: Fenced | undefined): Promise<void> {
    const { opened, driver, journal } = this.#prepared;
    const records = [...(journal as MemoryJournal).read(opened.run)];
    const parts = { driver, clock: this.#clock, journal };
    const { runner, go } = await recover(records, parts, { strict: true, charts: this.#options.charts, fenced });
    this.#prepared.takeOver(runner, () => {
      this.#watch();
      go();
    });
    if (runner.system?.charts.get('migration')?.matches({ reversible: 'pre-switchover' }) === true) {
      runner.deliver({ to: 'migration', by: 'operator', event: { type: this.#pause?.order ?? 'CONTINUE' } });
    }
  }

  #watch(): void {
    this.#prepared.runner.recorded$.subscribe({ next: (one) => this.#see(one), error: () => {} });
  }

  #see(one: Recorded): void {
    this.recorded.push(one);
    this.#moments.see(one);
    for (const order of this.#orders) if (this.#moments.isNow(order.after)) this.#give(order, one);
    if (this.#pause !== undefined && one.effects.some(isPaused)) this.#endPause(this.#pause);
    if (this.#crash !== undefined && this.#moments.isNow(this.#crash.after)) {
      this.#dead = true;
      if (this.#crash.effects === 'unsent') this.#prepared.runner.stop();
    }
    this.#handingOver ||= one.effects.some((effect) => effect.kind === 'command' && effect.name === 'startDestination');
    if (!this.#handingOver || this.twoGuestsAt !== undefined) return;
    const { sourceRuns, destinationRuns } = this.#model.inspect();
    if (sourceRuns && destinationRuns) this.twoGuestsAt = one.record.position;
  }

  #endPause({ order, afterMs }: NonNullable<Case['pause']>): void {
    this.#clock.at(this.#clock.nowNs + afterMs * 1e6, () => {
      this.#prepared.runner.deliver({ to: 'migration', by: 'operator', event: { type: order } });
    });
  }

  #give({ order, device }: Order, { system }: Recorded): void {
    const to = order === 'PLUG' || order === 'UNPLUG' ? 'hot-plug' : 'migration';
    // Who plugs where nothing is plugged, or before there is anybody to ask, is not heard.
    if (!system.charts.has(to)) return;
    const event = device === undefined ? { type: order } : { type: order, device };
    this.#prepared.runner.deliver({ to, by: 'operator', event });
  }
}

function isPaused(effect: Effect): boolean {
  return effect.kind === 'fact' && effect.event.type === 'STATUS_CHANGED' && effect.event.status === 'pre-switchover';
}
