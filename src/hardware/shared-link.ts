/**
 * One link under several migrations: its capacity, divided max-min fairly among those that are sending, at every instant.
 *
 * Each sending says how many bytes it has and how long it would take alone; that is the rate that it asks for. Whoever asks
 * for less than an equal part gets it all, the others share what is left equally (as TCP flows over one bottleneck do in the
 * long run; their slow start and unfairness are not modelled). Whenever one begins or ends, all are divided anew, so the sum
 * never exceeds the capacity, not even for an instant. One sender alone is as fast as on a link of its own, to the ns.
 */
import type { Entry, RunClock } from '../clock/clock.ts';

/** From when to when so many bytes of all senders went over it, ns; the rates were constant meanwhile. */
export type Carried = (fromNs: number, toNs: number, bytes: number) => void;

interface Flow {
  readonly bytesPerSecond: number;
  /** What is left, in ns of sending alone. */
  restNs: number;
  /** Share of its own speed that it has now, from 0 to 1. */
  speed: number;
  entry: Entry | undefined;
  readonly ended: () => void;
}

/** A migration's place on the link. */
export interface LinkShare {
  /** Migrations that would be sending, this one included. */
  readonly senders: number;
  /** `ns`: what it would take alone. One at a time. */
  send(bytes: number, ns: number, then: () => void): void;
  /** One more connection of the same migration, which sends at the same time; it leaves with this one. */
  another(): LinkShare;
  /** What it is sending is dropped, and `then` is not called. */
  leave(): void;
}

export class SharedLink {
  readonly bytesPerSecond: number;
  readonly #clock: RunClock;
  readonly #carried: Carried;
  readonly #flows = new Set<Flow>();
  #atNs = 0;

  /** Throws a RangeError for a rate that is none. */
  constructor(bytesPerSecond: number, clock: RunClock, carried: Carried = () => {}) {
    if (!(bytesPerSecond > 0)) throw new RangeError(`a link needs a rate, not ${bytesPerSecond} bytes/s`);
    this.bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
    this.#carried = carried;
  }

  share(): LinkShare {
    let mine: Flow | undefined;
    const others: LinkShare[] = [];
    const senders = () => this.#flows.size + (mine === undefined ? 1 : 0);
    return {
      get senders() {
        return senders();
      },
      send: (bytes, ns, then) => {
        if (mine !== undefined) throw new Error('this migration is sending already: its stream is one');
        const ended = () => {
          mine = undefined;
          then();
        };
        mine = { bytesPerSecond: (bytes / ns) * 1e9, restNs: ns, speed: 1, entry: undefined, ended };
        this.#begin(mine);
      },
      another: () => {
        const other = this.share();
        others.push(other);
        return other;
      },
      leave: () => {
        for (const other of others) other.leave();
        if (mine !== undefined) this.#end(mine);
        mine = undefined;
      },
    };
  }

  #begin(flow: Flow): void {
    this.#advance();
    this.#flows.add(flow);
    this.#divide();
  }

  #end(flow: Flow): void {
    this.#advance();
    if (flow.entry !== undefined) this.#clock.cancel(flow.entry);
    this.#flows.delete(flow);
    this.#divide();
  }

  /** Everything has gone on at its speed until now. */
  #advance(): void {
    const { nowNs } = this.#clock;
    const passedNs = nowNs - this.#atNs;
    let bytes = 0;
    for (const flow of this.#flows) {
      const doneNs = Math.min(flow.restNs, passedNs * flow.speed);
      flow.restNs -= doneNs;
      bytes += (flow.bytesPerSecond * doneNs) / 1e9;
    }
    if (bytes > 0) this.#carried(this.#atNs, nowNs, bytes);
    this.#atNs = nowNs;
  }

  /** Who asks for least is served first, each with at most an equal part of what is left. */
  #divide(): void {
    let leftBytesPerSecond = this.bytesPerSecond;
    let waiting = this.#flows.size;
    for (const flow of [...this.#flows].sort((a, b) => a.bytesPerSecond - b.bytesPerSecond)) {
      const part = Math.min(flow.bytesPerSecond, leftBytesPerSecond / waiting);
      leftBytesPerSecond -= part;
      waiting -= 1;
      this.#setSpeed(flow, isAll(part, flow.bytesPerSecond) ? 1 : part / flow.bytesPerSecond);
    }
  }

  #setSpeed(flow: Flow, speed: number): void {
    if (flow.entry !== undefined) {
      // Nothing has changed for it: its end stays what it was, to the ns.
      if (flow.speed === speed) return;
      this.#clock.cancel(flow.entry);
    }
    flow.speed = speed;
    flow.entry = this.#clock.at(this.#clock.nowNs + Math.ceil(flow.restNs / speed), () => {
      flow.entry = undefined;
      this.#end(flow);
      flow.ended();
    });
  }
}

/** A rate that was computed from bytes and ns may be the link's own but for its last digits. */
function isAll(part: number, bytesPerSecond: number): boolean {
  return bytesPerSecond - part <= bytesPerSecond * 1e-9;
}
