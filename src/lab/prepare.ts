/**
 * Everything that one modelled run needs, put together and not yet started: clock, driver, runner, report, checkers.
 * `migrate` paces it for a program or a person, `rehearse` runs it at once, `re-run` holds it to a journal.
 */
import type { Plan } from '../../machines/plan.ts';
import { createCheckers } from '../checkers/index.ts';
import type { RunClock } from '../clock/clock.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { Effect } from '../core/effect.ts';
import type { Input, Opened, Origin } from '../core/record.ts';
import type { Driver } from '../drivers/driver.ts';
import { createModelDriver } from '../drivers/model/model-driver.ts';
import type { PageArena } from '../hardware/kernels/page-arena.ts';
import type { Journal } from '../journal/journal.ts';
import { MemoryJournal } from '../journal/memory-journal.ts';
import { fencedIn } from '../run/recover.ts';
import { Runner } from '../run/runner.ts';
import { type StepperOptions, stepperFor } from '../run/stepper.ts';
import { VERSION } from '../version.ts';
import { type BranchedEvent, branchedInput, changing, isBranched, type RecordedBranch } from './branch/recorded.ts';
import { withScenarioFaults } from './model/faults.ts';
import { modelSpecOf } from './model/spec.ts';
import { planOf } from './plan.ts';
import { withDeciders } from './policy/deciding-driver.ts';
import {
  decidersIn,
  fingerprintOf,
  type GivenPolicies,
  type OwnPolicies,
  ownCharts,
  requireFor,
  withGiven,
} from './policy/own-policies.ts';
import { PostCopyOperator, type PostCopyOrder } from './post-copy-operator.ts';
import { ReportProjection } from './report/projection.ts';
import type { Check, Report } from './report/report.ts';
import { deviceOrders } from './scenario/hot-plug.ts';
import type { Scenario } from './scenario/scenario.ts';

export interface PrepareOptions extends StepperOptions, GivenPolicies {
  /** The run's name in its journal; made of the scenario's name and the seed unless given. */
  readonly run?: string | undefined;
  /** In memory unless given. */
  readonly journal?: Journal | undefined;
  /** A driver of your own in place of the model, with the clock that it lives on. */
  readonly driver?: ((scenario: Scenario, clock: RunClock) => Driver) | undefined;
  readonly clock?: RunClock | undefined;
  /** Of an earlier run that nobody looks at any more: its memory is used again. One of its own unless given. */
  readonly arena?: PageArena | undefined;
  /** A switchover that pauses goes on at once, as libvirt has it; false: somebody else says CONTINUE, or cancels. */
  readonly continues?: boolean | undefined;
  /** Of a run that goes on from another one's records. */
  readonly origin?: Origin | undefined;
  /** What is changed while it runs, and where. */
  readonly branches?: readonly RecordedBranch[] | undefined;
}

export interface PreparedRun {
  readonly opened: Opened;
  /** The one that goes on with it now. */
  readonly runner: Runner;
  readonly clock: RunClock;
  readonly driver: Driver;
  readonly journal: Journal;
  /** Its orchestrator dies once this record is written, before anything that it caused goes out; the world goes on. */
  dieAfter(position: number | undefined): void;
  /** Another orchestrator goes on in the same world with `go`, and is given the orders by plan that nobody was there to take. */
  takeOver(runner: Runner, go: () => void): void;
  /** Writes the first record and the operator's order to migrate. */
  start(): void;
  /** The operator's order; one that comes before the start is given right after it. */
  cancel(): void;
  /** An operator's order about post-copy, from the start on. */
  order(order: PostCopyOrder): void;
  /** Of a run that has ended, or as far as it has come. */
  report(): Report;
}

