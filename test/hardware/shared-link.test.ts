/**
 * The link that several migrations share: what each gets is max-min fair, all of them together never get more than there is,
 * and one alone is as fast as on a link of its own.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { SharedLink } from '../../src/hardware/shared-link.ts';

const CAPACITY = 1000;
const SECOND = 1_000_000_000;

/** Each: when it begins, how many bytes, and how long it would take alone. When each has ended, ns. */
function ends(
  flows: readonly { atNs: number; bytes: number; aloneNs: number }[],
  watch = (_: number, __: number, ___: number) => {},
) {
  const clock = new VirtualClock();
  const link = new SharedLink(CAPACITY, clock, watch);
  const endNs: number[] = [];
  for (const [index, { atNs, bytes, aloneNs }] of flows.entries()) {
    const share = link.share();
    clock.at(atNs, () => share.send(bytes, aloneNs, () => (endNs[index] = clock.nowNs)));
  }
  while (clock.step());
  return endNs;
}
/** Asks for the whole link. */
const full = (bytes: number, atNs = 0) => ({ atNs, bytes, aloneNs: (bytes / CAPACITY) * SECOND });

describe('by hand', () => {
  test('alone: as long as it takes, a fraction of a ns rounded up', () => {
    expect(ends([{ atNs: 5, bytes: 1, aloneNs: SECOND + 0.2 }])).toEqual([5 + SECOND + 1]);
  });

  test('two of the same: each half, and both end when both are done', () => {
    expect(ends([full(1000), full(1000)])).toEqual([2 * SECOND, 2 * SECOND]);
  });

  test('one that comes later: alone for a second, half for two, and the later one ends alone', () => {
    // 2000 bytes: 1000 in the first second, 1000 at half speed until 3 s. The other has sent 1000 by then and has 500 left.
    expect(ends([full(2000), full(1500, SECOND)])).toEqual([3 * SECOND, 3.5 * SECOND]);
  });

  test('who asks for less than an equal part gets it all, and the rest share what it leaves', () => {
    const slow = { atNs: 0, bytes: 200, aloneNs: 2 * SECOND };
    // 100 bytes/s for the slow one, 450 for each of the others.
    expect(ends([slow, full(900), full(900)])).toEqual([2 * SECOND, 2 * SECOND, 2 * SECOND]);
  });

  test('what leaves frees its part and is not told of its end', () => {
    const clock = new VirtualClock();
    const link = new SharedLink(CAPACITY, clock);
    const [first, second] = [link.share(), link.share()];
    let endNs = 0;
    let told = false;
    first.send(1000, SECOND, () => (endNs = clock.nowNs));
    second.send(1000, SECOND, () => (told = true));
    clock.at(SECOND, () => second.leave());
    while (clock.step());
    // Half of it in the first second, the other half alone.
    expect([endNs, told]).toEqual([1.5 * SECOND, false]);
  });

  test('a migration has one stream', () => {
    const share = new SharedLink(CAPACITY, new VirtualClock()).share();
    share.send(1000, SECOND, () => {});
    expect(() => share.send(1, 1, () => {})).toThrow(/its stream is one/);
  });
});

test('never more than the capacity, every byte once, and nobody faster than alone', () => {
  const flow = fc.record({
    atNs: fc.integer({ min: 0, max: 5 * SECOND }),
    bytes: fc.integer({ min: 1, max: 3000 }),
    stretch: fc.integer({ min: 1, max: 6 }),
  });
  fc.assert(
    fc.property(fc.array(flow, { minLength: 1, maxLength: 8 }), (drawn) => {
      const flows = drawn.map(({ atNs, bytes, stretch }) => ({
        atNs,
        bytes,
        aloneNs: (bytes / CAPACITY) * SECOND * stretch,
      }));
      let carried = 0;
      let overNs = 0;
      const endNs = ends(flows, (fromNs, toNs, bytes) => {
        expect(fromNs).toBeGreaterThanOrEqual(overNs);
        overNs = toNs;
        // Ends are whole ns: a flow's last ns may be a fraction.
        expect(bytes).toBeLessThanOrEqual(((toNs - fromNs) * CAPACITY) / SECOND + 1e-6);
        carried += bytes;
      });
      expect(carried).toBeCloseTo(
        flows.reduce((sum, { bytes }) => sum + bytes, 0),
        3,
      );
      flows.forEach(({ atNs, aloneNs }, index) => {
        expect(endNs[index]).toBeGreaterThanOrEqual(atNs + Math.floor(aloneNs));
      });
    }),
    { numRuns: 150, seed: 1 },
  );
});
