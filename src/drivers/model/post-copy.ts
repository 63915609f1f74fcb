/**
 * The commands of post-copy: drop what is old on the destination, send what is missing while the guest runs there, and find
 * out after a broken connection what has arrived.
 *
 * What is requested goes first and the push goes on behind it, as QEMU's search does without preempt (migration/ram.c,
 * get_queued_page); what is on the wire is not overtaken. What was on the wire when the connection ended has not arrived.
 */
import type { Commands, Errno } from '../../../machines/words.ts';
import type { PageBitmap } from '../../hardware/page-bitmap.ts';
import { PostCopyGuest } from '../../hardware/post-copy-guest.ts';
import type { LostPages } from '../../hardware/truth.ts';
import type { Job } from './jobs.ts';
import { Sending, type Stream } from './stream.ts';

/** Bytes that are on the wire before what is requested gets its turn, a socket's share: this project's own. */
const CHUNK_BYTES = 131_072;
/** How long a push that waits for its cap does not look for requests, ns: this project's own. */
const LOOK_NS = 100_000;
/**
 * MIG_CMD_POSTCOPY_RAM_DISCARD, migration/savevm.c: 5 bytes of command header; version, length of the block's name, the name
 * ("pc.ram") and its end; two be64 a range, and 12 ranges a command (MAX_DISCARDS_PER_COMMAND, migration/postcopy-ram.c).
 */
const DISCARD_BYTES = 5 + 3 + 6;
const RANGE_BYTES = 16;
const RANGES_MAX = 12;
/** How many wrong pages are named, of all that are counted. */
const PAGES_NAMED_MAX = 16;

/** What a run of the model knows of its post-copy; `guest` is there from the hand-over on. */
export class PostCopy {
  readonly stream: Stream;
  #missing: PageBitmap | undefined;
  #guest: PostCopyGuest | undefined;

  constructor(stream: Stream) {
    this.stream = stream;
  }

