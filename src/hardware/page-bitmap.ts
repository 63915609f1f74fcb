/**
 * A set of page numbers below a fixed bound: what every dirty log, the truth and the migration bitmap are made of.
 *
 * Pages come in blocks of 32,768, which are empty, full, or mixed; only a mixed one has words, a bit a page. So a set costs
 * what is touched of it and not what exists: memory that is sent for the first time is full blocks that become empty ones,
 * whatever its size, and a report that finds its target empty hands its blocks over. Words lie in an arena (kernels/), which
 * the sets of one world share.
 *
 * A page at or beyond the bound is a programmer error and throws: a typed array would swallow it in silence.
 * The file is long because a set is one noun with many verbs, each of them for whole blocks and for parts.
 */
import type { PageWrites } from '../streams/page-writes.ts';
import { lowestBit, maskOf, popcount32 } from './bits.ts';
import { BLOCK_WORDS } from './kernels/block.ts';
import { createArena, type PageArena } from './kernels/page-arena.ts';
import { clearCountWords, countBothWords, orCountWords } from './kernels/word-loops.ts';

const BLOCK_PAGES = 32 * BLOCK_WORDS;
const BLOCK_SHIFT = 15;
const WORD_MASK = BLOCK_WORDS - 1;
/** From so many blocks on a run of them is turned at once. This project's own. */
const RUN_BLOCKS = 8;
/** From so many blocks on their tables are the arena's, too: a guest of half a TiB. This project's own. */
const LENT_FROM_BLOCKS = 4096;
/** In place of where a block's words are. */
const EMPTY = 0;
const FULL = -1;

export class PageBitmap {
  /** Page numbers run from 0 to `pages` - 1. */
  readonly pages: number;
  readonly #arena: PageArena;
  /** Where each block's words begin in the arena, or EMPTY, or FULL. */
  readonly #blocks: Int32Array;
  /** Set pages of each block. */
  readonly #counts: Int32Array;
  /** A bit for each block that is not empty. */
  readonly #used: Int32Array;
  #count = 0;

  /** Sets of one arena are merged faster than others; without one a set has its own. */
  constructor(pages: number, arena: PageArena = createArena('typescript')) {
    if (!Number.isInteger(pages) || pages < 0 || pages > 2 ** 32) {
      throw new RangeError(`pages must be 0 to 2^32, got ${pages}`);
    }
    this.pages = pages;
    this.#arena = arena;
    const blocks = Math.ceil(pages / BLOCK_PAGES);
    // Fresh pages of the host's memory cost more than what is done with them: the arena's own are used again.
    const table = (words: number) => (blocks < LENT_FROM_BLOCKS ? new Int32Array(words) : arena.lend(words));
    this.#blocks = table(blocks);
    this.#counts = table(blocks);
    this.#used = table(Math.ceil(blocks / 32));
  }

