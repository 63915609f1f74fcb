/** The experiments that ship: each is read, runs within its time, breaks no invariant, and says what it is known to say. */
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Cell } from '../../../src/lab/experiment/grid.ts';
import { readExperiment } from '../../../src/lab/experiment/read.ts';
import { runExperiment } from '../../../src/lab/experiment/run.ts';
import {
  EXPERIMENT_NAMES,
  type ExperimentName,
  experimentFile,
  listExperiments,
  SWEEP_NAMES,
} from '../../../src/lab/experiment/shipped.ts';

/** Where a crossover lies between these two texts the sentence names them; the rest is what cannot change by chance. */
const SENTENCES: Readonly<Record<ExperimentName, RegExp>> = {
  'guest-halt-by-reach':
    /^during pre-copy is lower .* below 128MiB, at the end above .*Crossover between 64MiB and 128MiB, not interpolated/,
  'iommu-flush-by-cost': /^per query is faster .*no crossover\. per page ends unconverged at 30us and 100us/,
  'iommu-leaves-by-rate':
    /^4KiB and 2MiB split on dirty, level .*no crossover\. 2MiB ends unconverged at 32MiB\/s, .*1GiB ends unconverged everywhere/,
  'iommu-split-by-rate':
    /^never is faster below .*, eager above \(DMA rate\)\. Crossover between 256KiB\/s and 1MiB\/s/,
  'kvm-backing-by-rate':
    /^4KiB is faster .*no crossover\. 2MiB ends unconverged at 10k\/s and 100k\/s\. 1GiB ends unconverged everywhere/,
  'kvm-ring-by-period': /^ring is easier on the guest below .*PML bitmap above.*Crossover between/,
  'kvm-ring-by-rate': /^ring is faster below .*, bitmap above \(dirty rate\)\. Crossover between 16k\/s and 96k\/s/,
  'kvm-ring-by-size': /^bitmap is faster below .*, ring above \(guest memory\)\. Crossover between 64GiB and 128GiB/,
  'trackers-by-rate':
    /^device and iommu, level .* below 3200MiB\/s, nobody completes above.*perpetual ends unconverged everywhere/,
  'vgpu-by-churn': /^bitmap is shorter in downtime at every churn .*level at 300k\/s.*no crossover/,
  'vgpu-by-share': /^bitmap is shorter in downtime at every mapped memory .*level at 4GiB.*no crossover/,
};

test('every file is named, and every name has a file', () => {
  const files = readdirSync(dirname(experimentFile(EXPERIMENT_NAMES[0])));
  expect(files.sort()).toEqual([...EXPERIMENT_NAMES, ...SWEEP_NAMES].map((name) => `${name}.yaml`).sort());
  expect(listExperiments().map(({ name }) => name)).toEqual([...EXPERIMENT_NAMES].sort());
  for (const { description } of listExperiments()) expect(description).toMatch(/\?$/);
});

/** What does not converge in a third of its time says the same as in all of it, and two checkpoints say what five do. */
function shorter({ scenario, checkpoints, ...rest }: Cell): Cell {
  return {
    ...rest,
    scenario: { ...scenario, giveUpAfterNs: scenario.giveUpAfterNs / 3 },
    checkpoints: checkpoints === null ? null : { ...checkpoints, count: 2 },
  };
}

describe.each(EXPERIMENT_NAMES)('%s', (name) => {
  test('ends in the sentence that it is there for', { timeout: 60_000 }, async () => {
    const read = readExperiment(name);
    // One run a cell is enough to see the shape.
    const result = await runExperiment({
      cells: read.cells.map(shorter),
      experiment: { ...read.experiment, seeds: 1 },
    });
    expect(result.broken).toEqual([]);
    expect(result.sentence).toMatch(SENTENCES[name]);
    expect(result.sentence).toMatch(/[Cc]rossover/);
  });
});
