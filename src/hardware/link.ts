/**
 * The link between the two hosts: how long bytes take, and how long a message takes. One stream, in order, without loss;
 * it knows neither caps (the sender's business) nor pages. Outages and sharing between migrations are not modelled here.
 */

export interface LinkSpec {
  /** Payload bytes per second, more than 0. */
  readonly bytesPerSecond: number;
  /** One way, ns. Default 0. */
  readonly latencyNs?: number;
}

export class Link {
  readonly bytesPerSecond: number;
  readonly latencyNs: number;
  #carriedBytes = 0;

  /** Throws a RangeError for a rate or a latency that is none. */
  constructor({ bytesPerSecond, latencyNs = 0 }: LinkSpec) {
    if (!(bytesPerSecond > 0)) throw new RangeError(`a link needs a rate, not ${bytesPerSecond} bytes/s`);
    if (!(latencyNs >= 0)) throw new RangeError(`a latency is 0 ns or more, not ${latencyNs}`);
    this.bytesPerSecond = bytesPerSecond;
    this.latencyNs = latencyNs;
  }

  /** All that has gone over it, headers included. */
  get carriedBytes(): number {
    return this.#carriedBytes;
  }

  /** So many bytes have gone over it. */
  carry(bytes: number): void {
    this.#carriedBytes += bytes;
  }

  /** ns to put so many bytes on the wire; with a fraction. */
  nsOf(bytes: number): number {
    return (bytes / this.bytesPerSecond) * 1e9;
  }
}
