/** One scenario with these faults, run to its end on a model that can be asked afterwards; strict, and every checker on. */
import { expect } from 'vitest';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import type { Rec } from '../../src/core/record.ts';
import { createModelDriver, type ModelDriver } from '../../src/drivers/model/model-driver.ts';
import { modelSpecOf } from '../../src/lab/model/spec.ts';
import { prepareRun } from '../../src/lab/prepare.ts';
import type { Report } from '../../src/lab/report/report.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';

export type FaultInput = NonNullable<ScenarioInput['faults']>[number];

export interface Ended {
  readonly report: Report;
  readonly model: ModelDriver;
  readonly records: readonly Rec[];
}

export function runFaulty(input: ScenarioInput, faults: readonly FaultInput[]): Ended {
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

/** Why this end is not legal; empty when it is. A host that is dead runs nothing, and nobody can be blamed for that. */
export function illegalities({ report, model }: Ended): readonly string[] {
  const { sourceRuns, destinationRuns, storage, lost, dead } = model.inspect();
  const wrong = report.checks.filter(({ held }) => !held).map(({ name, because }) => `${name}: ${because}`);
  if (sourceRuns && destinationRuns) wrong.push('two guests run');
  if (lost !== undefined && lost.count > 0) wrong.push(`${lost.count} pages lost`);
  if (report.outcome === 'in-doubt') return wrong;
  if (report.outcome === 'completed') {
    const there = (destinationRuns && storage === 'destination') || dead.includes('destination');
    if (!there) wrong.push('completed, and the destination does not run');
  } else {
    const here = (sourceRuns && storage === 'source') || dead.includes('source');
    if (!here) wrong.push(`${report.outcome}, and the source does not run`);
  }
  return wrong;
}
