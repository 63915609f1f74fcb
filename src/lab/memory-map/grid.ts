/**
 * The raster of a memory map: bins of guest memory, holes left out, by bins of time. A time bin is a half-open span like a
 * batch's own: (start, end].
 */
import type { GuestMemory } from '../../hardware/memory.ts';

/** What of a run is drawn, and how fine. */
export interface Window {
  readonly fromNs: number;
  readonly toNs: number;
  readonly timeBins: number;
  readonly addressBins: number;
}

export interface Grid extends Omit<Window, 'addressBins'> {
  /** ns, with a fraction. */
  readonly binNs: number;
  /** First page of each address bin, and one past the last page of memory. */
  readonly firstPages: readonly number[];
  /** Pages of RAM in each address bin. */
  readonly binPages: readonly number[];
}

/** No bin is less than a page or a ns: memory or a window that is small has fewer. */
export function gridOver(memory: GuestMemory, { fromNs, toNs, timeBins, addressBins }: Window): Grid {
  const { ramPages, pages } = memory;
  const rows = Math.min(addressBins, ramPages);
  const columns = Math.min(timeBins, toNs - fromNs);
  const firsts = Array.from({ length: rows + 1 }, (_, row) => Math.floor((row * ramPages) / rows));
  return {
    fromNs,
    toNs,
    timeBins: columns,
    binNs: (toNs - fromNs) / columns,
    firstPages: firsts.map((first) => (first < ramPages ? memory.ramPageAt(first) : pages)),
    binPages: firsts.slice(0, -1).map((first, row) => firsts[row + 1]! - first),
  };
}

/** The bin that an instant falls into; undefined outside of the window. What is at the start of the run is in the first one. */
export function binAt({ fromNs, toNs, timeBins, binNs }: Grid, atNs: number): number | undefined {
  if (atNs > toNs || (atNs <= fromNs && atNs > 0) || atNs < fromNs) return undefined;
  const bin = Math.ceil((atNs - fromNs) / binNs) - 1;
  return Math.min(Math.max(bin, 0), timeBins - 1);
}
