/** One scenario with these faults, run to its end on a model that can be asked afterwards; strict, and every checker on. */
import { expect } from 'vitest';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import type { Rec } from '../../src/core/record.ts';
import { createModelDriver } from '../../src/drivers/model/model-driver.ts';
import { modelSpecOf } from '../../src/lab/model/spec.ts';
import { prepareRun } from '../../src/lab/prepare.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import type { Ended } from './illegal-end.ts';

export type FaultInput = NonNullable<ScenarioInput['faults']>[number];

export interface EndedFaulty extends Ended {
  readonly records: readonly Rec[];
}

export function runFaulty(input: ScenarioInput, faults: readonly FaultInput[]): EndedFaulty {
  const scenario = scenarioFrom({ ...input, checks: { truth: 'both' }, faults });
  const clock = new VirtualClock();
  const model = createModelDriver(modelSpecOf(scenario), clock);
  const prepared = prepareRun(scenario, { clock, driver: () => model, strict: true });
  const records: Rec[] = [];
  prepared.runner.recorded$.subscribe(({ record }) => records.push(record));
  prepared.start();
  while (!prepared.runner.ended && clock.step());
  expect(prepared.runner.ended, 'the run did not end').toBe(true);
  return { report: prepared.report(), model, records };
}
