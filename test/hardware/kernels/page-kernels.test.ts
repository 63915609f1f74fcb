/** The page kernels in both forms: equal to the last bit, right against plain sets of numbers, and sampled as they should be. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKernels } from '../../../src/hardware/kernels/create-kernels.ts';
import { type Lanes, lanesFrom } from '../../../src/hardware/kernels/lanes.ts';
import { PAGE_KERNELS_BASE64 } from '../../../src/hardware/kernels/page-kernels.generated.ts';
import type { PageKernels } from '../../../src/hardware/kernels/page-kernels.ts';
import { createRandom } from '../../../src/hardware/random.ts';
import { compileKernels } from './compile.ts';

const wasm = createKernels({ kind: 'wasm', memoryBytes: 2 ** 24 });
const typescript = createKernels({ kind: 'typescript', memoryBytes: 2 ** 24 });
const BOTH: readonly PageKernels[] = [wasm, typescript];

/** A copy of these numbers in the kernels' own memory. */
function wordsIn(kernels: PageKernels, words: ArrayLike<number>): Int32Array {
  const own = kernels.words(words.length);
  own.set(words);
  return own;
}

function listIn(kernels: PageKernels, pages: ArrayLike<number>): Uint32Array {
  const own = kernels.list(pages.length);
  own.set(pages);
  return own;
}

/** What a kernel makes of copies of the arrays: its answer and the arrays after it, which are given back. */
function outcomes(
  words: readonly ArrayLike<number>[],
  lists: readonly ArrayLike<number>[],
  work: (kernels: PageKernels, words: readonly Int32Array[], lists: readonly Uint32Array[]) => unknown,
): readonly unknown[] {
  return BOTH.map((kernels) => {
    const own = words.map((each) => wordsIn(kernels, each));
    const ownLists = lists.map((each) => listIn(kernels, each));
    const answer = work(kernels, own, ownLists);
    const after = { answer, words: own.map((each) => [...each]), lists: ownLists.map((each) => [...each]) };
    for (const array of [...own, ...ownLists]) kernels.free(array);
    return after;
  });
}

function expectEqual([first, second]: readonly unknown[]): void {
  expect(first).toEqual(second);
}

function bitsOf(words: ArrayLike<number>): number[] {
  const bits: number[] = [];
  for (let w = 0; w < words.length; w++) {
    for (let bit = 0; bit < 32; bit++) if (((words[w]! >>> bit) & 1) === 1) bits.push(32 * w + bit);
  }
  return bits;
}

