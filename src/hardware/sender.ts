/**
 * The sending thread: takes pages off the migration bitmap in address order, from where it stopped, wrapping at the end, as
 * QEMU's does (migration/ram.c, ram_find_and_save_block), and says what they cost in bytes and in time.
 *
 * It keeps no clock and knows no rounds or windows: it is asked for one turn with a limit, and the pages of that turn are
 * sent as they are at that moment. It counts stretches and not pages, so a turn costs what is dirty, not what exists.
 */
import type { GuestMemory } from './memory.ts';
import type { PageBitmap } from './page-bitmap.ts';
import type { SentPages, TurnSends } from './page-sends.ts';
import { SentAhead } from './sent-ahead.ts';
import type { Truth } from './truth.ts';

/** What one thread of the sender and of the receiver takes, on top of the link; ns, fractions allowed. */
export interface SenderCosts {
  /** Per page that is sent with its content. Default 0. */
  readonly pageNs: number;
  /** Per page that is found to be zero and travels as a marker. Default 0. */
  readonly zeroPageNs: number;
  /**
   * On the destination, per page whose content it receives for the first time: it has to find memory for it. Part of the
   * sender's pace, because the socket between the two is a short queue. Default 0.
   */
  readonly firstTouchNs: number;
}

/** A dialect's bytes on the wire: `pageHeaderBytes` and `zeroPageBytes` of machines/loops.ts. */
export interface WireFormat {
  readonly pageHeaderBytes: number;
  /** Undefined: zero pages are sent like others. */
  readonly zeroPageBytes: number | undefined;
  /** What a page's content comes to once it is compressed; absent: as long as the page. */
  readonly contentBytes?: number;
}

export interface TurnLimit {
  /** The turn ends before the first page at which more than this has been sent: it overshoots by up to one page. */
  readonly bytes: number;
  /** The turn ends before the first page at which this much time has passed. */
  readonly ns: number;
  readonly bytesPerSecond: number;
  /** Who owes writes to pages that it only passes by goes on owing them. Absent: they are settled, too. */
  readonly looksAtSentOnly?: boolean;
}

export interface Turn {
  readonly normalPages: number;
  readonly zeroPages: number;
  readonly bytes: number;
  /** With a fraction. */
  readonly ns: number;
}

/** Whose pages may be sent ahead. */
export interface Ahead {
  /** Nobody writes the pages from the sender's position up to, without, this one. */
  readonly quietEnd: number;
  /** As many turns at most where they are written; 0: none. */
  readonly writtenTurns: number;
}

/** What a dirty log wants before pages are copied. */
export interface Rearm {
  /** Arms the log for this page and for those after it; returns the first page for which it must be called again. */
  before(page: number): number;
  /** ns of the sender's time that this has taken since it was last asked. Absent: none. */
  takeNs?(): number;
}

interface Cost {
  readonly bytes: number;
  readonly ns: number;
}

interface Costs {
  readonly first: Cost;
  readonly again: Cost;
  readonly zero: Cost;
}

/** Pages of a stretch that are sent for the first time, that were received before, and that travel as markers. */
interface Counted {
  readonly firstPages: number;
  readonly againPages: number;
  readonly zeroPages: number;
}

const NOTHING: Counted = { firstPages: 0, againPages: 0, zeroPages: 0 };

/** What is counted at once: a block of a page bitmap. */
const STRETCH_PAGES = 32_768;

type Tally = { -readonly [K in keyof Turn]: Turn[K] };

export class PageSender {
  readonly #unsent: PageBitmap;
  readonly #memory: GuestMemory;
  readonly #truth: Truth;
  readonly #costs: SenderCosts;
  readonly #wire: WireFormat;
  /** Pages whose content the destination has received, where the first time costs more. */
  readonly #received: PageBitmap | undefined;
  readonly #rearm: Rearm | undefined;
  /** Hears of what a turn sends; what `ahead` sends is told by `keepAhead`, when it is known what of it stands. */
  told: TurnSends | undefined;
  #at = 0;
  /** Of what was sent ahead: where it began, pages a turn, and who keeps it where it may be written. */
  #aheadFrom = 0;
  #perTurn = 0;
  #ahead: SentAhead | undefined;
  #written: SentAhead | undefined;

