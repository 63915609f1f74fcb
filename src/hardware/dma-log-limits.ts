/**
 * What a device's tracker can watch, and the budget that several virtual functions of one physical function share: their
 * trackers are objects of the parent's firmware (drivers/vfio/pci/mlx5/cmd.c creates them on the parent's core device).
 *
 * How a firmware divides its limits among its functions nobody published; here they are one pot, first come first served,
 * which is this project's own choice. A START that finds the pot empty is refused; it never takes from another function.
 */
import type { Errno } from '../../machines/words.ts';
import { combineRanges, type IovaRange } from './dma-log-checks.ts';

export interface TrackerLimits {
  /** Ranges it can watch; surplus ones are joined over the smallest gaps. mlx5: up to 255; pds: 1. */
  readonly maxRanges: number;
  /** All watched bytes together; more is EOPNOTSUPP. mlx5: 2^42. No limit when absent. */
  readonly maxBytes?: number;
  /**
   * What a START gets when other functions of the same parent have taken all there is: mlx5 ENOMEM (firmware status
   * LIM_ERR, cmd_status_to_err of drivers/net/ethernet/mellanox/mlx5/core/cmd.c), pds EOPNOTSUPP (no region on offer).
   * Default ENOMEM.
   */
  readonly whenExhausted?: 'ENOMEM' | 'EOPNOTSUPP';
}

interface Taken {
  readonly ranges: number;
  readonly bytes: bigint;
}

export class TrackerBudget {
  readonly #limits: TrackerLimits;
  readonly #taken = new Map<string, Taken>();

  constructor(limits: TrackerLimits) {
    this.#limits = limits;
  }

  /** Ranges that nobody has taken. */
  get rangesLeft(): number {
    return this.#limits.maxRanges - this.#sum((taken) => taken.ranges);
  }

  /** Whether another function may be told that these are its limits, too. */
  hasLimits({ maxRanges, maxBytes, whenExhausted }: TrackerLimits): boolean {
    const own = this.#limits;
    return maxRanges === own.maxRanges && maxBytes === own.maxBytes && whenExhausted === own.whenExhausted;
  }

  /** Fits the ranges into what is left for `deviceId`, joining what is too many; or the errno of the limit that is hit. */
  take(deviceId: string, ranges: readonly IovaRange[]): readonly IovaRange[] | Errno {
    const exhausted = this.#limits.whenExhausted ?? 'ENOMEM';
    const left = this.rangesLeft;
    if (left < 1) return exhausted;
    const watched = combineRanges(ranges, left);
    const bytes = watched.reduce((sum, range) => sum + range.lengthBytes, 0n);
    const { maxBytes } = this.#limits;
    if (maxBytes !== undefined) {
      if (bytes > BigInt(maxBytes)) return 'EOPNOTSUPP';
      const others = [...this.#taken.values()].reduce((sum, taken) => sum + taken.bytes, 0n);
      if (bytes + others > BigInt(maxBytes)) return exhausted;
    }
    this.#taken.set(deviceId, { ranges: watched.length, bytes });
    return watched;
  }

  /** Gives back what the device had; harmless when it had nothing. */
  release(deviceId: string): void {
    this.#taken.delete(deviceId);
  }

  #sum(of: (taken: Taken) => number): number {
    return [...this.#taken.values()].reduce((sum, taken) => sum + of(taken), 0);
  }
}
