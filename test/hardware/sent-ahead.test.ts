/** Turns that are sent in one go: as if each had been sent by itself, wherever somebody cuts them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GuestMemory } from '../../src/hardware/memory.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import { PageSender } from '../../src/hardware/sender.ts';
import { Truth } from '../../src/hardware/truth.ts';

/** More than a block, and no multiple of 32. */
const PAGES = 40_001;
const WIRE = { pageHeaderBytes: 0, zeroPageBytes: undefined };

const same = (a: PageBitmap, b: PageBitmap) => a.toWords().every((word, w) => word === b.wordAt(w));
const listed = (set: PageBitmap) => {
  const list = new Uint32Array(set.count);
  set.listInto(list);
  return [...list];
};

const lost = (truth: Truth) => truth.lostPages(PAGES).firstPages.join();

function sender(unsent: PageBitmap, atPage: number) {
  const memory = new GuestMemory({ pageBytes: 4096, slots: [{ firstPage: 0, pages: PAGES }], nonZeroPages: PAGES });
  const truth = new Truth(memory, 'both');
  const one = new PageSender(unsent, memory, truth, { pageNs: 1000, zeroPageNs: 0, firstTouchNs: 0 }, WIRE);
  // It goes on from there, and what it has sent until then does not differ.
  const waiting = listed(unsent);
  unsent.clearAll();
  for (const page of [atPage - 1, atPage]) unsent.set(page);
  one.turn(limit(1));
  for (const page of [atPage, ...waiting]) unsent.set(page);
  return { sender: one, unsent, truth };
}

const limit = (pages: number) => ({ bytes: Number.POSITIVE_INFINITY, ns: 1000 * pages, bytesPerSecond: 1e12 });

const stretch = fc.tuple(fc.integer({ min: 0, max: PAGES - 1 }), fc.integer({ min: 1, max: 9000 }));
const dirty = fc.record({
  whole: fc.boolean(),
  stretches: fc.array(stretch, { maxLength: 6 }),
  step: fc.integer({ min: 1, max: 9 }),
});

function setOf({
  whole,
  stretches,
  step,
}: {
  whole: boolean;
  stretches: [number, number][];
  step: number;
}): PageBitmap {
  const set = new PageBitmap(PAGES);
  if (whole) set.setAll();
  for (const [first, pages] of stretches) {
    for (let page = first; page < Math.min(first + pages, PAGES); page += step) {
      if (whole) set.clear(page);
      else set.set(page);
    }
  }
  return set;
}

