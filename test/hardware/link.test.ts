import { expect, test } from 'vitest';
import { Link } from '../../src/hardware/link.ts';

test('bytes take their time, and latency is none unless given', () => {
  const link = new Link({ bytesPerSecond: 1.25e9 });
  expect(link.nsOf(1.25e9)).toBe(1e9);
  expect(link.nsOf(0)).toBe(0);
  expect(link.latencyNs).toBe(0);
});

test.each([
  [{ bytesPerSecond: 0 }, /rate/],
  [{ bytesPerSecond: Number.NaN }, /rate/],
  [{ bytesPerSecond: 1, latencyNs: -1 }, /latency/],
])('%j is no link', (spec, message) => {
  expect(() => new Link(spec)).toThrow(message);
});
