/**
 * How KVM_RESET_DIRTY_RINGS joins entries before it protects their pages again: one slot, a base page and a mask of 64
 * (virt/kvm/dirty_ring.c, kvm_dirty_ring_reset). An entry that fits the mask joins it; any other first lets the mask be
 * applied. What is pending has no effect yet, although its entries are free already.
 */

/** Bits 0 to 31 of the mask, and 32 to 63, both unsigned. */
export type ApplyMask = (slot: number, offset: number, low: number, high: number) => void;

export class ResetBatch {
  readonly #apply: ApplyMask;
  #slot = 0;
  #offset = 0;
  #low = 0;
  #high = 0;
  #batches = 0;

  constructor(apply: ApplyMask) {
    this.#apply = apply;
  }

  /** How many masks have been applied. */
  get batches(): number {
    return this.#batches;
  }

  add(slot: number, offset: number): void {
    if (this.#pending && slot === this.#slot) {
      const delta = offset - this.#offset;
      if (delta >= 0 && delta < 64) {
        this.#setBit(delta);
        return;
      }
      if (delta > -64 && delta < 0 && this.#shiftsWhole(-delta)) {
        this.#shift(-delta);
        this.#offset = offset;
        this.#setBit(0);
        return;
      }
    }
    this.flush();
    [this.#slot, this.#offset, this.#low, this.#high] = [slot, offset, 1, 0];
  }

  /** Applies what is pending. */
  flush(): void {
    if (!this.#pending) return;
    this.#batches += 1;
    this.#apply(this.#slot, this.#offset, this.#low, this.#high);
    this.drop();
  }

  /** Forgets what is pending, as a signal does that ends the walk (-EINTR, since Linux 6.17). */
  drop(): void {
    this.#low = 0;
    this.#high = 0;
  }

  get #pending(): boolean {
    return (this.#low | this.#high) !== 0;
  }

  #setBit(bit: number): void {
    if (bit < 32) this.#low = (this.#low | (1 << bit)) >>> 0;
    else this.#high = (this.#high | (1 << (bit - 32))) >>> 0;
  }

  /** Whether no bit falls off the top. */
  #shiftsWhole(by: number): boolean {
    const highest = this.#high !== 0 ? 63 - Math.clz32(this.#high) : 31 - Math.clz32(this.#low);
    return highest + by < 64;
  }

  #shift(by: number): void {
    if (by >= 32) {
      this.#high = (this.#low << (by - 32)) >>> 0;
      this.#low = 0;
      return;
    }
    this.#high = ((this.#high << by) | (this.#low >>> (32 - by))) >>> 0;
    this.#low = (this.#low << by) >>> 0;
  }
}
