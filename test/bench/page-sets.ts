/**
 * Sets of pages in three ways: the page bitmap, and what one would take first, a byte a page and a Set of numbers. Each does
 * the same: marks pages, gives them up in order, and moves them into another set while it counts what was new there.
 */
import type { PageBitmap as Bitmap } from '../../src/hardware/page-bitmap.ts';
import { built } from './bench.ts';

const { PageBitmap } = await built<typeof import('../../src/hardware/page-bitmap.ts')>('src/hardware/page-bitmap');

/** One way of keeping pages; `S` is the set. */
interface Way<S> {
  readonly name: string;
  /** Beyond so many pages it takes more time and memory than it is worth. */
  readonly pagesMax: number;
  empty(pages: number): S;
  clear(set: S): void;
  mark(set: S, list: Uint32Array): void;
  /** Lists what is set into `out` in order, and clears it. */
  harvest(set: S, out: Uint32Array): void;
  /** Moves all of `from` into `into`; returns how many were new there. */
  take(from: S, into: S): number;
}

/** What can be timed: each call makes the sets, and what it returns makes them ready and returns the work. */
export interface PageSets {
  readonly name: string;
  readonly pagesMax: number;
  marking(pages: number, list: Uint32Array): () => () => void;
  harvesting(pages: number, list: Uint32Array): () => () => void;
  taking(pages: number, list: Uint32Array, other: Uint32Array): () => () => void;
}

export const PAGE_SETS: readonly PageSets[] = [timed(bitmaps()), timed(byteMaps()), timed(setsOfNumbers())];

function timed<S>(way: Way<S>): PageSets {
  const reset = (set: S, list: Uint32Array) => {
    way.clear(set);
    way.mark(set, list);
  };
  return {
    name: way.name,
    pagesMax: way.pagesMax,
    marking(pages, list) {
      const set = way.empty(pages);
      return () => {
        way.clear(set);
        return () => way.mark(set, list);
      };
    },
    harvesting(pages, list) {
      const [set, out] = [way.empty(pages), new Uint32Array(list.length)];
      return () => {
        reset(set, list);
        return () => way.harvest(set, out);
      };
    },
    taking(pages, list, other) {
      const [from, into] = [way.empty(pages), way.empty(pages)];
      return () => {
        reset(from, list);
        reset(into, other);
        return () => way.take(from, into);
      };
    },
  };
}

function bitmaps(): Way<Bitmap> {
  return {
    name: 'PageBitmap',
    pagesMax: Number.POSITIVE_INFINITY,
    empty: (pages) => new PageBitmap(pages),
    clear: (set) => set.clearAll(),
    mark(set, list) {
      set.applyWrites({ fromNs: 0, toNs: 1, source: 'vcpu:0', form: 'list', pages: list });
    },
    harvest(set, out) {
      set.listInto(out);
      set.clearAll();
    },
    take: (from, into) => from.takeInto(into),
  };
}

function byteMaps(): Way<Uint8Array> {
  return {
    name: 'a byte a page',
    pagesMax: Number.POSITIVE_INFINITY,
    empty: (pages) => new Uint8Array(pages),
    clear: (set) => set.fill(0),
    mark(set, list) {
      for (let i = 0; i < list.length; i++) set[list[i]!] = 1;
    },
    harvest(set, out) {
      let n = 0;
      for (let page = 0; page < set.length; page++) {
        if (set[page] === 0) continue;
        out[n++] = page;
        set[page] = 0;
      }
    },
    take(from, into) {
      let fresh = 0;
      for (let page = 0; page < from.length; page++) {
        fresh += from[page]! & ~into[page]!;
        into[page]! |= from[page]!;
      }
      from.fill(0);
      return fresh;
    },
  };
}

function setsOfNumbers(): Way<Set<number>> {
  return {
    name: 'a Set',
    pagesMax: 500_000,
    empty: () => new Set(),
    clear: (set) => set.clear(),
    mark(set, list) {
      for (let i = 0; i < list.length; i++) set.add(list[i]!);
    },
    harvest(set, out) {
      out.set([...set]);
      out.subarray(0, set.size).sort();
      set.clear();
    },
    take(from, into) {
      const before = into.size;
      for (const page of from) into.add(page);
      from.clear();
      return into.size - before;
    },
  };
}
