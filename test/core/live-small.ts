/** The small migration of test/simulation, live: the same plan, driver and disturbances, without a runner and a journal. */
import type { Answer } from '../../machines/words.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { xstateClock } from '../../src/clock/xstate-clock.ts';
import type { Command } from '../../src/core/effect.ts';
import { type Live, type LiveTurn, live } from '../../src/core/live.ts';
import type { Inspector } from '../../src/core/live-chart.ts';
import { stepperFor } from '../../src/run/stepper.ts';
import type { Disturbance } from '../simulation/run-small.ts';
import { scriptedDriver } from '../simulation/scripted-driver.ts';
import { openedFrom, smallPlan } from '../simulation/small-plan.ts';

export interface LiveRun {
  readonly system: Live;
  readonly turns: readonly LiveTurn[];
  readonly performed: readonly Command[];
}

export function runLiveSmall(disturbance: Disturbance = {}, inspect?: Inspector): LiveRun {
  const clock = new VirtualClock();
  const driver = scriptedDriver(clock);
  const plan = smallPlan(disturbance.plan);
  const turns: LiveTurn[] = [];
  const performed: Command[] = [];
  const system = live(stepperFor(openedFrom(plan)).charts, plan, {
    clock: xstateClock(clock),
    nowNs: () => clock.nowNs,
    inspect,
    deadlinesMs: plan.deadlinesMs,
    abandon: (id) => driver.abandon(id),
    perform: (command) => {
      performed.push(command);
      const nth = performed.length;
      if (nth === disturbance.error) {
        const failed = { type: `FAILED.${command.name}`, errno: 'EIO' } as Answer;
        clock.at(clock.nowNs + 1_000_000, () => system.answer(command.id, failed));
      } else if (nth !== disturbance.hang) {
        driver.perform(command, nth === disturbance.silent ? () => {} : (answer) => system.answer(command.id, answer));
      }
    },
    watch: (turn) => {
      turns.push(turn);
      if (turn.position === disturbance.cancelAfter) order('CANCEL');
    },
  });
  const order = (type: string) => system.deliver({ to: 'migration', by: 'operator', event: { type } });
  system.start();
  order('MIGRATE');
  while (!system.ended && clock.step());
  return { system, turns, performed };
}
