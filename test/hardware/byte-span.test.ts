import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pagesTouched } from '../../src/hardware/byte-span.ts';

// T30: the kernel counted by the length alone until commit 2c5af98592f6 (vfio/type1, 2020).
test.each([
  [4095, 2, 0, 2],
  [4095, 1, 0, 1],
  [0, 4096, 0, 1],
  [1, 4096, 0, 2],
  [8192, 4097, 2, 2],
  [5000, 0, 1, 0],
])('%i and %i bytes on: pages from %i, %i of them', (atBytes, bytes, firstPage, pages) => {
  expect(pagesTouched({ atBytes, bytes }, 4096)).toEqual({ firstPage, pages });
});

test('every page that holds one of the bytes, and no other', () => {
  const span = fc.record({ atBytes: fc.nat(100_000), bytes: fc.integer({ min: 1, max: 20_000 }) });
  fc.assert(
    fc.property(span, fc.constantFrom(4096, 16_384, 65_536), ({ atBytes, bytes }, pageBytes) => {
      const { firstPage, pages } = pagesTouched({ atBytes, bytes }, pageBytes);
      const touched = new Set(Array.from({ length: bytes }, (_, i) => Math.floor((atBytes + i) / pageBytes)));
      expect([...touched]).toEqual(Array.from({ length: pages }, (_, i) => firstPage + i));
    }),
    { numRuns: 50 },
  );
});

test.each([
  [-1, 1],
  [0, -1],
  [0.5, 1],
])('no bytes of memory: %d, %d', (atBytes, bytes) => {
  expect(() => pagesTouched({ atBytes, bytes }, 4096)).toThrow(RangeError);
});
