import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { popcount32 } from '../../src/hardware/bits.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import type { PageWrites } from '../../src/streams/page-writes.ts';

const span = { fromNs: 0, toNs: 1, source: 'vcpu:0' } as const;

function listed(bitmap: PageBitmap): number[] {
  const pages: number[] = [];
  bitmap.forEach((page) => {
    pages.push(page);
  });
  return pages;
}

/** Everything that can be asked agrees with the reference. */
function expectSame(bitmap: PageBitmap, reference: Set<number>): void {
  const sorted = [...reference].sort((a, b) => a - b);
  expect(bitmap.count).toBe(reference.size);
  expect(listed(bitmap)).toEqual(sorted);
  const list = new Uint32Array(bitmap.pages);
  expect([...list.subarray(0, bitmap.listInto(list))]).toEqual(sorted);
}

const SIZE = 5000; // beyond one summary word, and no multiple of 32
const page = fc.integer({ min: 0, max: SIZE - 1 });
const range = fc
  .tuple(page, fc.oneof(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: SIZE })))
  .map(([first, pages]) => [first, Math.min(pages, SIZE - first)] as const);

type Operation =
  | readonly ['set' | 'clear', number]
  | readonly ['setRange' | 'clearRange', readonly [number, number]]
  | readonly ['list', readonly number[]];
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.tuple(fc.constantFrom('set' as const, 'clear' as const), page),
  fc.tuple(fc.constantFrom('setRange' as const, 'clearRange' as const), range),
  fc.tuple(fc.constant('list' as const), fc.array(page, { maxLength: 40 })),
);

/** Performs one operation on both and compares what it returned. */
function perform(bitmap: PageBitmap, reference: Set<number>, [name, argument]: Operation): void {
  const before = reference.size;
  switch (name) {
    case 'set':
      expect(bitmap.set(argument)).toBe(!reference.has(argument));
      reference.add(argument);
      return;
    case 'clear':
      expect(bitmap.clear(argument)).toBe(reference.delete(argument));
      return;
    case 'setRange':
      for (let p = argument[0]; p < argument[0] + argument[1]; p++) reference.add(p);
      expect(bitmap.setRange(argument[0], argument[1])).toBe(reference.size - before);
      return;
    case 'clearRange':
      for (let p = argument[0]; p < argument[0] + argument[1]; p++) reference.delete(p);
      expect(bitmap.clearRange(argument[0], argument[1])).toBe(before - reference.size);
      return;
    case 'list':
      for (const p of argument) reference.add(p);
      expect(bitmap.applyWrites({ ...span, form: 'list', pages: Uint32Array.from(argument) })).toBe(
        reference.size - before,
      );
      return;
    default:
      name satisfies never;
  }
}

function built(operations: readonly Operation[]): [PageBitmap, Set<number>] {
  const bitmap = new PageBitmap(SIZE);
  const reference = new Set<number>();
  for (const one of operations) perform(bitmap, reference, one);
  return [bitmap, reference];
}

const operations = fc.array(operation, { maxLength: 25 });

