/** The sentence that an experiment ends in, for each way in which it can come out. */
import { describe, expect, test } from 'vitest';
import { axisText, readAxisValue } from '../../../src/lab/experiment/axis-value.ts';
import { race } from '../../../src/lab/experiment/crossover.ts';
import type { Experiment } from '../../../src/lab/experiment/experiment.ts';
import { experimentSentence } from '../../../src/lab/experiment/sentence.ts';

type Rows = Readonly<Record<string, readonly (number | null)[]>>;

function told(rows: Rows, values: readonly string[] | null, figure = 'totalMs'): string {
  const axis = values?.map((text) => {
    const reading = readAxisValue(text);
    if (!('value' in reading)) throw new Error(text);
    return reading.value;
  });
  const measure = { figure, better: 'lower', marginPercent: 1 } as const;
  const experiment: Experiment = {
    name: 'x',
    question: 'x?',
    base: {},
    sides: Object.keys(rows).map((name) => ({ name, changes: {} })),
    over: axis === undefined ? null : { name: 'dirty rate', paths: [], values: axis, scale: 'linear' },
    measure,
    seeds: 1,
  };
  const cells = Object.entries(rows).flatMap(([side, row]) =>
    row.map((value, index) => ({
      side,
      at: axis?.[index]?.input ?? null,
      runs: [{ seed: 1, outcome: value === null ? 'unconverged' : 'completed', figure: value }],
      figure: value,
    })),
  );
  const curves = Object.entries(rows).map(([side, row]) => ({ side, values: row }));
  const raced =
    axis === undefined
      ? null
      : race(
          axis.map(({ x }) => x),
          curves,
          { ...measure, scale: 'linear' },
        );
  return experimentSentence(experiment, cells, raced);
}

const AXIS = ['16k/s', '32k/s', '48k/s'];

test.each<[string, Rows, readonly string[] | null, string]>([
  [
    'one crossover',
    { bitmap: [100, 200, 300], ring: [200, 250, 250] },
    AXIS,
    'bitmap is faster below 40k/s, ring above (dirty rate). Crossover between 32k/s and 48k/s, interpolated 40k/s.',
  ],
  [
    'two crossovers',
    { bitmap: [100, 200, 100], ring: [150, 150, 150] },
    AXIS,
    'bitmap is faster below 24k/s, ring from 24k/s to 40k/s, bitmap above 40k/s (dirty rate). Crossover between 16k/s and 32k/s, interpolated 24k/s; another between 32k/s and 48k/s, interpolated 40k/s.',
  ],
  [
    'none',
    { bitmap: [100, 200, 300], ring: [110, 250, 400] },
    AXIS,
    'bitmap is faster at every dirty rate from 16k/s to 48k/s, by 9.1 to 25 %: no crossover.',
  ],
  [
    'none, level in places',
    { bitmap: [100, 200, 300], ring: [100, 250, 400] },
    AXIS,
    'bitmap is faster at every dirty rate from 16k/s to 48k/s (level at 16k/s), by 0 to 25 %: no crossover.',
  ],
  [
    'no difference',
    { bitmap: [100, 200, 300], ring: [100.5, 200, 299] },
    AXIS,
    'No crossover: bitmap and ring are no more than 1 % apart in totalMs at every dirty rate from 16k/s to 48k/s.',
  ],
  [
    'one that stops completing, and is overtaken by that',
    { bitmap: [100, 200, null], ring: [200, 250, 300] },
    AXIS,
    'bitmap is faster below 48k/s, ring above (dirty rate). Crossover between 32k/s and 48k/s, not interpolated. bitmap ends unconverged at 48k/s.',
  ],
  [
    'nobody completes from somewhere on',
    { bitmap: [100, null, null], ring: [200, null, null] },
    AXIS,
    'bitmap is faster below 32k/s, nobody completes above (dirty rate). No crossover between sides that complete. bitmap ends unconverged at 32k/s and 48k/s. ring ends unconverged at 32k/s and 48k/s.',
  ],
  [
    'nobody completes at all',
    { bitmap: [null, null, null], ring: [null, null, null] },
    AXIS,
    'No run completed at any dirty rate from 16k/s to 48k/s: no crossover. bitmap ends unconverged everywhere. ring ends unconverged everywhere.',
  ],
  [
    'one side',
    { '': [100, 50, 300] },
    AXIS,
    'totalMs goes from 100 ms at 16k/s to 300 ms at 48k/s over the dirty rate, 3 values; best is 50 ms at 32k/s.',
  ],
  [
    'no axis',
    { bitmap: [200], ring: [100], pml: [null] },
    null,
    'ring is faster: ring 100 ms, bitmap 200 ms. pml ends unconverged.',
  ],
  [
    'no axis, no difference',
    { bitmap: [100], ring: [100.1] },
    null,
    'bitmap and ring are no more than 1 % apart in totalMs: bitmap 100 ms, ring 100 ms.',
  ],
])('%s', (_, rows, axis, sentence) => {
  expect(told(rows, axis)).toBe(sentence);
});

test('a figure that has no word of its own is named', () => {
  expect(told({ a: [1], b: [2] }, null, 'rounds')).toBe('a is lower in rounds: a 1, b 2.');
});

describe('a number on an axis', () => {
  test.each([
    [41_234, '32k/s', '41.2k/s'],
    [1.5 * 2 ** 30, '1GiB', '1.5GiB'],
    [150e6, '100ms', '150ms'],
    [1234.5e6, '1000ms', '1235ms'],
    [7.25, 8, '7.25'],
  ] as const)('%d is written in the unit of %s', (x, near, text) => {
    const reading = readAxisValue(near);
    expect('value' in reading && axisText(x, reading.value)).toBe(text);
  });

  test('is written in the unit of the value below where it would be less than one', () => {
    const [below, above] = ['256KiB/s', '1MiB/s'].map((text) => readAxisValue(text));
    if (!('value' in below!) || !('value' in above!)) throw new Error('no quantity');
    expect(axisText(300 * 1024, above.value, below.value)).toBe('300KiB/s');
    expect(axisText(2 * 2 ** 20, above.value, below.value)).toBe('2MiB/s');
  });
});
