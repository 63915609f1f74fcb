import { describe, expect, test } from 'vitest';
import { DmaLog, type DmaLoggerSpec, MLX5_LOGGER, PDS_LOGGER } from '../../src/hardware/dma-log.ts';
import type { StartRequest } from '../../src/hardware/dma-log-checks.ts';
import { GuestMemory } from '../../src/hardware/memory.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import type { WriteSource } from '../../src/streams/page-writes.ts';

const PAGES = 1024;
const memory = new GuestMemory({ pageBytes: 4096, slots: [{ firstPage: 0, pages: PAGES }], nonZeroPages: 0 });
const start = (...ranges: (readonly [firstPage: number, pages: number])[]): StartRequest => ({
  pageBytes: 4096,
  ranges: ranges.map(([firstPage, pages]) => ({ iova: BigInt(firstPage) * 4096n, lengthBytes: BigInt(pages) * 4096n })),
});
const written = (source: WriteSource, ...pages: number[]) =>
  ({ fromNs: 0, toNs: 1, source, form: 'list', pages: Uint32Array.from(pages) }) as const;
const started = (spec: DmaLoggerSpec = MLX5_LOGGER, request = start([0, PAGES])) => {
  const log = new DmaLog('nic0', memory, spec);
  expect(log.start(request)).toBeUndefined();
  return log;
};

describe('START', () => {
  test('without logging operations is refused', () => {
    const log = new DmaLog('nic0', memory, undefined);
    expect(log.start(start([0, 1]))).toBe('ENOTTY');
    expect(log.report(new PageBitmap(PAGES))).toEqual({ errno: 'ENOTTY' });
    log.stop();
  });

  // drivers/vfio/pci/mlx5/cmd.c and drivers/vfio/pci/pds/dirty.c
  test.each([
    ['mlx5', MLX5_LOGGER, 'EINVAL'],
    ['pds', PDS_LOGGER, 'EEXIST'],
  ] as const)('a second time without STOP: %s', (_name, spec, errno) => {
    expect(started(spec).start(start([0, 1]))).toBe(errno);
  });

  test('a bad request is refused before the driver sees it, even while active', () => {
    expect(started(PDS_LOGGER).start({ pageBytes: 4096, ranges: [] })).toBe('EINVAL');
  });

  test('more bytes than the firmware spans, gaps between joined ranges included', () => {
    const log = new DmaLog('nic0', memory, MLX5_LOGGER);
    const page = 2 ** 30; // 2^42 bytes in pages
    expect(log.start(start([0, page + 1]))).toBe('EOPNOTSUPP');
    expect(log.start(start([0, page]))).toBeUndefined();
    log.stop();
    expect(new DmaLog('nic0', memory, { ...MLX5_LOGGER, maxRanges: 1 }).start(start([0, 1], [page, 1]))).toBe(
      'EOPNOTSUPP',
    );
    expect(log.start(start([0, 1], [page, 1]))).toBeUndefined();
  });

  test('surplus ranges are joined and the gap is watched, too', () => {
    const log = started({ ...MLX5_LOGGER, maxRanges: 2 }, start([0, 10], [20, 10], [500, 10]));
    expect(log.tracked).toEqual([
      { firstPage: 0, pages: 30 },
      { firstPage: 500, pages: 10 },
    ]);
    log.receive(written('dma:nic0', 15, 400));
    expect(log.report(new PageBitmap(PAGES))).toEqual({ dirtyPages: 1, newPages: 1 });
  });

  test('ranges above the guest’s memory are watched and never name a page', () => {
    const log = started(MLX5_LOGGER, start([0, PAGES], [2 ** 20, 16]));
    expect(log.tracked).toEqual([{ firstPage: 0, pages: PAGES }]);
  });

  test('the page size is a hint: it is clamped to what the device offers', () => {
    expect(started({ ...MLX5_LOGGER, minPageBytes: 65_536, maxPageBytes: 2 ** 21 }).trackedPageBytes).toBe(65_536);
    expect(started({ ...MLX5_LOGGER, maxPageBytes: 2 ** 21 }).trackedPageBytes).toBe(4096);
  });

  test('a failed copy-out stops the log again', () => {
    const log = new DmaLog('nic0', memory, MLX5_LOGGER);
    expect(log.start(start([0, 1]), { badCopyOut: true })).toBe('EFAULT');
    expect(log.active).toBe(false);
    expect(log.start(start([0, 1]))).toBeUndefined();
  });

  test('begins an epoch', () => {
    const log = started();
    log.receive(written('dma:nic0', 5));
    log.stop();
    log.receive(written('dma:nic0', 6));
    expect(log.start(start([0, PAGES]))).toBeUndefined();
    expect(log.report(new PageBitmap(PAGES))).toEqual({ dirtyPages: 0, newPages: 0 });
  });
});

