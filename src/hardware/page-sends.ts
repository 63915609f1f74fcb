/**
 * Pages on their way to the destination, as the sender takes them: what is sent, beside what is written (`PageWrites`).
 *
 * Sends cross as they are made, whole: a stretch of the migration bitmap, a range, or what somebody asked for. The set is
 * borrowed for the length of `next`, as it stands before its pages are taken out of it. Nothing is made where nobody listens.
 */
import type { PageBitmap } from './page-bitmap.ts';

export type PageSends = {
  /**
   * Half-open span (fromNs, toNs] of the run's clock in which the pages go out one after the other, in order. It is what the
   * sender reckons when it begins: where the link stands still or is shared meanwhile, they are later than that.
   */
  readonly fromNs: number;
  readonly toNs: number;
} & SentPages;

export type SentPages =
  | /** Those pages of the set that lie in [firstPage, endPage). */ {
      readonly form: 'set';
      readonly set: PageBitmap;
      readonly firstPage: number;
      readonly endPage: number;
    }
  | { readonly form: 'range'; readonly firstPage: number; readonly endPage: number }
  | { readonly form: 'list'; readonly pages: readonly number[] };

/** Hears of pages that one turn of a sender sends; ns from the beginning of that turn, with fractions. */
export type TurnSends = (set: PageBitmap, firstPage: number, endPage: number, fromNs: number, toNs: number) => void;
