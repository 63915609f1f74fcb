/** The parts that devices are made of: what each writes, and that a list of them is a device. */
import { describe, expect, test } from 'vitest';
import { createBlocks } from '../../../src/hardware/dma/blocks.ts';
import { DeviceDma, type DeviceDmaSpec } from '../../../src/hardware/dma/device-dma.ts';
import type { DmaPattern } from '../../../src/hardware/dma/pattern.ts';
import { GuestMemory } from '../../../src/hardware/memory.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { createRandom } from '../../../src/hardware/random.ts';
import { createWorld } from '../../../src/hardware/world.ts';
import { ownBatch } from '../../../src/streams/copy-batch.ts';
import { forEachPage, type PageWrites } from '../../../src/streams/page-writes.ts';

const PAGES = 10_000;
const memory = (pageBytes = 4096) =>
  new GuestMemory({ pageBytes, slots: [{ firstPage: 0, pages: PAGES }], nonZeroPages: 0 });
const device = (dma: DeviceDmaSpec['dma'], pageBytes?: number) =>
  new DeviceDma({ id: 'd0', dma }, memory(pageBytes), createRandom(5, 'dma:d0'));

function batchesIn(one: DeviceDma, ns: number): PageWrites[] {
  const batches: PageWrites[] = [];
  one.advance(0, ns, (batch) => batches.push(ownBatch(batch)));
  return batches;
}

function pagesIn(one: DeviceDma, ns: number): number[] {
  const dirty = new PageBitmap(PAGES);
  for (const batch of batchesIn(one, ns)) dirty.applyWrites(batch);
  const pages: number[] = [];
  dirty.forEach((page) => {
    pages.push(page);
  });
  return pages;
}

test('a ring is what a NIC writes', () => {
  const buffers = [{ firstPage: 100, pages: 64 }];
  const bytesPerSecond = 123_456_789;
  const nic = device({ kind: 'nic', buffers, bytesPerSecond });
  const ring = device([{ pattern: 'ring', set: buffers, bytesPerSecond }]);
  for (const ns of [1e6, 5e6, 1e3]) expect(batchesIn(ring, ns)).toEqual(batchesIn(nic, ns));
});

describe('queues', () => {
  const queues: DmaPattern = {
    pattern: 'queues',
    queues: [
      { firstPage: 10, pages: 4 },
      { firstPage: 20, pages: 4 },
    ],
    buffers: [{ firstPage: 1000, pages: 4000 }],
    readsPerSecond: 10_000,
    readBytes: 32_768,
    otherCommandsPerSecond: 6384,
  };

  test('every command writes an entry of 16 bytes, its queues in turn; only reads write data', () => {
    const writesOnly = device([{ ...queues, readsPerSecond: 0, otherCommandsPerSecond: 16_384 }]);
    // 16384 entries a second are 64 pages a second over two queues: in 46.875 ms, one and a half pages of each.
    expect(pagesIn(writesOnly, 46_875_000)).toEqual([10, 11, 20, 21]);
    expect(pagesIn(device([queues]), 46_875_000).filter((page) => page < 1000)).toEqual([10, 11, 20, 21]);
  });

  test('a read of 32 KiB writes eight pages that belong together', () => {
    const data = pagesIn(device([queues]), 1e6).filter((page) => page >= 1000);
    expect(data.length).toBeGreaterThan(0);
    const blocks = new Set(data.map((page) => Math.floor((page - 1000) / 8)));
    expect(data.length).toBe(8 * blocks.size);
  });

  test('without a queue nothing completes', () => {
    expect(() => device([{ ...queues, queues: [] }])).toThrow(/dma:d0.*queue/);
  });
});

describe('blocks', () => {
  const set = [
    { firstPage: 3, pages: 500 },
    { firstPage: 600, pages: 501 },
  ];

  test.each([
    [4096, 4096, 1001],
    [8192, 4096, 501],
    [4096, 16_384, 1001],
    [65_536, 16_384, 251],
    [1, 4096, 1001],
  ])('of %i bytes in pages of %i: distinct ones saturate as by independent writes', (blockBytes, pageBytes, blocks) => {
    const perBlock = 0.7;
    const one = createBlocks(
      { set, blockBytes, blocksPerSecond: perBlock * blocks * 10 },
      'dma:d',
      pageBytes,
      createRandom(1, 'x'),
    );
    const spans = 300;
    const dirty = new PageBitmap(PAGES);
    const blockPages = Math.ceil(blockBytes / pageBytes);
    let touched = 0;
    for (let i = 0; i < spans; i++) {
      dirty.clearAll();
      one.advance(0, 1e8, 100, (batch) => dirty.applyWrites(batch));
      touched += dirty.count;
    }
    const p = 1 - Math.exp(-perBlock);
    const pages = spans * 1001 * p;
    expect(Math.abs((touched - pages) / Math.sqrt(pages * (1 - p) * blockPages))).toBeLessThan(4);
  });

  test('many on few blocks and few on many are both whole blocks inside the set', () => {
    for (const blocksPerSecond of [50, 1e7]) {
      const one = createBlocks({ set, blockBytes: 12_288, blocksPerSecond }, 'dma:d', 4096, createRandom(2, 'x'));
      const inSet = (page: number) => (page >= 3 && page < 503) || (page >= 600 && page < 1101);
      const dirty = new PageBitmap(PAGES);
      one.advance(0, 1e9, 100, (batch) => {
        expect(batch.form).toBe('extents');
        forEachPage(batch, (page) => expect(inSet(page)).toBe(true));
        dirty.applyWrites(batch);
      });
      expect(dirty.count).toBeGreaterThan(50);
      if (blocksPerSecond === 1e7) expect(dirty.count).toBe(1001);
    }
  });

  test.each([
    [[], 4096, 1],
    [set, 0, 1],
    [set, 4096, -1],
  ])('%#: refused', (pages, blockBytes, blocksPerSecond) => {
    const make = () => createBlocks({ set: pages, blockBytes, blocksPerSecond }, 'dma:d', 4096, createRandom(1, 'x'));
    expect(make).toThrow(RangeError);
  });
});