  constructor(
    unsent: PageBitmap,
    memory: GuestMemory,
    truth: Truth,
    costs: SenderCosts,
    wire: WireFormat,
    rearm?: Rearm,
  ) {
    this.#unsent = unsent;
    this.#memory = memory;
    this.#truth = truth;
    this.#costs = costs;
    this.#wire = wire;
    this.#received = costs.firstTouchNs > 0 ? unsent.emptyLike() : undefined;
    this.#rearm = rearm;
  }

  /** Sends pages until a limit is reached or none is left. */
  turn(limit: TurnLimit): Turn {
    const tally: Tally = { normalPages: 0, zeroPages: 0, bytes: 0, ns: 0 };
    const costs = this.#costsAt(limit.bytesPerSecond);
    const { pages } = this.#unsent;
    const start = this.#at;
    const stopped = this.#sendArmed(start, pages, tally, costs, limit);
    this.#at = stopped < pages ? stopped : this.#sendArmed(0, start, tally, costs, limit);
    return tally;
  }

  /**
   * Sends as many turns more as would each be just like the last: all pages of one kind, none of which is zero and turns into
   * another kind when it is written. Returns how many; until `keepAhead`, `takeBack` says that it was fewer.
   */
  ahead(last: Turn, { quietEnd, writtenTurns }: Ahead): number {
    this.#perTurn = last.normalPages + last.zeroPages;
    const mixed = last.normalPages > 0 && last.zeroPages > 0;
    if (mixed || this.#perTurn === 0 || this.#rearm !== undefined || this.#received !== undefined) return 0;
    this.#aheadFrom = this.#at;
    this.#written = undefined;
    const turns = this.#quietTurns(last, quietEnd);
    return turns > 0 || writtenTurns === 0 ? turns : this.#writtenTurns(last, writtenTurns);
  }

  /** Of what `ahead` sent, only so many turns were sent after all. */
  takeBack(turns: number): void {
    const pages = turns * this.#perTurn;
    if (this.#written !== undefined) {
      this.#at = this.#written.takeBack(pages);
      return;
    }
    const firstPage = this.#aheadFrom + pages;
    this.#truth.notSent(firstPage, this.#at - firstPage);
    this.#unsent.setRange(firstPage, this.#at - firstPage);
    this.#at = firstPage;
  }

  /** What `ahead` sent and nobody took back has been sent; `told` hears which pages, and how many turns had gone out before. */
  keepAhead(told: (sent: SentPages, turnsBefore: number, turns: number) => void): void {
    const [firstPage, endPage, perTurn] = [this.#aheadFrom, this.#at, this.#perTurn];
    if (this.#written === undefined) {
      if (endPage > firstPage) told({ form: 'range', firstPage, endPage }, 0, (endPage - firstPage) / perTurn);
      return;
    }
    this.#written.keep((set, from, to, before) => {
      const pages = set.countRange(from, to - from);
      told({ form: 'set', set, firstPage: from, endPage: to }, before / perTurn, pages / perTurn);
    });
    this.#written = undefined;
  }

