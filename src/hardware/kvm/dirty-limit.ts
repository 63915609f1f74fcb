/**
 * A quota of dirtied memory for each vCPU, held by letting it sleep at every exit for a full dirty ring: who does not write
 * is not slowed down. Once a period each vCPU's rate is measured, and its sleep at an exit made longer or shorter.
 *
 * Source: system/dirtylimit.c, dirtylimit_adjust_throttle and dirtylimit_set_throttle. A quota and a rate that are within 25
 * MB/s are left alone; one that is more than half off is met by a sleep in proportion, one that is nearer by a tenth of the
 * time in which the ring fills. Rates are whole MB/s (2^20 bytes) and times whole us, as they are there. That time is taken
 * from the largest rate that any vCPU has ever had.
 */

/** DIRTYLIMIT_TOLERANCE_RANGE, MB/s. */
export const TOLERANCE_MB_PER_SECOND = 25;
/** DIRTYLIMIT_LINEAR_ADJUSTMENT_PCT. */
const FAR_PERCENT = 50;
/** DIRTYLIMIT_THROTTLE_PCT_MAX: of the time in which the ring fills, so many times over. */
const SLEEP_MAX_TIMES = 99;

/** The sleep at each exit from here on, us. `fullUs`: in so long the ring fills at the largest rate seen. */
export function adjustedSleepUs(sleepUs: number, quotaMb: number, currentMb: number, fullUs: number): number {
  const larger = Math.max(quotaMb, currentMb);
  const apart = Math.abs(quotaMb - currentMb);
  if (apart <= TOLERANCE_MB_PER_SECOND) return sleepUs;
  if (currentMb === 0) return 0;
  const percent = Math.floor((apart * 100) / larger);
  // A vCPU that is off by all of the larger cannot be: at a rate of 0 it sleeps no longer, and a quota is at least 1.
  const step = percent > FAR_PERCENT ? Math.floor((fullUs * percent) / (100 - percent)) : Math.floor(fullUs / 10);
  const changed = quotaMb < currentMb ? sleepUs + step : sleepUs - step;
  return Math.max(0, Math.min(changed, fullUs * SLEEP_MAX_TIMES));
}

interface Limited {
  dirtiedBytes: number;
  sleepUs: number;
}

export class DirtyLimit {
  readonly #ringBytes: number;
  readonly #vcpus = new Map<number, Limited>();
  #quotaMb = 0;
  #periodNs = 0;
  #maxMb = 0;

  /** `ringBytes`: of guest memory that the entries of one ring stand for. */
  constructor(ringBytes: number) {
    this.#ringBytes = ringBytes;
  }

  /** Whether there is a quota. */
  get on(): boolean {
    return this.#quotaMb > 0;
  }

  get periodNs(): number {
    return this.#periodNs;
  }

  /** A quota below 1 MB/s is 1 MB/s, which is QEMU's least; 0 ends the limit and every sleep. */
  set(bytesPerSecond: number, periodMs: number): void {
    this.#vcpus.clear();
    this.#quotaMb = bytesPerSecond === 0 ? 0 : Math.max(1, Math.floor(bytesPerSecond / 2 ** 20));
    this.#periodNs = periodMs * 1e6;
    this.#maxMb = 0;
  }

  /** A vCPU has dirtied so much. */
  dirtied(vcpu: number, bytes: number): void {
    if (this.on) this.#of(vcpu).dirtiedBytes += bytes;
  }

  /** How long the vCPU sleeps now that its ring is full, ns. */
  sleepNs(vcpu: number): number {
    return this.on ? this.#of(vcpu).sleepUs * 1000 : 0;
  }

  /** A period is over. */
  control(): void {
    const rates = [...this.#vcpus.values()].map((one) => ({
      one,
      mb: Math.floor((one.dirtiedBytes / 2 ** 20 / this.#periodNs) * 1e9),
    }));
    for (const { one, mb } of rates) {
      this.#maxMb = Math.max(this.#maxMb, mb);
      const fullUs = this.#maxMb === 0 ? 0 : Math.floor((this.#ringBytes / 2 ** 20) * (1e6 / this.#maxMb));
      one.sleepUs = adjustedSleepUs(one.sleepUs, this.#quotaMb, mb, fullUs);
      one.dirtiedBytes = 0;
    }
  }

  #of(vcpu: number): Limited {
    let found = this.#vcpus.get(vcpu);
    if (found === undefined) this.#vcpus.set(vcpu, (found = { dirtiedBytes: 0, sleepUs: 0 }));
    return found;
  }
}