describe('a PageBitmap is a set of numbers', () => {
  test('after any operations it holds what a Set holds, and each returned what changed', () => {
    fc.assert(
      fc.property(operations, (ops) => {
        const [bitmap, reference] = built(ops);
        expectSame(bitmap, reference);
        for (const p of [0, 31, 32, 1023, 1024, SIZE - 1]) expect(bitmap.get(p)).toBe(reference.has(p));
      }),
    );
  });

  test('merging and taking count what is new, and taking empties the source', () => {
    fc.assert(
      fc.property(operations, operations, (ours, theirs) => {
        const [a, setA] = built(ours);
        const [b, setB] = built(theirs);
        const union = new Set([...setA, ...setB]);
        const merged = built(theirs)[0];
        expect(merged.or(a)).toBe(union.size - setB.size);
        expectSame(merged, union);
        expectSame(a, setA);
        expect(a.orInto(merged)).toBe(0);
        expect(a.takeInto(b)).toBe(union.size - setB.size);
        expectSame(b, union);
        expectSame(a, new Set());
      }),
    );
  });

  test('taking a range moves that range and leaves the rest', () => {
    fc.assert(
      fc.property(operations, operations, range, (ours, theirs, [first, pages]) => {
        const [a, setA] = built(ours);
        const [b, setB] = built(theirs);
        const inside = [...setA].filter((p) => p >= first && p < first + pages);
        expect(a.countRange(first, pages)).toBe(inside.length);
        const union = new Set([...setB, ...inside]);
        expect(a.takeRangeInto(b, first, pages)).toEqual({ taken: inside.length, added: union.size - setB.size });
        expectSame(b, union);
        expectSame(a, new Set([...setA].filter((p) => !inside.includes(p))));
      }),
    );
  });

  test('clearWhere removes what another set has in a range', () => {
    fc.assert(
      fc.property(operations, operations, range, (ours, theirs, [first, pages]) => {
        const [a, setA] = built(ours);
        const [b, setB] = built(theirs);
        const gone = [...setA].filter((p) => setB.has(p) && p >= first && p < first + pages);
        expect(a.clearWhere(b, first, first + pages)).toBe(gone.length);
        expectSame(a, new Set([...setA].filter((p) => !gone.includes(p))));
        expectSame(b, setB);
      }),
    );
  });

  test('next and nextClear walk the runs', () => {
    fc.assert(
      fc.property(operations, page, (ops, from) => {
        const [bitmap, reference] = built(ops);
        const ahead = [...reference].filter((p) => p >= from);
        expect(bitmap.next(from)).toBe(ahead.length === 0 ? -1 : Math.min(...ahead));
        let hole = from;
        while (reference.has(hole)) hole += 1;
        expect(bitmap.nextClear(from)).toBe(hole);
      }),
    );
  });

  test('listInto in pieces of any size is the whole list', () => {
    fc.assert(
      fc.property(operations, fc.integer({ min: 1, max: 50 }), (ops, size) => {
        const [bitmap, reference] = built(ops);
        const piece = new Uint32Array(size);
        const all: number[] = [];
        for (let n = bitmap.listInto(piece); n > 0; n = bitmap.listInto(piece, piece[n - 1]! + 1)) {
          all.push(...piece.subarray(0, n));
        }
        expect(all).toEqual([...reference].sort((a, b) => a - b));
      }),
    );
  });

  test('clearAll and setAll', () => {
    const [bitmap] = built([
      ['setRange', [10, 3000]],
      ['set', 4999],
    ]);
    bitmap.clearAll();
    expectSame(bitmap, new Set());
    bitmap.setAll();
    expectSame(bitmap, new Set(Array.from({ length: SIZE }, (_, p) => p)));
  });
});

describe('batches', () => {
  const forms: [string, PageWrites, number[]][] = [
    ['list with a repeat', { ...span, form: 'list', pages: Uint32Array.of(5, 4999, 5) }, [5, 4999]],
    ['extents', { ...span, form: 'extents', pairs: Uint32Array.of(30, 4, 100, 1) }, [30, 31, 32, 33, 100]],
    ['bitmap', { ...span, form: 'bitmap', firstPage: 4992, words: Int32Array.of(0b10000001), count: 2 }, [4992, 4999]],
    [
      'bitmap of several words',
      { ...span, form: 'bitmap', firstPage: 64, words: Int32Array.of(-1 << 31, 0, 1), count: 2 },
      [95, 128],
    ],
  ];
  test.each(forms)('%s', (_name, batch, pages) => {
    const bitmap = new PageBitmap(SIZE);
    expect(bitmap.applyWrites(batch)).toBe(pages.length);
    expect(listed(bitmap)).toEqual(pages);
    expect(bitmap.applyWrites(batch)).toBe(0);
    expect(bitmap.count).toBe(pages.length);
  });

  const outside: [string, PageWrites][] = [
    ['list', { ...span, form: 'list', pages: Uint32Array.of(SIZE) }],
    ['extents', { ...span, form: 'extents', pairs: Uint32Array.of(SIZE - 1, 2) }],
    ['bitmap', { ...span, form: 'bitmap', firstPage: 4992, words: Int32Array.of(1 << 8), count: 1 }],
    ['bitmap, beyond the last word', { ...span, form: 'bitmap', firstPage: 5024, words: Int32Array.of(1), count: 1 }],
    ['bitmap that starts inside a word', { ...span, form: 'bitmap', firstPage: 8, words: Int32Array.of(1), count: 1 }],
  ];
  test.each(outside)('a %s beyond the bound throws instead of vanishing', (_name, batch) => {
    expect(() => new PageBitmap(SIZE).applyWrites(batch)).toThrow(RangeError);
  });
});

