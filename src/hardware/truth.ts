/**
 * The truth about content: for each page of RAM, whether the destination lacks something that the source has. It is kept
 * outside every dirty tracker and learns of writes only as they do, from the stream, so a tracker that misses a write
 * leaves a page here that nobody sends, and hand-over names it.
 *
 * Two independent books, of which a run keeps one or both: a bit a page (source differs from destination), or a version
 * count on each side. With both, every question is answered twice and a disagreement throws.
 *
 * Order inside a send window: a window's sends take place before the window's writes. The world is advanced to a window's
 * end after its pages were reported sent, so a page that is sent and written in one window counts as differing. That is
 * one of the legal orders, and the one in which a write can be lost; a caller for whom the order matters cuts the window.
 * Pages that are sent ahead (sent-ahead.ts) are one window until they are cut, and what is cut off was never sent.
 */
import type { PageWrites } from '../streams/page-writes.ts';
import type { GuestMemory } from './memory.ts';
import type { PageBitmap } from './page-bitmap.ts';

export type TruthMode = 'bit' | 'versions' | 'both';

export interface LostPages {
  readonly count: number;
  /** The first of them, by page number, at most as many as were asked for. */
  readonly firstPages: readonly number[];
}

export class Truth {
  readonly mode: TruthMode;
  /** Called before these pages are looked at: whoever owes writes to them emits them now. */
  settle: ((fromPage: number, toPage: number) => void) | undefined;
  readonly #differs: PageBitmap | undefined;
  readonly #source: Uint32Array | undefined;
  readonly #destination: Uint32Array | undefined;
  readonly #written: PageBitmap | undefined;
  /** What the books said of the pages that were sent ahead, before they were. */
  #differed: PageBitmap | undefined;
  #received: { readonly firstPage: number; readonly versions: Uint32Array }[] = [];

