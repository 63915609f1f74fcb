/**
 * A dirty ring's entries and indices. The tables are Documentation/virt/kvm/api.rst ("KVM_CAP_DIRTY_LOG_RING": 00, 01, 1x)
 * and virt/kvm/dirty_ring.c (soft limit); the law is a queue written down naively.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DirtyRing, nextFlags, type RingEntry } from '../../../src/hardware/kvm/dirty-ring.ts';

describe('the flags of an entry', () => {
  test.each([
    // flags, push, harvest, reset
    [0b00, 0b01, undefined, undefined],
    [0b01, undefined, 0b11, undefined],
    [0b10, undefined, undefined, 0b00],
    [0b11, undefined, undefined, 0b00],
  ])('%i', (flags, push, harvest, reset) => {
    expect([nextFlags(flags, 'push'), nextFlags(flags, 'harvest'), nextFlags(flags, 'reset')]).toEqual([
      push,
      harvest,
      reset,
    ]);
  });
});

const collect = (ring: DirtyRing, step: 'harvest' | 'reset', max?: number) => {
  const seen: number[] = [];
  ring[step]((entry) => seen.push(entry.offset), max);
  return seen;
};
const filled = (ring: DirtyRing, n: number) => {
  for (let i = 0; i < n; i++) expect(ring.push(0, i)).toBe(true);
  return ring;
};

test('is softly full at its size less the reserve, and stays so through a harvest until a reset', () => {
  const ring = filled(new DirtyRing(1024, 576), 447);
  expect(ring.softFull).toBe(false);
  ring.push(0, 447);
  expect([ring.softLimit, ring.softFull]).toEqual([448, true]);
  collect(ring, 'harvest');
  expect(ring.softFull).toBe(true);
  collect(ring, 'reset');
  expect([ring.softFull, ring.used]).toEqual([false, 0]);
});

test('has room for the reserve after it is softly full, and then none', () => {
  const ring = filled(new DirtyRing(1024, 576), 448 + 576);
  expect(ring.push(0, 9999)).toBe(false);
  expect(collect(ring, 'harvest')).toHaveLength(1024);
});

test('duplicates stay: nothing is merged with a published entry', () => {
  const ring = new DirtyRing(256, 64);
  for (const page of [7, 7, 8, 7]) ring.push(0, page);
  expect(collect(ring, 'harvest')).toEqual([7, 7, 8, 7]);
});

test('a partial harvest is fine, and only it is reset', () => {
  const ring = filled(new DirtyRing(256, 64), 10);
  expect(collect(ring, 'harvest', 4)).toEqual([0, 1, 2, 3]);
  expect(collect(ring, 'reset')).toEqual([0, 1, 2, 3]);
  expect(collect(ring, 'harvest')).toEqual([4, 5, 6, 7, 8, 9]);
});

// T15: skipping entries that are known dirty already.
test('an entry that the user skips stops every reset at it, and the ring fills', () => {
  const ring = filled(new DirtyRing(256, 64), 192);
  for (let i = 0; i < 192; i++) if (i !== 5) ring.harvestAt(i);
  expect(collect(ring, 'reset')).toEqual([0, 1, 2, 3, 4]);
  expect(ring.used).toBe(187);
  expect(collect(ring, 'reset')).toEqual([]);
  ring.harvestAt(5);
  expect(collect(ring, 'reset')).toHaveLength(187);
});

test('the same entry is harvested once, and a free one never', () => {
  const ring = filled(new DirtyRing(256, 64), 1);
  expect(ring.harvestAt(0)).toEqual({ slot: 0, offset: 0, pages: 1 });
  expect(ring.harvestAt(0)).toBeUndefined();
  expect(ring.harvestAt(1)).toBeUndefined();
});

test('sizes that are no power of two, or no more than the reserve, throw', () => {
  for (const entries of [0, 100, 63.5, 64]) expect(() => new DirtyRing(entries, 64)).toThrow(RangeError);
});

test('law: it is a queue with a published and a harvested part, also where the 32-bit indices wrap', () => {
  const step = fc.oneof(
    fc.record({ step: fc.constant('push' as const), offset: fc.nat(1000), slot: fc.nat(3) }),
    fc.record({ step: fc.constant('harvest' as const), max: fc.nat(40) }),
    fc.record({ step: fc.constant('reset' as const), max: fc.nat(40) }),
  );
  const firstIndex = fc.constantFrom(0, 2 ** 32 - 3, 2 ** 31 - 2);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), firstIndex, (steps, first) => {
      const ring = new DirtyRing(16, 4, first);
      const published: RingEntry[] = [];
      const harvested: RingEntry[] = [];
      for (const one of steps) {
        if (one.step === 'push') {
          const fits = published.length + harvested.length < 16;
          expect(ring.push(one.slot, one.offset)).toBe(fits);
          if (fits) published.push({ slot: one.slot, offset: one.offset, pages: 1 });
        } else {
          const seen: RingEntry[] = [];
          ring[one.step]((entry) => seen.push(entry), one.max);
          const from = one.step === 'harvest' ? published : harvested;
          const taken = from.splice(0, one.max);
          expect(seen).toEqual(taken);
          if (one.step === 'harvest') harvested.push(...taken);
        }
        expect(ring.used).toBe(published.length + harvested.length);
        expect(ring.softFull).toBe(ring.used >= 12);
      }
    }),
  );
});
