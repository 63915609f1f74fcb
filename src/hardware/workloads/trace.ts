/**
 * A recorded workload, write by write: each batch of the trace again, page by page as it stands there, at its own time. The
 * trace's clock is the writer's own: it stands still while the writer does, and a throttled vCPU takes longer over it.
 *
 * A span of the trace that began before the span that is asked for counts as written at its end: a tracker may then see it
 * late, as the truth does, and neither sees it twice. Recorded and replayed in the same windows, the batches are the same.
 */
import type { PageWrites, WriteSource } from '../../streams/page-writes.ts';
import type { Emit, Writer } from './writer.ts';

export interface TraceSpec {
  readonly kind: 'trace';
  /** Of one source, with arrays of their own, by ascending end. */
  readonly writes: readonly PageWrites[];
}

export class TraceWriter implements Writer {
  readonly #source: WriteSource;
  readonly #writes: readonly PageWrites[];
  #next = 0;
  /** Time at full speed, in hundredths of a ns: whole numbers, so that a throttle's percents add up exactly. */
  #activeCentiNs = 0;

  /** Throws a RangeError for writes that are not in order. */
  constructor(spec: TraceSpec, source: WriteSource) {
    let endNs = 0;
    for (const { fromNs, toNs } of spec.writes) {
      if (!(fromNs >= 0 && fromNs <= toNs && toNs >= endNs)) throw new RangeError(`${source}: a trace runs forwards`);
      endNs = toNs;
    }
    this.#source = source;
    this.#writes = spec.writes;
  }

  advance(fromNs: number, toNs: number, speedPercent: number, emit: Emit): void {
    if (speedPercent === 0 || toNs === fromNs) return;
    const before = this.#activeCentiNs;
    this.#activeCentiNs = before + (toNs - fromNs) * speedPercent;
    const onClock = (traceNs: number) => {
      const ns = fromNs + Math.ceil((traceNs * 100 - before) / speedPercent);
      return Math.min(toNs, Math.max(fromNs, ns));
    };
    for (; this.#next < this.#writes.length; this.#next++) {
      const write = this.#writes[this.#next]!;
      if (write.toNs * 100 > this.#activeCentiNs) return;
      emit({ ...write, fromNs: onClock(write.fromNs), toNs: onClock(write.toNs), source: this.#source });
    }
  }
}
