/** The experiments and sweeps that ship with the package, by name: `src/lab/experiments` under the package's root. */
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

/** They stand in the same folder; `switchover sweep` runs them. */
export const SWEEP_NAMES = ['policies-by-load', 'settings-for-a-vgpu', 'stall-or-ramp'] as const;
export type SweepName = (typeof SWEEP_NAMES)[number];
export type DocumentName = ExperimentName | SweepName;

export function isExperimentName(name: string): name is ExperimentName {
  return (EXPERIMENT_NAMES as readonly string[]).includes(name);
}

/** Absolute path of a shipped experiment's file. */
export function experimentFile(name: ExperimentName): string {
  return documentFile(name);
}

/** Of an experiment or a sweep. */
export function documentFile(name: DocumentName): string {
  return join(packageRoot(), 'src', 'lab', 'experiments', `${name}.yaml`);
}

/** Name and question of every shipped experiment, in alphabetical order. */
export function listExperiments(): readonly { readonly name: ExperimentName; readonly description: string }[] {
  return EXPERIMENT_NAMES.map(described);
}

/** The same of every shipped sweep. */
export function listSweeps(): readonly { readonly name: SweepName; readonly description: string }[] {
  return SWEEP_NAMES.map(described);
}

function described<Name extends DocumentName>(name: Name) {
  const read = parse(readFileSync(documentFile(name), 'utf8')) as { readonly question: string };
  return { name, description: read.question };
}
