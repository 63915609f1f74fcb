/**
 * A PageBitmap over many blocks, where whole ones turn from empty to full and back and are handed from set to set, against a
 * plain array of bytes: with both sets in one memory of WebAssembly, in one of TypeScript, and in two different ones.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createArena } from '../../src/hardware/kernels/page-arena.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';

const BLOCK = 32_768;
/** A run of blocks that is turned at once, and a last one that is short and no multiple of 32. */
const PAGES = 11 * BLOCK + 5003;
const span = { fromNs: 0, toNs: 1, source: 'vcpu:0' } as const;

const border = fc
  .tuple(fc.integer({ min: 0, max: 11 }), fc.integer({ min: -40, max: 40 }))
  .map(([block, offset]) => Math.min(Math.max(block * BLOCK + offset, 0), PAGES));
const place = fc.oneof(border, fc.integer({ min: 0, max: PAGES }), fc.constant(0), fc.constant(PAGES));
const part = fc.tuple(place, place).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
const operation = fc.tuple(
  fc.constantFrom('set', 'clear', 'list', 'bitmap', 'or', 'take', 'clearWhere', 'addBoth', 'one', 'none' as const),
  fc.boolean(),
  part,
);

function countOf(model: Uint8Array, from = 0, to = PAGES): number {
  let count = 0;
  for (let page = from; page < to; page++) count += model[page]!;
  return count;
}

/** Pages of a part that a list or a bitmap names: every third. */
function everyThird({ from, to }: { from: number; to: number }): Uint32Array {
  return Uint32Array.from({ length: Math.ceil((to - from) / 3) }, (_, i) => from + 3 * i);
}

class Pair {
  readonly sets: readonly [PageBitmap, PageBitmap];
  readonly models = [new Uint8Array(PAGES), new Uint8Array(PAGES)] as const;

  constructor(sets: readonly [PageBitmap, PageBitmap]) {
    this.sets = sets;
  }

  do([name, swapped, range]: [string, boolean, { from: number; to: number }]): void {
    const [a, b] = swapped ? [1, 0] : [0, 1];
    const [set, other] = [this.sets[a]!, this.sets[b]!];
    const [model, otherModel] = [this.models[a]!, this.models[b]!];
    const before = countOf(model);
    const { from, to } = range;
    const answer = this.#perform(name, set, other, range);
    for (let page = from; page < to; page++) {
      if (name === 'set') model[page] = 1;
      if (name === 'clear') model[page] = 0;
      if ((name === 'list' || name === 'bitmap') && (page - from) % 3 === 0) model[page] = 1;
      if (name === 'or' || name === 'take') model[page]! |= otherModel[page]!;
      if (name === 'take') otherModel[page] = 0;
      if (name === 'clearWhere') model[page]! &= 1 - otherModel[page]!;
      if (name === 'addBoth') otherModel[page]! |= model[page]!;
    }
    if (name === 'one' && from < PAGES) model[from] = 1;
    if (name === 'none' && from < PAGES) model[from] = 0;
    if (answer !== undefined) expect(answer, name).toBe(Math.abs(countOf(model) - before));
  }

  #perform(
    name: string,
    set: PageBitmap,
    other: PageBitmap,
    { from, to }: { from: number; to: number },
  ): number | undefined {
    switch (name) {
      case 'set':
        return set.setRange(from, to - from);
      case 'clear':
        return set.clearRange(from, to - from);
      case 'list':
        return set.applyWrites({ ...span, form: 'list', pages: everyThird({ from, to }) });
      case 'bitmap': {
        const firstPage = from - (from % 32);
        const words = new Int32Array(Math.ceil((to - firstPage) / 32));
        for (const page of everyThird({ from, to })) words[(page - firstPage) >>> 5]! |= 1 << (page & 31);
        return set.applyWrites({ ...span, form: 'bitmap', firstPage, words, count: Math.ceil((to - from) / 3) });
      }
      case 'or':
        return set.or(other, from, to);
      case 'take':
        return other.takeRangeInto(set, from, to - from).added;
      case 'clearWhere':
        return set.clearWhere(other, from, to);
      case 'addBoth':
        other.addBoth(set, set, from, to);
        return undefined;
      case 'one':
        return from < PAGES ? Number(set.set(from)) : undefined;
      default:
        return from < PAGES ? Number(set.clear(from)) : undefined;
    }
  }

  expectSame({ from, to }: { from: number; to: number }): void {
    const [model, otherModel] = this.models;
    const [set, other] = this.sets;
    this.sets.forEach((one, i) => {
      expect(one.count).toBe(countOf(this.models[i]!));
      const words = one.toWords();
      const wrong = this.models[i]!.findIndex((bit, page) => ((words[page >>> 5]! >>> (page & 31)) & 1) !== bit);
      expect(wrong, `page ${wrong}`).toBe(-1);
    });
    expect(set.countRange(from, to - from)).toBe(countOf(model, from, to));
    const both = model.map((bit, page) => bit & otherModel[page]!);
    expect(set.countBoth(other, from, to - from)).toBe(countOf(both, from, to));
    const lacked = model.map((bit, page) => bit & (1 - otherModel[page]!));
    expect(set.lackedBy(other, 1)).toEqual({
      count: countOf(lacked),
      firstPages: lacked.includes(1) ? [lacked.indexOf(1)] : [],
    });
    expect(set.next(from)).toBe(model.indexOf(1, from));
    const inPart = countOf(model, from, to);
    const before = inPart >> 1;
    const nth = set.nth(from, before);
    if (inPart > 0) {
      expect(model[nth]).toBe(1);
      expect(countOf(model, from, nth)).toBe(before);
    }
    expect(set.nth(from, countOf(model, from))).toBe(PAGES);
    const hole = model.indexOf(0, from);
    expect(set.nextClear(from)).toBe(from >= PAGES ? from : hole === -1 ? PAGES : hole);
    const list = new Uint32Array(50);
    const listed = set.listInto(list, from);
    const expected: number[] = [];
    for (let page = model.indexOf(1, from); page !== -1 && expected.length < 50; page = model.indexOf(1, page + 1)) {
      expected.push(page);
    }
    expect([...list.subarray(0, listed)]).toEqual(expected);
  }
}

const [wasm, typescript] = [createArena('wasm'), createArena('typescript')];
const PLACES = [
  ['in one memory of WebAssembly', wasm, wasm],
  ['in one memory of TypeScript', typescript, typescript],
  ['in two memories', wasm, typescript],
] as const;

describe.each(PLACES)('two sets %s', (_, first, second) => {
  test('hold what arrays of bytes hold, whatever was done to them', () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 12 }), part, (operations, range) => {
        const pair = new Pair([new PageBitmap(PAGES, first), new PageBitmap(PAGES, second)]);
        for (const one of operations) pair.do(one);
        pair.expectSame(range);
      }),
      { numRuns: 20 },
    );
  });
});

test('a set costs what is touched of it: full blocks of 4 TiB take no memory, and a block that empties is used again', () => {
  const arena = createArena('typescript');
  const set = new PageBitmap(2 ** 30, arena);
  set.setAll();
  expect(set.count).toBe(2 ** 30);
  expect(arena.words.length).toBe(0);
  for (let i = 0; i < 100; i++) {
    set.clear(i * BLOCK);
    set.set(i * BLOCK);
  }
  expect(arena.words.length).toBe(4 * 1024);
});