  /** An empty set of as many pages, in the same arena. */
  emptyLike(): PageBitmap {
    return new PageBitmap(this.pages, this.#arena);
  }

  /** Number of set pages, kept up to date. */
  get count(): number {
    return this.#count;
  }

  get(page: number): boolean {
    if (!(page >= 0 && page < this.pages)) throw this.#outside(page);
    return ((this.#word(page >>> BLOCK_SHIFT, (page >>> 5) & WORD_MASK) >>> page) & 1) === 1;
  }

  /** Returns whether the page was not set before. */
  set(page: number): boolean {
    if (!(page >= 0 && page < this.pages)) throw this.#outside(page);
    const b = page >>> BLOCK_SHIFT;
    if (this.#blocks[b] === FULL) return false;
    const at = this.#open(b) + ((page >>> 5) & WORD_MASK);
    return this.#changed(b, setBits(this.#arena.words, at, 1 << page)) === 1;
  }

  /** Returns whether the page was set before. */
  clear(page: number): boolean {
    if (!(page >= 0 && page < this.pages)) throw this.#outside(page);
    const b = page >>> BLOCK_SHIFT;
    if (this.#blocks[b] === EMPTY) return false;
    const at = this.#open(b) + ((page >>> 5) & WORD_MASK);
    return this.#changed(b, -clearBits(this.#arena.words, at, 1 << page)) === -1;
  }

  /** Sets `pages` pages from `firstPage` on; returns how many of them were not set before. */
  setRange(firstPage: number, pages: number): number {
    const before = this.#count;
    const end = this.#checkRange(firstPage, pages);
    for (let page = firstPage; page < end; ) {
      const b = page >>> BLOCK_SHIFT;
      const run = page === b * BLOCK_PAGES ? this.#turnRun(b, end >>> BLOCK_SHIFT, EMPTY, FULL) : b;
      if (run > b) {
        page = run * BLOCK_PAGES;
        continue;
      }
      const partEnd = Math.min((b + 1) * BLOCK_PAGES, end);
      this.#setPart(b, page - b * BLOCK_PAGES, partEnd - b * BLOCK_PAGES);
      page = partEnd;
    }
    return this.#count - before;
  }

  /** Clears `pages` pages from `firstPage` on; returns how many of them were set before. */
  clearRange(firstPage: number, pages: number): number {
    const before = this.#count;
    const end = this.#checkRange(firstPage, pages);
    if (pages === 0) return 0;
    for (let b = this.#nextUsed(firstPage >>> BLOCK_SHIFT); b * BLOCK_PAGES < end; b = this.#nextUsed(b + 1)) {
      const base = b * BLOCK_PAGES;
      const run = base >= firstPage ? this.#turnRun(b, end >>> BLOCK_SHIFT, FULL, EMPTY) : b;
      if (run > b) b = run - 1;
      else this.#clearPart(b, Math.max(firstPage - base, 0), Math.min(end - base, BLOCK_PAGES));
    }
    return before - this.#count;
  }

  /** Sets every page. */
  setAll(): void {
    this.setRange(0, this.pages);
  }

  /** Clears every page, at the cost of what is set. */
  clearAll(): void {
    this.clearRange(0, this.pages);
  }

  /** Adds every page of `other`, or those from `fromPage` up to, without, `toPage`; returns how many were not set here before. */
  or(other: PageBitmap, fromPage = 0, toPage = this.pages): number {
    return this.#merge(other, fromPage, toPage, false);
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
    if (fromPage === toPage) return 0;
    if (other === this) return this.clearRange(fromPage, toPage - fromPage);
    const before = this.#count;
    for (let b = other.#nextUsed(fromPage >>> BLOCK_SHIFT); b * BLOCK_PAGES < toPage; b = other.#nextUsed(b + 1)) {
      const base = b * BLOCK_PAGES;
      this.#clearPartWhere(other, b, Math.max(fromPage - base, 0), Math.min(toPage - base, this.#sizeOf(b)));
    }
    return before - this.#count;
  }

  /** The pages of this set that `other` lacks: how many, and at most `limit` of them by name, in order. */
  lackedBy(other: PageBitmap, limit: number): { readonly count: number; readonly firstPages: readonly number[] } {
    this.#checkSame(other);
    const firstPages: number[] = [];
    let count = 0;
    for (let b = this.#nextUsed(0); b < this.#blocks.length; b = this.#nextUsed(b + 1)) {
      const theirs = other.#blocks[b]!;
      // Most often the same pages: counted as a block before anybody asks which.
      if (theirs === FULL) continue;
      const size = this.#sizeOf(b);
      const lacking = this.#counts[b]! - (theirs === EMPTY ? 0 : this.#countPartBoth(other, b, 0, size));
      count += lacking;
      if (lacking === 0) continue;
      for (let w = 0; 32 * w < size && firstPages.length < limit; w++) {
        const lacked = this.#word(b, w) & ~other.#word(b, w);
        for (let rest = lacked; rest !== 0 && firstPages.length < limit; rest &= rest - 1) {
          firstPages.push(b * BLOCK_PAGES + w * 32 + lowestBit(rest));
        }
      }
    }
    return { count, firstPages };
  }

  /** Number of set pages among `pages` pages from `firstPage` on. */
  countRange(firstPage: number, pages: number): number {
    const end = this.#checkRange(firstPage, pages);
    if (pages === 0) return 0;
    if (this.#count === this.pages || this.#count === 0) return this.#count === 0 ? 0 : pages;
    if (pages === this.pages) return this.#count;
    const only = firstPage >>> BLOCK_SHIFT;
    if (end <= (only + 1) * BLOCK_PAGES) {
      return this.#countPart(only, firstPage - only * BLOCK_PAGES, end - only * BLOCK_PAGES);
    }
    let count = 0;
    for (let b = this.#nextUsed(firstPage >>> BLOCK_SHIFT); b * BLOCK_PAGES < end; b = this.#nextUsed(b + 1)) {
      const base = b * BLOCK_PAGES;
      if (base >= firstPage && this.#blocks[b] === FULL) {
        b = this.#fullUntil(b, Math.ceil(end / BLOCK_PAGES)) - 1;
        count += Math.min((b + 1) * BLOCK_PAGES, end) - base;
      } else count += this.#countPart(b, Math.max(firstPage - base, 0), Math.min(end - base, this.#sizeOf(b)));
    }
    return count;
  }

  /** Number of pages among those that are set in both. */
  countBoth(other: PageBitmap, firstPage: number, pages: number): number {
    this.#checkSame(other);
    const end = this.#checkRange(firstPage, pages);
    if (pages === 0) return 0;
    let count = 0;
    for (let b = this.#nextUsed(firstPage >>> BLOCK_SHIFT); b * BLOCK_PAGES < end; b = this.#nextUsed(b + 1)) {
      const base = b * BLOCK_PAGES;
      count += this.#countPartBoth(other, b, Math.max(firstPage - base, 0), Math.min(end - base, this.#sizeOf(b)));
    }
    return count;
  }

  /** Adds the pages that are set in both, from page `fromPage` up to, without, `toPage`. */
  addBoth(a: PageBitmap, b: PageBitmap, fromPage: number, toPage: number): void {
    if (b.#count === b.pages) {
      this.#merge(a, fromPage, toPage, false);
      return;
    }
    for (let page = a.next(fromPage); page !== -1 && page < toPage; page = a.next(page + 1)) {
      if (b.get(page)) this.set(page);
    }
  }

  /** The first set page at or after `from`, or -1. */
  next(from: number): number {
    if (from >= this.pages) return -1;
    const first = from >>> BLOCK_SHIFT;
    for (let b = this.#nextUsed(first); b < this.#blocks.length; b = this.#nextUsed(b + 1)) {
      const inBlock = b === first ? from & (BLOCK_PAGES - 1) : 0;
      if (this.#blocks[b] === FULL) return b * BLOCK_PAGES + inBlock;
      const { words } = this.#arena;
      const block = this.#blocks[b]!;
      let mask = -1 << (inBlock & 31);
      for (let w = inBlock >>> 5; w < BLOCK_WORDS; w++, mask = -1) {
        const rest = words[block + w]! & mask;
        if (rest !== 0) return b * BLOCK_PAGES + w * 32 + lowestBit(rest);
      }
    }
    return -1;
  }

  /** The set page before which `before` others lie at or after `from`; `pages` where there are no more than that. */
  nth(from: number, before: number): number {
    const first = from >>> BLOCK_SHIFT;
    let left = before;
    for (let b = this.#nextUsed(first); b < this.#blocks.length; b = this.#nextUsed(b + 1)) {
      const skipped = b === first ? from & (BLOCK_PAGES - 1) : 0;
      if (skipped > 0) left += this.#countPart(b, 0, skipped);
      if (this.#counts[b]! > left) return b * BLOCK_PAGES + this.#nthIn(b, left);
      left -= this.#counts[b]!;
      if (this.#blocks[b] !== FULL) continue;
      const run = this.#fullUntil(b + 1, Math.min(b + 1 + Math.floor(left / BLOCK_PAGES), this.#blocks.length - 1));
      left -= (run - b - 1) * BLOCK_PAGES;
      b = run - 1;
    }
    return this.pages;
  }

  /** The first page at or after `from` that is not set, or `pages`: with `next`, walks runs. */
  nextClear(from: number): number {
    for (let page = from; page < this.pages; ) {
      let b = page >>> BLOCK_SHIFT;
      if (this.#blocks[b] === EMPTY) return page;
      if (this.#blocks[b] === FULL) b = this.#fullUntil(b, this.#blocks.length) - 1;
      const end = (b + 1) * BLOCK_PAGES;
      if (this.#blocks[b] !== FULL) {
        let mask = -1 << (page & 31);
        for (let w = (page >>> 5) & WORD_MASK; w < BLOCK_WORDS; w++, mask = -1) {
          const holes = ~this.#word(b, w) & mask;
          if (holes !== 0) return Math.min(b * BLOCK_PAGES + w * 32 + lowestBit(holes), this.pages);
        }
      }
      page = end;
    }
    return this.pages;
  }

  /** Writes the set pages from `from` on into `out`, in order, until it is full; returns how many. */
  listInto(out: Uint32Array, from = 0): number {
    let n = 0;
    const first = from >>> BLOCK_SHIFT;
    for (let b = this.#nextUsed(first); b < this.#blocks.length && n < out.length; b = this.#nextUsed(b + 1)) {
      const inBlock = b === first ? from & (BLOCK_PAGES - 1) : 0;
      let mask = -1 << (inBlock & 31);
      for (let w = inBlock >>> 5; 32 * w < this.#sizeOf(b) && n < out.length; w++, mask = -1) {
        for (let word = this.#word(b, w) & mask; word !== 0 && n < out.length; word &= word - 1) {
          out[n++] = b * BLOCK_PAGES + w * 32 + lowestBit(word);
        }
      }
    }
    return n;
  }

  /** Calls `visit` with each set page in order. For tests and reports; a hot loop uses `next` or `listInto`. */
  forEach(visit: (page: number) => void): void {
    for (let page = this.next(0); page !== -1; page = this.next(page + 1)) visit(page);
  }

  /** Bit k of word w stands for page 32 w + k. */
  wordAt(w: number): number {
    return this.#word(w >>> 10, w & WORD_MASK);
  }

  /** A copy as words. */
  toWords(): Int32Array {
    const words = new Int32Array(Math.ceil(this.pages / 32));
    for (let w = 0; w < words.length; w++) words[w] = this.wordAt(w);
    return words;
  }

  /** Sets every page that the batch names; returns how many were not set before. Keeps nothing of the batch. */
  applyWrites(batch: PageWrites): number {
    switch (batch.form) {
      case 'list':
        return this.setList(batch.pages);
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

  /**
   * Sets the pages of a list, in any order; returns how many of them were not set before. What is counted is told once for each
   * run of pages in one block: a list is in order where it was drawn by gaps.
   */
  setList(list: Uint32Array): number {
    const before = this.#count;
    const { pages } = this;
    let b = -1;
    let block = FULL;
    let added = 0;
    let { words } = this.#arena;
    for (let i = 0; i < list.length; i++) {
      const page = list[i]!;
      if (page >>> BLOCK_SHIFT !== b) {
        if (added > 0) this.#changed(b, added);
        added = 0;
        if (page >= pages) throw this.#outside(page);
        b = page >>> BLOCK_SHIFT;
        block = this.#blocks[b]!;
        if (block === EMPTY) {
          block = this.#open(b);
          words = this.#arena.words;
        }
      } else if (page >= pages) {
        if (added > 0) this.#changed(b, added);
        throw this.#outside(page);
      }
      if (block === FULL) continue;
      const at = block + ((page >>> 5) & WORD_MASK);
      const old = words[at]!;
      const bit = 1 << page;
      if ((old & bit) !== 0) continue;
      words[at] = old | bit;
      added += 1;
    }
    if (added > 0) this.#changed(b, added);
    return this.#count - before;
  }

  #setWords(firstPage: number, source: Int32Array): number {
    if ((firstPage & 31) !== 0) throw new RangeError(`a bitmap batch starts at a multiple of 32, got ${firstPage}`);
    const used = this.#usedOf(firstPage, source);
    const before = this.#count;
    const shared = this.#arena.holds(source);
    for (let i = 0; i < used; ) {
      const page = firstPage + 32 * i;
      const b = page >>> BLOCK_SHIFT;
      const w = (page >>> 5) & WORD_MASK;
      const n = Math.min(BLOCK_WORDS - w, used - i);
      if (this.#blocks[b] !== FULL) {
        const at = this.#open(b) + w;
        const from = source.byteOffset / 4 + i;
        this.#changed(b, shared ? this.#arena.orCount(at, from, n) : orCountWords(this.#arena.words, at, source, i, n));
      }
      i += n;
    }
    return this.#count - before;
  }

  /** Words of a batch up to the last that is not zero; throws when it names a page that is not there. */
  #usedOf(firstPage: number, source: Int32Array): number {
    let used = source.length;
    if (firstPage + 32 * used <= this.pages) return used;
    while (used > 0 && source[used - 1] === 0) used -= 1;
    if (used === 0) return 0;
    const lastPage = firstPage + (used - 1) * 32 + 31 - Math.clz32(source[used - 1]!);
    if (lastPage >= this.pages) throw this.#outside(lastPage);
    return used;
  }

  /** ORs in what `other` has from `fromPage` up to, without, `toPage`, and clears it there when `take`. */
  #merge(other: PageBitmap, fromPage: number, toPage: number, take: boolean): number {
    this.#checkSame(other);
    if (other === this) throw new RangeError('a set cannot be merged into itself');
    if (fromPage === toPage) return 0;
    const before = this.#count;
    for (let b = other.#nextUsed(fromPage >>> BLOCK_SHIFT); b * BLOCK_PAGES < toPage; b = other.#nextUsed(b + 1)) {
      const base = b * BLOCK_PAGES;
      const from = Math.max(fromPage - base, 0);
      const to = Math.min(toPage - base, this.#sizeOf(b));
      if (from === 0 && to === this.#sizeOf(b)) this.#mergeBlock(other, b, take);
      else this.#mergePart(other, b, from, to, take);
    }
    return this.#count - before;
  }

  #mergeBlock(other: PageBitmap, b: number, take: boolean): void {
    const arena = this.#arena;
    const from = other.#blocks[b]!;
    if (this.#blocks[b] === EMPTY && (from === FULL || arena === other.#arena)) {
      const count = other.#counts[b]!;
      if (take || from === FULL) this.#blocks[b] = from;
      else {
        // Before the words are read: taking a block may make the memory grow.
        const into = (this.#blocks[b] = arena.take());
        arena.words.copyWithin(into, from, from + BLOCK_WORDS);
      }
      if (take) {
        other.#blocks[b] = EMPTY;
        other.#changed(b, -count);
      }
      this.#changed(b, count);
      return;
    }
    if (this.#blocks[b] !== FULL) {
      if (from === FULL) this.#setPart(b, 0, this.#sizeOf(b));
      else {
        const into = this.#open(b);
        const same = arena === other.#arena;
        this.#changed(
          b,
          same
            ? arena.orCount(into, from, BLOCK_WORDS)
            : orCountWords(arena.words, into, other.#arena.words, from, BLOCK_WORDS),
        );
      }
    }
    if (take) other.#clearPart(b, 0, this.#sizeOf(b));
  }

  #mergePart(other: PageBitmap, b: number, from: number, to: number, take: boolean): void {
    if (this.#blocks[b] !== FULL) {
      if (other.#blocks[b] === FULL) this.#setPart(b, from, to);
      else this.#changed(b, this.#orPart(other, b, from, to));
    }
    if (take) other.#clearPart(b, from, to);
  }

  #orPart(other: PageBitmap, b: number, from: number, to: number): number {
    const into = this.#open(b);
    const { words } = this.#arena;
    const first = from >>> 5;
    const last = (to - 1) >>> 5;
    const n = last - first - 1;
    if (first === last) return setBits(words, into + first, other.#word(b, first) & maskWithin(from, to));
    const source = other.#blocks[b]! + first + 1;
    return (
      setBits(words, into + first, other.#word(b, first) & headMask(from)) +
      setBits(words, into + last, other.#word(b, last) & tailMask(to)) +
      (this.#arena === other.#arena
        ? this.#arena.orCount(into + first + 1, source, n)
        : orCountWords(words, into + first + 1, other.#arena.words, source, n))
    );
  }

  #setPart(b: number, from: number, to: number): void {
    const block = this.#blocks[b]!;
    if (block === FULL) return;
    const size = this.#sizeOf(b);
    if (from === 0 && to === size) {
      if (block !== EMPTY) this.#arena.give(block);
      this.#blocks[b] = FULL;
      this.#changed(b, size - this.#counts[b]!);
      return;
    }
    const into = this.#open(b);
    const { words } = this.#arena;
    const first = from >>> 5;
    const last = (to - 1) >>> 5;
    const n = last - first - 1;
    if (first === last) {
      this.#changed(b, setBits(words, into + first, maskWithin(from, to)));
      return;
    }
    let added = setBits(words, into + first, headMask(from)) + setBits(words, into + last, tailMask(to));
    if (n > 0) {
      added += 32 * n - this.#arena.count(into + first + 1, n);
      words.fill(-1, into + first + 1, into + last);
    }
    this.#changed(b, added);
  }

  #clearPart(b: number, from: number, to: number): void {
    const block = this.#blocks[b]!;
    if (block === EMPTY) return;
    if (from === 0 && to >= this.#sizeOf(b)) {
      if (block !== FULL) this.#arena.give(block);
      this.#blocks[b] = EMPTY;
      this.#changed(b, -this.#counts[b]!);
      return;
    }
    const at = this.#open(b);
    const { words } = this.#arena;
    const first = from >>> 5;
    const last = (to - 1) >>> 5;
    const n = last - first - 1;
    if (first === last) {
      this.#changed(b, -clearBits(words, at + first, maskWithin(from, to)));
      return;
    }
    let cleared = clearBits(words, at + first, headMask(from)) + clearBits(words, at + last, tailMask(to));
    if (n > 0) {
      cleared += this.#arena.count(at + first + 1, n);
      words.fill(0, at + first + 1, at + last);
    }
    this.#changed(b, -cleared);
  }

  #clearPartWhere(other: PageBitmap, b: number, from: number, to: number): void {
    if (this.#blocks[b] === EMPTY) return;
    if (other.#blocks[b] === FULL) {
      this.#clearPart(b, from, to);
      return;
    }
    const at = this.#open(b);
    const { words } = this.#arena;
    const first = from >>> 5;
    const last = (to - 1) >>> 5;
    const n = last - first - 1;
    if (first === last) {
      this.#changed(b, -clearBits(words, at + first, other.#word(b, first) & maskWithin(from, to)));
      return;
    }
    const source = other.#blocks[b]! + first + 1;
    const cleared =
      clearBits(words, at + first, other.#word(b, first) & headMask(from)) +
      clearBits(words, at + last, other.#word(b, last) & tailMask(to)) +
      (this.#arena === other.#arena
        ? this.#arena.clearCount(at + first + 1, source, n)
        : clearCountWords(words, at + first + 1, other.#arena.words, source, n));
    this.#changed(b, -cleared);
  }

  #countPart(b: number, from: number, to: number): number {
    const block = this.#blocks[b]!;
    if (block === EMPTY) return 0;
    if (block === FULL) return to - from;
    if (from === 0 && to === this.#sizeOf(b)) return this.#counts[b]!;
    const first = from >>> 5;
    const last = (to - 1) >>> 5;
    const n = last - first - 1;
    if (first === last) return popcount32(this.#word(b, first) & maskWithin(from, to));
    const edges = popcount32(this.#word(b, first) & headMask(from)) + popcount32(this.#word(b, last) & tailMask(to));
    return edges + this.#arena.count(block + first + 1, n);
  }

  #countPartBoth(other: PageBitmap, b: number, from: number, to: number): number {
    const mine = this.#blocks[b]!;
    const theirs = other.#blocks[b]!;
    if (mine === EMPTY || theirs === EMPTY) return 0;
    if (theirs === FULL) return this.#countPart(b, from, to);
    if (mine === FULL) return other.#countPart(b, from, to);
    const first = from >>> 5;
    const last = (to - 1) >>> 5;
    const n = last - first - 1;
    const both = (w: number) => this.#word(b, w) & other.#word(b, w);
    if (first === last) return popcount32(both(first) & maskWithin(from, to));
    const edges = popcount32(both(first) & headMask(from)) + popcount32(both(last) & tailMask(to));
    const at = mine + first + 1;
    const otherAt = theirs + first + 1;
    return (
      edges +
      (this.#arena === other.#arena
        ? this.#arena.countBoth(at, otherAt, n)
        : countBothWords(this.#arena.words, at, other.#arena.words, otherAt, n))
    );
  }

  /** As `nth`, of one block that has it: by halves. */
  #nthIn(b: number, before: number): number {
    const block = this.#blocks[b]!;
    if (block === FULL) return before;
    let left = before;
    let w = 0;
    for (let half = BLOCK_WORDS / 2; half >= 1; half /= 2) {
      const count = this.#arena.count(block + w, half);
      if (count > left) continue;
      left -= count;
      w += half;
    }
    let rest = this.#word(b, w);
    for (; left > 0; left--) rest &= rest - 1;
    return 32 * w + lowestBit(rest);
  }

  /** Word w of block b; of a full one all bits, also those beyond the bound. */
  #word(b: number, w: number): number {
    const block = this.#blocks[b]!;
    if (block > 0) return this.#arena.words[block + w]!;
    if (block === EMPTY) return 0;
    const left = this.pages - b * BLOCK_PAGES - 32 * w;
    return left >= 32 ? -1 : left <= 0 ? 0 : maskOf(0, left);
  }

  /** Where the words of block b are, which is a mixed one from here on until `#changed` finds it to be empty or full. */
  #open(b: number): number {
    const state = this.#blocks[b]!;
    if (state > 0) return state;
    const block = this.#arena.take();
    const { words } = this.#arena;
    const full = state === FULL ? this.#sizeOf(b) : 0;
    words.fill(-1, block, block + (full >>> 5));
    words.fill(0, block + (full >>> 5), block + BLOCK_WORDS);
    if ((full & 31) !== 0) words[block + (full >>> 5)] = maskOf(0, full & 31);
    this.#blocks[b] = block;
    return block;
  }

  /** So many pages of block b were added, or taken away; returns them. */
  #changed(b: number, pages: number): number {
    const count = this.#counts[b]! + pages;
    this.#counts[b] = count;
    this.#count += pages;
    if (count === 0) this.#close(b, EMPTY);
    else {
      this.#used[b >>> 5]! |= 1 << b;
      if (count === this.#sizeOf(b)) this.#close(b, FULL);
    }
    return pages;
  }

  /** Turns whole blocks of one kind from b up to, without, `limit` at most into the other; returns where they end. */
  #turnRun(b: number, limit: number, from: typeof EMPTY | typeof FULL, to: typeof EMPTY | typeof FULL): number {
    const blocks = this.#blocks;
    const last = from === FULL ? this.#fullUntil(b, limit) : blocks[b] === EMPTY ? this.#nextUsed(b, limit) : b;
    if (last - b < RUN_BLOCKS) return b;
    const sign = to === FULL ? 1 : -1;
    blocks.fill(to, b, last);
    this.#counts.fill(to === FULL ? BLOCK_PAGES : 0, b, last);
    const first = b >>> 5;
    const lastWord = (last - 1) >>> 5;
    const n = lastWord - first - 1;
    const turn = to === FULL ? setBits : clearBits;
    if (first === lastWord) turn(this.#used, first, maskWithin(b, last));
    else {
      turn(this.#used, first, headMask(b));
      this.#used.fill(to, first + 1, first + 1 + n);
      turn(this.#used, lastWord, tailMask(last));
    }
    this.#count += sign * (last - b) * BLOCK_PAGES;
    return last;
  }

  /** The first block from b on that is not full, or `limit`. */
  #fullUntil(b: number, limit: number): number {
    const blocks = this.#blocks;
    let at = b;
    // FULL is all ones.
    while (at + 4 <= limit && (blocks[at]! & blocks[at + 1]! & blocks[at + 2]! & blocks[at + 3]!) === FULL) {
      at += 4;
    }
    while (at < limit && blocks[at] === FULL) at += 1;
    return at;
  }

  #close(b: number, state: typeof EMPTY | typeof FULL): void {
    const block = this.#blocks[b]!;
    if (block > 0) this.#arena.give(block);
    this.#blocks[b] = state;
    if (state === EMPTY) this.#used[b >>> 5]! &= ~(1 << b);
  }

  /** The first block at or after `from` that is not empty, or `limit`: by default the number of blocks. */
  #nextUsed(from: number, limit = this.#blocks.length): number {
    const used = this.#used;
    let at = from >>> 5;
    if (from >= limit) return limit;
    let rest = used[at]! & (-1 << (from & 31));
    while (rest === 0) {
      at += 1;
      if (32 * at >= limit) return limit;
      rest = used[at]!;
    }
    return Math.min(at * 32 + lowestBit(rest), limit);
  }

  #sizeOf(b: number): number {
    return Math.min(BLOCK_PAGES, this.pages - b * BLOCK_PAGES);
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

function headMask(from: number): number {
  return -1 << (from & 31);
}

function tailMask(to: number): number {
  return -1 >>> (31 - ((to - 1) & 31));
}

function maskWithin(from: number, to: number): number {
  return headMask(from) & tailMask(to);
}

function setBits(words: Int32Array, at: number, mask: number): number {
  const old = words[at]!;
  const fresh = mask & ~old;
  if (fresh === 0) return 0;
  words[at] = old | mask;
  return popcount32(fresh);
}

function clearBits(words: Int32Array, at: number, mask: number): number {
  const old = words[at]!;
  const gone = old & mask;
  if (gone === 0) return 0;
  words[at] = old ^ gone;
  return popcount32(gone);
}
