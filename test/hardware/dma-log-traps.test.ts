/**
 * Traps of device DMA logging, each as a right and a wrong run of the same steps: the wrong one loses pages, and the truth
 * about content names them. The steps are those of include/uapi/linux/vfio.h, DMA_LOGGING_START, REPORT and STOP.
 */
import { describe, expect, test } from 'vitest';
import { DmaLog, MLX5_LOGGER } from '../../src/hardware/dma-log.ts';
import { checkStart } from '../../src/hardware/dma-log-checks.ts';
import { GuestMemory } from '../../src/hardware/memory.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import type { WorldSpec } from '../../src/hardware/world.ts';
import { copyOf } from './copy-of.ts';

const PAGES = 4096;
const RING = { firstPage: 1024, pages: 512 };
const RING_PAGES = Array.from({ length: RING.pages }, (_, i) => RING.firstPage + i);
/** A NIC whose ring goes round once in 20 ms. */
const spec: WorldSpec = {
  seed: 1,
  truth: 'both',
  pageBytes: 4096,
  slots: [{ firstPage: 0, pages: PAGES }],
  nonZeroPages: PAGES,
  vcpus: { workloads: [] },
  containers: [
    {
      id: 'c0',
      iommu: { dirtyTracking: false, leafPages: 1 },
      devices: [
        {
          id: 'nic0',
          dma: { kind: 'nic', buffers: [RING], bytesPerSecond: (RING.pages * 4096) / 0.02 },
          logging: MLX5_LOGGER,
        },
      ],
    },
  ],
};
const ALL = [{ firstPage: 0, pages: PAGES }];
const begun = () => {
  const copy = copyOf(spec);
  expect(copy.world.startDmaLog('nic0', ALL)).toBeUndefined();
  return copy;
};

describe('T33, L7: START comes before the first copy', () => {
  test('right: the epoch begins, then everything is copied', () => {
    const copy = begun();
    copy.copyAll();
    copy.runFor(5);
    copy.world.reportDmaLog('nic0', copy.dirty);
    copy.copyDirty();
    expect(copy.lost()).toEqual([]);
  });

  test('wrong: what is written between the copy and START is lost', () => {
    const copy = copyOf(spec);
    copy.copyAll();
    copy.runFor(5);
    copy.world.startDmaLog('nic0', ALL);
    copy.world.reportDmaLog('nic0', copy.dirty);
    copy.copyDirty();
    expect(copy.lost()).toEqual(RING_PAGES.slice(0, 128));
  });
});

describe('T23: stop the device, then the last REPORT, then STOP', () => {
  test('right', () => {
    const copy = begun();
    copy.copyAll();
    copy.runFor(5);
    copy.world.dma('nic0').set('stopped');
    copy.world.reportDmaLog('nic0', copy.dirty);
    copy.world.stopDmaLog('nic0');
    copy.runFor(5);
    copy.copyDirty();
    expect(copy.lost()).toEqual([]);
  });

  test('wrong: logging is stopped before the last REPORT, and what was not reported is gone', () => {
    const copy = begun();
    copy.copyAll();
    copy.runFor(5);
    copy.world.dma('nic0').set('stopped');
    copy.world.stopDmaLog('nic0');
    expect(copy.world.reportDmaLog('nic0', copy.dirty)).toEqual({ errno: 'EINVAL' });
    copy.copyDirty();
    expect(copy.lost()).toEqual(RING_PAGES.slice(0, 128));
  });

  test('wrong: the last REPORT comes while the device still writes', () => {
    const copy = begun();
    copy.copyAll();
    copy.runFor(5);
    copy.world.reportDmaLog('nic0', copy.dirty);
    copy.runFor(1);
    copy.world.dma('nic0').set('stopped');
    copy.world.stopDmaLog('nic0');
    copy.copyDirty();
    expect(copy.lost().length).toBeGreaterThan(20);
    expect(copy.lost()[0]).toBeGreaterThanOrEqual(RING.firstPage + 127);
  });

  test('wrong: logging is stopped and started again between rounds, which loses the gap', () => {
    const copy = begun();
    copy.copyAll();
    copy.runFor(5);
    copy.world.reportDmaLog('nic0', copy.dirty);
    copy.world.stopDmaLog('nic0');
    copy.runFor(1);
    copy.world.startDmaLog('nic0', ALL);
    copy.runFor(1);
    copy.world.dma('nic0').set('stopped');
    copy.world.reportDmaLog('nic0', copy.dirty);
    copy.copyDirty();
    const lost = copy.lost();
    expect(lost.length).toBeGreaterThan(20);
    // What came before the gap and after it is known.
    expect(lost.every((page) => page > RING.firstPage + 126 && page < RING.firstPage + 155)).toBe(true);
  });
});