  /** Where nobody writes and everything waits, a range says it all, whatever the guest's size. */
  #quietTurns(last: Turn, quietEnd: number): number {
    const firstPage = this.#at;
    if (quietEnd < firstPage + this.#perTurn) return 0;
    const end = Math.min(quietEnd, this.#unsent.nextClear(firstPage));
    const turns = Math.floor((end - firstPage) / this.#perTurn);
    if (turns < 1) return 0;
    const pages = turns * this.#perTurn;
    const marksZero = this.#wire.zeroPageBytes !== undefined;
    const normalPages = marksZero ? this.#memory.nonZero.countRange(firstPage, pages) : pages;
    if (normalPages !== (last.normalPages > 0 ? pages : 0)) return 0;
    this.#truth.sentRange(firstPage, pages);
    this.#unsent.clearRange(firstPage, pages);
    this.#at = firstPage + pages;
    return turns;
  }

  /** Without the last page that waits: the turn with that one may be another. */
  #writtenTurns(last: Turn, most: number): number {
    const mayBeZero = this.#wire.zeroPageBytes !== undefined && this.#memory.nonZero.count < this.#memory.ramPages;
    if (last.zeroPages > 0 || mayBeZero) return 0;
    const turns = Math.min(most, Math.floor((this.#unsent.count - 1) / this.#perTurn));
    if (turns < 1) return 0;
    this.#ahead ??= new SentAhead(this.#unsent, this.#truth);
    this.#at = this.#ahead.send(this.#at, turns * this.#perTurn);
    this.#written = this.#ahead;
    return turns;
  }

  /** Where it goes on. */
  get position(): number {
    return this.#at;
  }

  /** As `#send`, piece by piece, each after the log has been armed for it. */
  #sendArmed(from: number, to: number, tally: Tally, costs: Costs, limit: TurnLimit): number {
    const rearm = this.#rearm;
    if (rearm === undefined) return this.#send(from, to, tally, costs, limit);
    for (let page = this.#unsent.next(from); page !== -1 && page < to; ) {
      const end = Math.min(rearm.before(page), to);
      const stopped = this.#send(page, end, tally, costs, limit);
      // After the piece, so that no turn does nothing but arm.
      tally.ns += rearm.takeNs?.() ?? 0;
      if (stopped < end) return stopped;
      page = this.#unsent.next(end);
    }
    return to;
  }

  /** Sends from `from` up to, without, `to`; returns where it stopped. */
  #send(from: number, to: number, tally: Tally, costs: Costs, limit: TurnLimit): number {
    const fromNs = tally.ns;
    const stopped = this.#scan(from, to, tally, costs, limit);
    if (stopped > from && !(limit.looksAtSentOnly === true && this.#isIdle(from, stopped))) {
      this.told?.(this.#unsent, from, stopped, fromNs, tally.ns);
      this.#truth.sentAll(this.#unsent, from, stopped);
      if (this.#wire.zeroPageBytes === undefined) this.#received?.or(this.#unsent, from, stopped);
      else this.#received?.addBoth(this.#unsent, this.#memory.nonZero, from, stopped);
      this.#unsent.clearRange(from, stopped - from);
    }
    return stopped;
  }

  #isIdle(from: number, to: number): boolean {
    const page = this.#unsent.next(from);
    return page === -1 || page >= to;
  }

  /** Stretch by stretch: the longest that is sure to fit, by halves, and the last word page by page. */
  #scan(from: number, to: number, tally: Tally, costs: Costs, limit: TurnLimit): number {
    /** The shortest stretch from here on that is known to be too much: nothing longer needs to be counted. */
    let tooMuch: Counted = NOTHING;
    let tooMuchEnd = Number.POSITIVE_INFINITY;
    for (let page = this.#unsent.next(from); page !== -1 && page < to; page = this.#unsent.next(page)) {
      let end = Math.min(to, (Math.floor(page / STRETCH_PAGES) + 1) * STRETCH_PAGES);
      if (fits(tooMuch, tally, costs, limit)) tooMuchEnd = Number.POSITIVE_INFINITY;
      for (;;) {
        if (end < tooMuchEnd) {
          const counted = this.#count(page, end);
          if (fits(counted, tally, costs, limit)) {
            take(counted, tally, costs);
            tooMuch = lessBy(tooMuch, counted);
            break;
          }
          tooMuch = counted;
          tooMuchEnd = end;
        }
        if (end - page <= 32) {
          const stopped = this.#scanPages(page, end, tally, costs, limit);
          if (stopped !== -1) return stopped;
          tooMuch = NOTHING;
          break;
        }
        // A border of words, so that the last piece is one.
        end = page + Math.ceil((end - page) / 2);
        end = Math.max(end - (end % 32), page - (page % 32) + 32);
      }
      page = end;
    }
    return to;
  }

  /** What waits from `page` up to, without, `end`. */
  #count(page: number, end: number): Counted {
    const { nonZero } = this.#memory;
    const pages = this.#unsent.countRange(page, end - page);
    const mayBeZero = this.#wire.zeroPageBytes !== undefined && nonZero.count < this.#memory.ramPages;
    const normalPages = mayBeZero ? this.#unsent.countBoth(nonZero, page, end - page) : pages;
    const againPages = this.#received?.countBoth(this.#unsent, page, end - page) ?? 0;
    return { firstPages: normalPages - againPages, againPages, zeroPages: pages - normalPages };
  }

  /** Page by page, because a limit is near; returns the page before which it stopped, or -1. */
  #scanPages(from: number, to: number, tally: Tally, costs: Costs, limit: TurnLimit): number {
    const marksZero = this.#wire.zeroPageBytes !== undefined;
    for (let page = this.#unsent.next(from); page !== -1 && page < to; page = this.#unsent.next(page + 1)) {
      if (tally.bytes > limit.bytes || tally.ns >= limit.ns) return page;
      const isZero = marksZero && this.#memory.isZero(page);
      const cost = isZero ? costs.zero : this.#received?.get(page) === true ? costs.again : costs.first;
      if (isZero) tally.zeroPages += 1;
      else tally.normalPages += 1;
      tally.bytes += cost.bytes;
      tally.ns += cost.ns;
    }
    return -1;
  }

  /** The slower of the link and the threads sets the pace; both are at work at once. */
  #costsAt(bytesPerSecond: number): Costs {
    const { pageNs, zeroPageNs, firstTouchNs } = this.#costs;
    const contentBytes = this.#wire.pageHeaderBytes + (this.#wire.contentBytes ?? this.#memory.pageBytes);
    const zeroBytes = this.#wire.zeroPageBytes ?? contentBytes;
    const cost = (bytes: number, threadNs: number) => ({
      bytes,
      ns: Math.max((bytes / bytesPerSecond) * 1e9, threadNs),
    });
    return {
      first: cost(contentBytes, pageNs + firstTouchNs),
      again: cost(contentBytes, pageNs),
      zero: cost(zeroBytes, zeroPageNs),
    };
  }
}

