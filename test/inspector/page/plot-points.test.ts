/** What plots and axes are made of: nothing that would be seen is left out, however many points there are. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joined, thinned } from '../../../src/inspector/page/dock/plot-points.ts';
import { movedBy, nsOf, ticksOf, within, xOf, zoomedAround } from '../../../src/inspector/page/dock/time-scale.ts';

/** Ascending times with a value each. */
const steps = fc
  .array(fc.record({ gap: fc.integer({ min: 0, max: 50 }), value: fc.integer({ min: -1000, max: 1000 }) }), {
    minLength: 1,
    maxLength: 400,
  })
  .map((all) => {
    let at = 0;
    const atNs = Float64Array.from(all, ({ gap }) => (at += gap));
    return { atNs, values: Float64Array.from(all, ({ value }) => value) };
  });

test('a thinned line has the least and the greatest value of every pixel, and its own points only', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 40 }), ({ atNs, values }, pixels) => {
      // Before the first point: of several at the very beginning only the last one lasts.
      const [fromNs, toNs] = [-1, (atNs.at(-1) ?? 0) + 1];
      const { xs, ys } = thinned({ atNs, values }, { fromNs, toNs }, pixels);
      expect([...xs]).toEqual([...xs].sort((a, b) => a - b));
      const pixelOf = (x: number) => Math.floor((x - fromNs) / ((toNs - fromNs) / pixels));
      const rangeOf = (times: ArrayLike<number>, all: ArrayLike<number>) => {
        const found = new Map<number, readonly [number, number]>();
        Array.from(times).forEach((x, nth) => {
          const [least, most] = found.get(pixelOf(x)) ?? [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
          found.set(pixelOf(x), [Math.min(least, all[nth] as number), Math.max(most, all[nth] as number)]);
        });
        return found;
      };
      expect(rangeOf(xs, ys)).toEqual(rangeOf(atNs, values));
      expect(xs.length).toBeLessThanOrEqual(Math.max(4 * pixels + 8, 4 * pixels));
    }),
    { numRuns: 200 },
  );
});

test('only what is shown is looked at, with the step that leads into it', () => {
  const atNs = Float64Array.from({ length: 100 }, (_, nth) => nth * 10);
  const values = Float64Array.from({ length: 100 }, (_, nth) => nth);
  expect(thinned({ atNs, values }, { fromNs: 205, toNs: 225 }, 100)).toEqual({
    xs: [200, 210, 220, 230],
    ys: [20, 21, 22, 23],
  });
});

test('lines are joined over the times of all: one that holds is carried on to its end, a mean back from its point', () => {
  const held = { points: { xs: [10, 30], ys: [1, 3] }, holds: 'from', endNs: 40 } as const;
  const mean = { points: { xs: [20, 40], ys: [2, 4] }, holds: 'until', endNs: 40 } as const;
  expect(joined([held, mean], { fromNs: 0, toNs: 50 })).toEqual([
    [0, 10, 20, 30, 40, 50],
    [null, 1, 1, 3, 3, null],
    [2, 2, 2, 4, 4, null],
  ]);
});

test('a zoom keeps what is under the pointer where it is, and stays within the run', () => {
  const span = { fromNs: 1e9, toNs: 3e9 };
  const zoomed = zoomedAround(span, 1.5e9, 0.5, 10e9)!;
  const scale = (one: typeof span) => ({ ...one, width: 800 });
  expect(xOf(scale(zoomed), 1.5e9)).toBeCloseTo(xOf(scale(span), 1.5e9), 6);
  expect(nsOf(scale(span), xOf(scale(span), 2.2e9))).toBeCloseTo(2.2e9, 0);
  expect(zoomedAround(span, 2e9, 100, 10e9)).toBeUndefined();
  expect(zoomedAround(span, 2e9, 0, 10e9)!.toNs - zoomedAround(span, 2e9, 0, 10e9)!.fromNs).toBeGreaterThanOrEqual(
    1000,
  );
  expect(movedBy(span, 100e9, 10e9)).toEqual({ fromNs: 8e9, toNs: 10e9 });
  expect(movedBy(span, -100e9, 10e9)).toEqual({ fromNs: 0, toNs: 2e9 });
  expect(within({ fromNs: -5, toNs: 20e9 }, 10e9)).toBeUndefined();
});

test.each([
  [0, 4.3e9, '0.5 s'],
  [4.1e9, 4.3e9, '4.12 s'],
  [4.168_5e9, 4.168_51e9, '4.168502 s'],
  [0, 3600e9, '10:00 min'],
])('ticks of %d to %d ns are round, in order and apart: one of them is %s', (fromNs, toNs, label) => {
  const scale = { fromNs, toNs, width: 1000 };
  const ticks = ticksOf(scale);
  expect(ticks.map((tick) => tick.label)).toContain(label);
  expect(new Set(ticks.map((tick) => tick.label)).size).toBe(ticks.length);
  ticks.slice(1).forEach(({ atNs }, before) => {
    expect(xOf(scale, atNs) - xOf(scale, ticks[before]?.atNs ?? 0)).toBeGreaterThanOrEqual(60);
  });
  expect(ticks.length).toBeLessThan(12);
});
