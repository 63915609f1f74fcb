import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Errno } from '../../machines/words.ts';
import {
  checkReport,
  checkStart,
  combineRanges,
  type IovaRange,
  maxRangesOf,
  type StartFaults,
  type StartRequest,
} from '../../src/hardware/dma-log-checks.ts';

const PAGE = 4096n;
const range = (firstPage: bigint, pages: bigint): IovaRange => ({ iova: firstPage * PAGE, lengthBytes: pages * PAGE });
const request = (...ranges: IovaRange[]): StartRequest => ({ pageBytes: 4096, ranges });
const many = (n: number) => request(...Array.from({ length: n }, (_, i) => range(BigInt(2 * i), 1n)));
const top = 2n ** 64n / PAGE;

/** drivers/vfio/vfio_main.c, vfio_ioctl_device_feature_logging_start: each check, in order, and its neighbours. */
const START: readonly [string, StartRequest, Errno | undefined, { hasLogging?: boolean; faults?: StartFaults }?][] = [
  ['no logging operations', request(), 'ENOTTY', { hasLogging: false }],
  ['no range', request(), 'EINVAL'],
  ['256 ranges', many(256), undefined],
  ['257 ranges', many(257), 'E2BIG'],
  ['no memory for the nodes', request(range(0n, 1n)), 'ENOMEM', { faults: { outOfMemory: true } }],
  ['a bad user pointer', request(range(0n, 1n)), 'EFAULT', { faults: { badUserPointer: true } }],
  ['too many ranges comes before memory', many(257), 'E2BIG', { faults: { outOfMemory: true } }],
  ['memory comes before the pointer', many(1), 'ENOMEM', { faults: { outOfMemory: true, badUserPointer: true } }],
  ['an address off the page', request({ iova: 100n, lengthBytes: PAGE }), 'EINVAL'],
  ['a length off the page', request({ iova: 0n, lengthBytes: 100n }), 'EINVAL'],
  ['a range that ends a page below 2^64', request(range(top - 2n, 1n)), undefined],
  ['a range that ends exactly at 2^64', request(range(top - 1n, 1n)), 'EOVERFLOW'],
  ['a range that wraps', request(range(top - 1n, 2n)), 'EOVERFLOW'],
  ['alignment comes before overflow', request({ iova: 2n ** 64n - 100n, lengthBytes: PAGE }), 'EINVAL'],
  ['an overlap', request(range(0n, 10n), range(9n, 5n)), 'EINVAL'],
  ['an overlap with a range that is not the last', request(range(0n, 10n), range(50n, 1n), range(3n, 1n)), 'EINVAL'],
  ['the same range twice', request(range(4n, 1n), range(4n, 1n)), 'EINVAL'],
  ['touching ends', request(range(0n, 10n), range(10n, 5n)), undefined],
  [
    'the first range’s overflow comes before the second’s alignment',
    request(range(top - 1n, 1n), { iova: 1n, lengthBytes: PAGE }),
    'EOVERFLOW',
  ],
  // Refused here although the kernel has no such check: include/uapi/linux/vfio.h calls neither legal.
  ['a page size of 0', { pageBytes: 0, ranges: [range(0n, 1n)] }, 'EINVAL'],
  [
    'a page size that is no power of two',
    { pageBytes: 12_288, ranges: [{ iova: 0n, lengthBytes: 12_288n }] },
    'EINVAL',
  ],
  ['a range of no length', request(range(5n, 0n)), 'EINVAL'],
];

test.each(START)('START with %s', (_name, start, errno, options = {}) => {
  expect(checkStart(start, options.hasLogging ?? true, 4096, options.faults)).toBe(errno);
});

test.each([
  [4096, 256],
  [16_384, 1024],
  [65_536, 4096],
])('a host page of %i bytes holds %i ranges', (hostPageBytes, ranges) => {
  expect(maxRangesOf(hostPageBytes)).toBe(ranges);
});

/** drivers/vfio/vfio_main.c, vfio_ioctl_device_feature_logging_report. */
const REPORT: readonly [
  string,
  { iova: bigint; lengthBytes: bigint; pageBytes: number },
  Errno | undefined,
  boolean?,
][] = [
  ['no logging operations', { ...range(0n, 1n), pageBytes: 4096 }, 'ENOTTY', false],
  ['a page of 2048 bytes', { ...range(0n, 1n), pageBytes: 2048 }, 'EINVAL'],
  ['a page of 12288 bytes', { ...range(0n, 1n), pageBytes: 12_288 }, 'EINVAL'],
  ['an end at 2^64', { ...range(top - 1n, 1n), pageBytes: 4096 }, 'EOVERFLOW'],
  ['a page of 2 MiB', { ...range(0n, 512n), pageBytes: 2 ** 21 }, undefined],
];
test.each(REPORT)('REPORT with %s', (_name, query, errno, hasLogging = true) => {
  expect(checkReport(hasLogging, query)).toBe(errno);
});

describe('combining ranges', () => {
  test('joins over the smallest gap first', () => {
    const ranges = [range(0n, 10n), range(100n, 10n), range(115n, 5n), range(1000n, 1n)];
    expect(combineRanges(ranges, 3)).toEqual([range(0n, 10n), range(100n, 20n), range(1000n, 1n)]);
    expect(combineRanges(ranges, 2)).toEqual([range(0n, 120n), range(1000n, 1n)]);
    expect(combineRanges(ranges, 1)).toEqual([range(0n, 1001n)]);
  });

  test('any limit is kept, everything stays covered, and nothing beyond the ends is added', () => {
    const gaps = fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 })), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 20 }), fc.boolean(), (pairs, maxRanges, reversed) => {
        let at = 0n;
        const ranges = pairs.map(([gap, pages]) => {
          const one = range(at + BigInt(gap), BigInt(pages));
          at += BigInt(gap + pages);
          return one;
        });
        const combined = combineRanges(reversed ? ranges.toReversed() : ranges, maxRanges);
        expect(combined.length).toBe(Math.min(maxRanges, ranges.length));
        for (const { iova, lengthBytes } of ranges) {
          const home = combined.find((c) => c.iova <= iova && iova + lengthBytes <= c.iova + c.lengthBytes);
          expect(home).toBeDefined();
        }
        expect(combined[0]!.iova).toBe(ranges[0]!.iova);
        const [end, lastEnd] = [combined.at(-1)!, ranges.at(-1)!];
        expect(end.iova + end.lengthBytes).toBe(lastEnd.iova + lastEnd.lengthBytes);
      }),
    );
  });
});
