/**
 * A set of page numbers below a fixed bound: what every dirty log, the truth and the migration bitmap are made of.
 *
 * One bit a page in an Int32Array (measured faster than Uint32Array and BigUint64Array in V8), and above it one summary
 * bit for each word that is not zero, and above that one for each summary word. They are touched only when a word becomes
 * zero or ceases to be, so a mark stays a load and a store, while taking, merging and scanning cost what is dirty and not
 * what exists: the topmost level of 1 TiB is 32 KiB.
 *
 * A page at or beyond the bound is a programmer error and throws: a typed array would swallow it in silence.
 */
import type { PageWrites } from '../streams/page-writes.ts';
import {
  clearGroups,
  clearGroupsWhere,
  fillGroups,
  GROUP_PAGES,
  lowestBit,
  maskOf,
  NO_GROUP,
  nextGroup,
  orGroups,
  orWords,
  popcount32,
  type SummarisedWords,
  takeGroups,
  wholeGroups,
} from './page-groups.ts';

export { popcount32 } from './page-groups.ts';

export class PageBitmap {
  /** Page numbers run from 0 to `pages` - 1. */
  readonly pages: number;
  /** Bit k of word w stands for page 32 w + k. For reading only: writing here would bypass `count` and the summary. */
  readonly words: Int32Array;
  readonly #summary: Int32Array;
  readonly #top: Int32Array;
  /** All of them, for the loops over whole groups. */
  readonly #levels: SummarisedWords;
  #count = 0;

  constructor(pages: number) {
    if (!Number.isInteger(pages) || pages < 0 || pages > 2 ** 32) {
      throw new RangeError(`pages must be 0 to 2^32, got ${pages}`);
    }
    this.pages = pages;
    this.words = new Int32Array(Math.ceil(pages / 32));
    this.#summary = new Int32Array(Math.ceil(pages / 1024));
    this.#top = new Int32Array(Math.ceil(pages / 32768));
    this.#levels = { words: this.words, summary: this.#summary, top: this.#top };
  }

  /** Number of set pages, kept up to date. */
  get count(): number {
    return this.#count;
  }

  get(page: number): boolean {
    if (!(page >= 0 && page < this.pages)) throw this.#outside(page);
    return ((this.words[page >>> 5]! >>> page) & 1) === 1;
  }

  /** Returns whether the page was not set before. */
  set(page: number): boolean {
    if (!(page >= 0 && page < this.pages)) throw this.#outside(page);
    const w = page >>> 5;
    const old = this.words[w]!;
    const now = old | (1 << page);
    if (now === old) return false;
    this.words[w] = now;
    if (old === 0) this.#nowUsed(w);
    this.#count += 1;
    return true;
  }

  /** Returns whether the page was set before. */
  clear(page: number): boolean {
    if (!(page >= 0 && page < this.pages)) throw this.#outside(page);
    const w = page >>> 5;
    const old = this.words[w]!;
    const now = old & ~(1 << page);
    if (now === old) return false;
    this.words[w] = now;
    if (now === 0) this.#nowEmpty(w);
    this.#count -= 1;
    return true;
  }

  /** Sets `pages` pages from `firstPage` on; returns how many of them were not set before. */
  setRange(firstPage: number, pages: number): number {
    const endPage = this.#checkRange(firstPage, pages);
    const first = Math.ceil(firstPage / GROUP_PAGES);
    const end = Math.floor(endPage / GROUP_PAGES);
    if (first >= end) return this.#setEdge(firstPage, endPage);
    const added = fillGroups(this.#levels, { first, end });
    this.#count += added;
    return added + this.#setEdge(firstPage, first * GROUP_PAGES) + this.#setEdge(end * GROUP_PAGES, endPage);
  }

  #setEdge(firstPage: number, endPage: number): number {
    if (firstPage === endPage) return 0;
    const { words } = this;
    const firstWord = firstPage >>> 5;
    const lastWord = (endPage - 1) >>> 5;
    let added = 0;
    for (let w = firstWord; w <= lastWord; w++) {
      const mask = maskOf(w === firstWord ? firstPage & 31 : 0, w === lastWord ? ((endPage - 1) & 31) + 1 : 32);
      const old = words[w]!;
      const fresh = mask & ~old;
      if (fresh === 0) continue;
      words[w] = old | mask;
      if (old === 0) this.#nowUsed(w);
      added += fresh === -1 ? 32 : popcount32(fresh);
    }
    this.#count += added;
    return added;
  }

