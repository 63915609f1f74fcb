/**
 * A modelled run made in one go, with everything that it left behind: each record with its effects, the commands that went
 * out, the report, and the model itself. Every message that no state takes throws.
 */
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import type { Command } from '../../src/core/effect.ts';
import { createModelDriver, type ModelDriver } from '../../src/drivers/model/model-driver.ts';
import { modelSpecOf } from '../../src/lab/model/spec.ts';
import { type PreparedRun, prepareRun } from '../../src/lab/prepare.ts';
import type { Report } from '../../src/lab/report/report.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import type { Recorded } from '../../src/run/runner.ts';

export interface WatchedRun {
  readonly report: Report;
  readonly recorded: readonly Recorded[];
  readonly commands: readonly Command[];
  readonly driver: ModelDriver;
  readonly prepared: PreparedRun;
}

export interface WatchOptions {
  /** Called before the run starts. */
  readonly before?: (driver: ModelDriver) => void;
  /** Called for each record, before its effects go out. */
  readonly meanwhile?: (recorded: Recorded, driver: ModelDriver, prepared: PreparedRun) => void;
}

export function watchRun(scenario: Scenario, { before, meanwhile }: WatchOptions = {}): WatchedRun {
  const clock = new VirtualClock();
  // Named here because what a scenario's faults are put around no longer shows it.
  const driver = createModelDriver(modelSpecOf(scenario), clock);
  const prepared = prepareRun(scenario, { clock, driver: () => driver, strict: true });
  const recorded: Recorded[] = [];
  prepared.runner.recorded$.subscribe((one) => {
    recorded.push(one);
    meanwhile?.(one, driver, prepared);
  });
  before?.(driver);
  prepared.start();
  while (!prepared.runner.ended && clock.step());
  const report = prepared.report();
  prepared.driver.close();
  const commands = recorded.flatMap(({ effects }) => effects.filter((effect) => effect.kind === 'command'));
  return { report, recorded, commands, driver, prepared };
}

/** The records that are answers of this type, in order. */
export function answers(
  run: WatchedRun,
  type: string,
): readonly { readonly to: string; readonly [key: string]: unknown }[] {
  return run.recorded.flatMap(({ record }) =>
    record.kind === 'input' && record.event.type === type ? [{ to: record.to, ...record.event }] : [],
  );
}
