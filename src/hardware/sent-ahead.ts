/**
 * Pages of several turns that are taken off the migration bitmap in one go, although they may be written meanwhile. They are
 * kept until the last of these turns is over: a sender that is stopped before puts back what it has not come to.
 *
 * All of them count as sent when the first of these turns begins, and not each at the beginning of its own. What the next sync
 * finds is the same, wherever turns end: what was written since the last sync. And a page that is written between the two
 * times is one that the destination lacks, where it might have had it: it is dirty either way, and is sent again either way.
 */
import type { PageBitmap } from './page-bitmap.ts';
import type { Truth } from './truth.ts';

interface Stretch {
  readonly firstPage: number;
  readonly endPage: number;
}

/** Pages of the set in [firstPage, endPage); so many of those that were sent ahead had gone out before the first of them. */
export type ToldAhead = (set: PageBitmap, firstPage: number, endPage: number, pagesBefore: number) => void;

export class SentAhead {
  readonly #unsent: PageBitmap;
  readonly #truth: Truth;
  readonly #pages: PageBitmap;
  /** In the order in which they are sent: two where the sender comes to the end of memory. */
  #stretches: readonly Stretch[] = [];

  constructor(unsent: PageBitmap, truth: Truth) {
    this.#unsent = unsent;
    this.#truth = truth;
    this.#pages = unsent.emptyLike();
  }

  /** So many of the pages that wait, from this one on, and round; returns the page with which the sender goes on. */
  send(fromPage: number, pages: number): number {
    // Of a stretch whose end never came, because the connection broke.
    this.keep(() => {});
    const end = this.#unsent.pages;
    const toEnd = this.#unsent.countRange(fromPage, end - fromPage);
    if (pages < toEnd) this.#stretches = [{ firstPage: fromPage, endPage: this.#unsent.nth(fromPage, pages) }];
    else {
      const again = { firstPage: 0, endPage: this.#unsent.nth(0, pages - toEnd) };
      this.#stretches = [{ firstPage: fromPage, endPage: end }, again];
    }
    for (const { firstPage, endPage } of this.#stretches) {
      this.#unsent.takeRangeInto(this.#pages, firstPage, endPage - firstPage);
      this.#truth.sentAhead(this.#pages, firstPage, endPage);
    }
    return this.#stretches.at(-1)!.endPage;
  }

  /** Only so many of them were sent, the first ones and not all; returns the page with which the sender goes on. */
  takeBack(sentPages: number): number {
    let left = sentPages;
    let goesOnWith: number | undefined;
    for (const { firstPage, endPage } of this.#stretches) {
      const pages = this.#pages.countRange(firstPage, endPage - firstPage);
      if (goesOnWith === undefined && pages <= left) {
        left -= pages;
        continue;
      }
      const page = goesOnWith === undefined ? this.#pages.nth(firstPage, left) : firstPage;
      goesOnWith ??= page;
      this.#truth.takeBack(this.#pages, page, endPage);
      this.#pages.takeRangeInto(this.#unsent, page, endPage - page);
    }
    if (goesOnWith === undefined) throw new RangeError(`${sentPages} pages were not sent ahead, or no more than them`);
    return goesOnWith;
  }

  /** What is left of them has been sent; `told` hears of it. */
  keep(told: ToldAhead): void {
    let before = 0;
    for (const { firstPage, endPage } of this.#stretches) {
      const pages = this.#pages.countRange(firstPage, endPage - firstPage);
      if (pages > 0) told(this.#pages, firstPage, endPage, before);
      before += pages;
    }
    this.#stretches = [];
    this.#pages.clearAll();
    this.#truth.keepAhead();
  }
}