  /** The destination knows what it lacks: everything that the source has not sent, or has sent and found dirty again. */
  discarded(): void {
    const { bitmap } = this.stream;
    this.#missing = bitmap.unsent.emptyLike();
    bitmap.unsent.orInto(this.#missing);
  }

  /** The guest runs on the destination. Pages that are old there and that it does not know to be missing are lost. */
  handedOver(): LostPages | undefined {
    const { world, agenda } = this.stream;
    if (this.#missing === undefined) return undefined;
    const lost = world.truth.unreportedPages(this.#missing, PAGES_NAMED_MAX);
    world.vcpus.throttle(0);
    this.#guest = new PostCopyGuest(world, this.#missing, agenda.nowNs);
    return lost;
  }

  /** ENOTCONN before the guest runs on the destination, ECONNRESET when that has died or the connection is broken. */
  get refuses(): Errno | undefined {
    const { destination, connection } = this.stream;
    if (destination.state === 'gone' || connection.broken) return 'ECONNRESET';
    return this.#guest === undefined ? 'ENOTCONN' : undefined;
  }

  /** Throws before the hand-over. */
  get guest(): PostCopyGuest {
    if (this.#guest === undefined) throw new Error('the guest does not run on the destination');
    return this.#guest;
  }

  /** A new connection: what broke the old one is forgotten. */
  reconnect(job: Job<'reconnect'>): void {
    const { destination, connection } = this.stream;
    destination.reach(
      (answered) => answered(),
      (errno) => {
        if (errno === undefined) connection.broken = false;
        job.end(errno ?? this.refuses, {});
      },
    );
  }

  /** The destination's bitmap comes over: a bit a page (ram_dirty_bitmap_reload). */
  compareReceived(job: Job<'compareReceived'>): void {
    const { agenda, link, bitmap, destination } = this.stream;
    destination.reach(
      (answered) => agenda.after(link.nsOf(bitmap.unsent.pages / 8), () => answered()),
      (errno) => {
        const refused = errno ?? this.refuses;
        if (refused !== undefined) {
          job.fail(refused);
          return;
        }
        this.guest.advanceTo(agenda.nowNs);
        this.guest.askAgain();
        bitmap.unsent.clearAll();
        this.guest.missing.orInto(bitmap.unsent);
        job.done({ missingPages: this.guest.missing.count });
      },
    );
  }
}

/** Tells the destination to drop every page that is still to be sent, range by range. */
export class DiscardDirty extends Sending {
  readonly #postCopy: PostCopy;
  readonly #params: Commands['discardDirty']['params'];
  readonly #job: Job<'discardDirty'>;

  constructor(postCopy: PostCopy, params: Commands['discardDirty']['params'], job: Job<'discardDirty'>) {
    super(postCopy.stream);
    this.#postCopy = postCopy;
    this.#params = params;
    this.#job = job;
  }

  protected start(): void {
    const { bitmap, link } = this.stream;
    if (this.refused()) return;
    if (bitmap.dirtySet === 0 || this.#params.dirtySet !== bitmap.dirtySet) {
      this.fail('EINVAL');
      return;
    }
    const bytes = this.stream.loop.pageHeaderBytes === 0 ? 0 : discardBytes(bitmap.unsent);
    this.busy(link.nsOf(bytes), bytes, () => {
      link.carry(bytes);
      this.#postCopy.discarded();
      this.#job.done({ missingPages: bitmap.unsent.count, sentBytes: bytes });
      this.over();
    });
  }

  /** Halted before it began. */
  protected finish(): void {
    this.fail('ECONNRESET');
  }

  protected fail(errno: Errno): void {
    this.#job.fail(errno);
    this.over();
  }
}

function discardBytes(pages: PageBitmap): number {
  let ranges = 0;
  for (let page = pages.next(0); page !== -1; page = pages.next(pages.nextClear(page))) ranges += 1;
  return Math.ceil(ranges / RANGES_MAX) * DISCARD_BYTES + ranges * RANGE_BYTES;
}

interface Chunk {
  readonly pages: readonly number[];
  readonly arrivesNs: number;
}

/** Everything that is missing, once. */
export class MissingPages extends Sending {
  readonly #postCopy: PostCopy;
  readonly #job: Job<'sendMissing'>;
  #inFlight: Chunk[] = [];
  /** Asked for by the guest, in order, and when the source hears of it unless the link is down then. */
  #requests: { readonly page: number; readonly dueNs: number }[] = [];
  /** Where the push goes on. */
  #at = 0;
  /** Before then the cap lets nothing be pushed. */
  #pushesFromNs = 0;
  #sentPages = 0;
  #zeroPages = 0;
  #sentBytes = 0;

  constructor(postCopy: PostCopy, job: Job<'sendMissing'>) {
    super(postCopy.stream);
    this.#postCopy = postCopy;
    this.#job = job;
  }

  protected start(): void {
    this.#next();
  }

  /** Halted: what is on the wire is lost. */
  protected finish(): void {
    const errno = this.#postCopy.refuses;
    if (errno === undefined) this.#end();
    else this.fail(errno);
  }

  protected fail(errno: Errno): void {
    this.#job.fail(errno);
    this.over();
  }

  /** Unlike what is sent before the hand-over, it goes to a destination that runs. */
  protected override refused(): boolean {
    if (this.stream.destination.silent) return super.refused();
    const errno = this.#postCopy.refuses;
    if (errno !== undefined) this.fail(errno);
    return errno !== undefined;
  }

  #next(): void {
    if (this.refused()) return;
    this.#hear();
    const { agenda, bitmap } = this.stream;
    const { nowNs } = agenda;
    if (bitmap.unsent.count === 0) {
      this.#awaitLast();
      return;
    }
    const requested = this.#takeRequested();
    if (requested.length > 0) this.#send(requested);
    else if (nowNs >= this.#pushesFromNs) this.#push();
    else this.sleepUntil(Math.min(this.#pushesFromNs, nowNs + LOOK_NS), () => this.#next());
  }

  /** What has arrived by now has arrived at its time, and what the guest has asked for since is on its way here. */
  #hear(): void {
    const { agenda, link, world } = this.stream;
    const { guest } = this.#postCopy;
    world.advanceTo(agenda.nowNs);
    for (let chunk = this.#inFlight[0]; chunk !== undefined; chunk = this.#inFlight[0]) {
      const arrivedNs = Math.max(link.arrivedNs(chunk.arrivesNs), guest.nowNs);
      if (arrivedNs > agenda.nowNs) break;
      guest.advanceTo(arrivedNs);
      guest.arrive(chunk.pages);
      for (const page of chunk.pages) world.truth.sent(page);
      this.#inFlight.shift();
    }
    guest.advanceTo(agenda.nowNs);
    for (const { page, atNs } of guest.takeRequests()) this.#requests.push({ page, dueNs: atNs + link.latencyNs });
  }

  #takeRequested(): number[] {
    const { agenda, bitmap, link } = this.stream;
    const pages: number[] = [];
    for (let next = this.#requests[0]; next !== undefined; next = this.#requests[0]) {
      if (pages.length === this.#chunkPages || link.arrivedNs(next.dueNs) > agenda.nowNs) break;
      const { page } = next;
      this.#requests.shift();
      // One that has been pushed in the meantime is on its way.
      if (bitmap.unsent.get(page)) pages.push(page);
    }
    // The guest is likely to want what lies behind it.
    if (pages.length > 0) this.#at = pages.at(-1)! + 1;
    return pages;
  }

  #push(): void {
    const { agenda, bitmap, spec } = this.stream;
    const found = new Uint32Array(this.#chunkPages);
    let count = bitmap.unsent.listInto(found, this.#at);
    if (count === 0) count = bitmap.unsent.listInto(found);
    const pages = [...found.subarray(0, count)];
    this.#at = pages.at(-1)! + 1;
    const bytes = this.#send(pages);
    const cap = spec.maxPostcopyBandwidthBytesPerSecond;
    if (cap > 0) this.#pushesFromNs = agenda.nowNs + (bytes / cap) * 1e9;
  }

  /** Returns the bytes that it puts on the wire. */
  #send(pages: readonly number[]): number {
    const { agenda, bitmap, link } = this.stream;
    const { bytes, ns, zeroPages } = this.#costOf(pages);
    for (const page of pages) bitmap.unsent.clear(page);
    this.#sentPages += pages.length;
    this.#zeroPages += zeroPages;
    this.#sentBytes += bytes;
    this.#inFlight.push({ pages, arrivesNs: Math.ceil(agenda.nowNs + ns + link.latencyNs) });
    this.stream.sends$.next({ fromNs: agenda.nowNs, toNs: agenda.nowNs + ns, form: 'list', pages });
    this.busy(ns, bytes, () => {
      link.carry(bytes);
      this.stream.progressed(0, bytes, 0);
      if (this.stopping) this.finish();
      else this.#next();
    });
    return bytes;
  }

  #costOf(pages: readonly number[]): { bytes: number; ns: number; zeroPages: number } {
    const { world, loop, spec, link } = this.stream;
    const { pageNs, firstTouchNs, zeroPageNs } = spec.sender;
    const contentBytes = loop.pageHeaderBytes + world.memory.pageBytes;
    const zeroBytes = loop.zeroPageBytes;
    const zeroPages = zeroBytes === undefined ? 0 : pages.filter((page) => world.memory.isZero(page)).length;
    const contentPages = pages.length - zeroPages;
    const bytes = contentPages * contentBytes + zeroPages * (zeroBytes ?? 0);
    // What was dropped has to be found memory for again.
    const threadNs = contentPages * (pageNs + firstTouchNs) + zeroPages * zeroPageNs;
    return { bytes, ns: Math.max(link.nsOf(bytes), threadNs), zeroPages };
  }

  get #chunkPages(): number {
    return Math.max(1, Math.floor(CHUNK_BYTES / this.stream.world.memory.pageBytes));
  }

  /** All is sent; the destination closes the return path when all has arrived (MIG_RP_MSG_SHUT). */
  #awaitLast(): void {
    const { agenda, link } = this.stream;
    const last = this.#inFlight.at(-1);
    const ns = last === undefined ? link.latencyNs : Math.max(0, last.arrivesNs - agenda.nowNs);
    this.busy(ns, 0, () => {
      if (last === undefined || this.stopping) this.finish();
      else this.#next();
    });
  }

  #end(): void {
    this.#hear();
    const { guest } = this.#postCopy;
    const { world } = this.stream;
    const vcpuBlocktimeNs = Object.fromEntries([...guest.blocktimesNs()].map(([vcpu, ns]) => [String(vcpu), ns]));
    const missingPages = guest.missing.count;
    const truth = world.truth.lostPages(PAGES_NAMED_MAX);
    const firstLostPages = [...truth.firstPages, ...guest.wrongPages].slice(0, PAGES_NAMED_MAX);
    this.#job.done({
      sentPages: this.#sentPages,
      zeroPages: this.#zeroPages,
      sentBytes: this.#sentBytes,
      missingPages,
      requestedPages: guest.requestedPages,
      vcpuBlocktimeNs,
      ...(missingPages > 0 ? {} : { lostPages: truth.count + guest.wrongPages.length, firstLostPages }),
    });
    this.over();
  }
}
