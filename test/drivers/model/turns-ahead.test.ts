/**
 * A pass whose turns go out in one go, beside one that sends turn by turn: whoever looks, halts, or changes the link at any time
 * finds the same. In the first pass everything waits, so what is seen of it does not depend on who wrote what.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { WorldEvent } from '../../../src/drivers/mishaps.ts';
import type { PageSends } from '../../../src/hardware/page-sends.ts';
import { guest, Hand, MS } from './hand.ts';

/** 8.2 us a page: 13 turns of 6,104 pages. */
const PAGES = 80_000;
const PASS_NS = PAGES * 8192;
/** The least rate at which a random writer owes its writes, and the most at which it tells them. */
const [OWED, TOLD] = [100_000, 99_999];
const SET = 20_000;

function guestWriting(writesPerSecond: number, seed = 1): Hand {
  const set = [{ firstPage: 30_000, pages: SET }];
  const workload = { kind: 'random', vcpus: '0', set, rate: { writesPerSecond } } as const;
  const link = { bytesPerSecond: 5e8 };
  const hand = new Hand(guest(PAGES, { seed, loop: 'textbook', link, vcpus: { workloads: [workload] } }));
  hand.begin();
  return hand;
}

type Act =
  | { readonly act: 'look' }
  | { readonly act: 'halt' }
  | { readonly act: 'cap'; readonly bytesPerSecond: number }
  | { readonly act: 'happen'; readonly event: WorldEvent };

const ms = (min: number, max: number) => fc.integer({ min, max }).map((each) => each * MS);
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.constant({ act: 'look' } as const),
  fc.constant({ act: 'halt' } as const),
  fc.integer({ min: 200, max: 2000 }).map((mb) => ({ act: 'cap' as const, bytesPerSecond: mb * 1e6 })),
  ms(1, 300).map((forNs) => ({ act: 'happen' as const, event: { happens: 'link-down' as const, forNs } })),
  fc
    .tuple(fc.integer({ min: 20, max: 90 }), ms(1, 300))
    .map(([percent, forNs]) => ({ act: 'happen' as const, event: { happens: 'link-slow' as const, percent, forNs } })),
);
const acts = fc.array(fc.tuple(fc.integer({ min: 0, max: PASS_NS - 1 }), act), { maxLength: 4 });

function doIt(hand: Hand, one: Act): void {
  switch (one.act) {
    case 'look':
      hand.give('queryMigrate', {});
      break;
    case 'halt':
      hand.give('haltRound', {});
      break;
    case 'cap':
      hand.driver.mishaps.become({ linkBytesPerSecond: one.bytesPerSecond });
      break;
    case 'happen':
      hand.driver.mishaps.happen(one.event);
      break;
    default:
      one satisfies never;
  }
}

const DOWN: Act = { act: 'happen', event: { happens: 'link-down', forNs: 200 * MS } };

/** Everything that is answered and told of one pass. */
function seen(hand: Hand, does: readonly (readonly [number, Act])[], watches: boolean) {
  const { clock, driver } = hand;
  const told: unknown[] = [];
  if (watches) driver.progress$.subscribe((progress) => told.push(progress));
  const startNs = clock.nowNs;
  // At 0: before it begins.
  for (const [ns, one] of does) {
    if (ns === 0) doIt(hand, one);
    else clock.at(startNs + ns, () => doIt(hand, one));
  }
  const before = hand.answers.length;
  const answer = hand.ask('sendRound', { round: 1, dirtySet: hand.dirtySet, ends: { rule: 'drained' } });
  return { answer, answers: hand.answers.slice(before), told, measured: driver.measured?.() };
}

/** What is left to be sent once the guest stands still, and lost by then. */
function handedOver(hand: Hand) {
  // What was still to happen on the link.
  while (hand.clock.nextDueNs() !== undefined) hand.clock.step();
  hand.do('stopVcpus', {});
  const { underReportedPages } = hand.sync(true);
  hand.do('sendRemaining', { dirtySet: hand.dirtySet });
  hand.do('loadDestination', {});
  hand.do('releaseStorage', {});
  hand.do('acquireStorage', { host: 'destination' });
  hand.do('startDestination', {});
  return { underReportedPages, lost: hand.driver.inspect().lost?.count };
}

