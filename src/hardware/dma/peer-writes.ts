/**
 * Peer-to-peer DMA: what a device writes into another device's memory and not into the guest's. No dirty tracker sees it,
 * and none has to: it becomes part of the other one's state. It must not be aimed at a device that has stopped, whose state
 * is being saved; that is what the P2P states are for. A device that is quiet still takes what comes
 * (include/uapi/linux/vfio.h, VFIO_DEVICE_STATE_RUNNING_P2P).
 *
 * Here it is only counted: what arrived, and what was aimed at a stopped device and is lost.
 */
import { ExactRate } from '../workloads/rate.ts';

export interface PeerPattern {
  readonly pattern: 'peer';
  /** Id of the device that is written to. */
  readonly to: string;
  readonly bytesPerSecond: number;
}

export class PeerWrites {
  readonly to: string;
  readonly #rate: ExactRate;
  #arrivedBytes = 0;
  #lostBytes = 0;

  constructor({ to, bytesPerSecond }: PeerPattern) {
    this.to = to;
    this.#rate = new ExactRate(bytesPerSecond);
  }

  get arrivedBytes(): number {
    return this.#arrivedBytes;
  }

  /** Aimed at it while it was stopped. In the right order there are none. */
  get lostBytes(): number {
    return this.#lostBytes;
  }

  /** The writer runs for so long, and the other one has stopped or not. */
  advance(spanNs: number, peerStopped: boolean): void {
    const bytes = this.#rate.due(spanNs, 100);
    if (peerStopped) this.#lostBytes += bytes;
    else this.#arrivedBytes += bytes;
  }
}
