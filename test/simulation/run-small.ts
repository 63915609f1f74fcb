/** Runs the small migration over the scripted driver to its end, with one disturbance, and says how it ended. */
import type { Plan } from '../../machines/plan.ts';
import type { CommandName } from '../../machines/words.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import type { Delivery } from '../../src/core/step.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { recover } from '../../src/run/recover.ts';
import { type Recorded, Runner } from '../../src/run/runner.ts';
import { stepperFor } from '../../src/run/stepper.ts';
import { type ScriptedWorld, scriptedDriver } from './scripted-driver.ts';
import { openedFrom, smallPlan } from './small-plan.ts';

export interface Disturbance {
  /** Cancel once this record has been written. */
  readonly cancelAfter?: number;
  /** The nth command (from 1) fails at once, or is never answered. */
  readonly error?: number;
  readonly hang?: number;
  /** The nth command is done, but its answer is lost. */
  readonly silent?: number;
  readonly plan?: Partial<Plan>;
  /** What else an operator says, after each record. */
  readonly orders?: ((recorded: Recorded) => readonly string[]) | undefined;
  readonly listen?: (delivery: Delivery) => void;
}

export interface SmallRun {
  readonly world: ScriptedWorld;
  readonly recorded: readonly Recorded[];
  readonly journal: MemoryJournal;
  readonly outcome: string;
  readonly reason: string;
  readonly commands: readonly CommandName[];
  readonly statuses: readonly string[];
}

/** As `runSmall`, but the orchestrator dies once a record is written, before or after its effects went out. */
export async function runSmallWithCrash(
  after: number,
  effects: 'sent' | 'unsent',
  plan: Partial<Plan> = {},
): Promise<SmallRun> {
  const clock = new VirtualClock();
  const driver = scriptedDriver(clock);
  const opened = openedFrom(smallPlan(plan));
  const journal = new MemoryJournal();
  let alive = true;
  const first = new Runner(opened, {
    stepper: stepperFor(opened, { strict: true }),
    driver: untilDeath(driver, () => alive),
    clock,
    journal,
  });
  const recorded: Recorded[] = [];
  first.recorded$.subscribe((one) => {
    recorded.push(one);
    if (effects === 'unsent' && one.record.position === after) alive = false;
  });
  first.open();
  if (alive) first.deliver({ to: 'migration', by: 'operator', event: { type: 'MIGRATE' } });
  while (alive && recorded.length <= after && clock.step());
  first.stop();
  // The world goes on for a while without an orchestrator.
  clock.runUntil(clock.nowNs + 20_000_000_000);
  const { runner, go } = await recover([...journal.read(opened.run)], { driver, clock, journal }, { strict: true });
  runner.recorded$.subscribe((one) => recorded.push(one));
  go();
  if (after === 0) runner.deliver({ to: 'migration', by: 'operator', event: { type: 'MIGRATE' } });
  while (!runner.ended && clock.step());
  return summary(
    runner.ended,
    recorded,
    driver.world,
    journal,
    driver.performed.map(({ name }) => name),
  );
}

/** A driver that nothing reaches any more once its orchestrator is dead. */
function untilDeath(driver: Driver, alive: () => boolean): Driver {
  return {
    ...driver,
    perform(command, answer) {
      if (alive()) driver.perform(command, (result) => alive() && answer(result));
    },
  };
}

export function runSmall(disturbance: Disturbance = {}): SmallRun {
  const clock = new VirtualClock();
  const scripted = scriptedDriver(clock);
  const commands: CommandName[] = [];
  const driver: Driver = {
    ...scripted,
    perform(command, answer) {
      commands.push(command.name);
      const nth = commands.length;
      if (nth === disturbance.error) {
        const failed = { type: `FAILED.${command.name}`, errno: 'EIO' } as never;
        clock.at(clock.nowNs + 1_000_000, () => answer(failed));
        return;
      }
      if (nth === disturbance.hang) return;
      scripted.perform(command, nth === disturbance.silent ? () => {} : answer);
    },
  };
  const plan = smallPlan(disturbance.plan);
  const opened = openedFrom(plan);
  const journal = new MemoryJournal();
  const stepper = stepperFor(opened, { strict: true, listen: disturbance.listen });
  const runner = new Runner(opened, { stepper, driver, clock, journal });
  const recorded: Recorded[] = [];
  runner.recorded$.subscribe((one) => {
    recorded.push(one);
    if (one.record.position === disturbance.cancelAfter) {
      runner.deliver({ to: 'migration', by: 'operator', event: { type: 'CANCEL' } });
    }
    for (const type of disturbance.orders?.(one) ?? []) {
      runner.deliver({ to: 'migration', by: 'operator', event: { type } });
    }
  });
  runner.open();
  runner.deliver({ to: 'migration', by: 'operator', event: { type: 'MIGRATE' } });
  while (!runner.ended && clock.step());
  return summary(runner.ended, recorded, scripted.world, journal, commands);
}

function summary(
  ended: boolean,
  recorded: readonly Recorded[],
  world: ScriptedWorld,
  journal: MemoryJournal,
  commands: readonly CommandName[],
): SmallRun {
  const facts = recorded.flatMap(({ effects }) => effects.filter((effect) => effect.kind === 'fact'));
  const end = facts.find(({ event }) => event.type === 'ENDED')?.event;
  return {
    world,
    recorded,
    journal,
    commands,
    outcome: ended ? String(end?.outcome) : 'stuck',
    reason: String(end?.reason),
    statuses: facts.filter(({ event }) => event.type === 'STATUS_CHANGED').map(({ event }) => String(event.status)),
  };
}

/** Why this end is not legal; empty when it is. */
export function illegalities(run: SmallRun): string[] {
  const { world, outcome } = run;
  const wrong: string[] = [];
  const running = Number(world.sourceRuns) + Number(world.destinationRuns);
  if (outcome === 'stuck') wrong.push('the run did not end');
  if (world.twoGuests > 0) wrong.push('two guests ran');
  if (outcome === 'completed' && !(world.destinationRuns && !world.sourceRuns))
    wrong.push('completed without the destination');
  if (outcome !== 'completed' && outcome !== 'in-doubt' && !(world.sourceRuns && !world.destinationRuns)) {
    wrong.push(`${outcome}, yet the source does not run`);
  }
  if (running > 1) wrong.push('two guests at the end');
  if (outcome === 'completed' && world.storage !== 'destination') wrong.push('completed without the storage');
  if (world.sourceRuns && world.storage !== 'source')
    wrong.push(`the source runs and ${world.storage} holds the storage`);
  if (world.sourceRuns && outcome !== 'in-doubt') {
    for (const [address, state] of world.devices) {
      if (!address.startsWith('device/destination/') && state !== 'RUNNING')
        wrong.push(`${address} was left in ${state}`);
    }
  }
  return wrong;
}
