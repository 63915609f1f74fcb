/**
 * What every transmission works with: the source's pages and devices, the link, the destination, and the clock. And one
 * thread's behaviour that all share: it is busy for a while, or sleeps, and can be told to stop.
 */
import type { Subject } from 'rxjs';
import type { Loop } from '../../../machines/loops.ts';
import type { Errno } from '../../../machines/words.ts';
import type { Entry } from '../../clock/clock.ts';
import type { Input } from '../../core/record.ts';
import type { DestinationHost } from '../../hardware/destination-host.ts';
import { type Link, TCP_GIVES_UP_NS } from '../../hardware/link.ts';
import type { MigrationBitmap } from '../../hardware/migration-bitmap.ts';
import type { PageSends } from '../../hardware/page-sends.ts';
import type { PageSender } from '../../hardware/sender.ts';
import type { LinkShare } from '../../hardware/shared-link.ts';
import type { World } from '../../hardware/world.ts';
import type { Agenda } from './agenda.ts';
import { type Channels, tlsNs } from './channels.ts';
import type { Transmission } from './lane.ts';
import type { Peek } from './peek.ts';
import type { SourceDevices } from './source-devices.ts';
import type { FilledSpec } from './spec.ts';
import type { RateWindow } from './window.ts';

/** One buffer of a device's state: VFIO_MIG_DEFAULT_DATA_BUFFER_SIZE, hw/vfio/migration.c. */
export const STATE_CHUNK_BYTES = 2 ** 20;
/** Tag and length before a buffer, END_OF_STATE after it: be64 each, hw/vfio/migration.c (vfio_save_block). */
export const STATE_FRAMING_BYTES = 24;
/** End of a RAM section: be64, migration/ram.c (RAM_SAVE_FLAG_EOS). One a turn. */
export const SECTION_END_BYTES = 8;

export interface Stream {
  readonly spec: FilledSpec;
  readonly loop: Loop;
  readonly agenda: Agenda;
  readonly world: World;
  readonly bitmap: MigrationBitmap;
  readonly pages: PageSender;
  /** For a pass that skips what is dirty again. */
  readonly peek: Peek;
  readonly devices: SourceDevices;
  readonly link: Link;
  /** Others send over the same link; absent: it has it alone. */
  readonly share?: LinkShare | undefined;
  /** The one connection of the migration stream: once broken it is not made again. */
  readonly connection: { broken: boolean };
  /** How connections that send at the same time share the link. */
  readonly channels: Channels;
  readonly window: RateWindow;
  /** QEMU's downtime-limit, in force now; a pass that begins sets its own, and a manager may change it meanwhile. */
  readonly limit: { downtimeMs: number };
  readonly destination: DestinationHost;
  readonly facts$: Subject<Input>;
  /** Which pages go out; for whoever watches, and nobody may. */
  readonly sends$: Subject<PageSends>;
  /** Bytes were put on the wire in this pass; pages that have been taken off the bitmap ahead of time still remain. */
  readonly progressed: (round: number, bytes: number, aheadPages: number) => void;
  /** Somebody watches the progress. */
  readonly watched: () => boolean;
}

/** ns of one turn of the RAM handler at most, as it would be alone: with others on the link it takes as much longer. */
export function turnNs({ loop, share }: Stream): number {
  return (loop.turnMs * 1e6) / (share?.senders ?? 1);
}

/** Ends of RAM sections exist where there are windows and pages have headers; the textbook has neither, whatever its wire. */
export function sectionEndBytes({ loop }: Stream): number {
  return loop.windowMs === undefined || loop.pageHeaderBytes === 0 ? 0 : SECTION_END_BYTES;
}

/**
 * ns that so many bytes of a device's state take: they are read and encrypted by one thread, and sent meanwhile. `part`: of the
 * link that it has.
 */
export function stateNs({ link, spec }: Stream, bytes: number, readBytesPerSecond: number, part = 1): number {
  const readNs = readBytesPerSecond === 0 ? 0 : (bytes / readBytesPerSecond) * 1e9;
  return Math.max(link.nsOf(bytes + STATE_FRAMING_BYTES) / part, readNs + tlsNs(spec.threads, bytes));
}

export interface Stretch {
  readonly turnNs: number;
  readonly turns: number;
  /** It ends with this turn, from 1: hears of it at once. */
  readonly cut: (turns: number) => void;
  /** So many turns more are over, which makes so many; there may be more to come. */
  readonly ended: (turns: number, all: number) => void;
  /** The last one is over, and `ended` has heard of it. */
  readonly after: () => void;
}

export abstract class Sending implements Transmission {
  protected readonly stream: Stream;
  #stopping = false;
  #sleep: Entry | undefined;
  /** Ends a wait for a link that is down. */
  #hangUp: (() => void) | undefined;
  #over: (() => void) | undefined;
  /** Ends a stretch of turns with the present one. */
  #catchUp: (() => void) | undefined;

  constructor(stream: Stream) {
    this.stream = stream;
  }

