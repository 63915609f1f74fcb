/** Bits of 32-bit words: bit k of word w stands for page 32 w + k. */

/** Number of set bits of a 32-bit word. */
export function popcount32(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** The bits of one word from `from` (0 to 31) up to, without, `to` (1 to 32). */
export function maskOf(from: number, to: number): number {
  return (-1 << from) & (-1 >>> (32 - to));
}

/** Index of the lowest set bit; 32 for 0 is not needed here and not promised. */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
