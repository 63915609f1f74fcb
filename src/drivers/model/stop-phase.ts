/**
 * The two copies of the stop phase: the memory that is left, and each device's state to the end of its stream. No cap holds
 * here (QEMU: RATE_LIMIT_DISABLED), only the link and what the threads on both ends take.
 */
import type { Commands, Errno } from '../../../machines/words.ts';
import type { Channels } from './channels.ts';
import type { Job } from './jobs.ts';
import type { Transmission } from './lane.ts';
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
    const { channels } = this.stream;
    channels.memoryBegins();
    // What begins beside it at this instant has its part of the link from the first slice on.
    if (channels.separate) this.busy(0, 0, () => this.#slice());
    else this.#slice();
  }

  protected override over(): void {
    this.stream.channels.memoryEnds();
    super.over();
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
    const { world, agenda, pages, link, bitmap, channels } = this.stream;
    world.advanceTo(agenda.nowNs);
    const unlimited = Number.POSITIVE_INFINITY;
    const bytesPerSecond = link.bytesPerSecond * channels.memoryPart;
    const turn = pages.turn({ bytes: unlimited, ns: turnNs(this.stream), bytesPerSecond });
    const endBytes = sectionEndBytes(this.stream);
    this.#sentPages += turn.normalPages + turn.zeroPages;
    this.#zeroPages += turn.zeroPages;
    this.#sentBytes += turn.bytes + endBytes;
    this.busy(turn.ns + link.nsOf(endBytes), turn.bytes + endBytes, () => {
      link.carry(turn.bytes + endBytes);
      if (bitmap.unsent.count === 0 || this.stopping) this.finish();
      else this.#slice();
    });
  }
}

/** Who hears how one device's stream ended. */
interface Told {
  done(result: { readonly sentBytes: number }): void;
  fail(errno: Errno): void;
}

/** One device's stream, read to its end. Fails with what the read or the write of its image fails with. */
export class DeviceStateCopy extends Sending {
  readonly #id: string;
  readonly #told: Told;
  #sentBytes = 0;

  /** Throws a RangeError when the source has no such device. */
  constructor(stream: Stream, device: string, told: Told) {
    super(stream);
    this.#id = stream.devices.get(device).id;
    this.#told = told;
  }

  protected start(): void {
    if (this.stream.channels.separate) this.busy(0, 0, () => this.#chunk());
    else this.#chunk();
  }

  protected finish(): void {
    this.#told.done({ sentBytes: this.#sentBytes });
    this.over();
  }

  protected fail(errno: Errno): void {
    this.#told.fail(errno);
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
    const part = this.stream.channels.statePart;
    const ns = isEnd ? 0 : stateNs(this.stream, read.bytes, device.spec.readBytesPerSecond, part);
    const framedBytes = isEnd ? 0 : read.bytes + STATE_FRAMING_BYTES;
    this.#sentBytes += framedBytes;
    this.busy(ns, framedBytes, () => {
      this.stream.link.carry(framedBytes);
      const errno = this.stream.destination.receive(this.#id, read.bytes, isEnd);
      if (errno !== undefined) this.fail(errno);
      else if (isEnd || this.stopping) this.finish();
      else this.#chunk();
    });
  }
}

/** Several devices' streams at once, each to its end; answered after the last. One that fails ends the others early. */
export class DeviceStateCopies implements Transmission {
  readonly #job: Job<'sendDeviceState'>;
  readonly #channels: Channels;
  readonly #copies: readonly DeviceStateCopy[];
  readonly #bytesOf: Record<string, number> = {};
  #errno: Errno | undefined;
  #left: number;

  /** Throws a RangeError when the source has no such device. */
  constructor(stream: Stream, devices: readonly string[], job: Job<'sendDeviceState'>) {
    this.#job = job;
    this.#channels = stream.channels;
    this.#left = devices.length;
    this.#copies = devices.map((device) => {
      const own = stream.share === undefined ? stream : { ...stream, share: stream.share.another() };
      return new DeviceStateCopy(own, device, {
        done: ({ sentBytes }) => {
          this.#bytesOf[device] = sentBytes;
        },
        fail: (errno) => {
          this.#errno ??= errno;
        },
      });
    });
  }

  begin(over: () => void): void {
    this.#channels.statesBegin(this.#copies.length);
    for (const copy of this.#copies) copy.begin(() => this.#ended(over));
  }

  stop(): void {
    for (const copy of this.#copies) copy.stop();
  }

  #ended(over: () => void): void {
    this.#left -= 1;
    this.#channels.stateEnds();
    if (this.#left > 0) {
      if (this.#errno !== undefined) this.stop();
      return;
    }
    if (this.#errno !== undefined) this.#job.fail(this.#errno);
    else {
      const sentBytes = Object.values(this.#bytesOf).reduce((sum, bytes) => sum + bytes, 0);
      this.#job.done({ sentBytes, bytesOf: this.#bytesOf });
    }
    over();
  }
}