  begin(over: () => void): void {
    this.#over = over;
    if (this.#stopping) this.finish();
    else this.start();
  }

  catchUp(): void {
    this.#catchUp?.();
  }

  stop(): void {
    this.catchUp();
    this.#stopping = true;
    this.#hangUp?.();
    if (this.#sleep === undefined) return;
    this.stream.agenda.cancel(this.#sleep);
    this.#sleep = undefined;
    this.finish();
  }

  protected abstract start(): void;
  /** Answers with what was sent, and ends with `over`. */
  protected abstract finish(): void;
  protected abstract fail(errno: Errno): void;

  protected over(): void {
    this.#over?.();
  }

  /** It was told to stop while it was busy: what is on the wire is the last. */
  protected get stopping(): boolean {
    return this.#stopping;
  }

  /**
   * At work for so long, and longer by as much as the link stood still meanwhile. A connection that stood for too long is
   * broken: the write fails, and so does all that comes after it. `bytes`: what goes over the link meanwhile.
   */
  protected busy(ns: number, bytes: number, then: () => void): void {
    const { agenda, link, share } = this.stream;
    const fromNs = agenda.nowNs;
    const worked = () => {
      if (link.isDown) this.#outlast(then);
      else {
        const stoodNs = link.stoodNs(fromNs, agenda.nowNs);
        if (stoodNs > 0) this.busy(stoodNs, 0, then);
        else then();
      }
    };
    if (share !== undefined && bytes > 0 && ns > 0) share.send(bytes, ns, worked);
    else agenda.after(ns, worked);
  }

  /**
   * Busy with so many turns of the same length, in one go while nobody looks. Whoever does ends it with the turn that is
   * under way, as if each had been begun when the one before it was over. Not to be begun while the link is down.
   */
  protected stretch({ turnNs, turns, cut, ended, after }: Stretch): void {
    const { agenda } = this.stream;
    const startNs = agenda.nowNs;
    let told = 0;
    const tell = (done: number) => {
      if (done > told) ended(done - told, done);
      told = done;
    };
    const end = (done: number) => {
      this.#catchUp = undefined;
      tell(done);
      after();
    };
    // Whoever watches the progress sees turn by turn what is seen at its end otherwise, and nothing else is different.
    const nextEnd = (): Entry => {
      const next = this.stream.watched() ? told + 1 : turns;
      return agenda.at(startNs + turnNs * next, () => {
        if (next === turns) end(turns);
        else {
          tell(next);
          entry = nextEnd();
        }
      });
    };
    let entry = nextEnd();
    this.#catchUp = () => {
      const done = Math.max(1, Math.ceil((agenda.nowNs - startNs) / turnNs));
      this.#catchUp = undefined;
      agenda.cancel(entry);
      if (done < turns) cut(done);
      tell(Math.min(done, turns) - 1);
      this.busy(startNs + turnNs * Math.min(done, turns) - agenda.nowNs, 0, () => end(Math.min(done, turns)));
    };
  }

  /**
   * The link is down with something of this on the wire. A stop does not wait: it shuts the socket down, as QEMU's
   * migrate_cancel does (migration/migration.c).
   */
  #outlast(then: () => void): void {
    const { agenda, link, connection } = this.stream;
    const downNs = link.downSinceNs ?? agenda.nowNs;
    const restNs = agenda.nowNs - downNs;
    const breakOff = (errno: Errno) => {
      this.#hangUp = undefined;
      agenda.cancel(givesUp);
      connection.broken = true;
      this.fail(errno);
    };
    const givesUp = agenda.at(Math.max(agenda.nowNs, downNs + TCP_GIVES_UP_NS), () => breakOff('ETIMEDOUT'));
    this.#hangUp = () => breakOff('ECONNRESET');
    if (this.#stopping) {
      breakOff('ECONNRESET');
      return;
    }
    const hangUp = this.#hangUp;
    link.whenUp(() => {
      if (this.#hangUp !== hangUp) return;
      this.#hangUp = undefined;
      agenda.cancel(givesUp);
      this.busy(restNs, 0, then);
    });
  }

  /** Nothing to do until then; a stop wakes it. */
  protected sleepUntil(ns: number, then: () => void): void {
    const { agenda } = this.stream;
    this.#sleep = agenda.at(Math.max(Math.ceil(ns), agenda.nowNs), () => {
      this.#sleep = undefined;
      then();
    });
  }

  /** Fails, or never ends, and returns true when the destination takes nothing. */
  protected refused(): boolean {
    const { connection, destination } = this.stream;
    if (destination.silent) {
      this.#standStill();
      return true;
    }
    const errno = connection.broken ? 'ECONNRESET' : destination.refuses;
    if (errno !== undefined) this.fail(errno);
    return errno !== undefined;
  }

  /** Nobody at the other end acknowledges anything, or refuses it: TCP repeats itself until it gives up. A stop ends it. */
  #standStill(): void {
    const { agenda, connection } = this.stream;
    if (this.#stopping) {
      this.finish();
      return;
    }
    this.#sleep = agenda.after(TCP_GIVES_UP_NS, () => {
      this.#sleep = undefined;
      connection.broken = true;
      this.fail('ETIMEDOUT');
    });
  }
}
