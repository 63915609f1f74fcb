/**
 * The shared storage, of which one host at a time is the holder: the arbiter of who may run the guest.
 *
 * Requests are served one after the other in the order in which they came, as one lock server would, so that a holder who
 * dies with a request under way can still be sorted out behind it. What may be asked is decided when a request is done,
 * not when it came.
 */
import type { Errno } from '../../machines/words.ts';
import type { RunClock } from '../clock/clock.ts';

export type Host = 'source' | 'destination';

export interface StorageTimes {
  /** ns that giving it up takes: flush, then unlock. Default 0. */
  readonly releaseNs: number;
  /** ns that taking it takes, refused or not. Default 0. */
  readonly acquireNs: number;
}

/** Called with the errno of a refusal, or with nothing. */
export type Served = (errno?: Errno) => void;

export class Storage {
  readonly #times: StorageTimes;
  readonly #clock: RunClock;
  readonly #waiting: { readonly ns: number; readonly serve: () => void }[] = [];
  #busy = false;
  #holder: Host | 'nobody' = 'source';

  /** At first the source is the holder. */
  constructor(times: StorageTimes, clock: RunClock) {
    this.#times = times;
    this.#clock = clock;
  }

  get holder(): Host | 'nobody' {
    return this.#holder;
  }

  /** EBUSY while the other host is the holder; success for who holds it already. */
  acquire(host: Host, served: Served): void {
    this.#enqueue(this.#times.acquireNs, () => {
      const mayHave = this.#holder === 'nobody' || this.#holder === host;
      if (mayHave) this.#holder = host;
      served(mayHave ? undefined : 'EBUSY');
    });
  }

  /** A success for who does not hold it, too: nothing is changed then. */
  release(host: Host, served: Served): void {
    this.#enqueue(this.#times.releaseNs, () => this.#drop(host, served));
  }

  /** The host's process has died: what it holds, or was about to acquire, is free once the requests before it are done. */
  die(host: Host, served: Served): void {
    this.#enqueue(0, () => this.#drop(host, served));
  }

  #drop(host: Host, served: Served): void {
    if (this.#holder === host) this.#holder = 'nobody';
    served();
  }

  #enqueue(ns: number, serve: () => void): void {
    this.#waiting.push({ ns, serve });
    if (!this.#busy) this.#next();
  }

  #next(): void {
    const request = this.#waiting.shift();
    this.#busy = request !== undefined;
    if (request === undefined) return;
    this.#clock.at(this.#clock.nowNs + Math.ceil(request.ns), () => {
      request.serve();
      this.#next();
    });
  }
}
