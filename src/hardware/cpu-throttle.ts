/**
 * The vmm's throttle: all vCPUs sleep together for a share of the time, whatever they do.
 *
 * QEMU (system/cpu-throttle.c, cpu_throttle_thread and cpu_throttle_timer_tick): a timer of 10 ms / (1 - p) tells every vCPU
 * to sleep for 10 ms x p / (1 - p), so that between two sleeps it runs for 10 ms: 20 % is 2.5 ms in 12.5, 99 % is 990 ms in
 * a second. The first sleep begins at once; another percentage is in force from the next tick on. A vmm with a window of
 * its own sleeps for that share of each window instead.
 */

/** CPU_THROTTLE_TIMESLICE_NS. */
const TIMESLICE_NS = 10_000_000;

/** From, to: a span in which the vCPUs run. */
export type RunSpan = readonly [fromNs: number, toNs: number];

export class CpuThrottle {
  readonly #windowNs: number | undefined;
  #percent = 0;
  /** The sleep and the run of the tick under way; undefined while nothing is throttled, or before the first tick. */
  #tick: { readonly wakesNs: number; readonly endsNs: number } | undefined;
  #sleptNs = 0;

  /** `windowNs`: a fixed window in place of QEMU's timeslice. */
  constructor(windowNs?: number) {
    if (windowNs !== undefined && !(Number.isSafeInteger(windowNs) && windowNs > 0)) {
      throw new RangeError(`a window is a whole number of ns above 0, not ${windowNs}`);
    }
    this.#windowNs = windowNs;
  }

  get percent(): number {
    return this.#percent;
  }

  /** 0 ends it, and the sleep under way. Throws a RangeError for anything but whole numbers from 0 to 99. */
  set(percent: number): void {
    if (!Number.isInteger(percent) || percent < 0 || percent > 99) {
      throw new RangeError(`throttle must be 0 to 99 percent, got ${percent}`);
    }
    this.#percent = percent;
    if (percent === 0) this.#tick = undefined;
  }

  /** When the vCPUs run between the two, in order. Spans are asked for once, and in order. */
  runsIn(fromNs: number, toNs: number): readonly RunSpan[] {
    if (this.#percent === 0) return [[fromNs, toNs]];
    const spans: RunSpan[] = [];
    let ranNs = 0;
    for (let at = fromNs; at < toNs; ) {
      const { wakesNs, endsNs } = this.#tickAt(at);
      const begins = Math.max(at, wakesNs);
      const ends = Math.min(endsNs, toNs);
      if (begins < ends) {
        spans.push([begins, ends]);
        ranNs += ends - begins;
      }
      at = ends;
    }
    this.#sleptNs += toNs - fromNs - ranNs;
    return spans;
  }

  /** ns that each vCPU has slept since this was last asked. */
  takeSleptNs(): number {
    const ns = this.#sleptNs;
    this.#sleptNs = 0;
    return ns;
  }

  /** The tick that `atNs` is in. After a time in which nobody asked, the first one begins then. */
  #tickAt(atNs: number): { readonly wakesNs: number; readonly endsNs: number } {
    if (this.#tick !== undefined && atNs < this.#tick.endsNs) return this.#tick;
    const share = this.#percent / 100;
    const wholeNs = this.#windowNs ?? Math.round(TIMESLICE_NS / (1 - share));
    const sleepNs = this.#windowNs === undefined ? wholeNs - TIMESLICE_NS : Math.round(wholeNs * share);
    this.#tick = { wakesNs: atNs + sleepNs, endsNs: atNs + wholeNs };
    return this.#tick;
  }
}