describe('REPORT', () => {
  test('names its own device’s writes only', () => {
    const log = started();
    for (const source of ['dma:nic0', 'dma:nic1', 'vcpu:0', 'host:vhost'] as const)
      log.receive(written(source, source.length));
    const into = new PageBitmap(PAGES);
    expect(log.report(into)).toEqual({ dirtyPages: 1, newPages: 1 });
    expect(into.get('dma:nic0'.length)).toBe(true);
  });

  test('takes the range asked for and leaves the rest', () => {
    const log = started();
    log.receive(written('dma:nic0', 5, 50, 500));
    const into = new PageBitmap(PAGES);
    expect(log.report(into, { firstPage: 0, pages: 50 })).toEqual({ dirtyPages: 1, newPages: 1 });
    expect(log.report(into, { firstPage: 0, pages: 51 })).toEqual({ dirtyPages: 1, newPages: 1 });
    expect(log.report(into)).toEqual({ dirtyPages: 1, newPages: 1 });
    expect(log.report(into)).toEqual({ dirtyPages: 0, newPages: 0 });
    expect(into.count).toBe(3);
  });

  test('only adds', () => {
    const log = started();
    const into = new PageBitmap(PAGES);
    into.set(9);
    log.receive(written('dma:nic0', 9, 10));
    expect(log.report(into)).toEqual({ dirtyPages: 2, newPages: 1 });
    expect(into.get(9)).toBe(true);
  });

  test('a coarser tracking page makes its whole page dirty, and a cut query keeps it', () => {
    const log = started({ ...MLX5_LOGGER, minPageBytes: 65_536, maxPageBytes: 65_536 });
    log.receive(written('dma:nic0', 20));
    expect(log.report(new PageBitmap(PAGES), { firstPage: 16, pages: 8 })).toEqual({ dirtyPages: 8, newPages: 8 });
    expect(log.report(new PageBitmap(PAGES))).toEqual({ dirtyPages: 16, newPages: 16 });
    expect(log.report(new PageBitmap(PAGES))).toEqual({ dirtyPages: 0, newPages: 0 });
  });

  test('outside the ranges: nothing for mlx5, EINVAL for pds', () => {
    const outside = { firstPage: 100, pages: 10 };
    const into = new PageBitmap(PAGES);
    const mlx5 = started(MLX5_LOGGER, start([0, 50]));
    mlx5.receive(written('dma:nic0', 105));
    expect(mlx5.report(into, outside)).toEqual({ dirtyPages: 0, newPages: 0 });
    expect(started(PDS_LOGGER, start([0, 50])).report(into, outside)).toEqual({ errno: 'EINVAL' });
    expect(started(PDS_LOGGER, start([0, 50])).report(into, { firstPage: 40, pages: 20 })).toEqual({ errno: 'EINVAL' });
  });

  test('while off is EINVAL', () => {
    expect(new DmaLog('nic0', memory, MLX5_LOGGER).report(new PageBitmap(PAGES))).toEqual({ errno: 'EINVAL' });
  });

  test.each(['EIO', 'ENOTCONN'] as const)('a broken tracker gives %s until it is started anew', (errno) => {
    const log = started();
    log.fail(errno);
    expect(log.report(new PageBitmap(PAGES))).toEqual({ errno });
    expect(log.report(new PageBitmap(PAGES))).toEqual({ errno });
    log.stop();
    log.start(start([0, PAGES]));
    expect(log.report(new PageBitmap(PAGES))).toEqual({ dirtyPages: 0, newPages: 0 });
  });
});

test('STOP may be given twice', () => {
  const log = started();
  log.stop();
  log.stop();
  expect(log.active).toBe(false);
});
