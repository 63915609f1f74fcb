/**
 * Turns pages that a writer finds one by one, in no order, into batches: a list where they are few, a bitmap where there is
 * about one a word of the set or more. Dense sets cross the stream as bitmaps, so what a subscriber pays for a span follows
 * the words that are touched, and not the writes.
 *
 * Whoever scatters its writes (a Zipf law's ranks, a measured curve) uses this; writers that go by address emit extents.
 */
import type { WriteSource } from '../streams/page-writes.ts';
import { popcount32 } from './bits.ts';
import type { PageSet } from './page-set.ts';
import type { Emit } from './workloads/writer.ts';

/** One list or bitmap at most: 32 KiB of numbers, 16 KiB of bits; both stay in the first-level cache. */
const LIST_PAGES = 8192;
const BITMAP_WORDS = 4096;

interface Span {
  readonly fromNs: number;
  readonly toNs: number;
  readonly emit: Emit;
}

export class PageBatches {
  readonly #source: WriteSource;
  readonly #set: PageSet;
  readonly #list = new Uint32Array(LIST_PAGES);
  #listed = 0;
  /** Bits over the set's own stretch of page numbers; made when a span is dense for the first time. */
  #words: Int32Array | undefined;
  #firstPage = 0;
  #dense = false;
  #span: Span | undefined;

  constructor(source: WriteSource, set: PageSet) {
    this.#source = source;
    this.#set = set;
  }

  /** Opens a span; about `expectedPages` are going to be added, by which the form is chosen. */
  begin(fromNs: number, toNs: number, expectedPages: number, emit: Emit): void {
    this.#span = { fromNs, toNs, emit };
    this.#dense = expectedPages >= this.#set.pages / 32;
    if (this.#dense && this.#words === undefined) this.#makeWords();
  }

  /** A page of the set. In a list it counts as often as it is added, in a bitmap once. */
  add(page: number): void {
    if (this.#dense) {
      const offset = page - this.#firstPage;
      this.#words![offset >>> 5]! |= 1 << (offset & 31);
      return;
    }
    this.#list[this.#listed++] = page;
    if (this.#listed === LIST_PAGES) this.#emitList();
  }

  /** Emits what is left of the span. */
  end(): void {
    if (this.#dense) this.#emitWords();
    else if (this.#listed > 0) this.#emitList();
    this.#span = undefined;
  }

  #emitList(): void {
    const { fromNs, toNs, emit } = this.#open();
    const pages = this.#list.subarray(0, this.#listed);
    this.#listed = 0;
    emit({ fromNs, toNs, source: this.#source, form: 'list', pages });
  }

  #emitWords(): void {
    const { fromNs, toNs, emit } = this.#open();
    const all = this.#words!;
    for (let from = 0; from < all.length; from += BITMAP_WORDS) {
      const words = all.subarray(from, from + BITMAP_WORDS);
      let count = 0;
      for (let w = 0; w < words.length; w++) count += popcount32(words[w]!);
      if (count === 0) continue;
      const firstPage = this.#firstPage + from * 32;
      emit({ fromNs, toNs, source: this.#source, form: 'bitmap', firstPage, words, count });
      words.fill(0);
    }
  }

  #makeWords(): void {
    const { ranges } = this.#set;
    const first = Math.min(...ranges.map((range) => range.firstPage));
    const end = Math.max(...ranges.map((range) => range.firstPage + range.pages));
    this.#firstPage = first - (first % 32);
    this.#words = new Int32Array(Math.ceil((end - this.#firstPage) / 32));
  }

  #open(): Span {
    if (this.#span === undefined) throw new Error(`${this.#source}: pages outside a span`);
    return this.#span;
  }
}