describe('T5, I4: a REPORT that fails has taken what came before', () => {
  /** 64 GiB is one window of the walk (drivers/vfio/iova_bitmap.c, 512 pinned pages of bitmap). */
  const WINDOW = 2 ** 24;
  const wide = new GuestMemory({ pageBytes: 4096, slots: [{ firstPage: 0, pages: 2 * WINDOW }], nonZeroPages: 0 });
  const failing = (afterWindows: number) => {
    const log = new DmaLog('nic0', wide, MLX5_LOGGER);
    log.start({ pageBytes: 4096, ranges: [{ iova: 0n, lengthBytes: BigInt(wide.pages) * 4096n }] });
    const pages = Uint32Array.of(5, WINDOW - 1, WINDOW, WINDOW + 7);
    log.receive({ fromNs: 0, toNs: 1, source: 'dma:nic0', form: 'list', pages });
    log.failReport('EFAULT', afterWindows);
    return log;
  };
  const listed = (set: PageBitmap) => {
    const list = new Uint32Array(set.count);
    set.listInto(list);
    return [...list];
  };

  test.each([
    [0, [5, WINDOW - 1, WINDOW, WINDOW + 7]],
    [1, [WINDOW, WINDOW + 7]],
    [2, []],
  ])('after %i windows, a retry into a fresh buffer finds only the rest', (afterWindows, rest) => {
    const log = failing(afterWindows);
    expect(log.report(new PageBitmap(wide.pages))).toEqual({ errno: 'EFAULT' });
    const retried = new PageBitmap(wide.pages);
    expect(log.report(retried)).toMatchObject({ dirtyPages: rest.length });
    expect(listed(retried)).toEqual(rest);
  });

  test('wrong: the retry is taken for the whole; right: everything is dirty', () => {
    for (const everything of [false, true]) {
      const copy = begun();
      copy.copyAll();
      copy.runFor(5);
      copy.world.dma('nic0').set('stopped');
      copy.world.dmaLog('nic0').failReport('EFAULT', 1);
      expect(copy.world.reportDmaLog('nic0', new PageBitmap(PAGES))).toEqual({ errno: 'EFAULT' });
      expect(copy.world.reportDmaLog('nic0', copy.dirty)).toEqual({ dirtyPages: 0, newPages: 0 });
      if (everything) copy.world.memory.setAllRam(copy.dirty);
      copy.copyDirty();
      expect(copy.lost()).toEqual(everything ? [] : RING_PAGES.slice(0, 128));
    }
  });
});

describe('T24: ranges', () => {
  const exact = (n: number) => Array.from({ length: n }, (_, i) => ({ iova: BigInt(i) * 8192n, lengthBytes: 4096n }));

  test('257 exact ranges are E2BIG, whatever the device could do', () => {
    expect(checkStart({ pageBytes: 4096, ranges: exact(257) }, true, 4096)).toBe('E2BIG');
    expect(checkStart({ pageBytes: 4096, ranges: exact(256) }, true, 4096)).toBeUndefined();
  });

  test('a driver that joins them reports pages of the gaps: they are dropped, not failed', () => {
    const holed = new GuestMemory({
      pageBytes: 4096,
      slots: [
        { firstPage: 0, pages: 100 },
        { firstPage: 200, pages: 100 },
      ],
      nonZeroPages: 0,
    });
    const log = new DmaLog('nic0', holed, { ...MLX5_LOGGER, maxRanges: 1 });
    const ranges = holed.slots.map(({ firstPage, pages }) => ({
      iova: BigInt(firstPage * 4096),
      lengthBytes: BigInt(pages * 4096),
    }));
    expect(log.start({ pageBytes: 4096, ranges })).toBeUndefined();
    expect(log.extraPagesOver(holed.slots)).toBe(100);
    log.receive({ fromNs: 0, toNs: 1, source: 'dma:nic0', form: 'list', pages: Uint32Array.of(50, 150, 250) });
    const found = new PageBitmap(holed.pages);
    expect(log.report(found)).toMatchObject({ dirtyPages: 3 });
    // The vmm asks section by section, so what lies in no section never reaches the migration bitmap.
    const kept = new PageBitmap(holed.pages);
    for (const { firstPage, pages } of holed.slots) found.orRangeInto(kept, firstPage, pages);
    expect([kept.count, kept.get(50), kept.get(250)]).toEqual([2, true, true]);
  });
});

test('T25, qemu.md trap 16: a range that ends exactly at 2^64 is EOVERFLOW for a device, a page less is not', () => {
  const upTo = (lastPage: bigint) => ({ pageBytes: 4096, ranges: [{ iova: 0n, lengthBytes: lastPage * 4096n }] });
  const top = 2n ** 64n / 4096n;
  expect(checkStart(upTo(top), true, 4096)).toBe('EOVERFLOW');
  expect(checkStart(upTo(top - 1n), true, 4096)).toBeUndefined();
});

test('what is mapped after START at an address outside its ranges is not logged, and nobody says so', () => {
  const log = new DmaLog('nic0', new GuestMemory({ pageBytes: 4096, slots: ALL, nonZeroPages: 0 }), MLX5_LOGGER);
  log.start({ pageBytes: 4096, ranges: [{ iova: 0n, lengthBytes: 1024n * 4096n }] });
  log.receive({ fromNs: 0, toNs: 1, source: 'dma:nic0', form: 'list', pages: Uint32Array.of(1023, 1024) });
  const found = new PageBitmap(PAGES);
  expect(log.report(found, { firstPage: 0, pages: PAGES })).toEqual({ dirtyPages: 1, newPages: 1 });
  expect(log.watches({ firstPage: 1000, pages: 24 })).toBe(true);
  expect(log.watches({ firstPage: 1000, pages: 25 })).toBe(false);
});