describe('programmer errors throw', () => {
  const bitmap = new PageBitmap(SIZE);
  test.each([
    ['set', () => bitmap.set(SIZE)],
    ['set of a negative page', () => bitmap.set(-1)],
    ['get', () => bitmap.get(SIZE)],
    ['clear', () => bitmap.clear(SIZE)],
    ['setRange', () => bitmap.setRange(SIZE - 1, 2)],
    ['clearRange', () => bitmap.clearRange(-1, 1)],
    ['sets of two sizes', () => bitmap.or(new PageBitmap(SIZE + 1))],
    ['a set into itself', () => bitmap.takeInto(bitmap)],
    ['a size that is none', () => new PageBitmap(1.5)],
  ])('%s', (_name, call) => {
    expect(call).toThrow(RangeError);
  });
});

test('popcount32 counts the ones of any word', () => {
  expect(popcount32(-1)).toBe(32);
  expect(popcount32(0)).toBe(0);
  fc.assert(
    fc.property(fc.integer(), (word) => popcount32(word) === (word >>> 0).toString(2).replaceAll('0', '').length),
  );
});

test('a summary finds a lone page anywhere in a 64 GiB guest', () => {
  const bitmap = new PageBitmap(2 ** 24);
  for (const lone of [0, 1023, 1024, 32767, 32768, 2 ** 23, 2 ** 24 - 1]) {
    bitmap.set(lone);
    expect(bitmap.next(0)).toBe(lone);
    expect(bitmap.clear(lone)).toBe(true);
    expect(bitmap.next(0)).toBe(-1);
  }
});

describe('far apart in a large set', () => {
  /** Several words of the topmost level, and neighbours on either side of every level's edge. */
  const LARGE = 32_768 * 70 + 5;
  const far = fc
    .tuple(fc.integer({ min: 0, max: 69 }), fc.constantFrom(0, 1, 31, 32, 1023, 1024, 32_767))
    .map(([top, offset]) => Math.min(top * 32_768 + offset, LARGE - 1));
  const pages = fc.array(far, { maxLength: 12 });
  const [ours, theirs] = [new PageBitmap(LARGE), new PageBitmap(LARGE)];

  function filled(bitmap: PageBitmap, of: readonly number[]): Set<number> {
    bitmap.clearAll();
    for (const p of of) bitmap.set(p);
    return new Set(of);
  }

  function expectHolds(bitmap: PageBitmap, reference: Iterable<number>): void {
    const sorted = [...reference].sort((a, b) => a - b);
    expect([bitmap.count, listed(bitmap)]).toEqual([sorted.length, sorted]);
  }

  test('a merge, a take, a removal and a list find every page, whatever was there before', () => {
    fc.assert(
      fc.property(pages, pages, pages, far, (some, others, gone, from) => {
        const [a, b] = [filled(ours, some), filled(theirs, others)];
        const lacked = [...a].filter((p) => !b.has(p)).sort((x, y) => x - y);
        expect(ours.lackedBy(theirs, 3)).toEqual({ count: lacked.length, firstPages: lacked.slice(0, 3) });
        expect(theirs.or(ours)).toBe(lacked.length);
        expectHolds(theirs, new Set([...a, ...b]));
        for (const p of gone) ours.clear(p);
        expectHolds(
          ours,
          [...a].filter((p) => !gone.includes(p)),
        );
        theirs.clearWhere(ours, from);
        const left = [...new Set([...a, ...b])].filter((p) => p < from || !a.has(p) || gone.includes(p));
        expectHolds(theirs, left);
        ours.takeInto(theirs);
        expectHolds(ours, []);
        expectHolds(theirs, new Set([...left, ...[...a].filter((p) => !gone.includes(p))]));
        theirs.clearRange(from, LARGE - from);
        expectHolds(
          theirs,
          listed(theirs).filter((p) => p < from),
        );
      }),
    );
  });

  test('what one page costs does not grow with the guest: two thousand takes of it from 1 TiB', () => {
    const [from, into] = [new PageBitmap(2 ** 28), new PageBitmap(2 ** 28)];
    const startMs = performance.now();
    for (let nth = 0; nth < 2_000; nth++) {
      from.set(2 ** 28 - 1);
      from.takeInto(into);
    }
    // One pass over the 262,144 summary words each would be half a thousand million steps.
    expect(performance.now() - startMs).toBeLessThan(250);
    expect(into.count).toBe(1);
  });
});
