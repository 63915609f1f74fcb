/**
 * Writes to pages of its set at random, uniformly and independently, as a Poisson process: the classic memory stressor,
 * whose dirty set after t seconds has W (1 - exp(-w t / W)) pages on average.
 *
 * Three ways to the same distribution, of which each span takes the cheapest: every write drawn (few writes), the touched
 * pages by their gaps (a huge set, where drawing misses the cache at each mark), or every page's fate 32 at a time.
 */
import type { PageRange } from '../../../machines/words.ts';
import type { WriteSource } from '../../streams/page-writes.ts';
import { lanesFrom } from '../kernels/lanes.ts';
import { createArena, type PageArena } from '../kernels/page-arena.ts';
import { PageSet } from '../page-set.ts';
import type { Random } from '../random.ts';
import { OwedWrites } from './owed-writes.ts';
import { type Rate, writesPerSecondOf } from './rate.ts';
import { sampleBits, sampleGaps } from './sampler.ts';
import type { Emit, Writer } from './writer.ts';

export interface RandomSpec {
  readonly kind: 'random';
  readonly set: readonly PageRange[];
  readonly rate: Rate;
}

/** One list or bitmap at most: 32 KiB of numbers, 16 KiB of bits; both stay in the first-level cache. */
const LIST_PAGES = 8192;
const BITMAP_WORDS = 4096;

/**
 * ns, measured on an AMD EPYC with Node 20, including the marks in three bitmaps: a drawn write while the set's bits fit
 * the cache, one that misses it, a page found by its gap, and a page's fate bit by bit.
 */
const DRAW_NS = 25;
const DRAW_UNCACHED_NS = 125;
const GAP_NS = 41;
const FATE_NS = 2.3;
const CACHED_PAGES = 2 ** 24;
/**
 * From so many writes a second on they are owed and drawn late (owed-writes.ts): below it a run takes milliseconds either
 * way. This project's own.
 */
const OWED_FROM_WRITES_PER_SECOND = 100_000;

export type Method = 'draws' | 'gaps' | 'bits';

/** The cheapest way to find what `writes` writes on average touch of `pages` pages. */
export function cheapestMethod(writes: number, pages: number): Method {
  const draws = writes * (pages <= CACHED_PAGES ? DRAW_NS : DRAW_UNCACHED_NS);
  const gaps = -Math.expm1(-writes / pages) * pages * GAP_NS;
  const bits = pages * FATE_NS;
  if (draws <= gaps && draws <= bits) return 'draws';
  return gaps <= bits ? 'gaps' : 'bits';
}

export class RandomWriter implements Writer {
  readonly #source: WriteSource;
  readonly #set: PageSet;
  readonly #writesPerNs: number;
  readonly #random: Random;
  readonly #arena: PageArena;
  readonly #method: Method | undefined;
  #owed: OwedWrites | undefined;
  /** What is told at once is drawn into these: 48 KiB that a writer which owes its writes never needs. */
  #ownList: Uint32Array | undefined;
  #ownWords: Int32Array | undefined;

  /** `method` fixes the way, for tests of its distribution; absent, each span takes the cheapest. */
  constructor(
    spec: RandomSpec,
    source: WriteSource,
    pageBytes: number,
    random: Random,
    arena: PageArena = createArena(),
    method?: Method,
  ) {
    this.#source = source;
    this.#set = new PageSet(spec.set);
    if (this.#set.pages === 0) throw new RangeError(`${source}: nothing to write to`);
    this.#writesPerNs = writesPerSecondOf(spec.rate, pageBytes) / 1e9;
    this.#random = random;
    this.#arena = arena;
    this.#method = method;
  }

  get #list(): Uint32Array {
    this.#ownList ??= new Uint32Array(LIST_PAGES);
    return this.#ownList;
  }

  get #words(): Int32Array {
    this.#ownWords ??= new Int32Array(BITMAP_WORDS);
    return this.#ownWords;
  }

  get tellsLate(): boolean {
    return this.#writesPerNs * 1e9 >= OWED_FROM_WRITES_PER_SECOND && this.#method === undefined;
  }

  advance(fromNs: number, toNs: number, speedPercent: number, emit: Emit): void {
    const mean = (this.#writesPerNs * (toNs - fromNs) * speedPercent) / 100;
    if (mean === 0) return;
    const { pages } = this.#set;
    const method = this.#method ?? cheapestMethod(mean, pages);
    const p = -Math.expm1(-mean / pages);
    switch (method) {
      case 'draws':
        this.#draw(mean, fromNs, toNs, emit);
        break;
      case 'gaps':
        this.#gaps(p, fromNs, toNs, emit);
        break;
      case 'bits':
        for (const range of this.#set.ranges) this.#bits(p, range, fromNs, toNs, emit);
        break;
      default:
        method satisfies never;
    }
  }

  owe(fromNs: number, toNs: number, speedPercent: number, emit: Emit, ranNs = toNs - fromNs): boolean {
    if (!this.tellsLate) return false;
    this.#owed ??= new OwedWrites(this.#source, this.#set.ranges, lanesFrom(this.#random), this.#arena);
    const mean = (this.#writesPerNs * ranNs * speedPercent) / 100;
    this.#owed.owe(fromNs, toNs, speedPercent, mean / this.#set.pages, emit);
    return true;
  }

  settle(fromPage: number, toPage: number, emit: Emit): void {
    this.#owed?.settle(fromPage, toPage, emit);
  }

  #draw(mean: number, fromNs: number, toNs: number, emit: Emit): void {
    const { pages } = this.#set;
    const list = this.#list;
    for (let left = this.#random.poisson(mean); left > 0; ) {
      const n = Math.min(left, LIST_PAGES);
      for (let i = 0; i < n; i++) list[i] = this.#random.below(pages);
      this.#emitList(n, fromNs, toNs, emit);
      left -= n;
    }
  }

  #gaps(p: number, fromNs: number, toNs: number, emit: Emit): void {
    const { pages } = this.#set;
    const list = this.#list;
    for (let from = 0; from < pages; ) {
      const n = sampleGaps(this.#random, p, from, pages, list);
      from = n < LIST_PAGES ? pages : list[n - 1]! + 1;
      if (n > 0) this.#emitList(n, fromNs, toNs, emit);
    }
  }

  #emitList(n: number, fromNs: number, toNs: number, emit: Emit): void {
    const pages = this.#list.subarray(0, n);
    this.#set.toPages(pages);
    emit({ fromNs, toNs, source: this.#source, form: 'list', pages });
  }

  #bits(p: number, range: PageRange, fromNs: number, toNs: number, emit: Emit): void {
    const endPage = range.firstPage + range.pages;
    for (let page = range.firstPage; page < endPage; ) {
      const firstPage = page - (page % 32);
      const chunkEnd = Math.min(endPage, firstPage + BITMAP_WORDS * 32);
      const words = this.#words.subarray(0, Math.ceil((chunkEnd - firstPage) / 32));
      const count = sampleBits(this.#random, p, words, page - firstPage, chunkEnd - firstPage);
      if (count > 0) emit({ fromNs, toNs, source: this.#source, form: 'bitmap', firstPage, words, count });
      page = chunkEnd;
    }
  }
}
