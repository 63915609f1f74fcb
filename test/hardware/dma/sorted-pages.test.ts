/** A list is made of a set that stays, and of no other; and a vGPU that cuts its batches from it writes the same pages. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstNotBelow, SortedPages } from '../../../src/hardware/dma/sorted-pages.ts';
import { VgpuDma } from '../../../src/hardware/dma/vgpu.ts';
import { GuestMemory } from '../../../src/hardware/memory.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { createRandom } from '../../../src/hardware/random.ts';

describe('the list of a set', () => {
  const set = new PageBitmap(1000);
  for (const page of [3, 500, 999]) set.set(page);

  test('is made at the second look in a row that finds it unchanged, and kept', () => {
    const sorted = new SortedPages();
    expect(sorted.of(set, 7)).toBeUndefined();
    const list = sorted.of(set, 7);
    expect([...list!]).toEqual([3, 500, 999]);
    expect(sorted.of(set, 7)).toBe(list);
  });

  test('is given up as soon as the set has changed', () => {
    const sorted = new SortedPages();
    sorted.of(set, 7);
    sorted.of(set, 7);
    set.set(4);
    expect(sorted.of(set, 8)).toBeUndefined();
    expect([...sorted.of(set, 8)!]).toEqual([3, 4, 500, 999]);
  });
});

test('firstNotBelow is where a page is, or would be', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(300), { maxLength: 30 }), fc.nat(310), (pages, page) => {
      const sorted = Uint32Array.from(pages.sort((a, b) => a - b));
      expect(firstNotBelow(sorted, page)).toBe(pages.filter((one) => one < page).length);
    }),
  );
});

test('a vGPU whose map changes between its writes writes the same pages in the same order as one that starts there', () => {
  const PAGES = 200_000;
  const memory = new GuestMemory({ pageBytes: 4096, slots: [{ firstPage: 0, pages: PAGES }], nonZeroPages: 0 });
  const step = fc.record({
    due: fc.integer({ min: 1, max: 400 }),
    /** Every other change is undone by a later one of the same page. */
    change: fc.option(fc.integer({ min: 0, max: 99 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const ranges = [{ firstPage: 1000, pages: 60 }];
      const spec = { kind: 'vgpu', mapped: { ranges }, writesPerSecond: 1e9 } as const;
      const dma = new VgpuDma(spec, 'dma:gpu0', memory, createRandom(1, 'dma:gpu0'));
      const mapped = new Set(Array.from({ length: 60 }, (_, i) => 1000 + i));
      let [nowNs, next] = [0, 0];
      for (const { due, change } of steps) {
        if (change !== undefined) {
          const page = 990 + change;
          const range = { firstPage: page, pages: 1 };
          if (mapped.delete(page)) dma.mapped.unmap(range);
          else {
            mapped.add(page);
            dma.mapped.map(range);
          }
        }
        const written: number[] = [];
        dma.advance(nowNs, nowNs + due, 100, (batch) => {
          if (batch.form === 'list') written.push(...batch.pages);
        });
        nowNs += due;
        // Address order over what is mapped now, from where it stood, round and round.
        const order = [...mapped].sort((a, b) => a - b);
        const turn = [...order.filter((page) => page >= next), ...order.filter((page) => page < next)];
        expect(written).toEqual(turn.slice(0, Math.min(due, order.length)));
        next = turn[(due - 1) % order.length]! + 1;
      }
    }),
  );
});