  /** Clears `pages` pages from `firstPage` on; returns how many of them were set before. */
  clearRange(firstPage: number, pages: number): number {
    const endPage = this.#checkRange(firstPage, pages);
    const before = this.#count;
    const inner = wholeGroups(firstPage, endPage, this.pages);
    this.#clearEdge(this, firstPage, inner.fromPage);
    this.#count -= clearGroups(this.#levels, inner.groups);
    this.#clearEdge(this, inner.toPage, endPage);
    return before - this.#count;
  }

  /** Sets every page. */
  setAll(): void {
    this.setRange(0, this.pages);
  }

  /** Clears every page, at the cost of what is set. */
  clearAll(): void {
    clearGroups(this.#levels, { first: 0, end: this.#summary.length });
    this.#count = 0;
  }

  /** Adds every page of `other`; returns how many of them were not set here before. */
  or(other: PageBitmap): number {
    return this.#merge(other, 0, this.pages, false);
  }

  /** Adds every page of this set to `target`; returns how many were not set there before. */
  orInto(target: PageBitmap): number {
    return target.#merge(this, 0, this.pages, false);
  }

  /** Moves every page of this set to `target`, as a destructive report does; returns how many were not set there before. */
  takeInto(target: PageBitmap): number {
    return target.#merge(this, 0, this.pages, true);
  }

  /** As `takeInto`, for `pages` pages from `firstPage` on; says how many were moved and how many were new to `target`. */
  takeRangeInto(target: PageBitmap, firstPage: number, pages: number): { taken: number; added: number } {
    const before = this.#count;
    const added = target.#merge(this, firstPage, this.#checkRange(firstPage, pages), true);
    return { taken: before - this.#count, added };
  }

  /** As `orInto`, for `pages` pages from `firstPage` on. */
  orRangeInto(target: PageBitmap, firstPage: number, pages: number): number {
    return target.#merge(this, firstPage, this.#checkRange(firstPage, pages), false);
  }

  /** Clears here what is set in `other` from page `fromPage` up to, without, `toPage`; returns how many were cleared. */
  clearWhere(other: PageBitmap, fromPage = 0, toPage = this.pages): number {
    this.#checkSame(other);
    this.#checkRange(fromPage, toPage - fromPage);
    const before = this.#count;
    const inner = wholeGroups(fromPage, toPage, this.pages);
    this.#clearEdge(other, fromPage, inner.fromPage);
    this.#count -= clearGroupsWhere(this.#levels, other.#levels, inner.groups);
    this.#clearEdge(other, inner.toPage, toPage);
    return before - this.#count;
  }

  /** The pages of this set that `other` lacks: how many, and at most `limit` of them by name, in order. */
  lackedBy(other: PageBitmap, limit: number): { readonly count: number; readonly firstPages: readonly number[] } {
    this.#checkSame(other);
    const firstPages: number[] = [];
    let count = 0;
    for (let w = this.#nextWord(0); w < this.words.length; w = this.#nextWord(w + 1)) {
      const lacked = this.words[w]! & ~other.words[w]!;
      if (lacked === 0) continue;
      count += popcount32(lacked);
      for (let rest = lacked; rest !== 0 && firstPages.length < limit; rest &= rest - 1) {
        firstPages.push(w * 32 + lowestBit(rest));
      }
    }
    return { count, firstPages };
  }

  /** Number of set pages among `pages` pages from `firstPage` on. */
  countRange(firstPage: number, pages: number): number {
    const endPage = this.#checkRange(firstPage, pages);
    if (pages === this.pages) return this.#count;
    let count = 0;
    for (let w = this.#nextWord(firstPage >>> 5); w < endPage / 32; w = this.#nextWord(w + 1)) {
      count += popcount32(this.words[w]! & this.#maskWithin(w, firstPage, endPage));
    }
    return count;
  }

  /** The first set page at or after `from`, or -1. */
  next(from: number): number {
    if (from >= this.pages) return -1;
    const w = from >>> 5;
    const rest = this.words[w]! & (-1 << (from & 31));
    if (rest !== 0) return w * 32 + lowestBit(rest);
    const found = this.#nextWord(w + 1);
    return found >= this.words.length ? -1 : found * 32 + lowestBit(this.words[found]!);
  }

  /** The first page at or after `from` that is not set, or `pages`: with `next`, walks runs. */
  nextClear(from: number): number {
    let mask = -1 << (from & 31);
    for (let w = from >>> 5; w < this.words.length; w++, mask = -1) {
      const holes = ~this.words[w]! & mask;
      if (holes !== 0) return Math.min(w * 32 + lowestBit(holes), this.pages);
    }
    return this.pages;
  }

  /** Writes the set pages from `from` on into `out`, in order, until it is full; returns how many. */
  listInto(out: Uint32Array, from = 0): number {
    if (from >= this.pages) return 0;
    let n = 0;
    let mask = -1 << (from & 31);
    let w = from >>> 5;
    while (w < this.words.length && n < out.length) {
      for (let word = this.words[w]! & mask; word !== 0 && n < out.length; word &= word - 1) {
        out[n++] = w * 32 + lowestBit(word);
      }
      mask = -1;
      w = this.#nextWord(w + 1);
    }
    return n;
  }

  /** Calls `visit` with each set page in order. For tests and reports; a hot loop uses `next`, `listInto` or `words`. */
  forEach(visit: (page: number) => void): void {
    for (let page = this.next(0); page !== -1; page = this.next(page + 1)) visit(page);
  }

  /** Sets every page that the batch names; returns how many were not set before. Keeps nothing of the batch. */
  applyWrites(batch: PageWrites): number {
    switch (batch.form) {
      case 'list':
        return this.#setList(batch.pages);
      case 'extents': {
        const { pairs } = batch;
        let added = 0;
        for (let i = 0; i + 1 < pairs.length; i += 2) added += this.setRange(pairs[i]!, pairs[i + 1]!);
        return added;
      }
      case 'bitmap':
        return this.#setWords(batch.firstPage, batch.words);
      default:
        return batch satisfies never;
    }
  }

  #setList(list: Uint32Array): number {
    const { words, pages } = this;
    let added = 0;
    for (let i = 0; i < list.length; i++) {
      const page = list[i]!;
      if (page >= pages) throw this.#outside(page);
      const w = page >>> 5;
      const old = words[w]!;
      const now = old | (1 << page);
      if (now === old) continue;
      words[w] = now;
      if (old === 0) this.#nowUsed(w);
      added += 1;
    }
    this.#count += added;
    return added;
  }

  #setWords(firstPage: number, source: Int32Array): number {
    if ((firstPage & 31) !== 0) throw new RangeError(`a bitmap batch starts at a multiple of 32, got ${firstPage}`);
    const firstWord = firstPage >>> 5;
    let used = source.length;
    while (used > 0 && source[used - 1] === 0) used -= 1;
    if (used === 0) return 0;
    const lastPage = (firstWord + used - 1) * 32 + 31 - Math.clz32(source[used - 1]!);
    if (lastPage >= this.pages) throw this.#outside(lastPage);
    const added = orWords(this.#levels, firstWord, source, used);
    this.#count += added;
    return added;
  }

  /** ORs in what `other` has from `fromPage` up to, without, `toPage`, and clears it there when `take`. */
  #merge(other: PageBitmap, fromPage: number, toPage: number, take: boolean): number {
    this.#checkSame(other);
    if (other === this) throw new RangeError('a set cannot be merged into itself');
    if (other.#count === 0) return 0;
    const before = this.#count;
    const inner = wholeGroups(fromPage, toPage, this.pages);
    this.#mergeEdge(other, fromPage, inner.fromPage, take);
    if (take) {
      const { taken, added } = takeGroups(this.#levels, other.#levels, inner.groups);
      this.#count += added;
      other.#count -= taken;
    } else {
      this.#count += orGroups(this.#levels, other.#levels, inner.groups);
    }
    this.#mergeEdge(other, inner.toPage, toPage, take);
    return this.#count - before;
  }

  #mergeEdge(other: PageBitmap, fromPage: number, toPage: number, take: boolean): void {
    if (fromPage >= toPage) return;
    let [added, taken] = [0, 0];
    for (let w = other.#nextWord(fromPage >>> 5); w < toPage / 32; w = other.#nextWord(w + 1)) {
      const mask = this.#maskWithin(w, fromPage, toPage);
      added += this.#orWord(w, other.words[w]! & mask);
      if (take) taken += other.#clearInWord(w, mask);
    }
    this.#count += added;
    other.#count -= taken;
  }

  /** Clears here what is set in `other`, which may be this set itself. */
  #clearEdge(other: PageBitmap, fromPage: number, toPage: number): void {
    if (fromPage >= toPage) return;
    let cleared = 0;
    for (let w = other.#nextWord(fromPage >>> 5); w < toPage / 32; w = other.#nextWord(w + 1)) {
      cleared += this.#clearInWord(w, other.words[w]! & this.#maskWithin(w, fromPage, toPage));
    }
    this.#count -= cleared;
  }

  /** ORs one word in, summary included; returns how many bits were new. The caller adds that to `#count`. */
  #orWord(w: number, word: number): number {
    const old = this.words[w]!;
    const fresh = word & ~old;
    if (fresh === 0) return 0;
    this.words[w] = old | word;
    if (old === 0) this.#nowUsed(w);
    return popcount32(fresh);
  }

