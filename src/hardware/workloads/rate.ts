/**
 * A rate turned into whole units without loss: what is not a whole unit in one span is carried into the next, in
 * integers, so that any subdivision of time gives the same units as one big step. A double would drift by the choice of
 * the steps, and then a run would depend on the window size of its sender.
 */

/** A workload's rate: page writes, or bytes in address order (a page then takes several writes). */
export type Rate = { readonly writesPerSecond: number } | { readonly bytesPerSecond: number };

/** Writes a second of one page each: bytes are counted as whole pages. */
export function writesPerSecondOf(rate: Rate, pageBytes: number): number {
  const perSecond = 'bytesPerSecond' in rate ? rate.bytesPerSecond / pageBytes : rate.writesPerSecond;
  if (!(perSecond >= 0 && perSecond <= 1e12)) throw new RangeError(`no rate: ${JSON.stringify(rate)}`);
  return perSecond;
}

/** ns a second, percent, and the thousandths of a unit that a rate resolves. */
const DENOMINATOR = 1_000_000_000n * 100n * 1000n;

export class ExactRate {
  readonly #thousandthsPerSecond: bigint;
  #carry = 0n;

  /** `unitsPerSecond` is kept to a thousandth of a unit. */
  constructor(unitsPerSecond: number) {
    if (!(unitsPerSecond >= 0 && unitsPerSecond <= 1e15)) throw new RangeError(`no rate: ${unitsPerSecond} a second`);
    this.#thousandthsPerSecond = BigInt(Math.round(unitsPerSecond * 1000));
  }

  /** Whole units of `spanNs` at `speedPercent` of the rate; the rest is kept for the next call. */
  due(spanNs: number, speedPercent: number): number {
    const total = this.#carry + this.#thousandthsPerSecond * BigInt(spanNs) * BigInt(speedPercent);
    const units = total / DENOMINATOR;
    this.#carry = total - units * DENOMINATOR;
    return Number(units);
  }
}
