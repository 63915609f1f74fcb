/**
 * Where a guest's driver gets the buffers that it maps: runs of a fixed length from a pool of RAM, drawn by chance. It hands
 * the same run out twice where chance has it so: a page may stand behind two I/O addresses.
 */
import type { PageRange } from '../../../machines/words.ts';
import type { Random } from '../random.ts';

export class BufferPool {
  readonly #ranges: readonly PageRange[];
  readonly #bufferPages: number;
  readonly #random: Random;
  readonly #buffers: number;

  /** Throws a RangeError when no run of `bufferPages` pages fits into the pool. */
  constructor(ranges: readonly PageRange[], bufferPages: number, random: Random) {
    this.#ranges = ranges;
    this.#bufferPages = bufferPages;
    this.#random = random;
    this.#buffers = ranges.reduce((sum, range) => sum + this.#fitting(range), 0);
    if (this.#buffers === 0) throw new RangeError(`no buffer of ${bufferPages} pages fits into the pool`);
  }

  /** First page of a buffer. */
  take(): number {
    let index = this.#random.below(this.#buffers);
    for (const range of this.#ranges) {
      const fitting = this.#fitting(range);
      if (index < fitting) return range.firstPage + index * this.#bufferPages;
      index -= fitting;
    }
    throw new Error('a buffer beyond the pool');
  }

  #fitting({ pages }: PageRange): number {
    return Math.floor(pages / this.#bufferPages);
  }
}
