/**
 * Every kind of workload that a scenario can name. A kind is a file beside this one: its shape, its defaults, what must
 * agree with the rest of the scenario, and how it is written again. This file only finds the right one.
 */
import { z } from 'zod';
import { section } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import type { Path } from '../places.ts';
import type { Vm } from '../vm.ts';
import { type CurveWorkload, curve } from './curve.ts';
import { type CycleWorkload, cycle } from './cycle.ts';
import { type PhasesWorkload, phases } from './phases.ts';
import { type RandomWorkload, random } from './random.ts';
import { type SequentialWorkload, sequential } from './sequential.ts';
import { type TraceWorkload, trace } from './trace.ts';
import type { WorkloadRoom } from './writing.ts';
import { type ZipfWorkload, zipf } from './zipf.ts';

/** One write touches one page; a rate given in bytes/s was divided by the page size. */
export type Workload =
  | { readonly kind: 'idle' }
  | RandomWorkload
  | ZipfWorkload
  | CycleWorkload
  | SequentialWorkload
  | CurveWorkload
  | PhasesWorkload
  | TraceWorkload;

export const workloadSchema = z
  .discriminatedUnion('kind', [
    section({ kind: z.literal('idle') }),
    random.schema,
    zipf.schema,
    cycle.schema,
    sequential.schema,
    curve.schema,
    phases.schema,
    trace.schema,
  ])
  .describe('Who writes the guest memory besides the devices.');

export function normaliseWorkload(read: z.output<typeof workloadSchema>, room: WorkloadRoom): Workload {
  switch (read.kind) {
    case 'idle':
      return { kind: 'idle' };
    case 'random':
      return random.normalise(read, room);
    case 'zipf':
      return zipf.normalise(read, room);
    case 'cycle':
      return cycle.normalise(read, room);
    case 'sequential':
      return sequential.normalise(read, room);
    case 'curve':
      return curve.normalise(read, room);
    case 'phases':
      return phases.normalise(read, room);
    case 'trace':
      return trace.normalise(read);
    default:
      return read satisfies never;
  }
}

export function checkWorkload(workload: Workload, vm: Vm, path: Path): readonly Finding[] {
  switch (workload.kind) {
    case 'idle':
      return [];
    case 'random':
      return random.check(workload, vm, path);
    case 'zipf':
      return zipf.check(workload, vm, path);
    case 'cycle':
      return cycle.check(workload, vm, path);
    case 'sequential':
      return sequential.check(workload, vm, path);
    case 'curve':
      return curve.check(workload, vm, path);
    case 'phases':
      return phases.check(workload, vm, path);
    case 'trace':
      return [];
    default:
      return workload satisfies never;
  }
}

export function printWorkload(workload: Workload): z.input<typeof workloadSchema> {
  switch (workload.kind) {
    case 'idle':
      return { kind: 'idle' };
    case 'random':
      return random.print(workload);
    case 'zipf':
      return zipf.print(workload);
    case 'cycle':
      return cycle.print(workload);
    case 'sequential':
      return sequential.print(workload);
    case 'curve':
      return curve.print(workload);
    case 'phases':
      return phases.print(workload);
    case 'trace':
      return trace.print(workload);
    default:
      return workload satisfies never;
  }
}
