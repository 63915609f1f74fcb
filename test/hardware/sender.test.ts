import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GuestMemory } from '../../src/hardware/memory.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import { PageSender, type SenderCosts, type Turn, type WireFormat } from '../../src/hardware/sender.ts';
import { Truth } from '../../src/hardware/truth.ts';

const FREE: SenderCosts = { pageNs: 0, zeroPageNs: 0, firstTouchNs: 0 };
/** migration/ram.c: be64 before a page, and one byte more for a zero page. */
const QEMU: WireFormat = { pageHeaderBytes: 8, zeroPageBytes: 9 };
const UNLIMITED = { bytes: Number.POSITIVE_INFINITY, ns: Number.POSITIVE_INFINITY, bytesPerSecond: 1e9 };

function sender(pages: number, dirty: readonly number[], nonZeroPages = pages, costs = FREE, wire = QEMU) {
  const memory = new GuestMemory({ pageBytes: 4096, slots: [{ firstPage: 0, pages }], nonZeroPages });
  const unsent = new PageBitmap(pages);
  for (const page of dirty) unsent.set(page);
  const truth = new Truth(memory, 'both');
  return { memory, unsent, truth, sender: new PageSender(unsent, memory, truth, costs, wire) };
}

const listed = (set: PageBitmap) => {
  const pages: number[] = [];
  set.forEach((page) => {
    pages.push(page);
  });
  return pages;
};

describe('a turn', () => {
  test('ends before the first page at which more than the limit has been sent', () => {
    const { sender: one, unsent } = sender(100, [...Array(100).keys()]);
    expect(one.turn({ ...UNLIMITED, bytes: 10 * 4104 })).toMatchObject({ normalPages: 11, bytes: 11 * 4104 });
    expect(one.turn({ ...UNLIMITED, bytes: 10 * 4104 - 1 })).toMatchObject({ normalPages: 10 });
    expect(listed(unsent)[0]).toBe(21);
  });

  test('ends before the first page at which its time is up', () => {
    const { sender: one } = sender(100, [...Array(100).keys()], 100, { ...FREE, pageNs: 5000 });
    expect(one.turn({ ...UNLIMITED, ns: 50_000 })).toMatchObject({ normalPages: 10, ns: 50_000 });
    expect(one.turn({ ...UNLIMITED, ns: 50_001 })).toMatchObject({ normalPages: 11, ns: 55_000 });
  });

  test('goes on where the last one stopped, and round', () => {
    const { sender: one, unsent } = sender(200, [10, 50, 90, 130, 170]);
    one.turn({ ...UNLIMITED, bytes: 2 * 4104 });
    expect(listed(unsent)).toEqual([130, 170]);
    unsent.set(20);
    unsent.set(95);
    one.turn({ ...UNLIMITED, bytes: 2 * 4104 });
    expect(listed(unsent)).toEqual([95]);
    one.turn(UNLIMITED);
    expect(unsent.count).toBe(0);
  });

  test('tells the truth what was sent, and nothing else', () => {
    const { sender: one, truth } = sender(64, [3, 40]);
    one.turn({ ...UNLIMITED, bytes: 0 });
    expect([truth.differs(3), truth.differs(40)]).toEqual([false, true]);
    expect(truth.lostPages(1).count).toBe(63);
  });

  test('knows zero pages until they are written, and first receipts until they are made', () => {
    const {
      sender: one,
      unsent,
      memory,
    } = sender(10, [4, 5, 6], 5, { pageNs: 10_000, zeroPageNs: 100, firstTouchNs: 1000 });
    expect(one.turn(UNLIMITED)).toEqual({ normalPages: 1, zeroPages: 2, bytes: 4104 + 18, ns: 11_200 });
    memory.receive({ fromNs: 0, toNs: 1, source: 'vcpu:0', form: 'list', pages: Uint32Array.of(5) });
    for (const page of [4, 5]) unsent.set(page);
    expect(one.turn(UNLIMITED)).toEqual({ normalPages: 2, zeroPages: 0, bytes: 2 * 4104, ns: 21_000 });
  });

  test('is paced by the link where that is slower', () => {
    const { sender: one } = sender(10, [1, 2], 10, { ...FREE, pageNs: 1000 });
    expect(one.turn({ ...UNLIMITED, bytesPerSecond: 4104e3 }).ns).toBeCloseTo(2e6, 6);
  });
});

