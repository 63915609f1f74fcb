/**
 * A guest that is checkpointed at a period and not migrated, as COLO and Remus do, down to what a dirty log has to do with
 * it: the guest runs for a period, stands while the log is collected, armed again and scanned, and goes on. Nothing is sent, so
 * the figures are the log's own price. Migration has no sync at a fixed period, which is why this is not one.
 */
import type { PageBitmap } from '../../hardware/page-bitmap.ts';
import { createWorld, type World } from '../../hardware/world.ts';
import { modelSpecOf } from '../model/spec.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Checkpoints } from './experiment.ts';

/** Times are ms. Named as in a migration's report where it is the same thing. */
export interface CheckpointReport {
  readonly outcome: 'completed';
  readonly seed: number;
  readonly checkpoints: number;
  /** From the first moment to the end of the last checkpoint. */
  readonly totalMs: number;
  readonly guest: {
    readonly slowdownPercent: number;
    /** By cause, the mean over all vCPUs; `collect`: while the guest stands at its checkpoints. */
    readonly stalledMs: Readonly<Record<string, number>>;
  };
  /** Means of a checkpoint. */
  readonly perCheckpoint: { readonly dirtyPages: number; readonly collectMs: number };
}

/** Blocks until the last checkpoint. Throws a RangeError for a spec that the model refuses. */
export function checkpointed(scenario: Scenario, { everyNs, count }: Checkpoints): CheckpointReport {
  const spec = modelSpecOf(scenario);
  const world = createWorld(spec);
  const scanNs = scenario.sender.syncNs + scenario.sender.syncPageNs * world.memory.ramPages;
  const found = world.memory.emptySet();
  const standing: Record<string, number> = {};
  let collectNs = 0;
  let dirtyPages = 0;
  world.kvmLog.start();
  // The first checkpoint is of everything; what it costs is no part of a steady state.
  collect(world, found);
  for (let nth = 1; nth <= count; nth++) {
    world.advanceTo(nth * everyNs);
    const collected = collect(world, found);
    dirtyPages += collected.dirtyPages;
    collectNs += scanNs + collected.workNs;
    for (const [cause, ns] of Object.entries(world.stalls.takeStood() ?? {}))
      standing[cause] = (standing[cause] ?? 0) + ns;
  }
  const totalNs = count * everyNs + collectNs;
  const byCause = Object.entries(standing).map(([cause, ns]) => [cause, ns / scenario.vm.vcpus / 1e6] as const);
  const stalledMs = { collect: collectNs / 1e6, ...Object.fromEntries(byCause) };
  const allMs = Object.values(stalledMs).reduce((sum, ms) => sum + ms, 0);
  return {
    outcome: 'completed',
    seed: scenario.seed,
    checkpoints: count,
    totalMs: totalNs / 1e6,
    guest: { slowdownPercent: (100 * allMs) / (totalNs / 1e6), stalledMs },
    perCheckpoint: { dirtyPages: dirtyPages / count, collectMs: collectNs / count / 1e6 },
  };
}

/** What the log has found since the last time, every page armed again. */
function collect(
  { kvmLog, memory }: World,
  found: PageBitmap,
): { readonly dirtyPages: number; readonly workNs: number } {
  found.clearAll();
  const report = kvmLog.get(found);
  if ('errno' in report) throw new Error(`the dirty log was not on: ${report.errno}`);
  for (const { firstPage, pages } of memory.slots) {
    const end = firstPage + pages;
    for (let page = firstPage; kvmLog.rearmBefore !== undefined && page < end; ) page = kvmLog.rearmBefore(page);
  }
  return { dirtyPages: report.dirtyPages, workNs: (report.workNs ?? 0) + (kvmLog.takeRearmNs?.() ?? 0) };
}