function pagesOf(sent: PageSends): readonly number[] {
  if (sent.form === 'list') return sent.pages;
  const pages: number[] = [];
  for (let page = sent.firstPage; page < sent.endPage; page++) {
    if (sent.form === 'range' || sent.set.get(page)) pages.push(page);
  }
  return pages;
}

describe('a pass of turns ahead', () => {
  test('is seen as one of single turns, whatever happens in it, and loses nothing', () => {
    fc.assert(
      fc.property(acts, fc.boolean(), (does, watches) => {
        const [owed, told] = [guestWriting(OWED), guestWriting(TOLD)];
        const pass = seen(owed, does, watches);
        expect(pass).toEqual(seen(told, does, watches));
        // Halted while the link was down: its connection is broken for good.
        if (pass.answer.type === 'FAILED.sendRound') return;
        for (const hand of [owed, told]) expect(handedOver(hand)).toEqual({ underReportedPages: undefined, lost: 0 });
      }),
      { numRuns: 30, seed: 7, examples: [[[[0, DOWN]], false]] },
    );
  });

  test('is the same whether somebody watches or not', () => {
    const [watched, alone] = [guestWriting(OWED), guestWriting(OWED)];
    for (const [hand, watches] of [
      [watched, true],
      [alone, false],
    ] as const)
      seen(hand, [], watches);
    expect(watched.sync()).toEqual(alone.sync());
    expect(watched.drainingRound(2)).toEqual(alone.drainingRound(2));
  });

  test('costs few events, and its sends are told at the times at which they go out', () => {
    const sends = (writesPerSecond: number) => {
      const hand = guestWriting(writesPerSecond);
      const endsNs: number[] = [];
      const startNs = hand.clock.nowNs;
      let times = 0;
      hand.driver.sends$.subscribe((sent) => {
        times += 1;
        const { fromNs, toNs } = sent;
        const pages = pagesOf(sent);
        for (const [i, page] of pages.entries()) {
          endsNs[page] = fromNs + ((toNs - fromNs) * (i + 1)) / pages.length - startNs;
        }
      });
      hand.drainingRound(1);
      return { times, endsNs };
    };
    const [ahead, single] = [sends(OWED), sends(TOLD)];
    expect([single.times, ahead.times]).toEqual([14, 5]);
    // A turn's time is rounded up to a ns, and a page's to its share of it.
    for (const page of [0, 6103, 6104, 29_999, 50_000, PAGES - 1]) {
      expect(Math.abs(ahead.endsNs[page]! - single.endsNs[page]!)).toBeLessThan(2);
    }
  });

  test('leaves as much written for the next one, in the mean', () => {
    // Of the set each page is written with p = 1 - exp(-rate t / pages), independently: pages p of them, sigma^2 = pages p (1 - p).
    const runs = 40;
    for (const halted of [false, true]) {
      let [sum, mean, variance] = [0, 0, 0];
      for (let seed = 1; seed <= runs; seed++) {
        const hand = guestWriting(OWED, seed);
        const startNs = hand.clock.nowNs;
        // Cut in the middle of the set, and the rest is sent, too.
        if (halted) {
          hand.clock.at(startNs + 330 * MS + seed * MS, () => hand.give('haltRound', {}));
          hand.ask('sendRound', { round: 1, dirtySet: hand.dirtySet, ends: { rule: 'drained' } });
        }
        hand.drainingRound(1);
        const writtenNs = hand.clock.nowNs - startNs;
        const found = hand.sync().dirtyPagesBySource.vcpu ?? 0;
        const p = -Math.expm1((-OWED * writtenNs) / 1e9 / SET);
        sum += found;
        mean += SET * p;
        variance += SET * p * (1 - p);
      }
      expect(Math.abs(sum - mean) / Math.sqrt(variance)).toBeLessThan(4);
    }
  });
});
