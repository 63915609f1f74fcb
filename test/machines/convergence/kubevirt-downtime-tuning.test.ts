/** KubeVirt's downtime tuning against figures worked out by hand from its source (`tuneDowntime`, `newDowntimeTuningConfig`). */
import { expect, test } from 'vitest';
import { type Watching, watched } from './watched.ts';

const tuned = (rest: Partial<Watching> = {}) =>
  watched('kubevirt-downtime-tuning', { untilS: 120, pass: () => 3, ...rest });

test('it looks every 400 ms', () => {
  expect(tuned({ untilS: 1.7 }).askedMs).toEqual([400, 800, 1200, 1600]);
});

test('150 ms, from pass 3 on 107 ms every 10 s, to 900 ms', () => {
  expect(tuned({ pass: () => 2 }).orders).toEqual([[0, 150]]);
  expect(tuned({ pass: (atMs) => (atMs < 25_200 ? 2 : 3), untilS: 40 }).orders).toEqual([
    [0, 150],
    [25_200, 257],
    [35_200, 364],
  ]);
  expect(tuned().orders).toEqual([
    [0, 150],
    [10_000, 257],
    [20_000, 364],
    [30_000, 471],
    [40_000, 578],
    [50_000, 685],
    [60_000, 792],
    [70_000, 899],
    [80_000, 900],
  ]);
});

test('a step is 1 ms at least, and the first limit no more than the most', () => {
  const small = { initialDowntimeMs: 150, downtimeMaxMs: 152, stepsCount: 7 };
  expect(tuned({ parameters: small }).orders).toEqual([
    [0, 150],
    [10_000, 151],
    [20_000, 152],
  ]);
  expect(tuned({ parameters: { initialDowntimeMs: 1000 } }).orders).toEqual([[0, 900]]);
});
