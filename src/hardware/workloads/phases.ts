/**
 * Workloads in turn: a job that loads, computes and writes out; a service that is quiet between its batches. A phase lasts
 * so long on the run's clock, whatever the vCPUs lose to a throttle or to logging meanwhile: it is the world around the
 * guest that changes. What a phase's workload had reached it goes on with when its turn comes again.
 */
import type { Emit, Writer } from './writer.ts';

export interface Phase<Workload> {
  /** Whole ns, more than 0. */
  readonly forNs: number;
  readonly workload: Workload;
}

export interface PhasesSpec<Workload> {
  readonly kind: 'phases';
  readonly phases: readonly Phase<Workload>[];
  /** Begin again after the last one. Default true; otherwise it is idle then. */
  readonly repeat?: boolean;
}

export class Phases implements Writer {
  readonly #phases: readonly Phase<Writer>[];
  readonly #totalNs: number;
  readonly #repeat: boolean;

  /** Throws a RangeError without a phase, or for one that takes no time. */
  constructor(phases: readonly Phase<Writer>[], repeat: boolean) {
    if (phases.length === 0) throw new RangeError('phases need a phase');
    for (const { forNs } of phases) {
      if (!(Number.isSafeInteger(forNs) && forNs > 0)) throw new RangeError(`a phase cannot last ${forNs} ns`);
    }
    this.#phases = phases;
    this.#totalNs = phases.reduce((sum, { forNs }) => sum + forNs, 0);
    this.#repeat = repeat;
  }

  advance(fromNs: number, toNs: number, speedPercent: number, emit: Emit): void {
    for (let at = fromNs; at < toNs; ) {
      const phase = this.#phaseAt(at);
      if (phase === undefined) return;
      const end = Math.min(toNs, phase.endsNs);
      phase.writer.advance(at, end, speedPercent, emit);
      at = end;
    }
  }

  synced(): void {
    for (const { workload } of this.#phases) workload.synced?.();
  }

  /** Whose turn begins or goes on at this instant, and until when; undefined after the last. */
  #phaseAt(ns: number): { readonly writer: Writer; readonly endsNs: number } | undefined {
    if (!this.#repeat && ns >= this.#totalNs) return undefined;
    let endsNs = ns - (ns % this.#totalNs);
    for (const { forNs, workload } of this.#phases) {
      endsNs += forNs;
      if (ns < endsNs) return { writer: workload, endsNs };
    }
    throw new Error(`no phase at ${ns} ns`);
  }
}
