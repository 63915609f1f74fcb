/**
 * A model's sets laid around the holes of guest memory. A scenario places a set by how far into memory it begins; a model
 * speaks of page numbers. Where memory is one run from page 0 the two are the same.
 */
import type { PageRange } from '../../../machines/words.ts';
import { PageSet } from '../../hardware/page-set.ts';

/**
 * `value` with every list of page ranges in it, however deep, laid out over `slots`. Throws a RangeError for a range that
 * stands alone and would have to be cut in two.
 */
export function aroundHoles<T>(value: T, slots: readonly PageRange[]): T {
  const [first] = slots;
  if (slots.length === 1 && first?.firstPage === 0) return value;
  return laidOut(value, new PageSet(slots)) as T;
}

function laidOut(value: unknown, ram: PageSet): unknown {
  if (Array.isArray(value)) {
    if (value.length > 0 && value.every(isRange)) return value.flatMap((range) => placed(range, ram));
    return value.map((item) => laidOut(item, ram));
  }
  if (isRange(value)) {
    const ranges = placed(value, ram);
    if (ranges.length > 1) throw new RangeError(`pages ${value.firstPage} and on are cut by a hole`);
    return ranges[0];
  }
  // A trace's pages are page numbers already.
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, laidOut(item, ram)]));
}

function placed({ firstPage, pages }: PageRange, ram: PageSet): PageRange[] {
  const pairs = new Uint32Array(2 * ram.ranges.length);
  const end = ram.extentsInto(pairs, 0, firstPage, pages);
  return Array.from({ length: end / 2 }, (_, i) => ({ firstPage: pairs[2 * i]!, pages: pairs[2 * i + 1]! }));
}

function isRange(value: unknown): value is PageRange {
  if (typeof value !== 'object' || value === null) return false;
  const keys = Object.keys(value);
  return keys.length === 2 && 'firstPage' in value && 'pages' in value;
}
