/**
 * The sending thread: takes pages off the migration bitmap in address order, from where it stopped, wrapping at the end, as
 * QEMU's does (migration/ram.c, ram_find_and_save_block), and says what they cost in bytes and in time.
 *
 * It keeps no clock and knows no rounds or windows: it is asked for one turn with a limit, and the pages of that turn are
 * sent as they are at that moment. The scan goes word by word, so a turn costs what is dirty, not what exists.
 */
import type { GuestMemory } from './memory.ts';
import { type PageBitmap, popcount32 } from './page-bitmap.ts';
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
}

export interface TurnLimit {
  /** The turn ends before the first page at which more than this has been sent: it overshoots by up to one page. */
  readonly bytes: number;
  /** The turn ends before the first page at which this much time has passed. */
  readonly ns: number;
  readonly bytesPerSecond: number;
}

export interface Turn {
  readonly normalPages: number;
  readonly zeroPages: number;
  readonly bytes: number;
  /** With a fraction. */
  readonly ns: number;
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

type Tally = { -readonly [K in keyof Turn]: Turn[K] };

export class PageSender {
  readonly #unsent: PageBitmap;
  readonly #memory: GuestMemory;
  readonly #truth: Truth;
  readonly #costs: SenderCosts;
  readonly #wire: WireFormat;
  /** Pages whose content the destination has received, a bit each; as words, because the scan has them as words. */
  readonly #received: Int32Array;
  readonly #rearm: Rearm | undefined;
  #at = 0;

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
    this.#received = new Int32Array(unsent.words.length);
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
    const stopped = this.#scan(from, to, tally, costs, limit);
    if (stopped > from) {
      this.#truth.sentAll(this.#unsent, from, stopped);
      this.#unsent.clearRange(from, stopped - from);
    }
    return stopped;
  }

  #scan(from: number, to: number, tally: Tally, costs: Costs, limit: TurnLimit): number {
    const { words } = this.#unsent;
    const nonZero = this.#memory.nonZero.words;
    const received = this.#received;
    const marksZero = this.#wire.zeroPageBytes !== undefined;
    const { first, again: anew, zero } = costs;
    // In variables while the loop runs: it goes over every word of memory.
    let { bytes: sentBytes, ns: sentNs } = tally;
    for (let page = this.#unsent.next(from); page !== -1 && page < to; ) {
      const w = page >>> 5;
      const firstOfWord = w * 32;
      let word = words[w]! & (-1 << (page & 31));
      if (firstOfWord + 32 > to) word &= -1 >>> (firstOfWord + 32 - to);
      const content = marksZero ? word & nonZero[w]! : word;
      const again = content & received[w]!;
      // Most words are of one kind: one count tells all three.
      const pages = word === -1 ? 32 : popcount32(word);
      const zeroPages = content === word ? 0 : popcount32(word ^ content);
      const againPages = again === 0 ? 0 : again === word ? pages : popcount32(again);
      const firstPages = pages - zeroPages - againPages;
      const bytes = firstPages * first.bytes + againPages * anew.bytes + zeroPages * zero.bytes;
      const ns = firstPages * first.ns + againPages * anew.ns + zeroPages * zero.ns;
      if (sentBytes + bytes > limit.bytes || sentNs + ns >= limit.ns) {
        tally.bytes = sentBytes;
        tally.ns = sentNs;
        const stopped = this.#scanWord(w, word, content, tally, costs, limit);
        if (stopped !== -1) return stopped;
        sentBytes = tally.bytes;
        sentNs = tally.ns;
      } else {
        tally.normalPages += firstPages + againPages;
        tally.zeroPages += zeroPages;
        sentBytes += bytes;
        sentNs += ns;
        received[w] = received[w]! | content;
      }
      // A neighbour that is dirty, too, is found without asking the summary.
      page = words[w + 1] ? firstOfWord + 32 + lowestBit(words[w + 1]!) : this.#unsent.next(firstOfWord + 32);
    }
    tally.bytes = sentBytes;
    tally.ns = sentNs;
    return to;
  }

  /** One word page by page, because a limit is near; returns the page before which it stopped, or -1. */
  #scanWord(w: number, word: number, content: number, tally: Tally, costs: Costs, limit: TurnLimit): number {
    for (let rest = word; rest !== 0; rest &= rest - 1) {
      const page = w * 32 + lowestBit(rest);
      if (tally.bytes > limit.bytes || tally.ns >= limit.ns) return page;
      const bit = rest & -rest;
      const isZero = (content & bit) === 0;
      const cost = isZero ? costs.zero : (this.#received[w]! & bit) === 0 ? costs.first : costs.again;
      if (isZero) tally.zeroPages += 1;
      else {
        tally.normalPages += 1;
        this.#received[w]! |= bit;
      }
      tally.bytes += cost.bytes;
      tally.ns += cost.ns;
    }
    return -1;
  }

  /** The slower of the link and the threads sets the pace; both are at work at once. */
  #costsAt(bytesPerSecond: number): Costs {
    const { pageNs, zeroPageNs, firstTouchNs } = this.#costs;
    const contentBytes = this.#wire.pageHeaderBytes + this.#memory.pageBytes;
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

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
