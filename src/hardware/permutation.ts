/**
 * A seeded shuffle of 0 to n - 1 that stores nothing: the scattered pages of a 64 GiB guest would be a table of 64 MiB.
 *
 * A balanced Feistel network over the next power of four, walked until it falls back below n (Black and Rogaway,
 * "Ciphers with Arbitrary Finite Domains", 2002). Any round function makes it a permutation; five rounds scatter well
 * enough for a memory layout, which is all it is used for.
 */
import type { Random } from './random.ts';

const ROUNDS = 5;

export class Permutation {
  readonly size: number;
  readonly #halfBits: number;
  readonly #halfMask: number;
  readonly #keys = new Int32Array(ROUNDS);

  /** `size` from 0 to 2^30; draws its keys from `random` at once. */
  constructor(size: number, random: Random) {
    if (!Number.isInteger(size) || size < 0 || size > 2 ** 30)
      throw new RangeError(`size must be 0 to 2^30, got ${size}`);
    this.size = size;
    this.#halfBits = Math.max(1, Math.ceil(Math.log2(Math.max(size, 2)) / 2));
    this.#halfMask = (1 << this.#halfBits) - 1;
    for (let i = 0; i < ROUNDS; i++) this.#keys[i] = random.nextUint32();
  }

  /** Where index `index` goes. */
  at(index: number): number {
    if (!(index >= 0 && index < this.size)) throw new RangeError(`index ${index} is outside 0 to ${this.size - 1}`);
    let x = index;
    do {
      let left = x >>> this.#halfBits;
      let right = x & this.#halfMask;
      for (let i = 0; i < ROUNDS; i++) {
        const mixed = Math.imul(right ^ this.#keys[i]!, 0x9e3779b1);
        const next = left ^ ((mixed ^ (mixed >>> 15)) & this.#halfMask);
        left = right;
        right = next;
      }
      x = (left << this.#halfBits) | right;
    } while (x >= this.size);
    return x;
  }
}
