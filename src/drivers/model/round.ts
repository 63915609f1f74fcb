/**
 * One pass of pre-copy, as QEMU's loop sends it (migration/migration.c: migration_thread, migration_iteration_run,
 * migration_rate_limit; migration/savevm.c: qemu_savevm_state_iterate): turns of at most 50 ms, RAM first and then the
 * devices as the dialect lets them, and sleep once the window's budget is used up. After each turn, or after the sleep,
 * `roundEnds` is asked; a pass always has one turn first. The textbook's pass is the same without windows.
 *
 * A turn's pages are sent before the writes of its own time. Where QEMU spins, this spins slower: a pass takes its least
 * time, and one that found nothing at all to send sleeps to the end of the window instead of asking the same again.
 *
 * Where nobody can see a turn end, turns are sent ahead in one go (hardware/sent-ahead.ts): without windows, without devices
 * that send between them, and on a link of its own. Whoever looks finds as many of them sent as there would be.
 */
import { roundEnds } from '../../../machines/pre-copy.ts';
import type { Commands, Errno } from '../../../machines/words.ts';
import type { Ahead, Turn } from '../../hardware/sender.ts';
import type { Job } from './jobs.ts';
import { PEEKED_BATCH_PAGES } from './peek.ts';
import type { SourceDevice } from './source-devices.ts';
import {
  Sending,
  STATE_CHUNK_BYTES,
  STATE_FRAMING_BYTES,
  type Stream,
  sectionEndBytes,
  stateNs,
  turnNs,
} from './stream.ts';

/**
 * As long a stretch at most where pages are written meanwhile. At 10 Gb/s it is 4.7 GiB, more than what a guest that still
 * converges has dirty, and 37 blocks of a page set to keep until nobody can cut it any more. This project's own.
 */
const LONGEST_WRITTEN_NS = 4_000_000_000;

export class Round extends Sending {
  readonly #params: Commands['sendRound']['params'];
  readonly #job: Job<'sendRound'>;
  readonly #capBytesPerSecond: number;
  #startNs = 0;
  #sentPages = 0;
  #zeroPages = 0;
  #ramBytes = 0;
  #deviceBytes = 0;
  #skippedPages = 0;
  #skippedNow = 0;
  /** Bytes when this turn began: a turn that adds none has found nothing to send. */
  #bytesBefore = 0;

  constructor(stream: Stream, params: Commands['sendRound']['params'], job: Job<'sendRound'>) {
    super(stream);
    this.#params = params;
    this.#job = job;
    const { capBytesPerSecond: cap } = stream.window;
    const pacesItself = stream.loop.windowMs === undefined && cap > 0;
    const paced = stream.loop.windowMs === undefined ? params.paceBytesPerSecond : undefined;
    this.#capBytesPerSecond = Math.min(pacesItself ? cap : Number.POSITIVE_INFINITY, paced ?? Number.POSITIVE_INFINITY);
  }