  /** At the start the destination has nothing: every page of RAM differs. */
  constructor(memory: GuestMemory, mode: TruthMode) {
    this.mode = mode;
    if (mode !== 'versions') {
      this.#differs = memory.emptySet();
      memory.setAllRam(this.#differs);
    }
    if (mode !== 'bit') {
      this.#source = new Uint32Array(memory.pages);
      this.#destination = new Uint32Array(memory.pages);
      this.#written = memory.emptySet();
      for (const { firstPage, pages } of memory.slots) this.#source.fill(1, firstPage, firstPage + pages);
    }
  }

  receive(batch: PageWrites): void {
    this.#differs?.applyWrites(batch);
    if (this.#source === undefined || this.#written === undefined) return;
    // One batch is one new version of each page in it: whatever it holds between two sends is one content to send.
    this.#written.applyWrites(batch);
    for (let page = this.#written.next(0); page !== -1; page = this.#written.next(page + 1)) this.#source[page]! += 1;
    this.#written.clearAll();
  }

  /** The page as it is now has been sent; a zero page's marker counts as sent, too. */
  sent(page: number): void {
    this.settle?.(page, page + 1);
    this.#differs?.clear(page);
    if (this.#destination !== undefined) this.#destination[page] = this.#source![page]!;
  }

  /** `pages` pages from `firstPage` on have been sent as they are now. */
  sentRange(firstPage: number, pages: number): void {
    this.settle?.(firstPage, firstPage + pages);
    this.#differs?.clearRange(firstPage, pages);
    this.#destination?.set(this.#source!.subarray(firstPage, firstPage + pages), firstPage);
  }

  /** Nobody has received these pages after all. */
  notSent(firstPage: number, pages: number): void {
    this.#differs?.setRange(firstPage, pages);
    for (let page = firstPage; this.#destination !== undefined && page < firstPage + pages; page++) {
      this.#destination[page] = this.#source![page]! - 1;
    }
  }

  /** Every page of `set` from page `fromPage` up to, without, `toPage` has been sent as it is now. */
  sentAll(set: PageBitmap, fromPage = 0, toPage = set.pages): void {
    this.settle?.(fromPage, toPage);
    this.#differs?.clearWhere(set, fromPage, toPage);
    if (this.#destination === undefined) return;
    for (let page = set.next(fromPage); page !== -1 && page < toPage; page = set.next(page + 1)) {
      this.#destination[page] = this.#source![page]!;
    }
  }

  /** As `sentAll`, of pages of which some may prove not to have been sent: until `keepAhead`, `takeBack` says which. */
  sentAhead(set: PageBitmap, fromPage: number, toPage: number): void {
    this.settle?.(fromPage, toPage);
    if (this.#differs !== undefined) {
      this.#differed ??= this.#differs.emptyLike();
      this.#differed.or(this.#differs, fromPage, toPage);
    }
    const versions = this.#destination?.slice(fromPage, toPage);
    if (versions !== undefined) this.#received.push({ firstPage: fromPage, versions });
    this.sentAll(set, fromPage, toPage);
  }

  /** Of what was sent ahead nobody has received these: they differ if they did before, or have been written since. */
  takeBack(set: PageBitmap, fromPage: number, toPage: number): void {
    if (this.#differed !== undefined) this.#differs?.or(this.#differed, fromPage, toPage);
    for (const { firstPage, versions } of this.#received) {
      const end = Math.min(toPage, firstPage + versions.length);
      for (let page = set.next(Math.max(fromPage, firstPage)); page !== -1 && page < end; page = set.next(page + 1)) {
        this.#destination![page] = versions[page - firstPage]!;
      }
    }
  }

  /** What was sent ahead and not taken back has been sent. */
  keepAhead(): void {
    this.#differed?.clearAll();
    this.#received = [];
  }

  /** Whether the destination lacks the page's latest content. */
  differs(page: number): boolean {
    this.settle?.(page, page + 1);
    const byBit = this.#differs?.get(page);
    const byVersion = this.#source === undefined ? byBit : this.#source[page] !== this.#destination![page];
    if (byBit !== undefined && byBit !== byVersion) throw new Error(`truth disagrees with itself about page ${page}`);
    return byVersion!;
  }

  /** The pages that differ: at hand-over, the writes that were lost. Names at most `limit` of them. */
  lostPages(limit: number): LostPages {
    this.settle?.(0, Number.POSITIVE_INFINITY);
    const byBit = this.#lostByBit(limit);
    const byVersion = this.#lostByVersion(limit);
    if (byBit === undefined || byVersion === undefined) return (byBit ?? byVersion)!;
    const same =
      byBit.count === byVersion.count && byBit.firstPages.every((page, i) => page === byVersion.firstPages[i]);
    if (!same)
      throw new Error(`truth disagrees with itself: ${byBit.count} pages by bit, ${byVersion.count} by version`);
    return byBit;
  }

  /**
   * The pages that differ and are not in `unsent`: once nothing writes any more and every log has been merged, those that no
   * log reported. Names at most `limit` of them. While somebody still writes the answer means nothing.
   */
  unreportedPages(unsent: PageBitmap, limit: number): LostPages {
    this.settle?.(0, Number.POSITIVE_INFINITY);
    const byBit = this.#differs?.lackedBy(unsent, limit);
    const byVersion = this.#lostByVersion(limit, unsent);
    if (byBit !== undefined && byVersion !== undefined && byBit.count !== byVersion.count) {
      throw new Error(`truth disagrees with itself: ${byBit.count} unreported by bit, ${byVersion.count} by version`);
    }
    return (byBit ?? byVersion)!;
  }

  #lostByBit(limit: number): LostPages | undefined {
    if (this.#differs === undefined) return undefined;
    const list = new Uint32Array(Math.min(limit, this.#differs.count));
    this.#differs.listInto(list);
    return { count: this.#differs.count, firstPages: [...list] };
  }

  /** Without the pages of `except`. */
  #lostByVersion(limit: number, except?: PageBitmap): LostPages | undefined {
    if (this.#source === undefined || this.#destination === undefined) return undefined;
    const firstPages: number[] = [];
    let count = 0;
    for (let page = 0; page < this.#source.length; page++) {
      if (this.#source[page] === this.#destination[page] || except?.get(page)) continue;
      count += 1;
      if (firstPages.length < limit) firstPages.push(page);
    }
    return { count, firstPages };
  }
}
