import { describe, expect, test } from 'vitest';
import { BLOCK_WORDS } from '../../../src/hardware/kernels/block.ts';
import { createArena } from '../../../src/hardware/kernels/page-arena.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';

const BLOCK_PAGES = 32 * BLOCK_WORDS;

describe('A batch that was drawn in the memory of the sets', () => {
  test('lies there still once the memory has grown, and is merged in place', () => {
    const arena = createArena('wasm');
    const drawn = arena.scratch.firstWords(BLOCK_WORDS);
    drawn.fill(0b101);
    const before = arena.words;

    const set = new PageBitmap(2 ** 30, arena);
    for (let block = 0; block < 1000; block++) set.set(block * BLOCK_PAGES);

    expect(arena.words.length).toBeGreaterThan(before.length);
    expect(arena.holds(drawn)).toBe(true);
    const span = { fromNs: 0, toNs: 1, source: 'vcpu:0' } as const;
    expect(set.applyWrites({ form: 'bitmap', firstPage: 0, words: drawn, count: 2 * BLOCK_WORDS, ...span })).toBe(
      2 * BLOCK_WORDS - 1,
    );
  });

  test.for(['wasm', 'typescript'] as const)('of another memory does not lie in one of %s', (kind) => {
    const arena = createArena(kind);
    arena.take();

    expect(arena.holds(new Int32Array(4))).toBe(false);
    expect(arena.holds(createArena('wasm').lend(4))).toBe(false);
    expect(arena.holds(arena.words)).toBe(true);
  });
});
