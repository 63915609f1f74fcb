/**
 * Ties a virtual clock to wall time, so that a person can watch a modelled run: at 1x, at 10x, or as fast as it goes.
 *
 * Pacing changes when entries fire on the wall, never their order or their virtual times: a paced run has the same records
 * as an unpaced one. A model slower than the wanted factor is late and catches up as fast as it can; nothing is skipped.
 * Between entries it sleeps; under load it gives the event loop a turn, so that subscribers and SIGINT are heard. It does not
 * decide when a run is over: the caller says so with `done`.
 */
import { type HostTime, NS_PER_MS } from './clock.ts';
import type { VirtualClock } from './virtual-clock.ts';
import { hostTime } from './wall-clock.ts';

export interface PaceOptions {
  /** Virtual seconds in a wall second, above 0; `max`: never wait. */
  readonly factor: number | 'max';
  /** Asked before each entry; true ends the pacing. Without it, it ends when nothing waits. */
  readonly done?: () => boolean;
  readonly signal?: AbortSignal;
  /** Called at least this often while entries fire quickly enough, and while the clock waits; 100 ms of wall time unless told. */
  readonly refreshMs?: number;
  /** For a progress display; called at the end once more. The clock shows `nowNs`. */
  readonly onRefresh?: (nowNs: number) => void;
  /** After this many entries, or 20 ms, the event loop gets its turn; 4,096 unless told. */
  readonly entriesPerTurn?: number;
  readonly host?: HostTime;
}

/** `drained`: nothing waits any more. */
export type PaceEnd = 'done' | 'drained' | 'aborted';

/** Long enough to make a turn's cost (about 1 ms of setTimeout) small, short enough not to be felt after Ctrl-C. */
const MAX_TURN_MS = 20;

/**
 * Steps `clock` until `done`, until nothing waits, or until aborted. Rejects with what an entry, `done` or `onRefresh`
 * throws; throws a RangeError for an impossible factor. Nothing else may step the clock meanwhile.
 */
export function pace(clock: VirtualClock, options: PaceOptions): Promise<PaceEnd> {
  const { factor, signal, host = hostTime } = options;
  if (factor !== 'max' && !(factor > 0 && factor < Infinity)) throw new RangeError(`a pace is above 0, not ${factor}`);
  const walk = new Walk(clock, options, host);
  return new Promise((resolve, reject) => {
    let sleeping: unknown;
    let ended = false;
    const attempt = (turn: () => PaceEnd | undefined) => {
      if (ended) return;
      try {
        const end = turn();
        if (end === undefined) {
          sleeping = host.setTimeout(() => attempt(() => walk.turn()), walk.sleepMs());
          return;
        }
        walk.refresh();
        resolve(end);
      } catch (error) {
        reject(error);
      }
      ended = true;
      host.clearTimeout(sleeping);
      signal?.removeEventListener('abort', abort);
    };
    // Heard while asleep; an entry that aborts is noticed by the turn that fired it.
    const abort = () => {
      if (!walk.turning) attempt(() => 'aborted');
    };
    signal?.addEventListener('abort', abort, { once: true });
    sleeping = host.setTimeout(() => attempt(() => walk.turn()), 0);
  });
}

/** One pacing: where virtual and wall time were tied together, and when the display was last fed. */
class Walk {
  readonly #clock: VirtualClock;
  readonly #host: HostTime;
  readonly #options: PaceOptions;
  readonly #refreshMs: number;
  readonly #startNs: number;
  readonly #startMs: number;
  #refreshedMs: number;
  #turning = false;

  constructor(clock: VirtualClock, options: PaceOptions, host: HostTime) {
    this.#clock = clock;
    this.#options = options;
    this.#host = host;
    this.#refreshMs = Math.max(options.refreshMs ?? 100, 1);
    this.#startNs = clock.nowNs;
    this.#startMs = host.now();
    this.#refreshedMs = this.#startMs;
  }

  get turning(): boolean {
    return this.#turning;
  }

  /** Fires what is due by now, as long as a turn may last. Undefined: there is more to come. */
  turn(): PaceEnd | undefined {
    this.#turning = true;
    try {
      const end = this.#fireDue();
      if (end === undefined && this.#host.now() - this.#refreshedMs >= this.#refreshMs) this.refresh();
      return this.#options.signal?.aborted ? 'aborted' : end;
    } finally {
      this.#turning = false;
    }
  }

  #fireDue(): PaceEnd | undefined {
    const { done, signal, entriesPerTurn = 4_096 } = this.#options;
    const turnBeganMs = this.#host.now();
    const targetNs = this.#targetNs(turnBeganMs);
    for (let fired = 0; fired < entriesPerTurn && this.#host.now() - turnBeganMs < MAX_TURN_MS; fired++) {
      if (signal?.aborted) return 'aborted';
      if (done?.()) return 'done';
      const dueNs = this.#clock.nextDueNs();
      if (dueNs === undefined) return 'drained';
      if (dueNs > targetNs) {
        this.#clock.runUntil(Math.max(targetNs, this.#clock.nowNs));
        return undefined;
      }
      this.#clock.step();
    }
    return undefined;
  }

  refresh(): void {
    this.#refreshedMs = this.#host.now();
    this.#options.onRefresh?.(this.#clock.nowNs);
  }

  /** Until the next entry is due on the wall, or the display is to be fed; 0 when it is due already. */
  sleepMs(): number {
    const dueNs = this.#clock.nextDueNs();
    if (dueNs === undefined || this.#options.factor === 'max') return 0;
    const nowMs = this.#host.now();
    const dueInMs = this.#startMs + (dueNs - this.#startNs) / NS_PER_MS / this.#options.factor - nowMs;
    if (dueInMs <= 0) return 0;
    const refreshInMs = this.#refreshedMs + this.#refreshMs - nowMs;
    return Math.max(Math.ceil(Math.min(dueInMs, refreshInMs)), 1);
  }

  #targetNs(nowMs: number): number {
    if (this.#options.factor === 'max') return Infinity;
    return this.#startNs + Math.floor((nowMs - this.#startMs) * NS_PER_MS * this.#options.factor);
  }
}
