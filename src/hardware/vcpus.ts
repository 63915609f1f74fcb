/**
 * The guest's vCPUs: whether they run, how far they are throttled, and the workloads that they run. They stop and start
 * together, as a migration stops them.
 *
 * A throttle lets all of them sleep together (cpu-throttle.ts). A workload that owes its writes is told how long it ran.
 *
 * What dirty logging costs, the vCPU that caused it pays: it stands still, in the slice of time after the one in which it was
 * charged, and its workloads write less by that share. A workload of several vCPUs loses the mean of what they stand.
 */
import { CpuThrottle } from './cpu-throttle.ts';
import type { PageArena } from './kernels/page-arena.ts';
import { createRandom } from './random.ts';
import { Stalls } from './stalls.ts';
import { readVcpuSpan } from './vcpu-span.ts';
import { createWorkload, type WorkloadSpec } from './workloads/workload.ts';
import type { Emit, Writer } from './workloads/writer.ts';

/** How long a vCPU runs on before it pays: short against a round, long enough to be cheap. This project's own. */
const SLICE_NS = 5_000_000;

interface Running {
  readonly writer: Writer;
  readonly vcpus: readonly number[];
}

export class Vcpus {
  readonly #workloads: readonly Running[];
  /** Every vCPU that has a workload. */
  readonly #busy: readonly number[];
  readonly #stalls: Stalls;
  readonly #throttle: CpuThrottle;
  #running = true;

  /** `throttleWindowNs`: a vmm that throttles in windows of its own. */
  constructor(
    workloads: readonly WorkloadSpec[],
    pageBytes: number,
    seed: number,
    stalls = new Stalls(),
    throttleWindowNs?: number,
    arena?: PageArena,
  ) {
    this.#throttle = new CpuThrottle(throttleWindowNs);
    this.#workloads = workloads.map((spec, i) => ({
      writer: createWorkload(spec, pageBytes, createRandom(seed, `workload:${i}`), arena),
      vcpus: readVcpuSpan(spec.vcpus),
    }));
    this.#busy = [...new Set(this.#workloads.flatMap(({ vcpus }) => vcpus))];
    this.#stalls = stalls;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Every vCPU that has a workload. */
  get busy(): readonly number[] {
    return this.#busy;
  }

  /** Share of their speed that the vCPUs lose, 0 to 99. */
  get throttlePercent(): number {
    return this.#throttle.percent;
  }

  stop(): void {
    this.#running = false;
  }

  resume(): void {
    this.#running = true;
  }

  /** 0 ends the throttle; QEMU's `cpu-throttle` parameters allow 1 to 99. Anything else throws a RangeError. */
  throttle(percent: number): void {
    this.#throttle.set(percent);
  }

  /** `mayOwe`: whoever looks at pages calls `settle` before, so that a workload may tell its writes then. */
  advance(fromNs: number, toNs: number, emit: Emit, mayOwe = false): void {
    if (!this.#running) return;
    const runs = this.#throttle.runsIn(fromNs, toNs);
    if (!this.#stalls.charging) {
      const ranNs = runs.reduce((sum, [from, to]) => sum + to - from, 0);
      for (const { writer } of this.#workloads) {
        if (mayOwe && writer.owe?.(fromNs, toNs, 100, emit, ranNs) === true) continue;
        for (const [from, to] of runs) writer.advance(from, to, 100, emit);
      }
      return;
    }
    for (const [from, to] of runs) {
      for (let at = from; at < to; at += SLICE_NS) {
        const end = Math.min(at + SLICE_NS, to);
        this.advanceStanding(at, end, (vcpu) => this.#stalls.stand(vcpu, end - at), emit);
      }
    }
  }

  /** ns that each vCPU has slept for the throttle since this was last asked. */
  takeThrottledNs(): number {
    return this.#throttle.takeSleptNs();
  }

  /** Every workload may tell its writes late: see `Writer.tellsLate`. */
  get tellLate(): boolean {
    return this.#workloads.every(({ writer }) => writer.tellsLate === true);
  }

  /** Emits what workloads owe of the pages from `fromPage` up to, without, `toPage`. */
  settle(fromPage: number, toPage: number, emit: Emit): void {
    for (const { writer } of this.#workloads) writer.settle?.(fromPage, toPage, emit);
  }

  synced(): void {
    for (const { writer } of this.#workloads) writer.synced?.();
  }

  /**
   * Each vCPU stands first, for so many ns, and then runs, wherever it does: whether the source's have been stopped is not
   * asked. `standsNs` is called once for each that has a workload.
   */
  advanceStanding(fromNs: number, toNs: number, standsNs: (vcpu: number) => number, emit: Emit): void {
    const stoodNs = new Map(this.#busy.map((vcpu) => [vcpu, standsNs(vcpu)]));
    for (const { writer, vcpus } of this.#workloads) {
      const allNs = vcpus.reduce((sum, vcpu) => sum + stoodNs.get(vcpu)!, 0);
      const runsFromNs = fromNs + Math.round(allNs / vcpus.length);
      if (runsFromNs < toNs) writer.advance(runsFromNs, toNs, 100, emit);
    }
  }
}
