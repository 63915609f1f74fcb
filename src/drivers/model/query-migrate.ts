/**
 * The modelled query-migrate: what QEMU would answer to a manager now, as stale as QEMU's answer.
 *
 * `remaining` counts what is known dirty and not sent, so what was written since the last sync is not in it. The dirty rate
 * is refreshed at a sync when the last time is more than a second ago (migration/ram.c, migration_bitmap_sync), the
 * bandwidth by window. `expected-downtime` is the downtime limit until there is something to compute it from; up to 11.0 it
 * is RAM alone, from 11.1 on devices count too (migration/migration.c, migration_update_counters, populate_time_info).
 */
import type { LoopName } from '../../../machines/loops.ts';
import type { Commands, MigrateInfo } from '../../../machines/words.ts';
import type { Job } from './jobs.ts';
import type { Stream } from './stream.ts';

/** The dirty rate's period: migration/ram.c. */
const RATE_PERIOD_NS = 1_000_000_000;

export class MigrateQuery {
  readonly #stream: Stream;
  #startedNs: number | undefined;
  #sending = false;
  #switching = false;
  #syncs = 0;
  #periodNs = 0;
  #periodPages = 0;
  #dirtyPagesPerSecond = 0;
  #ramAtSyncBytes = 0;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** The order to migrate: the first that a driver hears of it is to prepare the destination. */
  started(): void {
    this.#startedNs ??= this.#stream.agenda.nowNs;
  }

  sends(): void {
    this.#sending = true;
  }

  /** Hears of the sync when it is done. */
  synced(job: Job<'syncBitmap'>, { final }: Commands['syncBitmap']['params']): Job<'syncBitmap'> {
    const note = (result: Commands['syncBitmap']['result']) => this.#noteSync(result, final);
    return {
      ...job,
      done: (result) => {
        note(result);
        job.done(result);
      },
      end: (errno, result) => {
        if (errno === undefined) note(result);
        job.end(errno, result);
      },
    };
  }

  answer(): MigrateInfo {
    const { agenda, spec } = this.#stream;
    const totalTimeMs = Math.floor((agenda.nowNs - (this.#startedNs ?? agenda.nowNs)) / 1e6);
    const common = { status: this.#status(spec.loop), totalTimeMs, downtimeLimitMs: this.#stream.limit.downtimeMs };
    if (!this.#sending) return common;
    const { memory } = this.#stream.world;
    const { bandwidthBytesPerSecond } = this.#stream.window;
    const ram = {
      totalBytes: memory.ramPages * memory.pageBytes,
      transferredBytes: this.#stream.link.carriedBytes,
      remainingBytes: this.#stream.bitmap.remainingBytes,
      dirtySyncCount: this.#syncs,
      dirtyPagesPerSecond: Math.floor(this.#dirtyPagesPerSecond),
      mbps: (bandwidthBytesPerSecond * 8) / 1e6,
    };
    const devices = spec.loop === 'qemu-11.1' ? { remainingBytes: ram.remainingBytes + this.#deviceBytes() } : {};
    return { ...common, ram, expectedDowntimeMs: this.#expectedDowntimeMs(bandwidthBytesPerSecond), ...devices };
  }

  #noteSync({ newDirtyPages, remainingBytes }: Commands['syncBitmap']['result'], final: boolean): void {
    const { agenda, spec } = this.#stream;
    if (final) this.#switching = true;
    // 11.1 counts syncs that end an iteration, and the final one ends none.
    if (!final || spec.loop !== 'qemu-11.1') this.#syncs += 1;
    this.#ramAtSyncBytes = remainingBytes;
    // The first sync finds all of memory: that is no rate.
    if (this.#syncs === 1) {
      this.#periodNs = agenda.nowNs;
      return;
    }
    this.#periodPages += newDirtyPages;
    const ns = agenda.nowNs - this.#periodNs;
    if (ns <= RATE_PERIOD_NS) return;
    this.#dirtyPagesPerSecond = (this.#periodPages / ns) * 1e9;
    this.#periodNs = agenda.nowNs;
    this.#periodPages = 0;
  }

  #expectedDowntimeMs(bandwidthBytesPerSecond: number): number {
    const { spec, limit } = this.#stream;
    if (bandwidthBytesPerSecond === 0) return limit.downtimeMs;
    if (spec.loop === 'qemu-11.1') {
      if (this.#syncs <= 1) return limit.downtimeMs;
      return Math.floor((1000 * (this.#ramAtSyncBytes + this.#deviceBytes())) / bandwidthBytesPerSecond);
    }
    if (this.#dirtyPagesPerSecond === 0) return limit.downtimeMs;
    return Math.floor((1000 * this.#ramAtSyncBytes) / bandwidthBytesPerSecond);
  }

  #deviceBytes(): number {
    const { precopyBytes, stopCopyBytes } = this.#stream.devices.remembered();
    return Math.max(precopyBytes, stopCopyBytes);
  }

  /** As far as a host can see it that is not told what the charts are about. */
  #status(name: LoopName): string {
    if (this.#startedNs === undefined) return 'none';
    if (this.#stream.destination.state === 'running') return 'completed';
    if (!this.#sending) return 'setup';
    return this.#switching && this.#stream.loop.reportsDevice && name !== 'textbook' ? 'device' : 'active';
  }
}
