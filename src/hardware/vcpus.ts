/**
 * The guest's vCPUs: whether they run, how far they are throttled, and the workloads that they run. They stop and start
 * together, as a migration stops them.
 *
 * A throttle takes its percentage off every workload's speed. QEMU's auto-converge gets there by sleeping percent /
 * (100 - percent) times a 10 ms timeslice between timeslices (system/cpu-throttle.c); over a round the two are the same.
 */
import { createRandom } from './random.ts';
import { createWorkload, type WorkloadSpec } from './workloads/workload.ts';
import type { Emit, Writer } from './workloads/writer.ts';

export class Vcpus {
  readonly #workloads: readonly Writer[];
  #running = true;
  #throttlePercent = 0;

  constructor(workloads: readonly WorkloadSpec[], pageBytes: number, seed: number) {
    this.#workloads = workloads.map((spec, i) => {
      if (!/^\d+(-\d+)?$/.test(spec.vcpus)) throw new RangeError(`vcpus must be like 0 or 0-3, got ${spec.vcpus}`);
      return createWorkload(spec, pageBytes, createRandom(seed, `workload:${i}`));
    });
  }

  get running(): boolean {
    return this.#running;
  }

  /** Share of their speed that the vCPUs lose, 0 to 99. */
  get throttlePercent(): number {
    return this.#throttlePercent;
  }

  stop(): void {
    this.#running = false;
  }

  resume(): void {
    this.#running = true;
  }

  /** 0 ends the throttle; QEMU's `cpu-throttle` parameters allow 1 to 99. Anything else throws a RangeError. */
  throttle(percent: number): void {
    if (!Number.isInteger(percent) || percent < 0 || percent > 99) {
      throw new RangeError(`throttle must be 0 to 99 percent, got ${percent}`);
    }
    this.#throttlePercent = percent;
  }

  advance(fromNs: number, toNs: number, emit: Emit): void {
    if (!this.#running) return;
    for (const workload of this.#workloads) workload.advance(fromNs, toNs, 100 - this.#throttlePercent, emit);
  }

  synced(): void {
    for (const workload of this.#workloads) workload.synced?.();
  }
}
