/**
 * One modelled run with its hands on the driver: what goes in and comes out can be bent by a test, trackers can be made
 * blind, and whatever was really written is written down beside every log, by an observer of its own.
 */
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { createModelDriver, type Inspection, type ModelDriver } from '../../src/drivers/model/model-driver.ts';
import { modelSpecOf } from '../../src/lab/model/spec.ts';
import { prepareRun } from '../../src/lab/prepare.ts';
import type { Check, Report } from '../../src/lab/report/report.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import type { Recorded } from '../../src/run/runner.ts';

export interface GuestRun {
  readonly report: Report;
  readonly inspection: Inspection;
  readonly recorded: readonly Recorded[];
  readonly model: ModelDriver;
}

export interface GuestOptions {
  /** The driver that the run gets instead. */
  readonly wrap?: (model: ModelDriver, clock: VirtualClock) => Driver;
  /** Called for each record, before its effects go out. */
  readonly meanwhile?: (recorded: Recorded, model: ModelDriver) => void;
}

export function runGuest(scenario: Scenario, { wrap, meanwhile }: GuestOptions = {}): GuestRun {
  const clock = new VirtualClock();
  const model = createModelDriver(modelSpecOf(scenario), clock);
  const driver = wrap?.(model, clock) ?? model;
  const prepared = prepareRun(scenario, { clock, driver: () => driver, strict: true });
  const recorded: Recorded[] = [];
  prepared.runner.recorded$.subscribe((one) => {
    recorded.push(one);
    meanwhile?.(one, model);
  });
  prepared.start();
  while (!prepared.runner.ended && clock.step());
  const report = prepared.report();
  const inspection = model.inspect();
  driver.close();
  return { report, inspection, recorded, model };
}

export function brokenChecks({ report }: GuestRun): readonly Check[] {
  return report.checks.filter(({ held }) => !held);
}

export function brokenCheck(run: GuestRun, name: string): Check | undefined {
  return brokenChecks(run).find((check) => check.name === name);
}

/** The pages that a check's sentence names. */
export function namedPages({ because = '' }: Check): readonly number[] {
  const named = /the first of them ([\d, ]+)/.exec(because)?.[1];
  return named === undefined ? [] : named.split(', ').map(Number);
}

/** The type of the event of the record that a check names. */
export function recordNamed({ recorded }: GuestRun, { position }: Check): string | undefined {
  const record = recorded.find((one) => one.record.position === position)?.record;
  return record?.kind === 'input' ? record.event.type : record?.kind;
}

/** Position of the last record with an event of this type; -1 without one. */
export function lastRecordOf({ recorded }: GuestRun, type: string): number {
  const found = recorded.findLast(({ record }) => record.kind === 'input' && record.event.type === type);
  return found?.record.position ?? -1;
}
