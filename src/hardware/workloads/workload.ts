/** Every kind of workload that a vCPU can run, as plain data, and the writer that each one becomes. */
import type { WriteSource } from '../../streams/page-writes.ts';
import type { Random } from '../random.ts';
import { Curve, type CurveSpec } from './curve.ts';
import { type CycleSpec, createCycle } from './cycle.ts';
import { Idle } from './idle.ts';
import { type RandomSpec, RandomWriter } from './random-writer.ts';
import { createSequential, type SequentialSpec } from './sequential.ts';
import type { Writer } from './writer.ts';

export interface IdleSpec {
  readonly kind: 'idle';
}

/** What one workload does; `vcpus` (a number or a span, `0` or `0-3`) names its writes `vcpu:0-3`. */
export type WorkloadSpec = { readonly vcpus: string } & (
  | IdleSpec
  | RandomSpec
  | CycleSpec
  | SequentialSpec
  | CurveSpec
);

export function createWorkload(spec: WorkloadSpec, pageBytes: number, random: Random): Writer {
  const source: WriteSource = `vcpu:${spec.vcpus}`;
  switch (spec.kind) {
    case 'idle':
      return new Idle();
    case 'random':
      return new RandomWriter(spec, source, pageBytes, random);
    case 'cycle':
      return createCycle(spec, source, pageBytes);
    case 'sequential':
      return createSequential(spec, source, pageBytes);
    case 'curve':
      return new Curve(spec, source, random);
    default:
      return spec satisfies never;
  }
}
