/** The Pareto front against its definition, pair by pair. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { onFront } from '../../../src/lab/sweep/pareto.ts';

test('on the front is exactly what nobody dominates', () => {
  const figures = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(fc.array(figures, { maxLength: 40 }), (rows) => {
      const on = onFront(rows);
      for (const [index, row] of rows.entries()) {
        const isBeaten = rows.some((other) => other.every((one, at) => one <= row[at]!) && other.join() !== row.join());
        expect(on[index]).toBe(!isBeaten);
      }
    }),
  );
});

test('equal ones are on it together', () => {
  expect(
    onFront([
      [1, 2],
      [2, 1],
      [1, 2],
      [2, 2],
    ]),
  ).toEqual([true, true, true, false]);
});
