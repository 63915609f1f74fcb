/** A vGPU writes the same pages in the same order whether they travel as a list or as words of a bitmap. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VgpuDma } from '../../../src/hardware/dma/vgpu.ts';
import { GuestMemory } from '../../../src/hardware/memory.ts';
import { createRandom } from '../../../src/hardware/random.ts';
import type { PageWrites } from '../../../src/streams/page-writes.ts';

/** Beyond one batch of either form, and no multiple of 32. */
const SMALL_PAGES = 150_001;
/** So many more that the same mapped pages are few of them. */
const LARGE_PAGES = 32 * SMALL_PAGES;

type Range = readonly [firstPage: number, pages: number];

/** One device over a memory of this size; how its writes travelled, and what each span wrote, in order. */
function writer(pages: number, ranges: readonly Range[]) {
  const memory = new GuestMemory({ pageBytes: 4096, slots: [{ firstPage: 0, pages }], nonZeroPages: 0 });
  const mapped = { ranges: ranges.map(([firstPage, count]) => ({ firstPage, pages: count })) };
  const spec = { kind: 'vgpu', mapped, writesPerSecond: 1e9 } as const;
  const dma = new VgpuDma(spec, 'dma:gpu0', memory, createRandom(1, 'dma:gpu0'));
  const forms = new Set<PageWrites['form']>();
  let nowNs = 0;
  return {
    forms,
    dma,
    /** Lets it write so many pages. */
    write(due: number): number[] {
      const written: number[] = [];
      dma.advance(nowNs, nowNs + due, 100, (batch) => {
        forms.add(batch.form);
        for (const page of pagesOf(batch)) written.push(page);
      });
      nowNs += due;
      return written;
    },
  };
}

function* pagesOf(batch: PageWrites): Generator<number> {
  if (batch.form === 'list') yield* batch.pages;
  if (batch.form !== 'bitmap') return;
  let found = 0;
  for (let bit = 0; bit < batch.words.length * 32; bit++) {
    if (((batch.words[bit >>> 5]! >>> (bit & 31)) & 1) === 0) continue;
    found += 1;
    yield batch.firstPage + bit;
  }
  expect(batch.count).toBe(found);
}

/** Enough to be dense in the small memory: one long range, and a few odd pages around it. */
const ranges = fc
  .tuple(
    fc.integer({ min: 0, max: 400 }),
    fc.integer({ min: 4700, max: 9000 }),
    fc.array(fc.integer({ min: 1, max: 70 }), { maxLength: 5 }),
    fc.boolean(),
  )
  .map(([first, pages, gaps, last]) => {
    const all: Range[] = [[first, pages]];
    let at = first + pages;
    for (const gap of gaps) {
      at += gap + 1;
      all.push([at - 1, 1]);
    }
    if (last) all.push([SMALL_PAGES - 1, 1]);
    return all;
  });

test('words carry what lists carry, span by span', () => {
  fc.assert(
    fc.property(
      ranges,
      fc.array(fc.integer({ min: 1, max: 12_000 }), { minLength: 1, maxLength: 6 }),
      (where, dues) => {
        const [dense, sparse] = [writer(SMALL_PAGES, where), writer(LARGE_PAGES, where)];
        for (const due of dues) expect(dense.write(due)).toEqual(sparse.write(due));
        expect([...dense.forms]).toEqual(['bitmap']);
        expect([...sparse.forms]).toEqual(['list']);
      },
    ),
    { numRuns: 40 },
  );
});

test('they go on after the last page written when the map changes in between', () => {
  const both = [writer(SMALL_PAGES, [[100, 5000]]), writer(LARGE_PAGES, [[100, 5000]])] as const;
  for (const { dma, write } of both) {
    expect(write(50)).toEqual(Array.from({ length: 50 }, (_, i) => 100 + i));
    dma.mapped.unmap({ firstPage: 150, pages: 20 });
    dma.mapped.map({ firstPage: 40, pages: 1 });
    expect(write(2)).toEqual([170, 171]);
    // A whole turn: up to the last page, and round to where it began.
    const turn = write(4981);
    expect(turn[0]).toBe(172);
    expect(turn.slice(-53)).toEqual([40, ...Array.from({ length: 50 }, (_, i) => 100 + i), 170, 171]);
  }
});
