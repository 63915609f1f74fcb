import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { PageSet } from '../../../src/hardware/page-set.ts';
import { createCycle } from '../../../src/hardware/workloads/cycle.ts';
import type { Rate } from '../../../src/hardware/workloads/rate.ts';
import { createSequential } from '../../../src/hardware/workloads/sequential.ts';
import { WriteHead } from '../../../src/hardware/workloads/write-head.ts';

const ranges = [
  { firstPage: 10, pages: 40 },
  { firstPage: 100, pages: 61 },
];
const PAGES = 200;
const set = new PageSet(ranges);

/** Advances in the given steps of ns; returns the pages written and where the head stands. */
function run(head: WriteHead, stepsNs: readonly number[], speedPercent = 100): { pages: number[]; position: number } {
  const dirty = new PageBitmap(PAGES);
  let at = 0;
  for (const step of stepsNs) {
    head.advance(at, at + step, speedPercent, (batch) => dirty.applyWrites(batch));
    at += step;
  }
  const pages: number[] = [];
  dirty.forEach((page) => {
    pages.push(page);
  });
  return { pages, position: head.position };
}

const rate: fc.Arbitrary<Rate> = fc.oneof(
  fc.record({ writesPerSecond: fc.integer({ min: 0, max: 5_000_000 }) }),
  fc.record({ bytesPerSecond: fc.integer({ min: 0, max: 20_000_000_000 }) }),
  fc.record({ writesPerSecond: fc.constantFrom(0.001, 0.333, 1 / 3, 1e6 / 7) }),
);
const steps = fc.array(fc.integer({ min: 1, max: 30_000_000 }), { minLength: 1, maxLength: 30 });

test('any subdivision of time ends where one big step does, with the same pages written', () => {
  fc.assert(
    fc.property(rate, steps, fc.integer({ min: 0, max: 100 }), fc.boolean(), (r, stepsNs, speed, once) => {
      const options = { set, rate: r, pageBytes: 4096, phasePages: 7, once };
      const total = stepsNs.reduce((a, b) => a + b, 0);
      const inSteps = run(new WriteHead('vcpu:0', options), stepsNs, speed);
      expect(inSteps).toEqual(run(new WriteHead('vcpu:0', options), [total], speed));
    }),
  );
});

test('the position is the integral of the rate, exactly', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 34 }), steps, (bytesPerSecond, stepsNs) => {
      const head = new WriteHead('vcpu:0', { set, rate: { bytesPerSecond }, pageBytes: 4096 });
      const { position } = run(head, stepsNs);
      const ns = BigInt(stepsNs.reduce((a, b) => a + b, 0));
      const bytes = (BigInt(bytesPerSecond) * ns) / 1_000_000_000n;
      expect(position * 4096).toBe(Number(bytes % BigInt(101 * 4096)));
    }),
  );
});

describe('cycle', () => {
  test('goes in address order around the hole, and begins again at its end', () => {
    const cycle = createCycle(
      { kind: 'cycle', set: ranges, rate: { writesPerSecond: 1000 }, phasePages: 38 },
      'vcpu:0',
      4096,
    );
    expect(run(cycle, [4e6]).pages).toEqual([48, 49, 100, 101]);
    expect(cycle.position).toBe(42);
    const batches: number[][] = [];
    cycle.advance(4e6, 65e6, 100, (batch) => batch.form === 'extents' && batches.push([...batch.pairs]));
    expect(batches).toEqual([[102, 59, 10, 2]]);
    expect(cycle.position).toBe(2);
  });

  test('many turns in one step write the whole set once', () => {
    const cycle = createCycle({ kind: 'cycle', set: ranges, rate: { writesPerSecond: 1e6 } }, 'vcpu:0', 4096);
    expect(run(cycle, [1e9]).pages).toHaveLength(101);
    expect(cycle.position).toBe(1e6 % 101);
  });

  test('a page written in part is written again with the next part', () => {
    const cycle = createCycle({ kind: 'cycle', set: ranges, rate: { bytesPerSecond: 6144 } }, 'vcpu:0', 4096);
    expect(run(cycle, [1e9]).pages).toEqual([10, 11]);
    expect(run(cycle, [1e9]).pages).toEqual([11, 12]);
  });

  test('a set of no pages and a phase beyond the set are refused', () => {
    expect(() => createCycle({ kind: 'cycle', set: [], rate: { writesPerSecond: 1 } }, 'vcpu:0', 4096)).toThrow(
      RangeError,
    );
    const spec = { kind: 'cycle', set: ranges, rate: { writesPerSecond: 1 }, phasePages: 101 } as const;
    expect(() => createCycle(spec, 'vcpu:0', 4096)).toThrow(RangeError);
    expect(() => createCycle({ ...spec, phasePages: 0, rate: { writesPerSecond: -1 } }, 'vcpu:0', 4096)).toThrow(
      RangeError,
    );
  });
});

describe('sequential', () => {
  const spec = { kind: 'sequential', set: ranges, rate: { writesPerSecond: 1000 } } as const;

  test('stops at the end of its set', () => {
    const head = createSequential(spec, 'vcpu:0', 4096);
    expect(run(head, [60e6, 60e6]).pages).toHaveLength(101);
    expect(head.position).toBe(101);
    expect(run(head, [1e9]).pages).toEqual([]);
  });

  test('begins again when it wraps', () => {
    const head = createSequential({ ...spec, wraps: true }, 'vcpu:0', 4096);
    expect(run(head, [101e6, 3e6]).position).toBe(3);
  });
});
