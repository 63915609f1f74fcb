/**
 * Sets of pages in three ways: the page bitmap, and what one would take first, a byte a page and a Set of numbers. Each does
 * the same: marks pages, gives them up in order, and moves them into another set while it counts what was new there.
 */
import type { PageBitmap as Bitmap } from '../../src/hardware/page-bitmap.ts';
import { built } from './bench.ts';

const { PageBitmap } = await built<typeof import('../../src/hardware/page-bitmap.ts')>('src/hardware/page-bitmap');

export interface PageSetWay<S> {
  readonly name: string;
  /** Beyond so many pages it takes more time and memory than it is worth. */
  readonly pagesMax: number;
  empty(pages: number): S;
  mark(set: S, list: Uint32Array): void;
  /** Lists what is set into `out` in order, and clears it. */
  harvest(set: S, out: Uint32Array): void;
  /** Moves all of `from` into `into`; returns how many were new there. */
  take(from: S, into: S): number;
}

export const WAYS: readonly PageSetWay<never>[] = [bitmapWay(), byteWay(), setWay()] as readonly PageSetWay<never>[];

function bitmapWay(): PageSetWay<Bitmap> {
  return {
    name: 'PageBitmap',
    pagesMax: Number.POSITIVE_INFINITY,
    empty: (pages) => new PageBitmap(pages),
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

function byteWay(): PageSetWay<Uint8Array> {
  return {
    name: 'a byte a page',
    pagesMax: Number.POSITIVE_INFINITY,
    empty: (pages) => new Uint8Array(pages),
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

function setWay(): PageSetWay<Set<number>> {
  return {
    name: 'a Set',
    pagesMax: 500_000,
    empty: () => new Set(),
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