test('a list of patterns writes what its parts write', () => {
  const ring: DmaPattern = { pattern: 'ring', set: [{ firstPage: 0, pages: 8 }], bytesPerSecond: 4096e3 };
  const zipf: DmaPattern = { pattern: 'zipf', set: [{ firstPage: 100, pages: 50 }], skew: 1, writesPerSecond: 1e5 };
  const trace: DmaPattern = {
    pattern: 'trace',
    writes: [{ fromNs: 0, toNs: 500_000, source: 'dma:other', form: 'list', pages: Uint32Array.of(777) }],
  };
  const both = pagesIn(device([ring, zipf, trace]), 2e6);
  expect(both.filter((page) => page < 8)).toEqual([0, 1]);
  expect(both.filter((page) => page >= 100 && page < 150).length).toBeGreaterThan(10);
  expect(both.at(-1)).toBe(777);
  expect(batchesIn(device([trace]), 1e6).map(({ source }) => source)).toEqual(['dma:d0']);
  expect(pagesIn(device([]), 1e9)).toEqual([]);
});

test.each<[DmaPattern]>([
  [{ pattern: 'ring', set: [{ firstPage: PAGES - 1, pages: 2 }], bytesPerSecond: 1 }],
  [{ pattern: 'random', set: [{ firstPage: PAGES - 1, pages: 2 }], blockBytes: 1, blocksPerSecond: 1 }],
  [{ pattern: 'zipf', set: [{ firstPage: PAGES - 1, pages: 2 }], skew: 1, writesPerSecond: 1 }],
  [
    {
      pattern: 'trace',
      writes: [{ fromNs: 0, toNs: 1, source: 'dma:x', form: 'list', pages: Uint32Array.of(PAGES) }],
    },
  ],
])('%j outside RAM is refused by name', (pattern) => {
  expect(() => device([pattern])).toThrow(/dma:d0/);
});

describe('peer-to-peer writes', () => {
  const peers = () =>
    createWorld({
      seed: 1,
      truth: 'both',
      pageBytes: 4096,
      slots: [{ firstPage: 0, pages: 100 }],
      nonZeroPages: 0,
      vcpus: { workloads: [] },
      containers: [
        {
          id: '0',
          iommu: { dirtyTracking: false, leafPages: 1 },
          devices: [
            { id: 'a', dma: [{ pattern: 'peer', to: 'b', bytesPerSecond: 1e6 }] },
            { id: 'b', dma: [{ pattern: 'peer', to: 'a', bytesPerSecond: 5e5 }] },
          ],
        },
      ],
    });

  test('write no guest page and count exactly', () => {
    const world = peers();
    let batches = 0;
    world.pages$.subscribe(() => (batches += 1));
    for (const ns of [1e6, 1.5e6, 1e9]) world.advanceTo(ns);
    expect(batches).toBe(0);
    expect(world.dma('a').peers[0]).toMatchObject({ to: 'b', arrivedBytes: 1e6, lostBytes: 0 });
    expect(world.dma('b').peers[0]).toMatchObject({ to: 'a', arrivedBytes: 5e5, lostBytes: 0 });
  });

  test('T22: quiet first, then stopped, and nothing is aimed at a stopped device', () => {
    const world = peers();
    const both = (state: 'p2pQuiet' | 'stopped') => {
      for (const id of ['a', 'b']) {
        world.dma(id).set(state);
        world.advanceTo(world.nowNs + 1e6);
      }
    };
    world.advanceTo(1e6);
    both('p2pQuiet');
    both('stopped');
    expect(['a', 'b'].map((id) => world.dma(id).peers[0]?.lostBytes)).toEqual([0, 0]);
    // Until it was quiet itself, each reached the other, quiet or not.
    expect(world.dma('b').peers[0]?.arrivedBytes).toBe(1000);
  });

  test('T22: stopped one by one, the second one writes into the first', () => {
    const world = peers();
    for (const id of ['a', 'b']) {
      world.dma(id).set('stopped');
      world.advanceTo(world.nowNs + 1e6);
    }
    expect(world.dma('b').peers[0]).toMatchObject({ arrivedBytes: 0, lostBytes: 500 });
  });

  test('a peer that does not exist is refused', () => {
    const world = () =>
      createWorld({
        seed: 1,
        truth: 'bit',
        pageBytes: 4096,
        slots: [{ firstPage: 0, pages: 1 }],
        nonZeroPages: 0,
        vcpus: { workloads: [] },
        containers: [
          {
            id: '0',
            iommu: { dirtyTracking: false, leafPages: 1 },
            devices: [{ id: 'a', dma: [{ pattern: 'peer', to: 'nobody', bytesPerSecond: 1 }] }],
          },
        ],
      });
    expect(world).toThrow(/nobody/);
  });
});