  /** Clears the bits of `mask` in word w; returns how many were set. The caller takes that off `#count`. */
  #clearInWord(w: number, mask: number): number {
    const old = this.words[w]!;
    const now = old & ~mask;
    if (now === old) return 0;
    this.words[w] = now;
    if (now === 0) this.#nowEmpty(w);
    return popcount32(old & mask);
  }

  /** The first non-zero word at or after `from`, or the number of words. */
  #nextWord(from: number): number {
    const s = from >>> 5;
    const used = s < this.#summary.length ? this.#summary[s]! & (-1 << (from & 31)) : 0;
    if (used !== 0) return (s << 5) + lowestBit(used);
    const next = nextGroup(this.#top, s + 1);
    return next === NO_GROUP ? this.words.length : (next << 5) + lowestBit(this.#summary[next]!);
  }

  /** Word w was zero and is no longer. */
  #nowUsed(w: number): void {
    this.#summary[w >>> 5]! |= 1 << w;
    this.#top[w >>> 10]! |= 1 << (w >>> 5);
  }

  /** Word w has become zero. */
  #nowEmpty(w: number): void {
    const s = w >>> 5;
    const left = this.#summary[s]! & ~(1 << w);
    this.#summary[s] = left;
    if (left === 0) this.#top[s >>> 5]! &= ~(1 << s);
  }

  #maskWithin(w: number, firstPage: number, endPage: number): number {
    const base = w * 32;
    if (base >= firstPage && base + 32 <= endPage) return -1;
    return maskOf(Math.max(firstPage - base, 0), Math.min(endPage - base, 32));
  }

  #checkRange(firstPage: number, pages: number): number {
    const end = firstPage + pages;
    if (!(firstPage >= 0 && pages >= 0 && end <= this.pages)) throw this.#outside(end - 1);
    return end;
  }

  #checkSame(other: PageBitmap): void {
    if (other.pages !== this.pages) throw new RangeError(`sets of ${this.pages} and ${other.pages} pages`);
  }

  #outside(page: number): RangeError {
    return new RangeError(`page ${page} is outside 0 to ${this.pages - 1}`);
  }
}
