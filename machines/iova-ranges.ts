/**
 * The IOVA ranges that are handed to DMA_LOGGING_START, by release. QEMU, hw/vfio/listener.c
 * (vfio_dirty_tracking_update_range); the third range came in 8.2 (commit a31fe5daea) because OVMF puts the 64-bit PCI
 * window at the top of the address space, where one range would exceed a device's span (mlx5: 2^42 bytes).
 *
 * QEMU asks for two or three wide ranges instead of the exact mappings so as not to stress the limits of the uAPI; a log
 * over them is larger than the mappings, never smaller: `overTrackedPages` says by how much.
 */
import type { PageRange } from './words.ts';

/** One section of the memory map as a container sees it. `pci`: RAM of a vfio-pci device, behind the 64-bit window. */
export interface IovaSection extends PageRange {
  readonly of: 'ram' | 'pci';
}

/**
 * `two`: below and above 4 GiB (8.0). `three`: and the 64-bit PCI window (8.2 on). `exact`: the mappings themselves, as the
 * series was first written; QEMU gave it up for the limits above.
 */
export const RANGE_RULES = ['exact', 'two', 'three'] as const;
export type RangeRule = (typeof RANGE_RULES)[number];

/** Where a range begins and ends, inclusive; QEMU keeps it as min and max addresses. */
interface Span {
  first: number;
  last: number;
}

/**
 * The ranges for a memory map, in pages. A section that ends below 4 GiB goes to the first, one that straddles 4 GiB goes
 * wholly to the second. `pageBytes` places the 4 GiB border.
 */
export function iovaRanges(sections: readonly IovaSection[], rule: RangeRule, pageBytes: number): readonly PageRange[] {
  if (rule === 'exact') return exactRanges(sections);
  const borderPage = 2 ** 32 / pageBytes;
  const spans: { low: Span | undefined; high: Span | undefined; pci: Span | undefined } = {
    low: undefined,
    high: undefined,
    pci: undefined,
  };
  for (const section of sections) {
    if (section.pages === 0) continue;
    const last = section.firstPage + section.pages - 1;
    const place =
      rule === 'three' && section.of === 'pci' && section.firstPage >= borderPage
        ? 'pci'
        : last < borderPage
          ? 'low'
          : 'high';
    spans[place] = widened(spans[place], section.firstPage, last);
  }
  return [spans.low, spans.high, spans.pci]
    .filter((span) => span !== undefined)
    .map(({ first, last }) => ({ firstPage: first, pages: last - first + 1 }));
}

function widened(span: Span | undefined, first: number, last: number): Span {
  if (span === undefined) return { first, last };
  return { first: Math.min(span.first, first), last: Math.max(span.last, last) };
}

/** The mappings, in order; two that touch or overlap are one range, because a START with an overlap is EINVAL. */
function exactRanges(sections: readonly IovaSection[]): readonly PageRange[] {
  const spans: Span[] = [];
  for (const { firstPage, pages } of sections.toSorted((a, b) => a.firstPage - b.firstPage)) {
    if (pages === 0) continue;
    const before = spans.at(-1);
    const last = firstPage + pages - 1;
    if (before !== undefined && firstPage <= before.last + 1) before.last = Math.max(before.last, last);
    else spans.push({ first: firstPage, last });
  }
  return spans.map(({ first, last }) => ({ firstPage: first, pages: last - first + 1 }));
}

/**
 * How many pages the ranges of `rule` watch that are mapped nowhere: the gaps that a wide range bridges. A device that
 * writes there is reported, and the vmm drops what it has no memory for.
 */
export function overTrackedPages(sections: readonly IovaSection[], rule: RangeRule, pageBytes: number): number {
  const sum = (ranges: readonly PageRange[]) => ranges.reduce((pages, range) => pages + range.pages, 0);
  return sum(iovaRanges(sections, rule, pageBytes)) - sum(exactRanges(sections));
}
