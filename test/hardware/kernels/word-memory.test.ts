/** The kernels' memory: what is lent stays whole while others come and go, and what is given back is lent again. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKernels } from '../../../src/hardware/kernels/create-kernels.ts';
import { WordMemory } from '../../../src/hardware/kernels/word-memory.ts';

const KINDS = ['wasm', 'typescript'] as const;

describe.each(KINDS)('%s', (kind) => {
  test('arrays are zero, apart from each other, and outlive every growth', () => {
    const kernels = createKernels({ kind, memoryBytes: 2 ** 22 });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(6000), fc.boolean()), { maxLength: 40 }), (steps) => {
        const kept: { readonly words: Int32Array; readonly mark: number }[] = [];
        for (const [i, [count, frees]] of steps.entries()) {
          const words = kernels.words(count);
          expect(words.every((word) => word === 0)).toBe(true);
          words.fill(i + 1);
          kept.push({ words, mark: i + 1 });
          if (frees) kernels.free(kept.splice(kept.length >> 1, 1)[0]!.words);
        }
        for (const { words, mark } of kept) {
          expect(words.every((word) => word === mark)).toBe(true);
          kernels.free(words);
        }
      }),
      { numRuns: 40 },
    );
    // Everything was given back: all of it can be lent at once, but for what the kernels keep for themselves.
    expect(() => kernels.free(kernels.words(2 ** 20 - 1024))).not.toThrow();
  });

  test('a memory that is full says so, and goes on when something is given back', () => {
    const kernels = createKernels({ kind, memoryBytes: 2 ** 17 });
    const half = kernels.words(2 ** 14);
    expect(() => kernels.words(2 ** 15)).toThrow(RangeError);
    kernels.free(half);
    expect(kernels.words(2 ** 14 + 4096)).toHaveLength(2 ** 14 + 4096);
  });

  test('what was not lent, or was given back, is refused', () => {
    const kernels = createKernels({ kind, memoryBytes: 2 ** 17 });
    const words = kernels.words(8);
    expect(() => kernels.free(new Int32Array(8))).toThrow('was not lent here');
    kernels.free(words);
    expect(() => kernels.free(words)).toThrow('was not lent here');
  });
});

test('the compiled kernels take no array of another memory', () => {
  const [own, other] = KINDS.map(() => createKernels({ kind: 'wasm', memoryBytes: 2 ** 17 }));
  const [words, foreign] = [own!.words(8), other!.words(8)];
  expect(() => own!.or(words, foreign)).toThrow('was not lent here');
  expect(() => own!.count(new Int32Array(8))).toThrow('was not lent here');
});

test('an array stays lent although the memory shows another buffer each time it is looked at', () => {
  // V8 puts a new object in the place of a grown memory's buffer at a moment of its own.
  const memory = {
    get buffer() {
      return new SharedArrayBuffer(2 ** 16);
    },
    grow: () => 0,
  };
  const words = new WordMemory(memory, 2 ** 16, 2 ** 16, 0);
  const lent = words.lend(8);
  expect(words.offsetOf(lent)).toBe(0);
  words.free(lent);
  expect(() => words.free(lent)).toThrow('was not lent here');
});
