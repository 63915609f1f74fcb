/** A trace is replayed write by write: in the same windows the same batches, in any others the same pages in order. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../src/hardware/random.ts';
import { RandomWriter } from '../../../src/hardware/workloads/random-writer.ts';
import { TraceWriter } from '../../../src/hardware/workloads/trace.ts';
import type { Writer } from '../../../src/hardware/workloads/writer.ts';
import { ownBatch } from '../../../src/streams/copy-batch.ts';
import { forEachPage, type PageWrites } from '../../../src/streams/page-writes.ts';

function run(writer: Writer, stepsNs: readonly number[], speedPercent = 100): PageWrites[] {
  const batches: PageWrites[] = [];
  let at = 0;
  for (const step of stepsNs) {
    writer.advance(at, at + step, speedPercent, (batch) => batches.push(ownBatch(batch)));
    at += step;
  }
  return batches;
}

const pagesOf = (batches: readonly PageWrites[]) => {
  const pages: number[] = [];
  for (const batch of batches) forEachPage(batch, (page) => pages.push(page));
  return pages;
};

const stressor = () =>
  new RandomWriter(
    { kind: 'random', set: [{ firstPage: 0, pages: 500 }], rate: { writesPerSecond: 100_000 } },
    'vcpu:0',
    4096,
    createRandom(3, 'x'),
  );
const trace = (writes: readonly PageWrites[]) => new TraceWriter({ kind: 'trace', writes }, 'vcpu:0');
const steps = fc.array(fc.integer({ min: 1, max: 9_000_000 }), { minLength: 1, maxLength: 12 });

test('recorded and replayed in the same windows, the batches are the same', () => {
  fc.assert(
    fc.property(steps, (windows) => {
      const recorded = run(stressor(), windows);
      expect(run(trace(recorded), windows)).toEqual(recorded);
    }),
    { numRuns: 30 },
  );
});

test('in other windows every page comes, in order, none before its time and none later than a window', () => {
  fc.assert(
    fc.property(steps, steps, fc.integer({ min: 1, max: 100 }), (windows, others, speed) => {
      const recorded = run(stressor(), windows);
      const total = windows.reduce((sum, ns) => sum + ns, 0);
      const rest = Math.ceil((total * 100) / speed);
      const replayed = run(trace(recorded), [...others, rest], speed);
      expect(pagesOf(replayed)).toEqual(pagesOf(recorded));
      replayed.forEach((batch, i) => {
        expect(batch.toNs).toBe(Math.max(batch.fromNs, Math.ceil((recorded[i]!.toNs * 100) / speed)));
      });
    }),
    { numRuns: 30 },
  );
});

test('while it stands, its time stands', () => {
  const write: PageWrites = { fromNs: 50, toNs: 50, source: 'vcpu:0', form: 'list', pages: Uint32Array.of(9) };
  const one = trace([write]);
  const seen: number[] = [];
  const emit = (batch: PageWrites) => seen.push(batch.toNs);
  one.advance(0, 40, 100, emit);
  one.advance(40, 1000, 0, emit);
  one.advance(2000, 2009, 100, emit);
  expect(seen).toEqual([]);
  one.advance(2009, 2020, 100, emit);
  expect(seen).toEqual([2010]);
});

describe('a trace that does not run forwards is refused', () => {
  const at = (fromNs: number, toNs: number): PageWrites => {
    return { fromNs, toNs, source: 'vcpu:0', form: 'list', pages: Uint32Array.of(1) };
  };
  test.each([[[at(5, 4)]], [[at(-1, 4)]], [[at(0, 9), at(0, 8)]]])('%#', (writes) => {
    expect(() => trace(writes)).toThrow(RangeError);
  });
});
