/** What both kinds of kernels refuse, in the same words: programmer errors, which a typed array would swallow in silence. */

export function pageOutside(page: number, pages: number): RangeError {
  return new RangeError(`page ${page} is outside 0 to ${pages - 1}`);
}

export function checkProbability(p: number): void {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`a probability is 0 to 1, not ${p}`);
}

export function checkSamePart(into: Int32Array, from: Int32Array): void {
  if (into.length !== from.length) throw new RangeError(`bitmaps of ${into.length} and ${from.length} words`);
}

/** A kernel that writes where it is not allowed to would write into somebody else's bitmap. */
export function checkMarks(words: Int32Array, pages: number, list: Uint32Array, n: number): void {
  if (!(pages >= 0 && pages <= 32 * words.length)) throw new RangeError(`${pages} pages in ${words.length} words`);
  if (!(n >= 0 && n <= list.length)) throw new RangeError(`${n} of a list of ${list.length}`);
}

export function checkBlocks(words: Int32Array, blocks: number): void {
  if (!(blocks >= 0 && 4 * blocks <= words.length)) throw new RangeError(`${blocks} blocks in ${words.length} words`);
}