describe('turns ahead', () => {
  const cases = fc.record({
    waiting: dirty,
    before: dirty,
    written: dirty,
    atPage: fc.noBias(fc.integer({ min: 1, max: PAGES - 1 })),
    perTurn: fc.noBias(fc.integer({ min: 20, max: 1500 })),
    most: fc.noBias(fc.integer({ min: 1, max: 60 })),
    cutAt: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  test('cut after any of them leave what as many single turns leave, and the next turn is the same', () => {
    let [cut, round] = [0, 0];
    fc.assert(
      fc.property(cases, ({ waiting, before, written, atPage, perTurn, most, cutAt }) => {
        const [ahead, single] = [sender(setOf(waiting), atPage), sender(setOf(waiting), atPage)];
        const batch = (set: PageBitmap) =>
          ({ fromNs: 0, toNs: 1, source: 'vcpu:0', form: 'list', pages: Uint32Array.from(listed(set)) }) as const;
        // Some of what waits does not differ: it was sent after it was written, and before the sync.
        for (const { truth, unsent } of [ahead, single]) {
          truth.sentAll(unsent);
          truth.receive(batch(setOf(before)));
        }
        const turn = ahead.sender.turn(limit(perTurn));
        expect(single.sender.turn(limit(perTurn))).toEqual(turn);
        const from = ahead.sender.position;
        const turns = ahead.sender.ahead(turn, { quietEnd: 0, writtenTurns: most });
        const stands = Math.min(turns, Math.round(cutAt * turns));
        for (let i = 0; i < stands; i++) expect(single.sender.turn(limit(perTurn))).toEqual(turn);
        ahead.truth.receive(batch(setOf(written)));
        single.truth.receive(batch(setOf(written)));
        if (stands < turns) ahead.sender.takeBack(stands);
        const told: number[] = [];
        ahead.sender.keepAhead((sent, turnsBefore, more) => {
          if (sent.form !== 'set') throw new Error('not a set');
          const pages = sent.set.countRange(sent.firstPage, sent.endPage - sent.firstPage);
          expect([told.length / perTurn, pages / perTurn]).toEqual([turnsBefore, more]);
          for (
            let page = sent.set.next(sent.firstPage);
            page !== -1 && page < sent.endPage;
            page = sent.set.next(page + 1)
          )
            told.push(page);
        });
        expect(told.length).toBe(stands * perTurn);
        expect(same(ahead.unsent, single.unsent)).toBe(true);
        expect(ahead.sender.position).toBe(single.sender.position);
        // Both books, which throw where they disagree.
        expect(lost(ahead.truth)).toBe(lost(single.truth));
        expect(ahead.sender.turn(limit(perTurn))).toEqual(single.sender.turn(limit(perTurn)));
        expect(same(ahead.unsent, single.unsent)).toBe(true);
        if (turns > 0 && stands < turns) cut += 1;
        if (stands > 0 && ahead.sender.position < from) round += 1;
      }),
      { numRuns: 60, seed: 7 },
    );
    expect(cut).toBeGreaterThan(20);
    expect(round).toBeGreaterThan(5);
  });

  test('are none where pages cost differently, and never the last page that waits', () => {
    const one = sender(setOf({ whole: true, stretches: [], step: 1 }), 10);
    const turn = one.sender.turn(limit(1000));
    expect(one.sender.ahead({ ...turn, zeroPages: 1 }, { quietEnd: 0, writtenTurns: 100 })).toBe(0);
    expect(one.sender.ahead(turn, { quietEnd: 0, writtenTurns: 0 })).toBe(0);
    expect(one.sender.ahead(turn, { quietEnd: 0, writtenTurns: 100 })).toBe(39);
    one.sender.keepAhead(() => {});
    expect(one.unsent.count).toBe(1);
  });

  test('of a stretch that never ended are as if they had been sent', () => {
    const one = sender(setOf({ whole: true, stretches: [], step: 1 }), 10);
    const turn = one.sender.turn(limit(1000));
    one.sender.ahead(turn, { quietEnd: 0, writtenTurns: 20 });
    one.sender.takeBack(3);
    expect(one.unsent.count).toBe(PAGES - 4000);
    one.sender.ahead(turn, { quietEnd: 0, writtenTurns: 5 });
    one.sender.takeBack(2);
    one.sender.keepAhead(() => {});
    expect(one.unsent.count).toBe(PAGES - 6000);
    expect(one.truth.lostPages(0).count).toBe(PAGES - 6000 - 1);
  });
});

test('what was sent ahead earlier is not taken back with it', () => {
  const one = sender(setOf({ whole: true, stretches: [], step: 1 }), 10);
  one.sender.ahead(one.sender.turn(limit(1000)), { quietEnd: 0, writtenTurns: 20 });
  one.sender.keepAhead(() => {});
  const lostPages = one.truth.lostPages(0).count;
  one.unsent.clearAll();
  for (let page = 10; page < 21_000; page += 2) one.unsent.set(page);
  one.sender.ahead(one.sender.turn(limit(1000)), { quietEnd: 0, writtenTurns: 5 });
  one.sender.takeBack(2);
  one.sender.keepAhead(() => {});
  expect([one.truth.lostPages(0).count, one.unsent.count]).toEqual([lostPages, 10_495 - 3000]);
});

test('the set page before which so many others lie', () => {
  fc.assert(
    fc.property(dirty, fc.integer({ min: 0, max: PAGES }), fc.integer({ min: 0, max: PAGES }), (spec, from, before) => {
      const set = setOf(spec);
      const pages = listed(set).filter((page) => page >= from);
      expect(set.nth(from, before)).toBe(pages[before] ?? PAGES);
      const within = pages.length === 0 ? 0 : before % pages.length;
      expect(set.nth(from, within)).toBe(pages[within] ?? PAGES);
    }),
    { numRuns: 100, seed: 7 },
  );
});
