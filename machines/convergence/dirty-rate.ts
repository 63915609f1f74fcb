/**
 * Does the guest dirty memory faster than the migration sends it? The one question with which QEMU decides to throttle,
 * whichever way it then throttles: what was newly dirtied in a period against a share of what was sent in it.
 *
 * Source: migration/ram.c, migration_bitmap_sync and migration_trigger_throttle: looked at in a sync that comes more than
 * 1000 ms after the last look, acted on at every second hit. A good period in between takes no hit away. The clock is in
 * whole ms, the share in whole bytes, as they are there.
 */
import type { ThrottleOrder } from '../messages.ts';

/** migration_bitmap_sync: "more than 1 second = 1000 milliseconds". */
export const PERIOD_OVER_MS = 1000;
/** migration_trigger_throttle: `++rs->dirty_rate_high_cnt >= 2`. Of 2013 it was 4 (before commit 070afca258). */
export const HITS_NEEDED = 2;
/** TARGET_PAGE_SIZE of x86, in which dirty pages are counted there. */
const PAGE_BYTES = 4096;

export interface DirtyRate {
  /** When the period began; undefined before the first sync. */
  readonly sinceMs: number | undefined;
  readonly nowMs: number;
  readonly newDirtyPages: number;
  readonly sentBytes: number;
  readonly hits: number;
}

export const NO_PERIOD: DirtyRate = { sinceMs: undefined, nowMs: 0, newDirtyPages: 0, sentBytes: 0, hits: 0 };

type Synced = Extract<ThrottleOrder, { type: 'SYNCED' }> & { readonly atNs: number };

/** A sync is counted in; the first one only begins the period: all of memory is dirty by definition, and not by the guest. */
export function countedIn(rate: DirtyRate, { atNs, newDirtyPages, sentBytes }: Synced): DirtyRate {
  const nowMs = Math.floor(atNs / 1e6);
  if (rate.sinceMs === undefined) return { ...rate, sinceMs: nowMs, nowMs };
  return {
    ...rate,
    nowMs,
    newDirtyPages: rate.newDirtyPages + newDirtyPages,
    sentBytes: rate.sentBytes + sentBytes,
  };
}

/** The next period begins with this sync. */
export function newPeriod(rate: DirtyRate): DirtyRate {
  return { ...rate, sinceMs: rate.nowMs, newDirtyPages: 0, sentBytes: 0 };
}

export function periodIsOver({ sinceMs, nowMs }: DirtyRate, overMs: number): boolean {
  return sinceMs !== undefined && nowMs > sinceMs + overMs;
}

/** bytes_dirty_period. */
export function dirtyBytes({ newDirtyPages }: DirtyRate): number {
  return newDirtyPages * PAGE_BYTES;
}

/** bytes_dirty_threshold. */
export function allowedBytes({ sentBytes }: DirtyRate, triggerThresholdPercent: number): number {
  return Math.floor((sentBytes * triggerThresholdPercent) / 100);
}

export function dirtiesTooFast(rate: DirtyRate, triggerThresholdPercent: number): boolean {
  return dirtyBytes(rate) > allowedBytes(rate, triggerThresholdPercent);
}

/** This hit is the one that is acted on. */
export function isLastHit({ hits }: DirtyRate): boolean {
  return hits + 1 >= HITS_NEEDED;
}
