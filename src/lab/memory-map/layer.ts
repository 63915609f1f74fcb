/**
 * One layer of a memory map while a run goes on: sets of pages go in with the span in which they were touched, cells come out.
 *
 * What a cell says: of its pages, the share that was touched in its time. Pages are counted, not touches: a page touched twice
 * in a bin counts once. A span no longer than a bin belongs whole to the bin in which it ends. A longer one says which pages
 * were touched and not when, so its pages are spread over its bins by how much of it lies in each; a writer's spans follow
 * each other, so that a page never comes to more than itself in a bin. Spans that come late, after their bin was counted, and
 * long spans that overlap are added up, to no more than all pages.
 *
 * It costs what is touched: a set is counted by whole blocks, once a bin or a span.
 */
import type { PageBitmap } from '../../hardware/page-bitmap.ts';
import { binAt, type Grid } from './grid.ts';

/** Bins that are still added to; a host's writers tell the spans of one step of time in turns. This project's own. */
const OPEN_BINS_MAX = 16;

interface LongSpan {
  readonly fromNs: number;
  readonly toNs: number;
  readonly pages: PageBitmap;
}

export class Layer {
  readonly #grid: Grid;
  readonly #emptySet: () => PageBitmap;
  /** Pages, with fractions, row by row of address. */
  readonly #cells: Float64Array;
  /** By bin. */
  readonly #open = new Map<number, PageBitmap>();
  #long: LongSpan | undefined;
  /** Counted, and empty again. */
  readonly #spare: PageBitmap[] = [];

  constructor(grid: Grid, emptySet: () => PageBitmap) {
    this.#grid = grid;
    this.#emptySet = emptySet;
    this.#cells = new Float64Array(grid.binPages.length * grid.timeBins);
  }

  /** Where to put pages that were touched in (fromNs, toNs], before anything else is asked; undefined: not in the window. */
  setFor(fromNs: number, toNs: number): PageBitmap | undefined {
    const grid = this.#grid;
    if (toNs - fromNs > grid.binNs) {
      return toNs > grid.fromNs && fromNs < grid.toNs ? this.#longSet(fromNs, toNs) : undefined;
    }
    const bin = binAt(grid, toNs);
    return bin === undefined ? undefined : this.#binSet(bin);
  }

  /** In 1/255 of each cell's pages, at least 1 where there is any. */
  finish(): Uint8Array {
    for (const bin of [...this.#open.keys()]) this.#countBin(bin);
    this.#countLong();
    const { binPages, timeBins } = this.#grid;
    return Uint8Array.from(this.#cells, (pages, cell) => {
      const share = pages / binPages[Math.floor(cell / timeBins)]!;
      return pages === 0 ? 0 : Math.min(255, Math.max(1, Math.round(255 * share)));
    });
  }

  #binSet(bin: number): PageBitmap {
    const known = this.#open.get(bin);
    if (known !== undefined) return known;
    if (this.#open.size === OPEN_BINS_MAX) this.#countBin(Math.min(...this.#open.keys()));
    const pages = this.#take();
    this.#open.set(bin, pages);
    return pages;
  }

  #longSet(fromNs: number, toNs: number): PageBitmap {
    if (this.#long?.fromNs === fromNs && this.#long.toNs === toNs) return this.#long.pages;
    this.#countLong();
    this.#long = { fromNs, toNs, pages: this.#take() };
    return this.#long.pages;
  }

  #countBin(bin: number): void {
    const pages = this.#open.get(bin)!;
    this.#open.delete(bin);
    this.#countRows(pages, (row, count) => {
      this.#cells[row * this.#grid.timeBins + bin]! += count;
    });
    this.#giveBack(pages);
  }

  #countLong(): void {
    if (this.#long === undefined) return;
    const { fromNs, toNs, pages } = this.#long;
    this.#long = undefined;
    const grid = this.#grid;
    const first = Math.floor((Math.max(fromNs, grid.fromNs) - grid.fromNs) / grid.binNs);
    const last = Math.min(Math.ceil((Math.min(toNs, grid.toNs) - grid.fromNs) / grid.binNs), grid.timeBins) - 1;
    const shares: number[] = [];
    for (let bin = first; bin <= last; bin++) {
      const startNs = grid.fromNs + bin * grid.binNs;
      const overlapNs = Math.min(toNs, startNs + grid.binNs) - Math.max(fromNs, startNs);
      shares.push(Math.max(0, overlapNs) / (toNs - fromNs));
    }
    this.#countRows(pages, (row, count) => {
      for (const [i, share] of shares.entries()) this.#cells[row * grid.timeBins + first + i]! += share * count;
    });
    this.#giveBack(pages);
  }

  #countRows(pages: PageBitmap, see: (row: number, count: number) => void): void {
    const { firstPages } = this.#grid;
    let row = 0;
    for (let page = pages.next(0); page !== -1; ) {
      while (page >= firstPages[row + 1]!) row += 1;
      const from = firstPages[row]!;
      const end = firstPages[row + 1]!;
      see(row, pages.countRange(from, end - from));
      page = end < pages.pages ? pages.next(end) : -1;
    }
  }

  #take(): PageBitmap {
    return this.#spare.pop() ?? this.#emptySet();
  }

  #giveBack(pages: PageBitmap): void {
    pages.clearAll();
    this.#spare.push(pages);
  }
}