/** A run of this scenario, ready to start. Throws what the driver throws for a scenario that it cannot do. */
export function prepareRun(given: Scenario, options: PrepareOptions = {}): PreparedRun {
  const { scenario, own } = withGiven(given, options);
  const clock = options.clock ?? new VirtualClock();
  const sound =
    options.driver?.(scenario, clock) ?? createModelDriver(modelSpecOf(scenario), clock, { arena: options.arena });
  const faulty = withScenarioFaults(sound, scenario, clock);
  const { branches = [], origin } = options;
  const changes = branches.length === 0 ? undefined : changing(faulty, clock);
  const driver = withDeciders(changes?.driver ?? faulty, clock, decidersIn(own, scenario));
  const journal = options.journal ?? new MemoryJournal();
  const begun = openedOf(scenario, driver, options.run ?? freeName(runName(scenario), journal), own);
  const opened: Opened = origin === undefined ? begun : { ...begun, origin };
  const plan = opened.plan as Plan;
  requireFor(driver, plan, own);
  const stepper = stepperFor(opened, Object.assign({}, options, { charts: options.charts ?? ownCharts(plan, own) }));
  let runner = new Runner(opened, { stepper, driver, clock, journal });
  const projection = new ReportProjection();
  const checkers = createCheckers();
  type Order = 'MIGRATE' | 'CONTINUE' | 'CANCEL' | PostCopyOrder;
  /** Orders that no orchestrator was there to take. */
  let missed: Input[] = [];
  let diesAfter: number | undefined;
  const give = (input: Input) => {
    if (runner.ended || (diesAfter !== undefined && runner.system?.position === diesAfter)) missed.push(input);
    else runner.deliver(input);
  };
  const order = (type: Order) => give({ to: 'migration', by: 'operator', event: { type } });
  const { postcopy } = scenario.vmm;
  const operator = postcopy === undefined ? undefined : new PostCopyOperator(postcopy, clock, order);
  const goOnAs = (event: BranchedEvent) => {
    changes?.change(event);
    const { cancelAtNs } = event;
    if (cancelAtNs === undefined) return;
    if (cancelAtNs <= clock.nowNs) order('CANCEL');
    else clock.at(cancelAtNs, () => order('CANCEL'));
  };
  const attend = (one: Runner) => {
    one.recorded$.subscribe({
      next: (recorded) => {
        const { record, effects } = recorded;
        const branch = branches.find(({ position, after }) => after === 'record' && position === record.position + 1);
        if (branch !== undefined) give(branchedInput(branch.event));
        if (isBranched(record)) goOnAs(record.event);
        projection.see(recorded);
        checkers.see(recorded);
        // What an operator says of a host has happened to it.
        const fenced = fencedIn(record);
        if (fenced === 'source') driver.mishaps?.happen({ happens: 'source-dies' });
        if (fenced === 'destination') driver.mishaps?.happen({ happens: 'destination-dies', silent: true });
        // pause-before-switchover leaves the guest stopped until somebody says CONTINUE: as libvirt does, at once.
        if (options.continues !== false && effects.some(isPaused)) order('CONTINUE');
        if (record.position === scenario.cancelAfterRecord) order('CANCEL');
        operator?.see(recorded);
        if (record.position === diesAfter) one.stop();
      },
      error: () => {},
    });
  };
  attend(runner);
  let started = false;
  let cancelledEarly = false;
  return {
    opened,
    get runner() {
      return runner;
    },
    clock,
    driver,
    journal,
    dieAfter(position) {
      diesAfter = position;
    },
    takeOver(successor, go) {
      runner = successor;
      attend(successor);
      const orders = missed;
      missed = [];
      go();
      for (const one of orders) give(one);
    },
    start() {
      started = true;
      runner.open();
      operator?.start();
      for (const { atNs, ...event } of deviceOrders(scenario)) {
        clock.at(atNs, () => give({ to: 'hot-plug', by: 'operator', event }));
      }
      for (const { after, atNs, event } of branches) {
        if (after === 'time') clock.at(atNs, () => give(branchedInput(event)));
      }
      if (scenario.cancelAtNs !== null) clock.at(scenario.cancelAtNs, () => order('CANCEL'));
      order('MIGRATE');
      if (cancelledEarly) order('CANCEL');
    },
    cancel() {
      if (started) order('CANCEL');
      else cancelledEarly = true;
    },
    order: (type) => order(type),
    report: () => projection.report(withoutLost(checkers.finish(driver.measured?.()))),
  };
}

function isPaused(effect: Effect): boolean {
  return effect.kind === 'fact' && effect.event.type === 'STATUS_CHANGED' && effect.event.status === 'pre-switchover';
}

/** The first record's content: what the run is, before anything has happened. */
export function openedOf(scenario: Scenario, driver: Driver, run: string, own: OwnPolicies = new Map()): Opened {
  const plan = planOf(scenario);
  return {
    run,
    scenario,
    plan,
    seed: scenario.seed,
    drivers: [driver.name],
    policies: [plan.policy, ...(plan.manager === undefined ? [] : [plan.manager]), ...(plan.shadows ?? [])],
    fingerprint: fingerprintOf(plan, own),
    version: VERSION,
  };
}

/** `vGPU on 10 Gb/s`, seed 1 -> `vgpu-on-10-gb-s-1`. */
export function runName({ name, seed }: Scenario): string {
  const words = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return `${words || 'run'}-${seed}`;
}

export function freeName(name: string, journal: Journal): string {
  const taken = new Set(journal.runs().map(({ run }) => run));
  let free = name;
  for (let nth = 2; taken.has(free); nth++) free = `${name}.${nth}`;
  return free;
}

/** That no write was lost the report says itself, from the hand-over's own record; the checker knows more of one that was. */
export function withoutLost(checks: readonly Check[]): readonly Check[] {
  return checks.filter(({ name, held }) => name !== 'no-lost-write' || !held);
}
