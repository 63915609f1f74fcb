/**
 * Blocks of a fixed size that arrive at random, each at a random place of a set, aligned to its size: the data of a disk's
 * reads, the results of jobs. A Poisson process, as the random workload is; a block is written as a whole.
 *
 * Two ways to the same distribution, of which each span takes the cheaper: every block drawn, or the touched ones by their
 * gaps. Both emit extents, so a span costs what it touches and a large block no more than a small one.
 */
import type { PageRange } from '../../../machines/words.ts';
import type { WriteSource } from '../../streams/page-writes.ts';
import { PageSet } from '../page-set.ts';
import type { Random } from '../random.ts';
import { RandomWriter } from '../workloads/random-writer.ts';
import { sampleGaps } from '../workloads/sampler.ts';
import type { Emit, Writer } from '../workloads/writer.ts';

export interface BlocksSpec {
  readonly set: readonly PageRange[];
  /** A block smaller than a page still writes its page. */
  readonly blockBytes: number;
  readonly blocksPerSecond: number;
}

/** The writer of such blocks; blocks of one page are random writes, and where dense, bitmaps. */
export function createBlocks(spec: BlocksSpec, source: WriteSource, pageBytes: number, random: Random): Writer {
  const { set, blockBytes, blocksPerSecond } = spec;
  if (!(blockBytes > 0)) throw new RangeError(`${source}: a block of ${blockBytes} bytes`);
  if (blockBytes > pageBytes) return new BlockWriter(spec, source, pageBytes, random);
  return new RandomWriter(
    { kind: 'random', set, rate: { writesPerSecond: blocksPerSecond } },
    source,
    pageBytes,
    random,
  );
}

/** Blocks in one batch at most. */
const BATCH_BLOCKS = 4096;

class BlockWriter implements Writer {
  readonly #source: WriteSource;
  readonly #set: PageSet;
  readonly #blockPages: number;
  readonly #blocks: number;
  readonly #blocksPerNs: number;
  readonly #random: Random;
  readonly #found = new Uint32Array(BATCH_BLOCKS);
  readonly #pairs: Uint32Array;

  constructor(spec: BlocksSpec, source: WriteSource, pageBytes: number, random: Random) {
    this.#source = source;
    this.#set = new PageSet(spec.set);
    if (this.#set.pages === 0) throw new RangeError(`${source}: nothing to write to`);
    if (!(spec.blocksPerSecond >= 0 && spec.blocksPerSecond <= 1e12)) {
      throw new RangeError(`${source}: no rate: ${spec.blocksPerSecond} a second`);
    }
    this.#blockPages = Math.min(this.#set.pages, Math.ceil(spec.blockBytes / pageBytes));
    this.#blocks = Math.ceil(this.#set.pages / this.#blockPages);
    this.#blocksPerNs = spec.blocksPerSecond / 1e9;
    this.#random = random;
    // A block may lie across the end of a range of the set.
    this.#pairs = new Uint32Array(2 * (BATCH_BLOCKS + spec.set.length));
  }

  advance(fromNs: number, toNs: number, speedPercent: number, emit: Emit): void {
    const mean = (this.#blocksPerNs * (toNs - fromNs) * speedPercent) / 100;
    if (mean === 0) return;
    const p = -Math.expm1(-mean / this.#blocks);
    if (mean < p * this.#blocks * 2) this.#draw(mean, fromNs, toNs, emit);
    else this.#gaps(p, fromNs, toNs, emit);
  }

  #draw(mean: number, fromNs: number, toNs: number, emit: Emit): void {
    for (let left = this.#random.poisson(mean); left > 0; ) {
      const n = Math.min(left, BATCH_BLOCKS);
      for (let i = 0; i < n; i++) this.#found[i] = this.#random.below(this.#blocks);
      this.#emit(n, fromNs, toNs, emit);
      left -= n;
    }
  }

  #gaps(p: number, fromNs: number, toNs: number, emit: Emit): void {
    for (let from = 0; from < this.#blocks; ) {
      const n = sampleGaps(this.#random, p, from, this.#blocks, this.#found);
      from = n < BATCH_BLOCKS ? this.#blocks : this.#found[n - 1]! + 1;
      if (n > 0) this.#emit(n, fromNs, toNs, emit);
    }
  }

  #emit(n: number, fromNs: number, toNs: number, emit: Emit): void {
    let end = 0;
    for (let i = 0; i < n; i++) {
      // Drawn twice, a block across a range's end could need more room than there is.
      if (end + 2 * (this.#set.ranges.length + 1) > this.#pairs.length) {
        this.#emitPairs(end, fromNs, toNs, emit);
        end = 0;
      }
      const first = this.#found[i]! * this.#blockPages;
      end = this.#set.extentsInto(this.#pairs, end, first, Math.min(this.#blockPages, this.#set.pages - first));
    }
    this.#emitPairs(end, fromNs, toNs, emit);
  }

  #emitPairs(end: number, fromNs: number, toNs: number, emit: Emit): void {
    emit({ fromNs, toNs, source: this.#source, form: 'extents', pairs: this.#pairs.subarray(0, end) });
  }
}