  protected start(): void {
    const { bitmap, window, agenda, limit } = this.stream;
    if (this.#params.ends.rule === 'low-water') limit.downtimeMs = this.#params.ends.downtimeLimitMs;
    if (this.#params.dirtySet === 0 || this.#params.dirtySet !== bitmap.dirtySet) {
      this.fail('EINVAL');
      return;
    }
    this.#startNs = agenda.nowNs;
    if (this.#params.skipsDirtied === true) this.stream.peek.listen();
    window.begin(agenda.nowNs);
    this.#turn();
  }

  protected finish(): void {
    const { bitmap, window, loop, agenda } = this.stream;
    if (loop.windowMs === undefined) window.measureRound(this.#sentBytes, agenda.nowNs - this.#startNs);
    this.#job.done({
      sentPages: this.#sentPages,
      zeroPages: this.#zeroPages,
      sentBytes: this.#sentBytes,
      deviceBytes: this.#deviceBytes,
      remainingPages: bitmap.unsent.count,
      remainingBytes: bitmap.remainingBytes,
      bandwidthBytesPerSecond: window.bandwidthBytesPerSecond,
      ...(this.#params.skipsDirtied === true ? { skippedPages: this.#skippedPages } : {}),
    });
    this.over();
  }

  protected fail(errno: Errno): void {
    this.#job.fail(errno);
    this.over();
  }

  /** A sender that looks before it sends does so batch by batch; a turn ends before the page that exceeds its bytes. */
  get #batchBytes(): number {
    const { loop, world } = this.stream;
    if (this.#params.skipsDirtied !== true) return Number.POSITIVE_INFINITY;
    return PEEKED_BATCH_PAGES * (loop.pageHeaderBytes + world.memory.pageBytes) - 1;
  }

  get #sentBytes(): number {
    return this.#ramBytes + this.#deviceBytes;
  }

  /** RAM's turn. Its pages are what they are now; what is written while they travel is dirty again. */
  #turn(): void {
    if (this.refused()) return;
    const { world, agenda, pages, window, link, bitmap, peek } = this.stream;
    world.advanceTo(agenda.nowNs);
    this.#bytesBefore = this.#sentBytes;
    this.#skippedNow = this.#params.skipsDirtied === true ? peek.skip(bitmap.unsent) : 0;
    this.#skippedPages += this.#skippedNow;
    const bytesPerSecond = Math.min(this.#capBytesPerSecond, link.bytesPerSecond);
    const bytes = Math.min(window.leftBytes, this.#batchBytes);
    const sendsAhead = this.#sendsAhead;
    const limit = { bytes, ns: turnNs(this.stream), bytesPerSecond, looksAtSentOnly: sendsAhead };
    const turn = pages.turn(limit);
    const endBytes = turn.bytes === 0 ? 0 : sectionEndBytes(this.stream);
    const ns = turn.ns + link.nsOf(endBytes);
    const more = sendsAhead ? pages.ahead(turn, this.#ahead(Math.ceil(ns))) : 0;
    if (more === 0) this.#busyWith(turn, endBytes, ns);
    else this.#busyWithMany(turn, 1 + more, Math.ceil(ns));
  }

  /** Where no window has to be measured and nothing is done between turns, one is like the other: they are sent in one go. */
  get #sendsAhead(): boolean {
    const { loop, share, link } = this.stream;
    const { ends, skipsDirtied } = this.#params;
    if (loop.windowMs !== undefined || ends.rule !== 'drained') return false;
    if (share !== undefined || skipsDirtied === true || link.isDown) return false;
    return this.#sendingDevices().length === 0;
  }

  /** Nobody writes, or nobody can tell when: hardware/sent-ahead.ts. */
  #ahead(turnNs: number): Ahead {
    const { world, pages } = this.stream;
    const writtenTurns = world.writesLate ? Math.floor(LONGEST_WRITTEN_NS / turnNs) : 0;
    return { quietEnd: world.quietUntil(pages.position), writtenTurns };
  }

  #busyWithMany(turn: Turn, turns: number, turnNs: number): void {
    const { pages, agenda, sends$ } = this.stream;
    const perTurn = turn.normalPages + turn.zeroPages;
    const secondNs = agenda.nowNs + turnNs;
    let all = turns;
    this.stretch({
      turnNs,
      turns,
      cut: (done) => {
        pages.takeBack(done - 1);
        all = done;
      },
      ended: (more, done) => {
        this.#sentPages += more * perTurn;
        this.#zeroPages += more * turn.zeroPages;
        this.#ramBytes += more * turn.bytes;
        this.#putOnWire(more * turn.bytes, (all - done) * perTurn);
      },
      after: () => {
        pages.keepAhead((sent, before, more) => {
          const fromNs = secondNs + before * turnNs;
          sends$.next(Object.assign({ fromNs, toNs: fromNs + more * turnNs }, sent));
        });
        this.#devicesTurn(this.#sendingDevices());
      },
    });
  }

