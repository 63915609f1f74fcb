/**
 * QEMU's windows by hand. Figures: 64 MiB/s measured on QEMU 7.2.22 (537.1 Mbit/s in each 100 ms window, a pass ends at the
 * first window whose remainder is below the threshold); page and zero page bytes: migration/ram.c, save_page_header.
 */
import { describe, expect, test } from 'vitest';
import { guest, Hand, MIB, MS } from './hand.ts';

const CAPPED = { maxBandwidthBytesPerSecond: 64 * MIB };
/** floor(64 MiB / 10) = 6,710,886; 1635 pages of 4104 bytes are 6,710,040, so one more goes: 1636. */
const WINDOW_PAGES = 1636;
const WINDOW_BYTES = WINDOW_PAGES * 4104 + 8;

describe('with a cap of 64 MiB/s', () => {
  test('a window sends 1636 pages: its budget, and the page that goes over it', () => {
    const hand = new Hand(guest(2000, CAPPED));
    hand.begin();
    expect(hand.round(1)).toMatchObject({ sentPages: WINDOW_PAGES, sentBytes: WINDOW_BYTES, remainingPages: 364 });
    expect(hand.clock.nowNs).toBe(100 * MS);
  });

  test('the bandwidth is 537.1 Mbit/s, and a pass ends at a window, above zero', () => {
    const hand = new Hand(guest(10_000, CAPPED));
    hand.begin();
    const sent = hand.round(1);
    expect((sent.bandwidthBytesPerSecond * 8) / 1e6).toBeCloseTo(537.1, 1);
    // The threshold is 19.2 MiB, 4917 pages: 10,000 - 3 x 1636 = 5092 is above it, 10,000 - 4 x 1636 = 3456 below.
    expect(sent).toMatchObject({ sentPages: 4 * WINDOW_PAGES, sentBytes: 4 * WINDOW_BYTES, remainingPages: 3456 });
    expect(hand.clock.nowNs).toBe(400 * MS);
  });

  test('ceil((W - T) / w) windows: what a pass sends, for sets around a whole number of windows', () => {
    const thresholdPages = (WINDOW_BYTES * 10 * 0.3) / 4096;
    for (const pages of [4918, 4917 + WINDOW_PAGES, 4918 + WINDOW_PAGES, 9000, 20_000]) {
      const hand = new Hand(guest(pages, CAPPED));
      hand.begin();
      const windows = Math.max(1, Math.ceil((pages - thresholdPages) / WINDOW_PAGES));
      expect(hand.round(1).sentPages).toBe(windows * WINDOW_PAGES);
    }
  });

  test('a window goes on across a sync: the next pass gets what its budget has left', () => {
    const hand = new Hand(guest(2000, { ...CAPPED, loop: 'qemu-7.2' }));
    hand.begin();
    // With a limit of 0 ms the first pass ends when all is sent: in the second window.
    expect(hand.round(1, 0)).toMatchObject({ sentPages: 2000, remainingPages: 0 });
    const usedBytes = (2000 - WINDOW_PAGES) * 4104 + 8;
    hand.driver.world.write('host:test', [{ firstPage: 0, pages: 2000 }]);
    hand.sync();
    const left = Math.floor((6_710_886 - usedBytes) / 4104) + 1;
    expect(hand.round(2)).toMatchObject({ sentPages: left, remainingPages: 2000 - left });
    expect(hand.clock.nowNs).toBe(200 * MS);
  });

  test('a downtime limit of the next pass counts, and the bandwidth of the last whole window', () => {
    const hand = new Hand(guest(10_000, CAPPED));
    hand.begin();
    hand.round(1);
    hand.sync();
    expect(hand.round(2, 100).remainingPages).toBe(3456 - 2 * WINDOW_PAGES);
  });

  test('a slow thread sends less than the budget, and its windows are not slept through', () => {
    const hand = new Hand(guest(4000, { ...CAPPED, sender: { pageNs: 100_000 } }));
    hand.begin();
    const sent = hand.round(1, 0);
    // 10,000 pages a second in turns of 50 ms, each with the end of its section: two turns are a window.
    expect(sent.sentPages).toBe(4000);
    expect(hand.clock.nowNs).toBeGreaterThanOrEqual(400 * MS);
    expect(hand.clock.nowNs).toBeLessThan(400.01 * MS);
    expect(sent.bandwidthBytesPerSecond).toBeCloseTo(10_000 * 4104 + 160, -2);
  });
});

describe('zero pages', () => {
  test('cost 9 bytes each, and count whole in what remains', () => {
    const hand = new Hand(guest(10_000, { nonZeroPages: 4000, link: { bytesPerSecond: 1e8 } }));
    expect(hand.begin().remainingBytes).toBe(10_000 * 4096);
    const sent = hand.drainingRound(1);
    const turns = Math.ceil((4000 * 4104) / 5e6);
    expect(sent).toMatchObject({ sentPages: 10_000, zeroPages: 6000, sentBytes: 4000 * 4104 + 6000 * 9 + turns * 8 });
  });

  test('are pages like others for the textbook, which has no headers either', () => {
    const hand = new Hand(guest(1000, { nonZeroPages: 10, loop: 'textbook', link: { bytesPerSecond: 4096e3 } }));
    hand.begin();
    const sent = hand.drainingRound(1);
    expect(sent).toMatchObject({ sentPages: 1000, zeroPages: 0, sentBytes: 4_096_000, remainingPages: 0 });
    expect(hand.clock.nowNs).toBe(1000 * MS);
    expect(sent.bandwidthBytesPerSecond).toBeCloseTo(4096e3, 3);
  });
});

describe('what a round costs', () => {
  test('the slower of link and threads; a page costs the destination more the first time', () => {
    const spec = guest(1000, { loop: 'textbook', sender: { pageNs: 10_000, firstTouchNs: 5000, zeroPageNs: 1 } });
    const hand = new Hand(spec);
    hand.begin();
    hand.drainingRound(1);
    expect(hand.clock.nowNs).toBe(15 * MS);
    hand.driver.world.write('host:test', [{ firstPage: 0, pages: 200 }]);
    hand.sync();
    hand.drainingRound(2);
    expect(hand.clock.nowNs).toBe(17 * MS);
  });

  test('a pass with nothing to send sleeps to the end of the window', () => {
    const hand = new Hand(guest(100, { link: { bytesPerSecond: 8208e3 } }));
    hand.begin();
    hand.round(1);
    hand.sync();
    const beganNs = hand.clock.nowNs;
    expect(hand.round(2)).toMatchObject({ sentPages: 0, sentBytes: 0 });
    expect(beganNs).toBeLessThan(100 * MS);
    expect(hand.clock.nowNs).toBe(100 * MS);
  });

  test('the last copy is not capped', () => {
    const hand = new Hand(guest(10_000, { ...CAPPED, link: { bytesPerSecond: 4104e6 } }));
    hand.begin();
    hand.do('stopVcpus', {});
    hand.sync(true);
    expect(hand.do('sendRemaining', { dirtySet: hand.dirtySet })).toMatchObject({
      sentPages: 10_000,
      remainingPages: 0,
    });
    expect(hand.clock.nowNs).toBeLessThan(10.001 * MS);
  });
});

describe('a set that is not the latest', () => {
  test.each(['sendRound', 'sendRemaining'] as const)('%s refuses it', (name) => {
    const hand = new Hand(guest(100));
    hand.begin();
    hand.sync();
    const params = { round: 1, dirtySet: 1, ends: { rule: 'drained' } } as never;
    expect(hand.ask(name, params)).toEqual({ type: `FAILED.${name}`, errno: 'EINVAL' });
  });
});
