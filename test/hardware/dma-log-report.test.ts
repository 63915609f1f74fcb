/** The geometry of a REPORT: struct vfio_device_feature_dma_logging_report, include/uapi/linux/vfio.h. */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { DmaLog, MLX5_LOGGER, PDS_LOGGER } from '../../src/hardware/dma-log.ts';
import { reportWords } from '../../src/hardware/dma-log-report.ts';
import { GuestMemory } from '../../src/hardware/memory.ts';

const PAGES = 1024;
const memoryOf = (pageBytes: number) =>
  new GuestMemory({ pageBytes, slots: [{ firstPage: 0, pages: PAGES }], nonZeroPages: 0 });
const memory = memoryOf(4096);

function logging(pages: readonly number[], spec = MLX5_LOGGER, of = memory): DmaLog {
  const log = new DmaLog('nic0', of, spec);
  const all = { iova: 0n, lengthBytes: BigInt(PAGES * of.pageBytes) };
  expect(log.start({ pageBytes: of.pageBytes, ranges: [all] })).toBeUndefined();
  log.receive({ fromNs: 0, toNs: 1, source: 'dma:nic0', form: 'list', pages: Uint32Array.from(pages) });
  return log;
}
const query = (firstPage: number, pages: number, pageBytes = 4096) => ({
  iova: BigInt(firstPage * 4096),
  lengthBytes: BigInt(pages * 4096),
  pageBytes,
});
const bitsOf = (bitmap: BigUint64Array) =>
  [...bitmap].flatMap((word, w) =>
    Array.from({ length: 64 }, (_, k) => ((word >> BigInt(k)) & 1n ? [w * 64 + k] : [])).flat(),
  );

test('bit k of the bitmap is page k of the query, from its own address on', () => {
  const bitmap = new BigUint64Array(2);
  expect(logging([100, 163, 164, 227, 300]).reportBits(query(100, 128), bitmap)).toBeUndefined();
  expect(bitsOf(bitmap)).toEqual([0, 63, 64, 127]);
});

test('T3: bits are only ever added: a buffer that is not zeroed keeps old dirt', () => {
  const bitmap = BigUint64Array.of(1n << 5n);
  expect(logging([7]).reportBits(query(0, 64), bitmap)).toBeUndefined();
  expect(bitsOf(bitmap)).toEqual([5, 7]);
});

test('a coarser query folds many pages into one bit, a coarser tracker sets many for one write', () => {
  const coarse = new BigUint64Array(1);
  logging([0, 1, 511, 512]).reportBits(query(0, 1024, 2 ** 21), coarse);
  expect(bitsOf(coarse)).toEqual([0, 1]);
  const fine = new BigUint64Array(1);
  const tracker = { ...MLX5_LOGGER, minPageBytes: 65_536, maxPageBytes: 65_536 };
  logging([20], tracker).reportBits(query(0, 64), fine);
  expect(bitsOf(fine)).toEqual(Array.from({ length: 16 }, (_, i) => 16 + i));
});

test('a host page of 64 KiB is sixteen bits of a 4 KiB query, cut at its ends', () => {
  const host = memoryOf(65_536);
  const bitmap = new BigUint64Array(1);
  const log = logging([1], MLX5_LOGGER, host);
  expect(log.reportBits({ iova: 81_920n, lengthBytes: 8192n, pageBytes: 4096 }, bitmap)).toBeUndefined();
  expect(bitsOf(bitmap)).toEqual([0, 1]);
});

test.each([
  ['a short bitmap', MLX5_LOGGER, query(0, 65), new BigUint64Array(1), 'EFAULT'],
  ['a page size below 4096', MLX5_LOGGER, query(0, 64, 2048), new BigUint64Array(2), 'EINVAL'],
  ['outside the ranges, pds', PDS_LOGGER, query(1020, 8), new BigUint64Array(1), 'EINVAL'],
  ['outside the ranges, mlx5', MLX5_LOGGER, query(1020, 4), new BigUint64Array(1), undefined],
] as const)('%s', (_, spec, asked, bitmap, errno) => {
  const log = new DmaLog('nic0', memory, spec);
  log.start({ pageBytes: 4096, ranges: [{ iova: 0n, lengthBytes: 1000n * 4096n }] });
  expect(log.reportBits(asked, bitmap)).toBe(errno);
});

test('L6 in bits: two queries that touch find what one would have, each its own part', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: PAGES - 1 }), { maxLength: 40 }),
      fc.integer({ min: 1, max: PAGES - 1 }),
      (pages, cut) => {
        const log = logging(pages);
        const parts = [query(0, cut), query(cut, PAGES - cut)].map((part) => {
          const bitmap = new BigUint64Array(reportWords(part));
          expect(log.reportBits(part, bitmap)).toBeUndefined();
          return bitsOf(bitmap);
        });
        expect([...parts[0]!, ...parts[1]!.map((bit) => bit + cut)]).toEqual(pages.toSorted((a, b) => a - b));
      },
    ),
  );
});

test('a report takes nothing of the memory of the world, which would not be given back', () => {
  const large = new GuestMemory({ pageBytes: 4096, slots: [{ firstPage: 0, pages: 2 ** 28 }], nonZeroPages: 0 });
  const log = logging([7], MLX5_LOGGER, large);
  const [lend, take] = [vi.spyOn(large.arena, 'lend'), vi.spyOn(large.arena, 'take')];
  const bitmap = new BigUint64Array(1);
  for (let nth = 0; nth < 3; nth++) expect(log.reportBits(query(0, 64), bitmap)).toBeUndefined();
  expect(bitsOf(bitmap)).toEqual([7]);
  expect([lend.mock.calls, take.mock.calls]).toEqual([[], []]);
});
