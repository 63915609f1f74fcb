/** What is wrong with how a modelled run ended: the same words for every sweep. */
import type { ModelDriver } from '../../src/drivers/model/model-driver.ts';
import type { Report } from '../../src/lab/report/report.ts';

export interface Ended {
  readonly report: Report;
  readonly model: ModelDriver;
}

/** Why this end is not legal; empty when it is. A host that is dead runs nothing and holds nothing. */
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

/** As `illegalities`, and on the source nothing is left as the migration had it, unless a warning says so. */
export function illegalitiesAndLeftovers(ended: Ended): readonly string[] {
  const { report, model } = ended;
  const wrong = [...illegalities(ended)];
  const { sourceRuns, devices } = model.inspect();
  if (report.outcome === 'in-doubt' || !sourceRuns || report.warnings.length > 0) return wrong;
  for (const [id, state] of Object.entries(devices.source)) {
    if (state !== 'RUNNING') wrong.push(`${id} was left in ${state}`);
    if (model.world.dma(id).driver?.busMastering === false) wrong.push(`${id} was left with its DMA halted`);
  }
  return wrong;
}
