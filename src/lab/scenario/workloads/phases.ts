/** `phases`: workloads in turn, each for so long on the run's clock. */
import { z } from 'zod';
import { section, truth } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import { finding, type Path } from '../places.ts';
import { printVcpuSet } from '../quantity.ts';
import { duration, printDuration } from '../values.ts';
import type { Vm } from '../vm.ts';
import { checkSteady, normaliseSteady, printSteady, type SteadyWorkload, steadyKeys } from './steady.ts';
import { checkVcpus, normaliseVcpus, vcpus, type WorkloadRoom } from './writing.ts';

export interface PhasesWorkload {
  readonly kind: 'phases';
  readonly vcpus: readonly number[];
  readonly phases: readonly { readonly forNs: number; readonly workload: SteadyWorkload | { readonly kind: 'idle' } }[];
  /** Begin again after the last one; else idle then. */
  readonly repeat: boolean;
}

const forKey = { for: duration('How long, on the run’s clock: a throttle makes it no longer.') };
const phase = z.discriminatedUnion('kind', [
  section({ kind: z.literal('idle'), ...forKey }),
  section({ ...steadyKeys.random, ...forKey }),
  section({ ...steadyKeys.zipf, ...forKey }),
  section({ ...steadyKeys.cycle, ...forKey }),
  section({ ...steadyKeys.sequential, ...forKey }),
  section({ ...steadyKeys.curve, ...forKey }),
]);

const schema = section({
  kind: z.literal('phases'),
  phases: z.array(phase).describe('What happens, in this order.'),
  repeat: truth('Begin again after the last phase; otherwise it is idle then.').prefault(true),
  vcpus,
});

export const phases = {
  schema,
  normalise: (read: z.output<typeof schema>, room: WorkloadRoom): PhasesWorkload => ({
    kind: 'phases',
    vcpus: normaliseVcpus(read, room),
    phases: read.phases.map(({ for: forNs, ...one }) => ({
      forNs,
      workload: one.kind === 'idle' ? { kind: 'idle' } : normaliseSteady(one, room),
    })),
    repeat: read.repeat,
  }),
  check: (workload: PhasesWorkload, vm: Vm, path: Path): readonly Finding[] => [
    ...checkVcpus(workload, vm, path),
    ...(workload.phases.length === 0 ? [finding([...path, 'phases'], 'there is at least one phase')] : []),
    ...workload.phases.flatMap(({ forNs, workload: one }, i) => {
      const at = [...path, 'phases', i];
      return [
        ...(forNs === 0 ? [finding([...at, 'for'], 'must be longer than 0')] : []),
        ...(one.kind === 'idle' ? [] : checkSteady(one, vm, at)),
      ];
    }),
  ],
  print: (workload: PhasesWorkload): z.input<typeof schema> => ({
    kind: workload.kind,
    phases: workload.phases.map(({ forNs, workload: one }) => ({
      for: printDuration(forNs),
      ...(one.kind === 'idle' ? one : printSteady(one)),
    })),
    repeat: workload.repeat,
    vcpus: printVcpuSet(workload.vcpus),
  }),
};
