/** Results small enough to make in milliseconds, with every name as hostile to HTML as a name can be. */

import { VirtualClock } from '../../../src/clock/virtual-clock.ts';
import { type Comparison, comparisonOf } from '../../../src/lab/compare/comparison.ts';
import type { ComparisonResult } from '../../../src/lab/compare/run.ts';
import type { ExperimentResult } from '../../../src/lab/experiment/result.ts';
import { Timeline } from '../../../src/lab/html/timeline.ts';
import { prepareRun } from '../../../src/lab/prepare.ts';
import type { Scenario } from '../../../src/lab/scenario/scenario.ts';
import type { SweepResult } from '../../../src/lab/sweep/result.ts';
import { summed } from '../../../src/lab/sweep/summary.ts';
import { placeOf, type Sweep, type SweepRow, sweepRow, trialCount } from '../../../src/lab/sweep/sweep.ts';
import type { TrialRow } from '../../../src/lab/trial/row.ts';
import { trialRow } from '../trial/trial-row.ts';

export const EVIL = `</script><img src=x onerror="alert(1)">'&{a|b}`;

/** A modelled run with what its records say of who was in which state. */
export function ranWith(scenario: Scenario) {
  const clock = new VirtualClock();
  const prepared = prepareRun(scenario, { clock });
  const timeline = new Timeline();
  prepared.runner.recorded$.subscribe((recorded) => timeline.see(recorded));
  prepared.start();
  while (!prepared.runner.ended) clock.runUntil(clock.nowNs + 1e9);
  const report = prepared.report();
  prepared.driver.close();
  return { report, scenario, course: timeline.course(), command: `switchover run '${EVIL}'` };
}

/** Three policies: the first, one whose downtime is shorter for sure, and one that mostly does not complete. */
export function comparisonResult(): ComparisonResult {
  const rows = [1, 2, 3, 4, 5, 6].flatMap((seed) => [
    trialRow('as-written', seed),
    trialRow(EVIL, seed, { downtimeMs: 20 + 0.1 * (seed % 3), totalMs: 9000 + 13 * seed }),
    trialRow(
      'nova',
      seed,
      seed === 1 ? {} : { outcome: 'unconverged', reason: 'gave up', downtimeMs: null, serviceDowntimeMs: null },
    ),
  ]);
  const comparison: Comparison = comparisonOf(rows);
  const leftOut = [{ name: 'dirty-limit', because: `needs a ring ${EVIL}` }];
  return { scenario: EVIL, ...comparison, leftOut, sentences: ['First.', `Second ${EVIL}.`], rows };
}

/** `labels`: of each axis. Every run has a downtime that its place decides. */
export function sweepResult(axes: Readonly<Record<string, readonly (string | number)[]>>): SweepResult {
  const names = Object.keys(axes);
  const points = Object.values(axes).reduce<readonly (readonly (string | number)[])[]>(
    (before, labels) => before.flatMap((point) => labels.map((label) => [...point, label])),
    [[]],
  );
  const sweep: Sweep = {
    name: EVIL,
    question: `Which? ${EVIL}`,
    scenario: {} as Sweep['scenario'],
    folder: '.',
    policyFolder: '.',
    axes: names,
    points: points.map((labels) => ({ labels, set: [] })),
    policies: ['qemu', EVIL],
    leftOut: [],
    seeds: [1, 2],
    pareto: { of: ['downtimeMs', 'totalMs'], per: [] },
    charts: [],
    files: [],
  };
  const rows = Array.from({ length: trialCount(sweep) }, (_, trial): SweepRow => {
    const { point, policy, seed } = placeOf(sweep, trial);
    const downtimeMs = policy === 'qemu' ? 10 + point : 20 - point;
    const unconverged = point === 1 && policy === 'qemu' ? { outcome: 'unconverged', downtimeMs: null } : {};
    const figures = { downtimeMs, totalMs: 1000 + 100 * point, ...unconverged } as Partial<TrialRow>;
    return sweepRow(sweep, trial, trialRow(policy, seed, figures));
  });
  return summed(sweep, rows).result;
}

export function experimentResult(): ExperimentResult {
  const cell = (side: string, at: string, figures: readonly (number | null)[]) => ({
    side,
    at,
    runs: figures.map((figure, seed) => ({ seed, outcome: figure === null ? 'unconverged' : 'completed', figure })),
    figure: figures[1] ?? null,
  });
  return {
    experiment: EVIL,
    question: `Up to where? ${EVIL}`,
    figure: 'totalMs',
    better: 'lower',
    seed: 1,
    sides: ['bitmap', EVIL],
    axis: { name: `rate ${EVIL}`, values: ['1k/s', '2k/s'] },
    cells: [
      cell('bitmap', '1k/s', [3000, 3100, 3200]),
      cell('bitmap', '2k/s', [5000, 5100, 5200]),
      cell(EVIL, '1k/s', [2000, 2100, 2200]),
      cell(EVIL, '2k/s', [null, null, null]),
    ],
    race: null,
    broken: [],
    sentence: `bitmap is ahead of ${EVIL}.`,
  };
}
