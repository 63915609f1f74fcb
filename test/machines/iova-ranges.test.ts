/**
 * The ranges that DMA_LOGGING_START gets, against QEMU's rule in addresses (hw/vfio/listener.c, vfio_dirty_tracking_update_range):
 * a section that ends at or below 2^32 - 1 widens the 32-bit range; RAM of a vfio-pci device at or above it widens the pci64
 * range, from 8.2 on (a31fe5daea); everything else, with what straddles the border, widens the 64-bit range.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type IovaSection, iovaRanges, overTrackedPages, type RangeRule } from '../../machines/iova-ranges.ts';

const GiB = 2 ** 30;
/** By addresses: first byte and length, as the source speaks of them. */
const section = (of: IovaSection['of'], firstByte: number, bytes: number, pageBytes = 4096): IovaSection => ({
  of,
  firstPage: firstByte / pageBytes,
  pages: bytes / pageBytes,
});
const range = (firstByte: number, bytes: number, pageBytes = 4096) => ({
  firstPage: firstByte / pageBytes,
  pages: bytes / pageBytes,
});

const PAGE = 4096;
const LOW_RAM = section('ram', 0, 3 * GiB);
const HIGH_RAM = section('ram', 4 * GiB, 12 * GiB);
/** OVMF's 64-bit window at the top of a 40-bit address space, and one after AMD's hole at 1 TiB. */
const WINDOW = section('pci', 896 * GiB, 2 * GiB);

type Row = readonly [
  name: string,
  sections: readonly IovaSection[],
  two: readonly { firstPage: number; pages: number }[],
  three: readonly { firstPage: number; pages: number }[],
];
const same = (
  name: string,
  sections: readonly IovaSection[],
  ...ranges: readonly { firstPage: number; pages: number }[]
) => [name, sections, ranges, ranges] as const;

const ROWS: readonly Row[] = [
  same('nothing', []),
  same('a section of 0 pages', [section('ram', 4 * GiB, 0)]),
  same('one page at 0', [section('ram', 0, PAGE)], range(0, PAGE)),
  same('ends one page below 4 GiB', [section('ram', 0, 4 * GiB - PAGE)], range(0, 4 * GiB - PAGE)),
  same('ends exactly below 4 GiB (end = 2^32 - 1)', [section('ram', 3 * GiB, GiB)], range(3 * GiB, GiB)),
  same('straddles 4 GiB by one page: wholly 64-bit', [section('ram', 0, 4 * GiB + PAGE)], range(0, 4 * GiB + PAGE)),
  same('starts at 4 GiB', [section('ram', 4 * GiB, GiB)], range(4 * GiB, GiB)),
  same('below and above', [LOW_RAM, HIGH_RAM], range(0, 3 * GiB), range(4 * GiB, 12 * GiB)),
  same('the order of the sections does not matter', [HIGH_RAM, LOW_RAM], range(0, 3 * GiB), range(4 * GiB, 12 * GiB)),
  same(
    'a hole is bridged: one wide range',
    [section('ram', 0, 640 * 1024), section('ram', 2 ** 20, GiB)],
    range(0, 2 ** 20 + GiB),
  ),
  same('a section of 0 pages widens nothing', [LOW_RAM, section('ram', 3.5 * GiB, 0)], range(0, 3 * GiB)),
  [
    'RAM beyond the 1 TiB hole and a window: two would span them both',
    [LOW_RAM, HIGH_RAM, WINDOW],
    [range(0, 3 * GiB), range(4 * GiB, 894 * GiB)],
    [range(0, 3 * GiB), range(4 * GiB, 12 * GiB), range(896 * GiB, 2 * GiB)],
  ],
  ['a window alone', [WINDOW], [range(896 * GiB, 2 * GiB)], [range(896 * GiB, 2 * GiB)]],
  [
    'a window that starts at 4 GiB',
    [HIGH_RAM, section('pci', 4 * GiB, GiB)],
    [range(4 * GiB, 12 * GiB)],
    [range(4 * GiB, 12 * GiB), range(4 * GiB, GiB)],
  ],
  same('a window below 4 GiB is as RAM', [LOW_RAM, section('pci', 3.5 * GiB, PAGE)], range(0, 3.5 * GiB + PAGE)),
  same(
    'a window that straddles 4 GiB starts below: 64-bit',
    [section('pci', 4 * GiB - PAGE, 2 * PAGE)],
    range(4 * GiB - PAGE, 2 * PAGE),
  ),
];

describe.each(['two', 'three'] as const)('%s ranges', (rule) => {
  test.each(ROWS)('%s', (_, sections, two, three) => {
    expect(iovaRanges(sections, rule, PAGE)).toEqual(rule === 'two' ? two : three);
  });

  test.each([4096, 16_384, 65_536])('the border is an address, with pages of %i bytes', (pageBytes) => {
    const below = section('ram', 4 * GiB - pageBytes, pageBytes, pageBytes);
    const above = section('ram', 4 * GiB, pageBytes, pageBytes);
    expect(iovaRanges([below, above], rule, pageBytes)).toEqual([
      range(4 * GiB - pageBytes, pageBytes, pageBytes),
      range(4 * GiB, pageBytes, pageBytes),
    ]);
  });
});