/** One page at a time, from the definition. */
function reference(
  pages: number,
  dirty: Set<number>,
  nonZero: number,
  received: Set<number>,
  at: number,
  limit: { bytes: number; ns: number },
) {
  const order = [...dirty].sort((a, b) => ((a - at + pages) % pages) - ((b - at + pages) % pages));
  const turn: { -readonly [K in keyof Turn]: Turn[K] } = { normalPages: 0, zeroPages: 0, bytes: 0, ns: 0 };
  for (const page of order) {
    if (turn.bytes > limit.bytes || turn.ns >= limit.ns) return { turn, at: page };
    dirty.delete(page);
    if (page >= nonZero) {
      turn.zeroPages += 1;
      turn.bytes += 9;
      turn.ns += 64;
    } else {
      turn.normalPages += 1;
      turn.bytes += 4104;
      turn.ns += received.has(page) ? 8192 : 8192 + 1024;
      received.add(page);
    }
  }
  return { turn, at };
}

test('word by word is page by page', () => {
  const SIZE = 300;
  const pageSet = fc.uniqueArray(fc.integer({ min: 0, max: SIZE - 1 }), { maxLength: SIZE });
  const limit = fc.record({ bytes: fc.integer({ min: 0, max: 400_000 }), ns: fc.integer({ min: 1, max: 800_000 }) });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: SIZE }),
      fc.array(fc.tuple(pageSet, limit), { maxLength: 8 }),
      (nonZero, turns) => {
        // Sums of these costs are exact in a double, so that the order of adding does not matter.
        const costs = { pageNs: 8192, zeroPageNs: 64, firstTouchNs: 1024 };
        const { sender: one, unsent, truth } = sender(SIZE, [], nonZero, costs);
        const dirty = new Set<number>();
        const received = new Set<number>();
        const sentEver = new Set<number>();
        let at = 0;
        for (const [pages, limits] of turns) {
          for (const page of pages) {
            unsent.set(page);
            dirty.add(page);
          }
          const before = [...dirty];
          const expected = reference(SIZE, dirty, nonZero, received, at, limits);
          at = expected.at;
          expect(one.turn({ ...limits, bytesPerSecond: Number.POSITIVE_INFINITY })).toEqual(expected.turn);
          expect(listed(unsent)).toEqual([...dirty].sort((a, b) => a - b));
          for (const page of before) if (!dirty.has(page)) sentEver.add(page);
          expect(truth.lostPages(0).count).toBe(SIZE - sentEver.size);
        }
      },
    ),
  );
});

test('a turn costs what is dirty, not what exists: 2 million pages of a 64 GiB guest', () => {
  const pages = 2 ** 24;
  const memory = new GuestMemory({ pageBytes: 4096, slots: [{ firstPage: 0, pages }], nonZeroPages: pages });
  const unsent = new PageBitmap(pages);
  const one = new PageSender(unsent, memory, new Truth(memory, 'bit'), FREE, QEMU);
  const timed = (step: number) => {
    let dirty = 0;
    for (let page = 0; page < pages && dirty < 2 ** 21; page += step, dirty++) unsent.set(page);
    const began = performance.now();
    expect(one.turn(UNLIMITED).normalPages).toBe(dirty);
    return (performance.now() - began) / dirty;
  };
  timed(8);
  // ms a page, loose, for a busy machine. Measured: 15 to 40 ns a page with 4 in each word, 1 to 4 ns in runs.
  expect(timed(8)).toBeLessThan(0.0005);
  expect(timed(1)).toBeLessThan(0.0001);
});
