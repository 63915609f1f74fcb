/**
 * What a random writer has written and not told yet. Its writes are a Poisson process, so what a span adds to a page's fate
 * is a number, and spans add up: a page's fate may be drawn when somebody is about to look at that page, once for all the
 * time since it was last drawn, with the same distribution as if each span had been drawn by itself.
 *
 * So a pass of pre-copy draws a page's fate when the page is sent and at the sync, and not in each of its hundreds of turns.
 * Time is owed by pieces of 1024 pages: whoever is about to look at a page settles its piece. A stretch without change in
 * the writer's speed is owed as one; a change settles everything.
 */
import type { PageRange } from '../../../machines/words.ts';
import type { WriteSource } from '../../streams/page-writes.ts';
import { popcount32 } from '../bits.ts';
import type { Lanes } from '../kernels/lanes.ts';
import type { PageArena } from '../kernels/page-arena.ts';
import type { SampleScratch } from '../kernels/sample-scratch.ts';
import type { Emit } from './writer.ts';

/** A piece: small against what a turn of the sender sends (15,000 pages at 10 Gb/s), large against the call of a kernel. */
const PIECE_PAGES = 1024;
/** Pages of a block of the sampling kernel. */
const BLOCK_PAGES = 128;
/** Below this the gaps between written pages are cheaper than every page's fate; measured, this project's own. */
const SPARSE_P = 0.01;

/** One range of the set, in pieces by page number. */
interface Owing {
  readonly range: PageRange;
  readonly firstPiece: number;
  /** What had been written, in writes to one page on average, and when, as each piece was last settled. */
  readonly told: Float64Array;
  readonly toldNs: Float64Array;
}

export class OwedWrites {
  readonly #source: WriteSource;
  readonly #lanes: Lanes;
  readonly #arena: PageArena;
  readonly #ranges: readonly Owing[];
  /** Writes to one page on average since the start. */
  #written = 0;
  #settled = 0;
  #speedPercent = 0;
  #untilNs = -1;

  constructor(source: WriteSource, ranges: readonly PageRange[], lanes: Lanes, arena: PageArena) {
    this.#source = source;
    this.#lanes = lanes;
    this.#arena = arena;
    this.#ranges = ranges.map((range) => {
      const firstPiece = Math.floor(range.firstPage / PIECE_PAGES);
      const pieces = Math.ceil((range.firstPage + range.pages) / PIECE_PAGES) - firstPiece;
      return { range, firstPiece, told: new Float64Array(pieces), toldNs: new Float64Array(pieces) };
    });
  }

  /** (fromNs, toNs] at this speed is owed: `perPage` writes to one page on average. */
  owe(fromNs: number, toNs: number, speedPercent: number, perPage: number, emit: Emit): void {
    if (fromNs !== this.#untilNs || speedPercent !== this.#speedPercent) {
      this.settle(0, Number.POSITIVE_INFINITY, emit);
      for (const { toldNs } of this.#ranges) toldNs.fill(fromNs);
      this.#speedPercent = speedPercent;
    }
    this.#untilNs = toNs;
    this.#written += perPage;
  }

  /** Emits what is owed of the pages from `fromPage` up to, without, `toPage`, and of their neighbours in the same pieces. */
  settle(fromPage: number, toPage: number, emit: Emit): void {
    if (this.#settled === this.#written) return;
    const all = fromPage === 0 && toPage === Number.POSITIVE_INFINITY;
    const { scratch } = this.#arena;
    for (const owing of this.#ranges) this.#settleRange(owing, fromPage, toPage, scratch, emit);
    if (all) this.#settled = this.#written;
  }

  /** Neighbouring pieces that owe the same are drawn together. */
  #settleRange(owing: Owing, fromPage: number, toPage: number, scratch: SampleScratch, emit: Emit): void {
    const { range, firstPiece, told, toldNs } = owing;
    const from = Math.max(fromPage, range.firstPage);
    const to = Math.min(toPage, range.firstPage + range.pages);
    if (from >= to) return;
    const end = Math.ceil(to / PIECE_PAGES) - firstPiece;
    const most = (32 * scratch.words.length) / PIECE_PAGES;
    for (let piece = Math.floor(from / PIECE_PAGES) - firstPiece; piece < end; ) {
      const before = told[piece]!;
      const fromNs = toldNs[piece]!;
      const first = piece;
      do {
        told[piece] = this.#written;
        toldNs[piece] = this.#untilNs;
        piece += 1;
      } while (piece < end && piece - first < most && told[piece] === before && toldNs[piece] === fromNs);
      if (before === this.#written) continue;
      const firstPage = Math.max((firstPiece + first) * PIECE_PAGES, range.firstPage);
      const endPage = Math.min((firstPiece + piece) * PIECE_PAGES, range.firstPage + range.pages);
      this.#draw(-Math.expm1(before - this.#written), firstPage, endPage, fromNs, scratch, emit);
    }
  }

  #draw(
    p: number,
    firstPage: number,
    endPage: number,
    fromNs: number,
    { kernels, list, words, firstWords }: SampleScratch,
    emit: Emit,
  ): void {
    const toNs = this.#untilNs;
    if (p < SPARSE_P) {
      for (let from = firstPage; from < endPage; ) {
        const n = kernels.sampleGaps(this.#lanes, p, from, endPage, list);
        from = n < list.length ? endPage : list[n - 1]! + 1;
        if (n > 0) emit({ fromNs, toNs, source: this.#source, form: 'list', pages: list.subarray(0, n) });
      }
      return;
    }
    const start = firstPage - (firstPage % BLOCK_PAGES);
    const blocks = Math.ceil((endPage - start) / BLOCK_PAGES);
    const drawn = kernels.sampleBits(this.#lanes, p, words, blocks);
    const count = drawn - cutOutside(words, firstPage - start, endPage - start, 4 * blocks);
    if (count > 0) {
      const view = firstWords(4 * blocks);
      emit({ fromNs, toNs, source: this.#source, form: 'bitmap', firstPage: start, words: view, count });
    }
  }
}

/** Clears the bits before `from` and from `to` on, in `end` words; returns how many were set. */
function cutOutside(words: Int32Array, from: number, to: number, end: number): number {
  let cut = 0;
  const clear = (w: number, mask: number) => {
    cut += popcount32(words[w]! & mask);
    words[w]! &= ~mask;
  };
  for (let w = 0; w < from >>> 5; w++) clear(w, -1);
  if ((from & 31) !== 0) clear(from >>> 5, ~(-1 << (from & 31)));
  if ((to & 31) !== 0) clear(to >>> 5, -1 << (to & 31));
  for (let w = (to + 31) >>> 5; w < end; w++) clear(w, -1);
  return cut;
}
