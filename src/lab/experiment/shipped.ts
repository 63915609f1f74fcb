/** The experiments that ship with the package, by name: `src/lab/experiments` under the package's root. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { packageRoot } from '../scenario/shipped-files.ts';

export const EXPERIMENT_NAMES = [
  'guest-halt-by-reach',
  'iommu-flush-by-cost',
  'iommu-leaves-by-rate',
  'iommu-split-by-rate',
  'kvm-backing-by-rate',
  'kvm-ring-by-period',
  'kvm-ring-by-rate',
  'kvm-ring-by-size',
  'trackers-by-rate',
  'vgpu-by-churn',
  'vgpu-by-share',
] as const;
export type ExperimentName = (typeof EXPERIMENT_NAMES)[number];

export function isExperimentName(name: string): name is ExperimentName {
  return (EXPERIMENT_NAMES as readonly string[]).includes(name);
}

/** Absolute path of a shipped experiment's file. */
export function experimentFile(name: ExperimentName): string {
  return join(packageRoot(), 'src', 'lab', 'experiments', `${name}.yaml`);
}

/** Name and question of every shipped experiment, in alphabetical order. */
export function listExperiments(): readonly { readonly name: ExperimentName; readonly description: string }[] {
  return EXPERIMENT_NAMES.map((name) => {
    const read = parse(readFileSync(experimentFile(name), 'utf8')) as { readonly question: string };
    return { name, description: read.question };
  });
}
