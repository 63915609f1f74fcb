/**
 * The link between the two hosts: how long bytes take, and how long a message takes. One stream, in order; it knows neither
 * caps (the sender's business) nor pages. How several migrations share one is shared-link.ts.
 *
 * While it is down nothing gets over it, and nothing is lost either: TCP repeats what was on its way until the link is back,
 * and what was under way is late by the time that it stood. A connection that stood for longer than TCP repeats itself is
 * broken for good, as a migration's one stream is in QEMU (a failed write fails the migration); messages between the hosts
 * have connections of their own and are only late.
 */

export interface LinkSpec {
  /** Payload bytes per second, more than 0. */
  readonly bytesPerSecond: number;
  /** One way, ns. Default 0. */
  readonly latencyNs?: number;
}

/**
 * How long TCP repeats itself before a write fails with ETIMEDOUT: 924.6 s for Linux's default tcp_retries2 of 15,
 * Documentation/networking/ip-sysctl.rst. QEMU sets no time limit of its own on a migration's socket.
 */
export const TCP_GIVES_UP_NS = 924_600_000_000;

/** From when to when it was down; `toNs` is infinite while it is. */
interface Outage {
  readonly fromNs: number;
  toNs: number;
}

export class Link {
  readonly latencyNs: number;
  #fullBytesPerSecond: number;
  readonly #outages: Outage[] = [];
  #percent = 100;
  #carriedBytes = 0;
  #waiting: (() => void)[] = [];

  /** Throws a RangeError for a rate or a latency that is none. */
  constructor({ bytesPerSecond, latencyNs = 0 }: LinkSpec) {
    if (!(bytesPerSecond > 0)) throw new RangeError(`a link needs a rate, not ${bytesPerSecond} bytes/s`);
    if (!(latencyNs >= 0)) throw new RangeError(`a latency is 0 ns or more, not ${latencyNs}`);
    this.#fullBytesPerSecond = bytesPerSecond;
    this.latencyNs = latencyNs;
  }

  /** What it carries now when it is up. */
  get bytesPerSecond(): number {
    return this.#percent === 100 ? this.#fullBytesPerSecond : (this.#fullBytesPerSecond * this.#percent) / 100;
  }

  get isDown(): boolean {
    return this.#outages.at(-1)?.toNs === Number.POSITIVE_INFINITY;
  }

  /** All that has gone over it, headers included. */
  get carriedBytes(): number {
    return this.#carriedBytes;
  }

  /** So many bytes have gone over it. */
  carry(bytes: number): void {
    this.#carriedBytes += bytes;
  }

  /** ns to put so many bytes on the wire while it is up; with a fraction. */
  nsOf(bytes: number): number {
    return (bytes / this.bytesPerSecond) * 1e9;
  }

  /** It is another link from now on. Throws a RangeError for a rate that is none. */
  become(bytesPerSecond: number): void {
    if (!(bytesPerSecond > 0)) throw new RangeError(`a link needs a rate, not ${bytesPerSecond} bytes/s`);
    this.#fullBytesPerSecond = bytesPerSecond;
  }

  /** So much of its bandwidth is left from now on, more than 0 and at most 100. */
  slowTo(percent: number): void {
    if (!(percent > 0 && percent <= 100)) throw new RangeError(`a link has 0 to 100 percent, not ${percent}`);
    this.#percent = percent;
  }

  /** Does nothing when it is down already. */
  goDown(nowNs: number): void {
    if (!this.isDown) this.#outages.push({ fromNs: nowNs, toNs: Number.POSITIVE_INFINITY });
  }

  /** Whoever waited for it goes on, in the order in which they came. */
  comeUp(nowNs: number): void {
    const outage = this.#outages.at(-1);
    if (outage === undefined || !this.isDown) return;
    outage.toNs = nowNs;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const act of waiting) act();
  }

  /** At once when it is up. */
  whenUp(act: () => void): void {
    if (this.isDown) this.#waiting.push(act);
    else act();
  }

  /** ns that it has stood still between two times, the later of which is now. */
  stoodNs(fromNs: number, nowNs: number): number {
    let stood = 0;
    for (const outage of this.#outages) {
      stood += Math.max(0, Math.min(outage.toNs, nowNs) - Math.max(outage.fromNs, fromNs));
    }
    return stood;
  }

  /** Since when it has been down, ns; undefined while it is up. */
  get downSinceNs(): number | undefined {
    return this.isDown ? this.#outages.at(-1)?.fromNs : undefined;
  }

  /** Something that was due at the other end at `dueNs`, at or before now, gets there: when the link was not down then. */
  arrivedNs(dueNs: number): number {
    const held = this.#outages.find(({ fromNs, toNs }) => fromNs <= dueNs && dueNs < toNs);
    return held?.toNs ?? dueNs;
  }
}
