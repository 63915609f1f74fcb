/**
 * Dense page sets cross the stream as extents or bitmaps, whoever writes; and whatever form a batch has, every subscriber
 * learns the same pages from it.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PageRange } from '../../machines/words.ts';
import { DeviceDma, type DeviceDmaSpec } from '../../src/hardware/dma/device-dma.ts';
import { GuestMemory } from '../../src/hardware/memory.ts';
import { PageBatches } from '../../src/hardware/page-batches.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import { PageSet } from '../../src/hardware/page-set.ts';
import { createRandom } from '../../src/hardware/random.ts';
import { createWriter, type WriterSpec } from '../../src/hardware/workloads/workload.ts';
import type { Writer } from '../../src/hardware/workloads/writer.ts';
import { ownBatch } from '../../src/streams/copy-batch.ts';
import { forEachPage, type PageWrites, pagesIn } from '../../src/streams/page-writes.ts';

const memory = new GuestMemory({
  pageBytes: 4096,
  slots: [
    { firstPage: 0, pages: 50_000 },
    { firstPage: 60_000, pages: 50_000 },
  ],
  nonZeroPages: 0,
});
const set: PageRange[] = [
  { firstPage: 11, pages: 40_000 },
  { firstPage: 60_003, pages: 20_000 },
];
const SET_PAGES = 60_000;

/** Writers that touch about `pages` pages of the set in a span of 100 ms. */
function writers(pages: number): readonly (readonly [string, Writer])[] {
  const perSecond = pages * 10;
  const rate = { writesPerSecond: perSecond };
  const bytesPerSecond = perSecond * 4096;
  const workloads: WriterSpec[] = [
    { kind: 'random', set, rate },
    { kind: 'zipf', set, rate, skew: 0.6 },
    { kind: 'zipf', set, rate, skew: 0.6, order: 'address' },
    { kind: 'cycle', set, rate },
    { kind: 'sequential', set, rate },
    {
      kind: 'curve',
      set,
      order: 'scattered',
      points: [
        { atMs: 50, pages: pages / 2 },
        { atMs: 100, pages },
      ],
    },
    {
      kind: 'curve',
      set,
      order: 'address',
      points: [
        { atMs: 50, pages: pages / 2 },
        { atMs: 100, pages },
      ],
    },
    { kind: 'phases', phases: [{ forNs: 1e9, workload: { kind: 'zipf', set, rate, skew: 0.2 } }] },
  ];
  const devices: DeviceDmaSpec['dma'][] = [
    { kind: 'nic', buffers: set, bytesPerSecond },
    { kind: 'vgpu', mapped: { ranges: set }, writesPerSecond: perSecond },
    { kind: 'vgpu', mapped: { scatteredPages: SET_PAGES }, writesPerSecond: perSecond },
    [{ pattern: 'ring', set, bytesPerSecond }],
    [{ pattern: 'random', set, blockBytes: 4096, blocksPerSecond: perSecond }],
    [{ pattern: 'random', set, blockBytes: 65_536, blocksPerSecond: perSecond / 16 }],
    [{ pattern: 'zipf', set, skew: 0.6, writesPerSecond: perSecond }],
  ];
  return [
    ...workloads.map((spec, i): [string, Writer] => {
      return [`${spec.kind} ${i}`, createWriter(spec, 'vcpu:0', 4096, createRandom(1, 'x'))];
    }),
    ...devices.map((dma, i): [string, Writer] => {
      const device = new DeviceDma({ id: 'd', dma }, memory, createRandom(1, 'x'));
      return [`device ${i}`, { advance: (from, to, _, emit) => device.advance(from, to, emit) }];
    }),
  ];
}

function span(writer: Writer): PageWrites[] {
  const batches: PageWrites[] = [];
  writer.advance(0, 1e8, 100, (batch) => batches.push(ownBatch(batch)));
  return batches;
}

describe.each(writers(30_000))('half the set in one span, by %s', (_, writer) => {
  test('comes as extents or bitmaps, with their counts right', () => {
    const batches = span(writer);
    expect(batches.map(({ form }) => form)).not.toContain('list');
    const dirty = new PageBitmap(memory.pages);
    for (const batch of batches) {
      let named = 0;
      forEachPage(batch, () => (named += 1));
      expect(named).toBe(pagesIn(batch));
      dirty.applyWrites(batch);
    }
    expect(dirty.count).toBeGreaterThan(SET_PAGES / 5);
    // Numbers on the stream: a word or an extent, not one for each page.
    const numbers = batches.reduce(
      (sum, batch) =>
        sum + (batch.form === 'bitmap' ? batch.words.length : batch.form === 'extents' ? batch.pairs.length : Infinity),
      0,
    );
    expect(numbers).toBeLessThan(2.2 * dirty.count);
  });
});

test('an unset page is never named, and a set one is, in either form', () => {
  const ranges = [
    { firstPage: 37, pages: 3000 },
    { firstPage: 40_000, pages: 1000 },
  ];
  const pages = new PageSet(ranges);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3999 }), { maxLength: 400 }),
      fc.integer({ min: 0, max: 400 }),
      (indices, expected) => {
        const batches = new PageBatches('vcpu:0', pages);
        const dirty = new PageBitmap(50_000);
        for (let turn = 0; turn < 2; turn++) {
          dirty.clearAll();
          batches.begin(turn, turn + 1, expected, (batch) => {
            expect(batch.form).toBe(expected >= 125 ? 'bitmap' : 'list');
            expect(batch).toMatchObject({ fromNs: turn, toNs: turn + 1, source: 'vcpu:0' });
            dirty.applyWrites(batch);
          });
          for (const index of indices) batches.add(pages.pageAt(index));
          batches.end();
          const wanted = [...new Set(indices.map((index) => pages.pageAt(index)))].sort((a, b) => a - b);
          const found: number[] = [];
          dirty.forEach((page) => {
            found.push(page);
          });
          expect(found).toEqual(wanted);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('a page outside a span is a mistake', () => {
  const batches = new PageBatches('vcpu:0', new PageSet(set));
  batches.begin(0, 1, 60_000, () => {});
  batches.end();
  expect(() => batches.end()).toThrow(/outside a span/);
});
