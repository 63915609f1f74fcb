/**
 * Whoever writes guest memory: a vCPU's workload or a device's DMA. A writer is asked for a span of time and emits what
 * it wrote in it; it has no clock, and chance only from the generator it was made with.
 */
import type { PageWrites } from '../../streams/page-writes.ts';

export type Emit = (batch: PageWrites) => void;

export interface Writer {
  /**
   * Emits the writes of (fromNs, toNs]. The batches' arrays are lent for the length of each call of `emit`.
   * `speedPercent` (0 to 100, whole) is how fast the writer runs: a guest throttled by 30 % runs at 70.
   */
  advance(fromNs: number, toNs: number, speedPercent: number, emit: Emit): void;
  /**
   * As `advance`, but the writes may be told later, by `settle`; returns false, and has done nothing, where that saves
   * nothing. Only for those who settle before they look at a page. `ranNs`: how long of the span it ran; all of it unless given.
   */
  owe?(fromNs: number, toNs: number, speedPercent: number, emit: Emit, ranNs?: number): boolean;
  /** All that it writes may be told late, or it writes nothing: what it does does not depend on how time is cut up. */
  readonly tellsLate?: boolean;
  /** Emits what is owed of the pages from `fromPage` up to, without, `toPage`; it may be more than those. */
  settle?(fromPage: number, toPage: number, emit: Emit): void;
  /** The migration bitmap has just been synced: a writer that is described by distinct pages since then begins again. */
  synced?(): void;
}
