/**
 * A vGPU: it writes to what is mapped into its tables, one page after the other, at a steady rate. Which of the mapped
 * pages it wrote nobody can see, which is why its log (see `mapped-pages.ts`) reports all of them, always.
 */
import type { PageRange } from '../../../machines/words.ts';
import type { WriteSource } from '../../streams/page-writes.ts';
import { popcount32 } from '../bits.ts';
import type { GuestMemory } from '../memory.ts';
import { Permutation } from '../permutation.ts';
import type { Random } from '../random.ts';
import { ExactRate } from '../workloads/rate.ts';
import type { Emit } from '../workloads/writer.ts';
import { MapChurn } from './map-churn.ts';
import { type MapCosts, MappedPages } from './mapped-pages.ts';
import type { MediatedWriter } from './mediated.ts';
import { firstNotBelow, SortedPages } from './sorted-pages.ts';
import { WordsInTurn } from './words-in-turn.ts';

export interface VgpuDmaSpec {
  readonly kind: 'vgpu';
  /** What is mapped at the start: given ranges, or so many pages scattered by the seed over all of RAM. */
  readonly mapped: { readonly ranges: readonly PageRange[] } | { readonly scatteredPages: number };
  /** Page writes a second, over all mapped pages in turn. */
  readonly writesPerSecond: number;
  /** When the host learns of the map, and what that costs. Default: at each update, free of charge. */
  readonly costs?: Partial<MapCosts>;
  /** Pages that the running guest unmaps a second, the longest mapped first, with another one mapped for each. Default 0. */
  readonly churnPagesPerSecond?: number;
}

/** One list or bitmap at most: 32 KiB of numbers, 16 KiB of bits; both stay in the first-level cache. */
const LIST_PAGES = 8192;
const BITMAP_WORDS = 4096;

export class VgpuDma implements MediatedWriter {
  readonly mapped: MappedPages;
  readonly #source: WriteSource;
  readonly #churn: MapChurn;
  readonly #rate: ExactRate;
  readonly #list = new Uint32Array(LIST_PAGES);
  readonly #words = new Int32Array(BITMAP_WORDS);
  /** The mapped pages in order, while the map stays as it is. */
  readonly #sorted = new SortedPages();
  readonly #inTurn: WordsInTurn;
  #nextPage = 0;

  constructor(spec: VgpuDmaSpec, source: WriteSource, memory: GuestMemory, random: Random) {
    this.#source = source;
    this.#inTurn = new WordsInTurn(memory.arena);
    this.#rate = new ExactRate(spec.writesPerSecond);
    this.mapped = new MappedPages(memory.pages, spec.costs, memory.arena);
    const churn = { pagesPerSecond: spec.churnPagesPerSecond ?? 0 };
    if ('ranges' in spec.mapped) {
      memory.requireRam(spec.mapped.ranges, source);
      for (const range of spec.mapped.ranges) this.mapped.map(range);
      this.#churn = MapChurn.byAddress(this.mapped, memory, spec.mapped.ranges, churn);
    } else {
      const order = new Permutation(memory.ramPages, random);
      this.#mapScattered(spec.mapped.scatteredPages, (i) => memory.ramPageAt(order.at(i)));
      this.#churn = new MapChurn(this.mapped, memory.ramPages, (i) => memory.ramPageAt(order.at(i)), churn);
    }
    // What is mapped at the start was mapped before anybody looked.
    this.mapped.takeUpdateNs();
  }