/** No limit is reached in the middle of them. What holds for more pages of each kind holds for fewer, to the last bit. */
function fits(counted: Counted, tally: Tally, costs: Costs, limit: TurnLimit): boolean {
  return tally.bytes + bytesOf(counted, costs) <= limit.bytes && tally.ns + nsOf(counted, costs) < limit.ns;
}

function take(counted: Counted, tally: Tally, costs: Costs): void {
  tally.normalPages += counted.firstPages + counted.againPages;
  tally.zeroPages += counted.zeroPages;
  tally.bytes += bytesOf(counted, costs);
  tally.ns += nsOf(counted, costs);
}

function bytesOf({ firstPages, againPages, zeroPages }: Counted, { first, again, zero }: Costs): number {
  return firstPages * first.bytes + againPages * again.bytes + zeroPages * zero.bytes;
}

function nsOf({ firstPages, againPages, zeroPages }: Counted, { first, again, zero }: Costs): number {
  return firstPages * first.ns + againPages * again.ns + zeroPages * zero.ns;
}

function lessBy(counted: Counted, taken: Counted): Counted {
  return {
    firstPages: counted.firstPages - taken.firstPages,
    againPages: counted.againPages - taken.againPages,
    zeroPages: counted.zeroPages - taken.zeroPages,
  };
}
