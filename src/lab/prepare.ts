/**
 * Everything that one modelled run needs, put together and not yet started: clock, driver, runner, report, checkers.
 * `migrate` paces it for a program or a person, `rehearse` runs it at once, `re-run` holds it to a journal.
 */
import type { Plan } from '../../machines/plan.ts';
import { createCheckers } from '../checkers/index.ts';
import type { RunClock } from '../clock/clock.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { Effect } from '../core/effect.ts';
import type { Opened } from '../core/record.ts';
import type { Driver } from '../drivers/driver.ts';
import { createModelDriver } from '../drivers/model/model-driver.ts';
import type { Journal } from '../journal/journal.ts';
import { MemoryJournal } from '../journal/memory-journal.ts';
import { fingerprint } from '../run/fingerprint.ts';
import { requireCommands } from '../run/needs.ts';
import { Runner } from '../run/runner.ts';
import { type StepperOptions, stepperFor } from '../run/stepper.ts';
import { VERSION } from '../version.ts';
import { modelSpecOf } from './model/spec.ts';
import { planOf } from './plan.ts';
import { ReportProjection } from './report/projection.ts';
import type { Check, Report } from './report/report.ts';
import type { Scenario } from './scenario/scenario.ts';

export interface PrepareOptions extends StepperOptions {
  /** The run's name in its journal; made of the scenario's name and the seed unless given. */
  readonly run?: string | undefined;
  /** In memory unless given. */
  readonly journal?: Journal | undefined;
  /** A driver of your own in place of the model, with the clock that it lives on. */
  readonly driver?: ((scenario: Scenario, clock: RunClock) => Driver) | undefined;
  readonly clock?: RunClock | undefined;
}

export interface PreparedRun {
  readonly opened: Opened;
  readonly runner: Runner;
  readonly clock: RunClock;
  readonly driver: Driver;
  readonly journal: Journal;
  /** Writes the first record and the operator's order to migrate. */
  start(): void;
  /** The operator's order; one that comes before the start is given right after it. */
  cancel(): void;
  /** Of a run that has ended, or as far as it has come. */
  report(): Report;
}

/** A run of this scenario, ready to start. Throws what the driver throws for a scenario that it cannot do. */
export function prepareRun(scenario: Scenario, options: PrepareOptions = {}): PreparedRun {
  const clock = options.clock ?? new VirtualClock();
  const driver = options.driver?.(scenario, clock) ?? createModelDriver(modelSpecOf(scenario), clock);
  const journal = options.journal ?? new MemoryJournal();
  const opened = openedOf(scenario, driver, options.run ?? freeName(runName(scenario), journal));
  requireCommands(driver, opened.policies[0]?.name ?? '', opened.plan as Plan);
  const stepper = stepperFor(opened, options);
  const runner = new Runner(opened, { stepper, driver, clock, journal });
  const projection = new ReportProjection();
  const checkers = createCheckers();
  runner.recorded$.subscribe({
    next: (recorded) => {
      projection.see(recorded);
      checkers.see(recorded);
    },
    error: () => {},
  });
  const order = (type: 'MIGRATE' | 'CONTINUE' | 'CANCEL') =>
    runner.deliver({ to: 'migration', by: 'operator', event: { type } });
  // pause-before-switchover leaves the guest stopped until somebody says CONTINUE: as libvirt does, at once.
  runner.recorded$.subscribe({
    next: ({ effects }) => {
      if (effects.some(isPaused)) order('CONTINUE');
    },
    error: () => {},
  });
  let started = false;
  let cancelledEarly = false;
  return {
    opened,
    runner,
    clock,
    driver,
    journal,
    start() {
      started = true;
      runner.open();
      if (scenario.cancelAtNs !== null) clock.at(scenario.cancelAtNs, () => order('CANCEL'));
      order('MIGRATE');
      if (cancelledEarly) order('CANCEL');
    },
    cancel() {
      if (started) order('CANCEL');
      else cancelledEarly = true;
    },
    report: () => projection.report(withoutLost(checkers.finish(driver.measured?.()))),
  };
}

function isPaused(effect: Effect): boolean {
  return effect.kind === 'fact' && effect.event.type === 'STATUS_CHANGED' && effect.event.status === 'pre-switchover';
}

/** The first record's content: what the run is, before anything has happened. */
export function openedOf(scenario: Scenario, driver: Driver, run: string): Opened {
  const plan = planOf(scenario);
  return {
    run,
    scenario,
    plan,
    seed: scenario.seed,
    drivers: [driver.name],
    policies: [plan.policy],
    fingerprint: fingerprint(plan.policy.name, VERSION),
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

function freeName(name: string, journal: Journal): string {
  const taken = new Set(journal.runs().map(({ run }) => run));
  let free = name;
  for (let nth = 2; taken.has(free); nth++) free = `${name}.${nth}`;
  return free;
}

/** That no write was lost the report says itself, from the hand-over's own record; the checker knows more of one that was. */
function withoutLost(checks: readonly Check[]): readonly Check[] {
  return checks.filter(({ name, held }) => name !== 'no-lost-write' || !held);
}
