/**
 * The loops of a page bitmap over whole groups of 1024 pages: no masks at the edges and no search for the next word, so
 * that a merge, a take or a clear is one pass over the words that are in use, and 32,768 pages without any are one step.
 * Syncs and sends spend their time here.
 *
 * They know words and what stands above them, not counts: each returns what it changed, and the bitmap keeps its count by that.
 */

/** Pages of a group: those that one word of the summary stands for. */
export const GROUP_PAGES = 1024;

/** Bit k of word w stands for page 32 w + k; bit w of the summary is set while word w is not zero, and so on upwards. */
export interface SummarisedWords {
  readonly words: Int32Array;
  readonly summary: Int32Array;
  readonly top: Int32Array;
}

/** More than any group's number. */
export const NO_GROUP = 0x7fffffff;

/** From the first group up to, without, the end. */
export interface Groups {
  readonly first: number;
  readonly end: number;
}

/** Number of set bits of a 32-bit word. */
export function popcount32(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** The bits of one word from `from` (0 to 31) up to, without, `to` (1 to 32). */
export function maskOf(from: number, to: number): number {
  return (-1 << from) & (-1 >>> (32 - to));
}

/** Index of the lowest set bit; 32 for 0 is not needed here and not promised. */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** The first group at or after `from` that has a page, or `NO_GROUP`. */
export function nextGroup(top: Int32Array, from: number): number {
  let t = from >>> 5;
  if (t >= top.length) return NO_GROUP;
  let used = top[t]! & (-1 << (from & 31));
  while (used === 0) {
    t += 1;
    if (t === top.length) return NO_GROUP;
    used = top[t]!;
  }
  return (t << 5) + lowestBit(used);
}

function empty({ summary, top }: SummarisedWords, s: number): void {
  summary[s] = 0;
  top[s >>> 5]! &= ~(1 << s);
}

/**
 * The whole groups of the pages from `fromPage` up to, without, `toPage`, and the pages before and after them. The last
 * group of a set of `pages` pages may be short and is whole nevertheless.
 */
export function wholeGroups(
  fromPage: number,
  toPage: number,
  pages: number,
): { readonly groups: Groups; readonly fromPage: number; readonly toPage: number } {
  const first = Math.ceil(fromPage / GROUP_PAGES);
  const end = toPage === pages ? Math.ceil(pages / GROUP_PAGES) : Math.floor(toPage / GROUP_PAGES);
  if (first >= end) return { groups: { first: 0, end: 0 }, fromPage: toPage, toPage };
  return { groups: { first, end }, fromPage: first * GROUP_PAGES, toPage: Math.min(end * GROUP_PAGES, toPage) };
}

/** Sets every page of whole groups, none of them short; returns how many were not set before. */
export function fillGroups({ words, summary, top }: SummarisedWords, { first, end }: Groups): number {
  let added = 0;
  for (let s = first; s < end; s++) {
    let set = 0;
    for (let rest = summary[s]!; rest !== 0; rest &= rest - 1) set += popcount32(words[(s << 5) + lowestBit(rest)]!);
    added += GROUP_PAGES - set;
    summary[s] = -1;
    top[s >>> 5]! |= 1 << s;
  }
  words.fill(-1, first << 5, end << 5);
  return added;
}

/** ORs the first `used` words of `source` in from word `firstWord` on; returns how many pages were not set there before. */
export function orWords(into: SummarisedWords, firstWord: number, source: Int32Array, used: number): number {
  const { words, summary, top } = into;
  const end = firstWord + used;
  let added = 0;
  for (let w = firstWord; w < end; ) {
    const s = w >>> 5;
    const groupEnd = Math.min((s + 1) << 5, end);
    let inUse = 0;
    for (; w < groupEnd; w++) {
      const word = source[w - firstWord]!;
      if (word === 0) continue;
      const old = words[w]!;
      inUse |= 1 << w;
      words[w] = old | word;
      added += popcount32(word & ~old);
    }
    if (inUse === 0) continue;
    summary[s]! |= inUse;
    top[s >>> 5]! |= 1 << s;
  }
  return added;
}

/** ORs `from` into `into`; returns how many pages were not set there before. */
export function orGroups(into: SummarisedWords, from: SummarisedWords, { first, end }: Groups): number {
  const { words, summary, top } = into;
  let added = 0;
  for (let s = nextGroup(from.top, first); s < end; s = nextGroup(from.top, s + 1)) {
    const used = from.summary[s]!;
    summary[s]! |= used;
    top[s >>> 5]! |= 1 << s;
    for (let rest = used; rest !== 0; rest &= rest - 1) {
      const w = (s << 5) + lowestBit(rest);
      const old = words[w]!;
      const fresh = from.words[w]! & ~old;
      if (fresh === 0) continue;
      words[w] = old | fresh;
      added += popcount32(fresh);
    }
  }
  return added;
}

/** Moves `from` to `into`; says how many pages were moved and how many were not set there before. */
export function takeGroups(
  into: SummarisedWords,
  from: SummarisedWords,
  { first, end }: Groups,
): { readonly taken: number; readonly added: number } {
  const { words, summary, top } = into;
  let taken = 0;
  let added = 0;
  for (let s = nextGroup(from.top, first); s < end; s = nextGroup(from.top, s + 1)) {
    const used = from.summary[s]!;
    summary[s]! |= used;
    top[s >>> 5]! |= 1 << s;
    empty(from, s);
    for (let rest = used; rest !== 0; rest &= rest - 1) {
      const w = (s << 5) + lowestBit(rest);
      const word = from.words[w]!;
      from.words[w] = 0;
      taken += popcount32(word);
      const old = words[w]!;
      const fresh = word & ~old;
      if (fresh === 0) continue;
      words[w] = old | fresh;
      added += popcount32(fresh);
    }
  }
  return { taken, added };
}

/** Clears; returns how many pages were set. */
export function clearGroups(set: SummarisedWords, { first, end }: Groups): number {
  const { words, summary, top } = set;
  let cleared = 0;
  for (let s = nextGroup(top, first); s < end; s = nextGroup(top, s + 1)) {
    for (let rest = summary[s]!; rest !== 0; rest &= rest - 1) {
      const w = (s << 5) + lowestBit(rest);
      cleared += popcount32(words[w]!);
      words[w] = 0;
    }
    empty(set, s);
  }
  return cleared;
}

/** Clears in `set` what is set in `where`, another set; returns how many pages were set. */
export function clearGroupsWhere(set: SummarisedWords, where: SummarisedWords, { first, end }: Groups): number {
  const { words, summary, top } = set;
  let cleared = 0;
  for (let s = nextGroup(where.top, first); s < end; s = nextGroup(where.top, s + 1)) {
    let emptied = 0;
    for (let rest = where.summary[s]! & summary[s]!; rest !== 0; rest &= rest - 1) {
      const w = (s << 5) + lowestBit(rest);
      const old = words[w]!;
      const gone = old & where.words[w]!;
      words[w] = old ^ gone;
      cleared += popcount32(gone);
      if (old === gone) emptied |= 1 << w;
    }
    if (emptied === 0) continue;
    const left = summary[s]! & ~emptied;
    summary[s] = left;
    if (left === 0) top[s >>> 5]! &= ~(1 << s);
  }
  return cleared;
}
