import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GuestMemory } from '../../src/hardware/memory.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import { Truth } from '../../src/hardware/truth.ts';

const PAGES = 200;
const memory = new GuestMemory({
  pageBytes: 4096,
  slots: [
    { firstPage: 0, pages: 100 },
    { firstPage: 150, pages: 50 },
  ],
  nonZeroPages: 0,
});
const written = (...pages: number[]) =>
  ({ fromNs: 0, toNs: 1, source: 'vcpu:0', form: 'list', pages: Uint32Array.from(pages) }) as const;

describe.each(['bit', 'versions', 'both'] as const)('truth by %s', (mode) => {
  test('at the start the destination has nothing, and holes are nobody’s', () => {
    expect(new Truth(memory, mode).lostPages(3)).toEqual({ count: 150, firstPages: [0, 1, 2] });
  });

  test('what is sent is equal, until it is written again', () => {
    const truth = new Truth(memory, mode);
    truth.sentRange(0, PAGES);
    expect(truth.lostPages(9)).toEqual({ count: 0, firstPages: [] });
    truth.receive(written(5, 160, 5));
    expect(truth.lostPages(9)).toEqual({ count: 2, firstPages: [5, 160] });
    expect([truth.differs(5), truth.differs(6)]).toEqual([true, false]);
    truth.sent(5);
    expect(truth.lostPages(9)).toEqual({ count: 1, firstPages: [160] });
  });

  test('a whole set is sent at once, within limits', () => {
    const truth = new Truth(memory, mode);
    truth.sentRange(0, PAGES);
    truth.receive(written(5, 50, 99, 160));
    const set = new PageBitmap(PAGES);
    for (const page of [5, 50, 99, 160]) set.set(page);
    truth.sentAll(set, 50, 160);
    expect(truth.lostPages(9)).toEqual({ count: 2, firstPages: [5, 160] });
    truth.sentAll(set);
    expect(truth.lostPages(9).count).toBe(0);
  });
});

test('both books agree after anything', () => {
  const page = fc.oneof(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 150, max: 199 }));
  const action = fc.record({
    kind: fc.constantFrom('write' as const, 'send' as const, 'sendSet' as const),
    pages: fc.array(page, { maxLength: 20 }),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 20 }), (actions) => {
      const truth = new Truth(memory, 'both');
      const reference = new Set([...Array(100).keys(), ...Array.from({ length: 50 }, (_, i) => 150 + i)]);
      for (const { kind, pages } of actions) {
        const set = new PageBitmap(PAGES);
        for (const p of pages) {
          set.set(p);
          if (kind === 'write') reference.add(p);
          else reference.delete(p);
          if (kind === 'send') truth.sent(p);
        }
        if (kind === 'write') truth.receive(written(...pages));
        if (kind === 'sendSet') truth.sentAll(set);
      }
      const firstPages = [...reference].sort((a, b) => a - b);
      expect(truth.lostPages(PAGES)).toEqual({ count: reference.size, firstPages });
    }),
  );
});
