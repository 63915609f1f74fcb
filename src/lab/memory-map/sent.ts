/**
 * What was sent, and what was sent again, as two layers. Pages go out one after the other in the order of their numbers, so
 * that a long turn of the sender is a slope and no block: where a bin ends in the middle of it, so do the pages that are in
 * that bin.
 */
import type { GuestMemory } from '../../hardware/memory.ts';
import type { PageBitmap } from '../../hardware/page-bitmap.ts';
import type { PageSends } from '../../hardware/page-sends.ts';
import type { Grid } from './grid.ts';
import { Layer } from './layer.ts';

export class SentLayers {
  /** All that was sent. */
  readonly sent: Layer;
  /** Of it, what had been sent before, be it before the window. */
  readonly sentAgain: Layer;
  readonly #grid: Grid;
  readonly #before: PageBitmap;
  readonly #named: PageBitmap;

  constructor(memory: GuestMemory, grid: Grid) {
    const emptySet = () => memory.emptySet();
    this.sent = new Layer(grid, emptySet);
    this.sentAgain = new Layer(grid, emptySet);
    this.#grid = grid;
    this.#before = memory.emptySet();
    this.#named = memory.emptySet();
  }

  receive(sends: PageSends): void {
    if (sends.fromNs > this.#grid.toNs) return;
    const { fromNs, toNs } = sends;
    if (sends.form === 'set') {
      this.#send(sends.set, sends.firstPage, sends.endPage, fromNs, toNs);
      return;
    }
    if (sends.form === 'range') this.#named.setRange(sends.firstPage, sends.endPage - sends.firstPage);
    else for (const page of sends.pages) this.#named.set(page);
    this.#send(this.#named, 0, this.#named.pages, fromNs, toNs);
    this.#named.clearAll();
  }

  #send(set: PageBitmap, firstPage: number, endPage: number, fromNs: number, toNs: number): void {
    const pages = set.countRange(firstPage, endPage - firstPage);
    if (pages === 0) return;
    const grid = this.#grid;
    const last = Math.min(Math.ceil((toNs - grid.fromNs) / grid.binNs) - 1, grid.timeBins);
    let from = firstPage;
    // Bin -1 is all that was before the window.
    for (let bin = Math.max(-1, Math.floor((fromNs - grid.fromNs) / grid.binNs)); bin < last; bin++) {
      const endNs = grid.fromNs + (bin + 1) * grid.binNs;
      const gone = Math.round((pages * (endNs - fromNs)) / (toNs - fromNs));
      const to = pageAfter(set, firstPage, endPage, gone);
      if (bin >= 0) this.#sendAt(set, from, to, Math.min(endNs, grid.toNs));
      from = Math.max(from, to);
    }
    this.#sendAt(set, from, endPage, toNs);
    this.#before.or(set, firstPage, endPage);
  }

  #sendAt(set: PageBitmap, firstPage: number, endPage: number, atNs: number): void {
    if (endPage <= firstPage) return;
    this.sent.setFor(atNs, atNs)?.or(set, firstPage, endPage);
    if (this.#before.count > 0) this.sentAgain.setFor(atNs, atNs)?.addBoth(set, this.#before, firstPage, endPage);
  }
}

/** The least page before which, from `firstPage` on, so many pages of the set lie. */
function pageAfter(set: PageBitmap, firstPage: number, endPage: number, pages: number): number {
  let [low, high] = [firstPage, endPage];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (set.countRange(firstPage, middle - firstPage) < pages) low = middle + 1;
    else high = middle;
  }
  return low;
}