  /** The first so many pages of an order, a list at a time. */
  #mapScattered(pages: number, pageAt: (index: number) => number): void {
    const list = this.#list;
    for (let first = 0; first < pages; first += list.length) {
      const n = Math.min(pages - first, list.length);
      for (let i = 0; i < n; i++) list[i] = pageAt(first + i);
      this.mapped.mapPages(list.subarray(0, n));
    }
  }

  guestAdvances(fromNs: number, toNs: number, speedPercent: number): void {
    this.#churn.advance(fromNs, toNs, speedPercent);
  }

  advance(fromNs: number, toNs: number, speedPercent: number, emit: Emit): void {
    const { pages: mapped } = this.mapped;
    const due = this.#rate.due(toNs - fromNs, speedPercent);
    if (mapped.count === 0) return;
    // After one turn every mapped page is written; further turns only move the place where it stands.
    const left = Math.min(due, mapped.count);
    if (mapped.count >= mapped.pages / 32) this.#emitWords(left, fromNs, toNs, emit);
    else this.#emitLists(left, fromNs, toNs, emit);
    if (due > mapped.count) this.#skip(due % mapped.count);
  }

  #emitLists(due: number, fromNs: number, toNs: number, emit: Emit): void {
    const { pages: mapped } = this.mapped;
    const sorted = this.#sorted.of(mapped, this.mapped.changes);
    if (sorted !== undefined) {
      this.#emitSlices(sorted, due, fromNs, toNs, emit);
      return;
    }
    for (let left = due; left > 0; ) {
      const room = this.#list.subarray(0, Math.min(left, LIST_PAGES));
      const n = mapped.listInto(room, this.#nextPage);
      this.#nextPage = n === 0 ? 0 : room[n - 1]! + 1;
      left -= n;
      if (n > 0) emit({ fromNs, toNs, source: this.#source, form: 'list', pages: room.subarray(0, n) });
    }
  }

  /** The same lists, cut from one that has been made before. */
  #emitSlices(sorted: Uint32Array, due: number, fromNs: number, toNs: number, emit: Emit): void {
    let at = firstNotBelow(sorted, this.#nextPage);
    for (let left = due; left > 0; ) {
      const pages = sorted.subarray(at, at + Math.min(left, LIST_PAGES));
      left -= pages.length;
      at = pages.length === 0 ? 0 : at + pages.length;
      if (pages.length > 0) emit({ fromNs, toNs, source: this.#source, form: 'list', pages });
    }
    this.#nextPage = at === 0 ? 0 : sorted[at - 1]! + 1;
  }

  /** The same pages in the same order, a word at a time: where words hold several of them this is several times faster. */
  #emitWords(due: number, fromNs: number, toNs: number, emit: Emit): void {
    const { pages: mapped, changes } = this.mapped;
    if (this.#inTurn.holds(mapped, changes)) {
      this.#emitInTurn(due, fromNs, toNs, emit);
      return;
    }
    const words = Math.ceil(mapped.pages / 32);
    for (let left = due; left > 0; ) {
      const firstWord = this.#nextPage >>> 5;
      const room = this.#words;
      let [n, count, reached] = [0, 0, -1];
      let mask = -1 << (this.#nextPage & 31);
      for (; n < room.length && firstWord + n < words && count < left; n++, mask = -1) {
        let word = mapped.wordAt(firstWord + n) & mask;
        let found = popcount32(word);
        while (count + found > left) {
          word &= ~(1 << (31 - Math.clz32(word)));
          found -= 1;
        }
        room[n] = word;
        count += found;
        if (word !== 0) reached = (firstWord + n) * 32 + 31 - Math.clz32(word);
      }
      const atEnd = firstWord + n >= words;
      this.#nextPage = count === left ? reached + 1 : atEnd ? 0 : (firstWord + n) * 32;
      left -= count;
      const batch = { form: 'bitmap', firstPage: firstWord * 32, words: room.subarray(0, n), count } as const;
      if (count > 0) emit({ fromNs, toNs, source: this.#source, ...batch });
    }
  }

  /** The same words, cut from some that have been copied before. */
  #emitInTurn(due: number, fromNs: number, toNs: number, emit: Emit): void {
    for (let left = due; left > 0; ) {
      const found = this.#inTurn.next(this.#nextPage, left, ({ firstWord, words, count, lastPage }) => {
        this.#nextPage = lastPage + 1;
        emit({ fromNs, toNs, source: this.#source, form: 'bitmap', firstPage: firstWord * 32, words, count });
      });
      left -= found;
      if (left > 0) this.#nextPage = 0;
    }
  }

  /** Passes over so many mapped pages more: they were emitted with the whole turn. */
  #skip(pages: number): void {
    const { pages: mapped } = this.mapped;
    for (let i = 0; i < pages; i++) {
      const next = mapped.next(this.#nextPage);
      this.#nextPage = (next === -1 ? mapped.next(0) : next) + 1;
    }
  }
}
