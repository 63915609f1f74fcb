import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { createRandom } from '../../../src/hardware/random.ts';
import { Curve, type CurvePoint, distinctPagesAfter } from '../../../src/hardware/workloads/curve.ts';
import { DIRTY_SAMPLES, MEASURED } from '../../../src/lab/validation/predictor-table.ts';
import { pagesIn } from '../../../src/streams/page-writes.ts';

// What was measured is the product's own copy; what was predicted from it is transcribed here once more.
const { totalPages: TOTAL_PAGES, sampledPages: SAMPLED, zeroPages: SAMPLED_ZERO } = MEASURED;
const DOWNTIMES_MS = [125, 250, 500, 1000, 5000, Number.POSITIVE_INFINITY];
/** Total time in s, rounded up; null: does not converge within an hour. Rows: Gbit/s of 2^30 bit. */
const PREDICTED: readonly (readonly [gbps: number, seconds: readonly (number | null)[]])[] = [
  [100 / 1024, [null, null, null, null, null, 1019]],
  [1, [null, null, null, null, null, 100]],
  [2, [null, null, null, null, 101, 50]],
  [2.5, [null, null, null, null, 67, 40]],
  [5, [48, 46, 31, 28, 25, 20]],
  [10, [13, 12, 12, 12, 12, 10]],
  [25, [5, 5, 5, 5, 4, 4]],
  [40, [3, 3, 3, 3, 3, 3]],
];

const scale = TOTAL_PAGES / SAMPLED;
const points: CurvePoint[] = DIRTY_SAMPLES.map(([atMs, dirty]) => ({ atMs, pages: dirty * scale }));
const nonZero = (SAMPLED - SAMPLED_ZERO) * scale;

/** The predictor's own loop: a round's bytes over the bandwidth, until a round fits the downtime. */
function predictSeconds(gbps: number, downtimeMs: number): number | null {
  const bytesPerMs = (gbps * 2 ** 30) / 8 / 1000;
  let totalMs = 0;
  let bytes = nonZero * (4096 + 8) + (TOTAL_PAGES - nonZero) * 8;
  for (;;) {
    const ms = bytes / bytesPerMs;
    totalMs += ms;
    if (totalMs > 3_600_000) return null;
    if (ms <= downtimeMs) return Math.ceil(totalMs / 1000);
    bytes = distinctPagesAfter(points, nonZero, ms) * (4096 + 8);
  }
}

describe('the published predictions of migration time come out of the curve', () => {
  const cells = PREDICTED.flatMap(([gbps, row]) => row.map((seconds, i) => [gbps, DOWNTIMES_MS[i]!, seconds] as const));
  test.each(cells)('%d Gbit/s, %d ms: %d s', (gbps, downtimeMs, seconds) => {
    expect(predictSeconds(gbps, downtimeMs)).toBe(seconds);
  });
});

describe('outside the points', () => {
  const line: CurvePoint[] = [
    { atMs: 100, pages: 50 },
    { atMs: 200, pages: 80 },
    { atMs: 400, pages: 100 },
  ];
  test.each([
    [0, 20], // the first line carried back
    [50, 35],
    [100, 50],
    [150, 65],
    [300, 90],
    [400, 100],
    [500, 110], // the last slope
    [5000, 300], // everything there is
  ])('after %d ms: %d pages', (ms, pages) => {
    expect(distinctPagesAfter(line, 300, ms)).toBeCloseTo(pages, 9);
  });

  test('a first line that would begin below 0 begins at 0', () => {
    expect(distinctPagesAfter(points, nonZero, 0)).toBe(0);
    expect(distinctPagesAfter(points, nonZero, 62.5)).toBeCloseTo((33 * 512) / 2, 9);
  });

  test('it never falls', () => {
    const ms = fc.double({ min: 0, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(ms, ms, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        return distinctPagesAfter(points, nonZero, low) <= distinctPagesAfter(points, nonZero, high);
      }),
    );
  });
});

describe.each(['address', 'scattered'] as const)('a writer in %s order', (order) => {
  const set = [
    { firstPage: 100, pages: 200 },
    { firstPage: 500, pages: 100 },
  ];
  const short: CurvePoint[] = [
    { atMs: 100, pages: 50 },
    { atMs: 200, pages: 80 },
    { atMs: 400, pages: 100 },
  ];
  const create = () => new Curve({ kind: 'curve', set, points: short, order }, 'vcpu:0', createRandom(3, 'curve'));
  const pagesOf = (dirty: PageBitmap) => {
    const pages = new Uint32Array(dirty.count);
    dirty.listInto(pages);
    return [...pages];
  };

  test('has as many distinct pages as the curve says, however time is cut, each emitted once', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200_000_000 }), { minLength: 1, maxLength: 12 }), (stepsNs) => {
        const curve = create();
        const dirty = new PageBitmap(600);
        let at = 0;
        let again = 0;
        for (const step of stepsNs) {
          curve.advance(at, at + step, 100, (batch) => {
            const before = dirty.count;
            dirty.applyWrites(batch);
            again += pagesIn(batch) - (dirty.count - before);
          });
          at += step;
        }
        expect(again).toBe(0);
        expect(dirty.count).toBe(Math.round(distinctPagesAfter(short, 300, at / 1e6)));
      }),
    );
  });

  test('a sync begins the curve again, with the same pages', () => {
    const curve = create();
    const first = new PageBitmap(600);
    const second = new PageBitmap(600);
    curve.advance(0, 150e6, 100, (batch) => first.applyWrites(batch));
    curve.synced();
    curve.advance(150e6, 250e6, 100, (batch) => second.applyWrites(batch));
    expect(first.count).toBe(65);
    expect(second.count).toBe(50);
    expect(pagesOf(first)).toEqual(expect.arrayContaining(pagesOf(second)));
  });

  test('a throttled writer moves along the curve more slowly; a stopped one does not begin it', () => {
    const curve = create();
    const dirty = new PageBitmap(600);
    curve.advance(0, 1e9, 0, (batch) => dirty.applyWrites(batch));
    expect(dirty.count).toBe(0);
    curve.advance(1e9, 1.3e9, 50, (batch) => dirty.applyWrites(batch));
    expect(dirty.count).toBe(65);
  });

  test('ends at its set', () => {
    const dirty = new PageBitmap(600);
    create().advance(0, 1e12, 100, (batch) => dirty.applyWrites(batch));
    expect(dirty.count).toBe(300);
    expect(dirty.countRange(100, 200)).toBe(200);
  });
});

test.each([
  ['one point', [{ atMs: 1, pages: 1 }]],
  [
    'time that stands',
    [
      { atMs: 1, pages: 1 },
      { atMs: 1, pages: 2 },
    ],
  ],
  [
    'pages that fall',
    [
      { atMs: 1, pages: 2 },
      { atMs: 2, pages: 1 },
    ],
  ],
  [
    'a point at 0',
    [
      { atMs: 0, pages: 0 },
      { atMs: 2, pages: 1 },
    ],
  ],
])('%s is refused', (_name, bad) => {
  const spec = { kind: 'curve', set: [{ firstPage: 0, pages: 9 }], points: bad, order: 'address' } as const;
  expect(() => new Curve(spec, 'vcpu:0', createRandom(1, 'x'))).toThrow(RangeError);
});