test('the top of the address space is exact: page numbers to 2^52', () => {
  const top = 2 ** 52;
  const ranges = iovaRanges([{ of: 'ram', firstPage: top - 1, pages: 1 }, HIGH_RAM], 'two', PAGE);
  expect(ranges).toEqual([{ firstPage: 2 ** 20, pages: top - 2 ** 20 }]);
});

const BORDER_PAGE = 2 ** 20;
const near = fc.oneof(fc.integer({ min: 0, max: 2 ** 22 }), fc.integer({ min: BORDER_PAGE - 3, max: BORDER_PAGE + 3 }));
const anySection: fc.Arbitrary<IovaSection> = fc.record({
  of: fc.constantFrom('ram', 'pci'),
  firstPage: near,
  pages: fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 2 ** 21 })),
});
const anyMap = fc.array(anySection, { maxLength: 8 });
const rule = fc.constantFrom<RangeRule>('two', 'three');
const last = ({ firstPage, pages }: { readonly firstPage: number; readonly pages: number }) => firstPage + pages - 1;

describe('whatever the memory map', () => {
  test('each section lies within one of the ranges', () => {
    fc.assert(
      fc.property(anyMap, rule, (sections, with_) => {
        const ranges = iovaRanges(sections, with_, PAGE);
        for (const one of sections.filter(({ pages }) => pages > 0)) {
          expect(ranges.some((range) => range.firstPage <= one.firstPage && last(one) <= last(range))).toBe(true);
        }
      }),
    );
  });

  test('no range is wider than the sections: it begins with one and ends with one', () => {
    fc.assert(
      fc.property(anyMap, rule, (sections, with_) => {
        const real = sections.filter(({ pages }) => pages > 0);
        const firsts = new Set(real.map(({ firstPage }) => firstPage));
        const lasts = new Set(real.map(last));
        for (const found of iovaRanges(sections, with_, PAGE)) {
          expect(firsts.has(found.firstPage) && lasts.has(last(found))).toBe(true);
        }
      }),
    );
  });

  test('there are at most two, or three, and no range for nothing', () => {
    fc.assert(
      fc.property(anyMap, rule, (sections, with_) => {
        const ranges = iovaRanges(sections, with_, PAGE);
        expect(ranges.length).toBeLessThanOrEqual(with_ === 'two' ? 2 : 3);
        expect(ranges.length > 0).toBe(sections.some(({ pages }) => pages > 0));
      }),
    );
  });

  test('the order of the sections does not matter', () => {
    fc.assert(
      fc.property(anyMap, rule, (sections, with_) => {
        expect(iovaRanges(sections.toReversed(), with_, PAGE)).toEqual(iovaRanges(sections, with_, PAGE));
      }),
    );
  });
});

describe('exact ranges', () => {
  test.each([
    ['nothing', [], []],
    ['below and above', [HIGH_RAM, LOW_RAM], [range(0, 3 * GiB), range(4 * GiB, 12 * GiB)]],
    ['sections that touch', [section('ram', 0, GiB), section('ram', GiB, GiB)], [range(0, 2 * GiB)]],
    ['sections that overlap', [section('ram', 0, 2 * GiB), section('pci', GiB, 2 * GiB)], [range(0, 3 * GiB)]],
    ['a straddle is as it is', [section('ram', 3 * GiB, 2 * GiB)], [range(3 * GiB, 2 * GiB)]],
    ['a section of 0 pages', [section('ram', GiB, 0)], []],
  ] as const)('%s', (_, sections, ranges) => {
    expect(iovaRanges(sections, 'exact', PAGE)).toEqual(ranges);
  });

  test('they watch the mappings and nothing else, whatever the memory map', () => {
    fc.assert(
      fc.property(anyMap, (sections) => {
        const ranges = iovaRanges(sections, 'exact', PAGE);
        for (const { firstPage, pages } of sections) {
          if (pages === 0) continue;
          expect(
            ranges.some((one) => one.firstPage <= firstPage && firstPage + pages <= one.firstPage + one.pages),
          ).toBe(true);
        }
        // Each ends before the next begins, so none watches more than its sections, whose ends are their own.
        ranges.slice(1).forEach((one, i) => {
          expect(one.firstPage).toBeGreaterThan(last(ranges[i]!) + 1);
        });
        const ends = new Set(sections.filter(({ pages }) => pages > 0).map(last));
        for (const one of ranges) expect(ends.has(last(one))).toBe(true);
        expect(overTrackedPages(sections, 'exact', PAGE)).toBe(0);
      }),
    );
  });
});

test.each([
  ['a hole below 4 GiB costs nothing: there is a border', [LOW_RAM, HIGH_RAM], 0, 0],
  ['RAM on both sides of a hole below 4 GiB', [section('ram', 0, GiB), section('ram', 2 * GiB, GiB)], GiB, GiB],
  ['a window at the top: two ranges span all below it', [LOW_RAM, HIGH_RAM, WINDOW], 880 * GiB, 0],
  [
    'RAM above the 1 TiB hole of AMD',
    [LOW_RAM, section('ram', 4 * GiB, 4 * GiB), section('ram', 1024 * GiB, GiB)],
    1016 * GiB,
    1016 * GiB,
  ],
] as const)('qemu.md trap 16, over-tracked: %s', (_, sections, two, three) => {
  expect(overTrackedPages(sections, 'two', PAGE) * PAGE).toBe(two);
  expect(overTrackedPages(sections, 'three', PAGE) * PAGE).toBe(three);
});
