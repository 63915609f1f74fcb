/**
 * Eight generators, four side by side as a SIMD register holds them and four more, so that the one need not wait for the
 * other: what the sampling kernels draw from, in WebAssembly and in TypeScript alike. Each is an sfc32 (Chris Doty-Humphrey, PractRand), as random.ts has one.
 */

/** State of the generators: of each four, 4 words each of a, b, c and counter. Any array of 32; not the kernels'. */
export type Lanes = Int32Array;

/** Words of the state of four generators. */
export const FOUR_WORDS = 16;

/** Eight generators that go on from this one: each gets 96 bits of it and is stirred as sfc32's author stirs his. */
export function lanesFrom(random: { nextUint32(): number }): Lanes {
  const lanes = new Int32Array(2 * FOUR_WORDS);
  for (const first of [0, FOUR_WORDS]) {
    for (let i = 0; i < 12; i++) lanes[first + i] = random.nextUint32();
    lanes.fill(1, first + 12, first + FOUR_WORDS);
    for (let round = 0; round < 20; round++) {
      for (let lane = first; lane < first + 4; lane++) stepLane(lanes, lane);
    }
  }
  return lanes;
}

/** One step of one generator, named by its first word (0 to 3, 16 to 19); returns what it drew, as 32 signed bits. */
export function stepLane(lanes: Lanes, lane: number): number {
  const [a, b, c, counter] = [lanes[lane]!, lanes[lane + 4]!, lanes[lane + 8]!, lanes[lane + 12]!];
  const drawn = (((a + b) | 0) + counter) | 0;
  lanes[lane] = b ^ (b >>> 9);
  lanes[lane + 4] = (c + (c << 3)) | 0;
  lanes[lane + 8] = (((c << 21) | (c >>> 11)) + drawn) | 0;
  lanes[lane + 12] = (counter + 1) | 0;
  return drawn;
}
