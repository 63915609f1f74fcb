/**
 * The guest pages that a mediated device can reach: a vGPU's global table and its active per-process tables, or the buffers
 * that a mediated NIC's descriptors name. What leaves is noted as it leaves, whether or not anything is logged, so turning
 * logging on needs no scan and loses nothing.
 *
 * The hardware cannot tell which of them it wrote, so a report is: everything mapped now, and what was unmapped since
 * the last report once more (as Intel's vGPU driver was described on its list in 2017). What the mediating driver wrote
 * itself is in the next report once, too. One reader only: a second one would take the first one's unmapped pages.
 */
import type { PageRange } from '../../../machines/words.ts';
import type { PageWrites } from '../../streams/page-writes.ts';
import type { DirtyFound } from '../dirty-report.ts';
import type { PageArena } from '../kernels/page-arena.ts';
import { PageBitmap } from '../page-bitmap.ts';

/**
 * When the host learns what is mapped: at each mediated table write, which costs the vCPU that made it, or by a walk over
 * the tables at each query, which costs the query. A walk alone would miss what came and went between two of them, so even
 * then an unmapping is noted as it happens.
 */
export type MapMaintenance = 'onUpdate' | 'walkAtQuery';

export interface MapCosts {
  readonly maintain: MapMaintenance;
  /** Per page whose mapping or unmapping is noted, ns. Nobody published one: default 0. */
  readonly updateNs: number;
  /** Per page that a walk at a query finds, ns. Nobody published one: default 0. */
  readonly entryNs: number;
}

const FREE_OF_CHARGE: MapCosts = { maintain: 'onUpdate', updateNs: 0, entryNs: 0 };

/** Told of each page once as it comes and once as it goes: a container in which the pages are pinned. */
export interface MapFollower {
  mapped(range: PageRange): void;
  unmapped(range: PageRange): void;
}

export class MappedPages {
  readonly #mapped: PageBitmap;
  readonly #leftSince: PageBitmap;
  readonly #scratch: PageBitmap;
  readonly #costs: MapCosts;
  #follower: MapFollower | undefined;
  #changes = 0;
  #updates = 0;

  /** `arena`: the guest memory's, so that reports are merged fast. Throws a RangeError for a cost that is none. */
  constructor(pages: number, costs: Partial<MapCosts> = {}, arena?: PageArena) {
    this.#costs = { ...FREE_OF_CHARGE, ...costs };
    const { updateNs, entryNs } = this.#costs;
    for (const [name, ns] of Object.entries({ updateNs, entryNs })) {
      if (!(Number.isFinite(ns) && ns >= 0)) throw new RangeError(`${name} is 0 or more, not ${ns}`);
    }
    this.#mapped = new PageBitmap(pages, arena);
    this.#leftSince = new PageBitmap(pages, arena);
    this.#scratch = new PageBitmap(pages, arena);
  }

  /** The pages mapped now, for reading. */
  get pages(): PageBitmap {
    return this.#mapped;
  }

  /** Rises with each change of the map: who keeps a copy sees by it whether the copy still holds. */
  get changes(): number {
    return this.#changes;
  }

  /** The one follower is told of what is mapped already, and from now on of every change. */
  follow(follower: MapFollower): void {
    this.#follower = follower;
    for (const range of runs(this.#mapped, { firstPage: 0, pages: this.#mapped.pages }, true)) follower.mapped(range);
  }

  map(range: PageRange): void {
    this.#changes += 1;
    const fresh = this.#follower === undefined ? [] : runs(this.#mapped, range, false);
    this.#mapped.setRange(range.firstPage, range.pages);
    if (this.#costs.maintain === 'onUpdate') this.#updates += range.pages;
    for (const run of fresh) this.#follower?.mapped(run);
  }

  mapPage(page: number): void {
    this.#changes += 1;
    if (this.#costs.maintain === 'onUpdate') this.#updates += 1;
    if (this.#mapped.set(page)) this.#follower?.mapped({ firstPage: page, pages: 1 });
  }

  /** Pages in any order, each of them once. */
  mapPages(pages: Uint32Array): void {
    if (this.#follower !== undefined) {
      for (const page of pages) this.mapPage(page);
      return;
    }
    this.#changes += 1;
    if (this.#costs.maintain === 'onUpdate') this.#updates += pages.length;
    this.#mapped.setList(pages);
  }

  unmap(range: PageRange): void {
    this.#changes += 1;
    const leaving = this.#follower === undefined ? [] : runs(this.#mapped, range, true);
    this.#updates += this.#mapped.takeRangeInto(this.#leftSince, range.firstPage, range.pages).taken;
    for (const run of leaving) this.#follower?.unmapped(run);
  }

  unmapPage(page: number): void {
    this.#changes += 1;
    if (!this.#mapped.clear(page)) return;
    this.#leftSince.set(page);
    this.#updates += 1;
    this.#follower?.unmapped({ firstPage: page, pages: 1 });
  }

  /** The mediating driver itself has written these for the guest: they are in the next report, mapped or not. */
  noteWritten(batch: PageWrites): void {
    this.#leftSince.applyWrites(batch);
  }

  /** ns that noting the updates since the last call cost whoever made them. */
  takeUpdateNs(): number {
    const ns = this.#updates * this.#costs.updateNs;
    this.#updates = 0;
    return ns;
  }

  /**
   * Adds what is mapped in `query`, and what left it since the last report, to `into`. `alreadyNew` pages were added by
   * the same report before (writes that were logged; every writable page is a mapped one, so they are counted once).
   */
  report(into: PageBitmap, query: readonly PageRange[], alreadyNew: number): DirtyFound {
    let newPages = alreadyNew;
    if (this.#leftSince.count === 0) {
      let mapped = 0;
      for (const { firstPage, pages } of query) {
        mapped += this.#mapped.countRange(firstPage, pages);
        newPages += this.#mapped.orRangeInto(into, firstPage, pages);
      }
      return this.#found(mapped, newPages);
    }
    // A page that was unmapped and mapped again is in both sets and counts once.
    for (const { firstPage, pages } of query) {
      this.#mapped.orRangeInto(this.#scratch, firstPage, pages);
      this.#leftSince.takeRangeInto(this.#scratch, firstPage, pages);
    }
    const dirtyPages = this.#scratch.count;
    newPages += this.#scratch.takeInto(into);
    return this.#found(dirtyPages, newPages);
  }

  #found(dirtyPages: number, newPages: number): DirtyFound {
    const { maintain, entryNs } = this.#costs;
    return maintain === 'onUpdate' || entryNs === 0
      ? { dirtyPages, newPages }
      : { dirtyPages, newPages, workNs: dirtyPages * entryNs };
  }
}

/** The runs of pages in `range` that are in the set, or of those that are not. */
function runs(set: PageBitmap, { firstPage, pages }: PageRange, inSet: boolean): readonly PageRange[] {
  const end = firstPage + pages;
  const found: PageRange[] = [];
  for (let from = firstPage; from < end; ) {
    const next = set.next(from);
    const nextSet = next === -1 ? end : Math.min(next, end);
    if (!inSet && nextSet > from) found.push({ firstPage: from, pages: nextSet - from });
    const to = nextSet === end ? end : Math.min(set.nextClear(nextSet), end);
    if (inSet && to > nextSet) found.push({ firstPage: nextSet, pages: to - nextSet });
    from = to;
  }
  return found;
}
