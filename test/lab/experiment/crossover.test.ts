/** Where one curve overtakes another: known lines, ties, missing values, and laws over random curves. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Curve, type Ranking, race } from '../../../src/lab/experiment/crossover.ts';

const LINEAR: Ranking = { better: 'lower', marginPercent: 0, scale: 'linear' };

function curves(values: Readonly<Record<string, readonly (number | null)[]>>): readonly Curve[] {
  return Object.entries(values).map(([side, row]) => ({ side, values: row }));
}

describe('a crossover', () => {
  test('of two straight lines is where they meet', () => {
    // y = x and y = 10 - x meet at 5.
    const { reigns, crossovers } = race([0, 4, 8], curves({ up: [0, 4, 8], down: [10, 6, 2] }), LINEAR);
    expect(reigns.map(({ leaders, from, to }) => [leaders, from, to])).toEqual([
      [['up'], 0, 1],
      [['down'], 2, 2],
    ]);
    expect(crossovers).toEqual([{ before: ['up'], after: ['down'], between: [1, 2], at: 5 }]);
  });

  test('on a logarithmic axis is interpolated in the logarithm', () => {
    // The difference is -1 at 10 and +1 at 1000: halfway in the logarithm is 100.
    const { crossovers } = race([10, 1000], curves({ a: [1, 3], b: [2, 2] }), { ...LINEAR, scale: 'log' });
    expect(crossovers[0]?.at).toBeCloseTo(100, 9);
  });

  test('is the other way round where higher is better', () => {
    const { crossovers } = race([0, 10], curves({ a: [2, 2], b: [1, 3] }), { ...LINEAR, better: 'higher' });
    expect(crossovers).toEqual([{ before: ['a'], after: ['b'], between: [0, 1], at: 5 }]);
  });

  test('is none where one is ahead all along', () => {
    const { reigns, crossovers } = race([1, 2, 3], curves({ a: [1, 2, 3], b: [2, 3, 4] }), LINEAR);
    expect(reigns).toHaveLength(1);
    expect(crossovers).toEqual([]);
  });

  test('may come twice', () => {
    const { crossovers } = race([0, 1, 2, 3], curves({ a: [0, 2, 2, 0], b: [1, 1, 1, 1] }), LINEAR);
    expect(crossovers.map(({ at }) => at)).toEqual([0.5, 2.5]);
  });

  test('of three sides is between those who are ahead before and after', () => {
    const three = curves({ a: [0, 4, 8], b: [3, 3, 7], c: [9, 5, 1] });
    const { crossovers } = race([0, 1, 2], three, LINEAR);
    expect(crossovers.map(({ before, after }) => [before, after])).toEqual([
      [['a'], ['b']],
      [['b'], ['c']],
    ]);
  });
});

describe('a margin', () => {
  const near: Ranking = { ...LINEAR, marginPercent: 1 };

  test('makes those within it level, and the difference none', () => {
    const { reigns } = race([1, 2], curves({ a: [100, 100], b: [100.9, 99.5] }), near);
    expect(reigns).toEqual([{ leaders: ['a', 'b'], from: 0, to: 1, level: [] }]);
  });

  test('does not end a reign: who was level before somebody else wins did not win', () => {
    const { reigns, crossovers } = race([0, 1, 2], curves({ a: [1, 100, 300], b: [2, 100, 200] }), near);
    expect(reigns.map(({ leaders }) => leaders)).toEqual([['a'], ['b']]);
    // Clearly ahead at 0 and at 2; level, and so crossing, at 1.
    expect(crossovers).toEqual([{ before: ['a'], after: ['b'], between: [0, 2], at: 1 }]);
  });

  test('a reign that begins level is whose it becomes', () => {
    const { reigns, crossovers } = race([0, 1], curves({ a: [100, 100], b: [100, 200] }), near);
    expect(reigns).toEqual([{ leaders: ['a'], from: 0, to: 1, level: [0] }]);
    expect(crossovers).toEqual([]);
  });
});

describe('a side without a value', () => {
  test('is behind everybody, and there is nothing to interpolate', () => {
    const { reigns, crossovers } = race([1, 2], curves({ a: [1, null], b: [2, 2] }), LINEAR);
    expect(reigns.map(({ leaders }) => leaders)).toEqual([['a'], ['b']]);
    expect(crossovers).toEqual([{ before: ['a'], after: ['b'], between: [0, 1], at: null }]);
  });

  test('where nobody has one, nobody is ahead and nothing crosses', () => {
    const { reigns, crossovers } = race([1, 2], curves({ a: [1, null], b: [2, null] }), LINEAR);
    expect(reigns.map(({ leaders }) => leaders)).toEqual([['a'], []]);
    expect(crossovers).toEqual([]);
  });
});

test.each([
  ['an axis that falls', [2, 1], [1, 1], 'linear', /rise/],
  ['a logarithm of 0', [0, 1], [1, 1], 'log', /above 0/],
  ['a curve that is too short', [1, 2], [1], 'linear', /a value for each/],
] as const)('refuses %s', (_, xs, values, scale, message) => {
  expect(() => race(xs, [{ side: 'a', values }], { ...LINEAR, scale })).toThrow(message);
});

describe('laws', () => {
  const value = fc.option(fc.integer({ min: 1, max: 1000 }), { freq: 5 });
  const grid = fc.integer({ min: 1, max: 8 }).chain((points) =>
    fc.record({
      xs: fc.uniqueArray(fc.integer({ min: 1, max: 1e6 }), { minLength: points, maxLength: points }),
      rows: fc.array(fc.array(value, { minLength: points, maxLength: points }), { minLength: 1, maxLength: 4 }),
      marginPercent: fc.constantFrom(0, 1, 20),
      scale: fc.constantFrom('linear' as const, 'log' as const),
      better: fc.constantFrom('lower' as const, 'higher' as const),
    }),
  );
  const run = ({ xs, rows, ...ranking }: typeof grid extends fc.Arbitrary<infer T> ? T : never) => {
    const sorted = [...xs].sort((a, b) => a - b);
    const sides = rows.map((values, index) => ({ side: `s${index}`, values }));
    return { xs: sorted, sides, ...race(sorted, sides, ranking) };
  };

  test('reigns cover every point once, in order', () => {
    fc.assert(
      fc.property(grid, (given) => {
        const { xs, reigns } = run(given);
        expect(reigns.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i))).toEqual([
          ...xs.keys(),
        ]);
      }),
    );
  });

  test('whoever reigns is never farther behind the best than the margin', () => {
    fc.assert(
      fc.property(grid, (given) => {
        const { reigns, sides } = run(given);
        for (const { leaders, from, to } of reigns) {
          for (let index = from; index <= to; index++) {
            const there = sides.flatMap(({ values }) => values[index] ?? []);
            if (leaders.length === 0) expect(there).toEqual([]);
            const best = given.better === 'lower' ? Math.min(...there) : Math.max(...there);
            for (const leader of leaders) {
              const own = sides.find(({ side }) => side === leader)!.values[index]!;
              expect(Math.abs(own - best)).toBeLessThanOrEqual(
                (given.marginPercent / 100) * Math.max(own, best) + 1e-9,
              );
            }
          }
        }
      }),
    );
  });

  test('an interpolated crossover lies between its points', () => {
    fc.assert(
      fc.property(grid, (given) => {
        const { xs, crossovers } = run(given);
        for (const { between, at } of crossovers) {
          if (at === null) continue;
          expect(at).toBeGreaterThanOrEqual(xs[between[0]]! * (1 - 1e-12));
          expect(at).toBeLessThanOrEqual(xs[between[1]]! * (1 + 1e-12));
        }
      }),
    );
  });

  test('two lines on a fine grid cross where algebra says', () => {
    const line = fc.record({ at0: fc.integer({ min: 0, max: 100 }), slope: fc.integer({ min: -9, max: 9 }) });
    fc.assert(
      fc.property(line, line, (a, b) => {
        fc.pre(a.slope !== b.slope);
        const meets = (b.at0 - a.at0) / (a.slope - b.slope);
        fc.pre(meets > 0.01 && meets < 9.99 && !Number.isInteger(meets));
        const xs = Array.from({ length: 11 }, (_, x) => x);
        const of = ({ at0, slope }: typeof a) => xs.map((x) => at0 + slope * x);
        const { crossovers } = race(xs, curves({ a: of(a), b: of(b) }), LINEAR);
        expect(crossovers).toHaveLength(1);
        expect(crossovers[0]!.at).toBeCloseTo(meets, 9);
      }),
    );
  });
});
