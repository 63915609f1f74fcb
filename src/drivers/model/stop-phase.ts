/**
 * The two copies of the stop phase: the memory that is left, and each device's state to the end of its stream. No cap holds
 * here (QEMU: RATE_LIMIT_DISABLED), only the link and what the threads on both ends take.
 */
import type { Commands, Errno } from '../../../machines/words.ts';
import type { Job } from './jobs.ts';
import {
  Sending,
  STATE_CHUNK_BYTES,
  STATE_FRAMING_BYTES,
  type Stream,
  sectionEndBytes,
  stateNs,
  turnNs,
} from './stream.ts';

/** Everything in the migration bitmap, in slices, so that a write that should not happen now is still found. */
export class RemainingCopy extends Sending {
  readonly #params: Commands['sendRemaining']['params'];
  readonly #job: Job<'sendRemaining'>;
  #sentPages = 0;
  #zeroPages = 0;
  #sentBytes = 0;

  constructor(stream: Stream, params: Commands['sendRemaining']['params'], job: Job<'sendRemaining'>) {
    super(stream);
    this.#params = params;
    this.#job = job;
  }

  protected start(): void {
    const { dirtySet } = this.stream.bitmap;
    if (dirtySet === 0 || this.#params.dirtySet !== dirtySet) {
      this.fail('EINVAL');
      return;
    }
    this.#slice();
  }

  protected finish(): void {
    const { bitmap, window } = this.stream;
    this.#job.done({
      sentPages: this.#sentPages,
      zeroPages: this.#zeroPages,
      sentBytes: this.#sentBytes,
      deviceBytes: 0,
      remainingPages: bitmap.unsent.count,
      remainingBytes: bitmap.remainingBytes,
      bandwidthBytesPerSecond: window.bandwidthBytesPerSecond,
    });
    this.over();
  }

  protected fail(errno: Errno): void {
    this.#job.fail(errno);
    this.over();
  }

  #slice(): void {
    if (this.refused()) return;
    const { world, agenda, pages, link, bitmap } = this.stream;
    world.advanceTo(agenda.nowNs);
    const unlimited = Number.POSITIVE_INFINITY;
    const turn = pages.turn({ bytes: unlimited, ns: turnNs(this.stream), bytesPerSecond: link.bytesPerSecond });
    const endBytes = sectionEndBytes(this.stream);
    this.#sentPages += turn.normalPages + turn.zeroPages;
    this.#zeroPages += turn.zeroPages;
    this.#sentBytes += turn.bytes + endBytes;
    this.busy(turn.ns + link.nsOf(endBytes), () => {
      link.carry(turn.bytes + endBytes);
      if (bitmap.unsent.count === 0 || this.stopping) this.finish();
      else this.#slice();
    });
  }
}

/** One device's stream, read to its end. Fails with what the read or the write of its image fails with. */
export class DeviceStateCopy extends Sending {
  readonly #id: string;
  readonly #job: Job<'sendDeviceState'>;
  #sentBytes = 0;

  /** Throws a RangeError when the source has no such device. */
  constructor(stream: Stream, { device }: Commands['sendDeviceState']['params'], job: Job<'sendDeviceState'>) {
    super(stream);
    this.#id = stream.devices.get(device).id;
    this.#job = job;
  }

  protected start(): void {
    this.#chunk();
  }

  protected finish(): void {
    this.#job.done({ sentBytes: this.#sentBytes });
    this.over();
  }

  protected fail(errno: Errno): void {
    this.#job.fail(errno);
    this.over();
  }

  #chunk(): void {
    if (this.refused()) return;
    const device = this.stream.devices.get(this.#id);
    const read = device.function.read(STATE_CHUNK_BYTES);
    if ('errno' in read) {
      this.fail(read.errno);
      return;
    }
    const isEnd = read.bytes === 0;
    const ns = isEnd ? 0 : stateNs(this.stream, read.bytes, device.spec.readBytesPerSecond);
    const framedBytes = isEnd ? 0 : read.bytes + STATE_FRAMING_BYTES;
    this.#sentBytes += framedBytes;
    this.busy(ns, () => {
      this.stream.link.carry(framedBytes);
      const errno = this.stream.destination.receive(this.#id, read.bytes, isEnd);
      if (errno !== undefined) this.fail(errno);
      else if (isEnd || this.stopping) this.finish();
      else this.#chunk();
    });
  }
}