/** Sparse words and full ones, too: kernels skip the one and branch on the other. */
const word = fc.oneof(fc.constant(0), fc.constant(-1), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
/** Beside multiples of every vector length, so that each loop's tail is met. */
const length = fc.integer({ min: 0, max: 75 });
const bitmap = length.chain((n) => fc.array(word, { minLength: n, maxLength: n }));
const bitmaps = length.chain((n) =>
  fc.tuple(fc.array(word, { minLength: n, maxLength: n }), fc.array(word, { minLength: n, maxLength: n })),
);

test('the committed bytes are what the source compiles to', async () => {
  expect(Buffer.from(await compileKernels()).toString('base64')).toBe(PAGE_KERNELS_BASE64);
});

describe('both forms do the same, and what a set of numbers does', () => {
  test.each(['or', 'orCount', 'sync'] as const)('%s', (name) => {
    fc.assert(
      fc.property(bitmaps, ([into, from]) => {
        const [inWasm, inTypescript] = outcomes([into, from], [], (kernels, [a, b]) => kernels[name](a!, b!));
        expect(inWasm).toEqual(inTypescript);
        const before = new Set(bitsOf(into));
        const added = bitsOf(from).filter((bit) => !before.has(bit)).length;
        const union = [...new Set([...before, ...bitsOf(from)])].sort((a, b) => a - b);
        const { answer, words } = inWasm as { answer: unknown; words: number[][] };
        expect(answer).toBe(name === 'or' ? undefined : added);
        expect(bitsOf(words[0]!)).toEqual(union);
        expect(words[1]).toEqual(name === 'sync' ? from.map(() => 0) : from);
      }),
      { numRuns: 60 },
    );
  });

  test('count', () => {
    fc.assert(
      fc.property(bitmap, (words) => {
        for (const { answer } of outcomes([words], [], (kernels, [own]) => kernels.count(own!)) as { answer: number }[])
          expect(answer).toBe(bitsOf(words).length);
      }),
    );
  });

  test('scan, from any bit on, into lists that are too short', () => {
    fc.assert(
      fc.property(bitmap, fc.nat(2500), fc.nat(40), (words, from, room) => {
        const results = outcomes([words], [new Array<number>(room).fill(0)], (kernels, [own], [out]) =>
          kernels.scan(own!, from, out!),
        );
        expectEqual(results);
        const expected = bitsOf(words)
          .filter((bit) => bit >= from)
          .slice(0, room);
        const { answer, lists } = results[0] as { answer: number; lists: number[][] };
        expect(lists[0]!.slice(0, answer)).toEqual(expected);
      }),
    );
  });

  test.each(['mark', 'markCount'] as const)('%s', (name) => {
    fc.assert(
      fc.property(bitmap, fc.array(fc.nat(75 * 32 - 1), { maxLength: 60 }), (words, all) => {
        const pages = all.filter((page) => page < 32 * words.length);
        const results = outcomes([words], [pages], (kernels, [own], [list]) =>
          kernels[name](own!, 32 * words.length, list!, list!.length),
        );
        expectEqual(results);
        const { answer, words: after } = results[0] as { answer: unknown; words: number[][] };
        const before = new Set(bitsOf(words));
        expect(bitsOf(after[0]!)).toEqual([...new Set([...before, ...pages])].sort((a, b) => a - b));
        expect(answer).toBe(name === 'mark' ? undefined : new Set(pages.filter((page) => !before.has(page))).size);
      }),
    );
  });

  test.each(['mark', 'markCount'] as const)('%s refuses a page outside and names it', (name) => {
    for (const kernels of BOTH) {
      const [words, list] = [kernels.words(2), listIn(kernels, [3, 50, 4])];
      expect(() => kernels[name](words, 50, list, 3)).toThrow('page 50 is outside 0 to 49');
      expect(() => kernels[name](words, 65, list, 3)).toThrow('65 pages in 2 words');
      expect(() => kernels[name](words, 50, list, 4)).toThrow('4 of a list of 3');
      expect(() => kernels[name](words, 50, list, 1)).not.toThrow();
    }
  });
});

const probability = fc.oneof(
  fc.constantFrom(0, 1, 0.5, 0.25, 2 ** -53, 1 - 2 ** -53),
  fc.double({ min: 0, max: 1, noNaN: true }),
);

function lanes(seed: number): Lanes {
  return lanesFrom(createRandom(seed, 'lanes'));
}

describe('sampling', () => {
  test('bits: both forms draw the same and leave the generators alike', () => {
    fc.assert(
      fc.property(probability, fc.nat(30), fc.nat(1000), (p, blocks, seed) => {
        expectEqual(
          outcomes([new Array<number>(4 * blocks).fill(77)], [], (kernels, [words]) => {
            const state = lanes(seed);
            const ones = kernels.sampleBits(state, p, words!, blocks);
            expect(kernels.count(words!)).toBe(ones);
            return [ones, ...state];
          }),
        );
      }),
    );
  });

  test('bits: both forms draw the same over so many blocks that some pairs are over early, and begin again', () => {
    const blocks = 8192;
    for (const p of [0.3, 0.96]) {
      expectEqual(
        outcomes([new Array<number>(4 * blocks).fill(0)], [], (kernels, [words]) => {
          const state = lanes(17);
          return [kernels.sampleBits(state, p, words!, blocks), ...state];
        }),
      );
    }
  });

  test('gaps: both forms draw the same and leave the generators alike', () => {
    fc.assert(
      fc.property(probability, fc.nat(5000), fc.nat(5000), fc.nat(50), fc.nat(1000), (p, from, pages, room, seed) => {
        expectEqual(
          outcomes([], [new Array<number>(room).fill(0)], (kernels, _, [out]) => {
            const state = lanes(seed);
            const found = kernels.sampleGaps(state, p, from, from + pages, out!);
            expect(
              [...out!.subarray(0, found)].every(
                (page, i, all) => page >= from && page < from + pages && (i === 0 || page > all[i - 1]!),
              ),
            ).toBe(true);
            return [found, ...state];
          }),
        );
      }),
    );
  });

  /** A binomial count of n trials: how many standard deviations it is off. */
  const z = (count: number, n: number, p: number) => (count - n * p) / Math.sqrt(n * p * (1 - p));

  test.each([0.0003, 0.01, 0.1, 1 / 3, 0.5, 0.9, 0.999])('bits are one with p = %d: in all, and in each lane', (p) => {
    const blocks = 8192;
    const words = wasm.words(4 * blocks);
    expect(Math.abs(z(wasm.sampleBits(lanes(11), p, words, blocks), 128 * blocks, p))).toBeLessThan(4);
    const byLane = new Array<number>(128).fill(0);
    for (const bit of bitsOf(words)) byLane[bit % 128]! += 1;
    // 128 lanes: the largest of them is beyond 4.5 once in a thousand such tests.
    expect(Math.max(...byLane.map((count) => Math.abs(z(count, blocks, p))))).toBeLessThan(4.5);
    wasm.free(words);
  });

  test.each([0.0003, 0.01, 0.1, 0.5])('gaps hit with p = %d', (p) => {
    const pages = 2 ** 20;
    const out = wasm.list(2 ** 20);
    const found = wasm.sampleGaps(lanes(12), p, 0, pages, out);
    expect(Math.abs(z(found, pages, p))).toBeLessThan(4);
    let neighbours = 0;
    for (let i = 1; i < found; i++) if (out[i] === out[i - 1]! + 1) neighbours += 1;
    // Pages are independent: a page's successor is hit as often as any.
    expect(Math.abs(z(neighbours, found, p))).toBeLessThan(4);
    wasm.free(out);
  });

  test('neighbouring blocks and calls are independent', () => {
    const state = lanes(13);
    const [first, second] = [wasm.words(4096), wasm.words(4096)];
    wasm.sampleBits(state, 0.3, first, 1024);
    wasm.sampleBits(state, 0.3, second, 1024);
    let both = 0;
    for (let w = 0; w < first.length; w++) both += bitsOf([first[w]! & second[w]!]).length;
    expect(Math.abs(z(both, 32 * 4096, 0.09))).toBeLessThan(4);
    for (const words of [first, second]) wasm.free(words);
  });

  test('a probability that is none is refused', () => {
    for (const kernels of BOTH) {
      for (const p of [-0.1, 1.1, Number.NaN]) {
        expect(() => kernels.sampleBits(lanes(1), p, kernels.words(4), 1)).toThrow('a probability is 0 to 1');
        expect(() => kernels.sampleGaps(lanes(1), p, 0, 9, kernels.list(4))).toThrow('a probability is 0 to 1');
      }
      expect(() => kernels.sampleBits(lanes(1), 0.5, kernels.words(4), 2)).toThrow('2 blocks in 4 words');
    }
  });
});
