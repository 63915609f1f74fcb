/**
 * Every kind of workload that a vCPU can run, as plain data, and the writer that each one becomes. What the host itself
 * writes is described by the same kinds (../host-writers.ts).
 */
import type { PageRange } from '../../../machines/words.ts';
import type { PageWrites, WriteSource } from '../../streams/page-writes.ts';
import type { PageArena } from '../kernels/page-arena.ts';
import type { GuestMemory } from '../memory.ts';
import { PageBitmap } from '../page-bitmap.ts';
import type { Random } from '../random.ts';
import { Curve, type CurveSpec } from './curve.ts';
import { type CycleSpec, createCycle } from './cycle.ts';
import { Idle } from './idle.ts';
import { Phases, type PhasesSpec } from './phases.ts';
import { type RandomSpec, RandomWriter } from './random-writer.ts';
import { createSequential, type SequentialSpec } from './sequential.ts';
import { type TraceSpec, TraceWriter } from './trace.ts';
import type { Writer } from './writer.ts';
import { type ZipfSpec, ZipfWriter } from './zipf.ts';

export interface IdleSpec {
  readonly kind: 'idle';
}

/** What a writer does all the time; phases are made of these. */
export type SteadySpec = IdleSpec | RandomSpec | ZipfSpec | CycleSpec | SequentialSpec | CurveSpec;

/** What a writer does, whoever it is: a workload of vCPUs, or the host itself. */
export type WriterSpec = SteadySpec | PhasesSpec<SteadySpec> | TraceSpec;

/** What one workload does; `vcpus` (a number or a span, `0` or `0-3`) names its writes `vcpu:0-3`. */
export type WorkloadSpec = { readonly vcpus: string } & WriterSpec;

/** `arena`: where large samples are drawn; best the one of the sets that take them. */
export function createWorkload(spec: WorkloadSpec, pageBytes: number, random: Random, arena?: PageArena): Writer {
  return createWriter(spec, `vcpu:${spec.vcpus}`, pageBytes, random, arena);
}

/** Throws a RangeError for a spec that contradicts itself. */
export function createWriter(
  spec: WriterSpec,
  source: WriteSource,
  pageBytes: number,
  random: Random,
  arena?: PageArena,
): Writer {
  switch (spec.kind) {
    case 'idle':
      return new Idle();
    case 'random':
      return new RandomWriter(spec, source, pageBytes, random, arena);
    case 'zipf':
      return new ZipfWriter(spec, source, pageBytes, random);
    case 'cycle':
      return createCycle(spec, source, pageBytes);
    case 'sequential':
      return createSequential(spec, source, pageBytes);
    case 'curve':
      return new Curve(spec, source, random);
    case 'phases': {
      const phases = spec.phases.map(({ forNs, workload }) => {
        return { forNs, workload: createWriter(workload, source, pageBytes, random, arena) };
      });
      return new Phases(phases, spec.repeat ?? true);
    }
    case 'trace':
      return new TraceWriter(spec, source);
    default:
      return spec satisfies never;
  }
}

/** All that it ever writes, overlaps and all; undefined for a trace, which nobody has read through. */
export function rangesOf(spec: WriterSpec): readonly PageRange[] | undefined {
  switch (spec.kind) {
    case 'idle':
      return [];
    case 'phases': {
      const phases = spec.phases.map(({ workload }) => rangesOf(workload));
      return phases.includes(undefined) ? undefined : phases.flatMap((ranges) => ranges ?? []);
    }
    case 'trace':
      return undefined;
    case 'random':
    case 'zipf':
    case 'cycle':
    case 'sequential':
    case 'curve':
      return spec.set;
    default:
      return spec satisfies never;
  }
}

/** Throws a RangeError naming `who` unless everything that it may write to is RAM. */
export function requireRamOf(spec: WriterSpec, memory: GuestMemory, who: string): void {
  switch (spec.kind) {
    case 'idle':
      return;
    case 'phases':
      for (const { workload } of spec.phases) requireRamOf(workload, memory, who);
      return;
    case 'trace':
      memory.requireRam(pagesWritten(spec.writes, memory.pages, who), who);
      return;
    case 'random':
    case 'zipf':
    case 'cycle':
    case 'sequential':
    case 'curve':
      memory.requireRam(spec.set, who);
      return;
    default:
      spec satisfies never;
  }
}

/** What a trace names, as runs. */
function pagesWritten(writes: readonly PageWrites[], pages: number, who: string): readonly PageRange[] {
  const written = new PageBitmap(pages);
  try {
    for (const batch of writes) written.applyWrites(batch);
  } catch (error) {
    throw new RangeError(`${who}: ${(error as Error).message}`, { cause: error });
  }
  const runs: PageRange[] = [];
  for (let page = written.next(0); page !== -1; ) {
    const end = written.nextClear(page);
    runs.push({ firstPage: page, pages: end - page });
    page = written.next(end);
  }
  return runs;
}