  #busyWith(turn: Turn, endBytes: number, ns: number): void {
    const bytes = turn.bytes + endBytes;
    this.#sentPages += turn.normalPages + turn.zeroPages;
    this.#zeroPages += turn.zeroPages;
    this.#ramBytes += bytes;
    this.busy(ns, bytes, () => {
      this.#putOnWire(bytes);
      this.#devicesTurn(this.#sendingDevices());
    });
  }

  #putOnWire(bytes: number, aheadPages = 0): void {
    this.stream.link.carry(bytes);
    this.stream.window.sent(bytes);
    this.stream.progressed(this.#params.round, bytes, aheadPages);
  }

  /** Up to 8.2 only a RAM handler with nothing left lets the others send; from 9.0 on each has its turn. */
  #sendingDevices(): SourceDevice[] {
    const { loop, bitmap, devices } = this.stream;
    if (loop.devicesSend === 'never' || (loop.devicesSend === 'after-ram' && bitmap.unsent.count > 0)) return [];
    return [...devices.all].filter((device) => device.function.offersEarly);
  }

  /** One buffer of each device in turn, while the window's budget lasts. */
  #devicesTurn([device, ...others]: readonly SourceDevice[]): void {
    const { window, devices } = this.stream;
    if (device === undefined || window.exceeded || this.stopping) {
      this.#afterTurn();
      return;
    }
    const read = devices.readEarly(device, STATE_CHUNK_BYTES);
    if ('errno' in read) {
      this.fail(read.errno);
      return;
    }
    if (read.bytes === 0) {
      this.#tellInitialDataSent(device);
      this.#devicesTurn(others);
      return;
    }
    const bytes = read.bytes + STATE_FRAMING_BYTES;
    this.#deviceBytes += bytes;
    this.busy(stateNs(this.stream, read.bytes, device.spec.readBytesPerSecond), bytes, () => {
      this.#putOnWire(bytes);
      const errno = this.stream.destination.receive(device.id, read.bytes, false);
      if (errno !== undefined) {
        this.fail(errno);
        return;
      }
      this.#tellInitialDataSent(device);
      this.#devicesTurn(this.#blocksOthers(device) ? [] : others);
    });
  }

  /** Up to 8.2 a handler that is not through stops the loop over the handlers (commit 4e1871c450). */
  #blocksOthers({ sizes }: SourceDevice): boolean {
    return this.stream.loop.devicesSend === 'after-ram' && sizes.initialBytes + sizes.dirtyBytes > 0;
  }

  /** INIT_DATA_SENT, once, when no initial data is left; the destination acknowledges when it has loaded it. */
  #tellInitialDataSent(device: SourceDevice): void {
    const { spec, agenda, destination, facts$, link } = this.stream;
    if (!spec.switchoverAck || device.ackNs !== undefined || device.sizes.initialBytes > 0) return;
    device.ackNs = destination.ackedNs(device.id);
    agenda.at(device.ackNs, () =>
      link.whenUp(() => {
        if (destination.state === 'gone') return;
        facts$.next({ to: 'pre-copy', by: 'driver', event: { type: 'SWITCHOVER_ACKED', device: device.id } });
      }),
    );
  }

  #afterTurn(): void {
    const { window, agenda } = this.stream;
    window.measure(agenda.nowNs);
    if (this.stopping) {
      this.finish();
      return;
    }
    const foundNothing = this.#sentBytes === this.#bytesBefore && this.#skippedNow === 0;
    if (!window.exceeded && !foundNothing) {
      this.#ask();
      return;
    }
    this.sleepUntil(window.exceeded ? window.endNs(agenda.nowNs) : this.#nextLookNs(), () => {
      window.measure(agenda.nowNs);
      this.#ask();
    });
  }

  /** When something may be different from now: at the window's end, or when an ack comes. */
  #nextLookNs(): number {
    const { window, agenda, devices, loop } = this.stream;
    const { nowNs } = agenda;
    const endNs = loop.windowMs === undefined ? nowNs + turnNs(this.stream) : window.endNs(nowNs);
    const acks = [...devices.all].flatMap(({ ackNs }) => (ackNs !== undefined && ackNs > nowNs ? [ackNs] : []));
    return Math.min(endNs, ...acks);
  }

  #ask(): void {
    const { bitmap, devices, window, loop, agenda, spec, limit } = this.stream;
    const leastNs = this.#startNs + spec.leastPassNs;
    const { precopyBytes, stopCopyBytes } = devices.remembered();
    const { ends: rule } = this.#params;
    const ends = roundEnds(rule.rule === 'low-water' ? { ...rule, downtimeLimitMs: limit.downtimeMs } : rule, {
      ramBytes: bitmap.remainingBytes,
      precopyBytes: loop.devicesSend === 'never' ? 0 : precopyBytes,
      stopCopyBytes,
      bandwidthBytesPerSecond: window.bandwidthBytesPerSecond,
    });
    if (!ends) this.#turn();
    else if (agenda.nowNs >= leastNs) this.finish();
    else this.sleepUntil(leastNs, () => this.finish());
  }
}
