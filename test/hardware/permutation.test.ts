import { expect, test } from 'vitest';
import { Permutation } from '../../src/hardware/permutation.ts';
import { createRandom } from '../../src/hardware/random.ts';

const mapped = (size: number, stream: string) => {
  const order = new Permutation(size, createRandom(1, stream));
  return Array.from({ length: size }, (_, i) => order.at(i));
};

test.each([1, 2, 3, 4, 5, 16, 17, 1000, 4096, 65_537])('of %i numbers: each once', (size) => {
  expect(new Set(mapped(size, 'p')).size).toBe(size);
  expect(Math.max(...mapped(size, 'p').slice(0, 1000))).toBeLessThan(size);
});

test('the same stream gives the same order, another stream another', () => {
  expect(mapped(1000, 'a')).toEqual(mapped(1000, 'a'));
  expect(mapped(1000, 'a')).not.toEqual(mapped(1000, 'b'));
});

test('it scatters: the first tenth lies evenly over all of it', () => {
  const size = 100_000;
  const tenths = new Array<number>(10).fill(0);
  for (const page of mapped(size, 'scatter').slice(0, size / 10)) tenths[Math.floor((page * 10) / size)]! += 1;
  for (const count of tenths) expect(Math.abs(count - 1000) / Math.sqrt(1000)).toBeLessThan(5);
});

test('neighbours do not stay neighbours', () => {
  const order = mapped(100_000, 'neighbours');
  const near = order.filter((page, i) => i > 0 && Math.abs(page - order[i - 1]!) < 100).length;
  // By chance about 2 * 100 / 100,000 of them.
  expect(near).toBeLessThan(300);
});
