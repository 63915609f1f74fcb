/**
 * A device that only the guest's driver can tell about, by commands given by hand: the order that loses nothing, and the five
 * wrong ones, each of which the truth finds (kvm list, December 2015, live migration of SR-IOV NICs). The wrong orders are
 * run with the driver's halves or with commands at the wrong moment; the product has no flag for any of them.
 */
import { describe, expect, test } from 'vitest';
import type { GuestDriverSpec } from '../../../src/hardware/dma/guest-driver.ts';
import { guest, Hand, MIB, MS } from './hand.ts';

const BUFFERS = { firstPage: 100, pages: 64 };
const LATE = { firstPage: 200, pages: 8 };
const COHERENT = { firstPage: 300, pages: 2 };
const DMA_PAGES = BUFFERS.pages + LATE.pages + COHERENT.pages;
const NIC = 'guest-driver/nic0';
const TIMES = { notifyNs: MS, haltNs: 2 * MS, resumeNs: 3 * MS, writePageNs: 100_000 } as const;

/** All buffers go round in about 9 ms, so that between any two commands of a run some of them are written. */
function nic(changes: Partial<GuestDriverSpec> = {}): Hand {
  const driver = { mode: 'quiesce' as const, ...TIMES, ...changes };
  const dma = {
    kind: 'guest-cooperative' as const,
    buffers: [BUFFERS],
    lateBuffers: [LATE],
    coherent: [COHERENT],
    bytesPerSecond: 32 * MIB,
    driver,
  };
  const hand = new Hand(
    guest(1000, {
      devices: [{ id: 'nic0', features: 7, stopCopyBytes: 4096 }],
      containers: [{ id: '0', iommu: { dirtyTracking: false, leafPages: 1 }, devices: [{ id: 'nic0', dma }] }],
    }),
  );
  hand.begin();
  hand.drainingRound(1);
  pass(hand, 20);
  return hand;
}

const driverOf = (hand: Hand) => hand.driver.world.dma('nic0').driver!;

function pass(hand: Hand, ms: number): void {
  hand.clock.runUntil(hand.clock.nowNs + ms * MS);
  hand.driver.world.advanceTo(hand.clock.nowNs);
}

function notifyAndHalt(hand: Hand): void {
  hand.do('notifyGuest', {}, NIC);
  pass(hand, 15);
  hand.do('haltDma', {}, NIC);
  hand.do('confirmDmaHalted', {}, NIC);
}

/** The rest of a switchover's copy; what the destination lacks then. */
function stopAndCopy(hand: Hand): readonly number[] {
  hand.do('stopVcpus', {});
  hand.setDevice('nic0', 'STOP');
  hand.sync(true);
  return copy(hand);
}

function copy(hand: Hand): readonly number[] {
  hand.do('sendRemaining', { dirtySet: hand.dirtySet });
  return hand.driver.world.truth.lostPages(1000).firstPages;
}

const within =
  ({ firstPage, pages }: { firstPage: number; pages: number }) =>
  (page: number) =>
    page >= firstPage && page < firstPage + pages;
const isDmaPage = (page: number) => [BUFFERS, LATE, COHERENT].some((range) => within(range)(page));

describe('the order that loses nothing', () => {
  test.each(['suspend', 'quiesce'] as const)('%s: notify, halt, confirm, dirty, collect, copy, stop', (mode) => {
    const hand = nic({ mode });
    hand.do('notifyGuest', {}, NIC);
    pass(hand, 15);
    expect(hand.do('haltDma', {}, NIC).dmaPages).toBe(DMA_PAGES);
    expect(hand.do('confirmDmaHalted', {}, NIC).halted).toBe(true);
    expect(hand.do('dirtyDmaPages', {}, NIC).dirtiedPages).toBe(DMA_PAGES);
    expect(hand.sync().dirtyPagesBySource.vcpu).toBe(DMA_PAGES);
    hand.drainingRound(2);
    expect(stopAndCopy(hand)).toEqual([]);
  });

  test('without the dummy writes no log knows what the device wrote', () => {
    const hand = nic();
    notifyAndHalt(hand);
    const lost = stopAndCopy(hand);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.every(isDmaPage)).toBe(true);
  });

  test('each step takes its own time', () => {
    const hand = nic();
    const took = (act: () => void) => {
      const fromNs = hand.clock.nowNs;
      act();
      return hand.clock.nowNs - fromNs;
    };
    expect(took(() => hand.do('notifyGuest', {}, NIC))).toBe(TIMES.notifyNs);
    expect(took(() => hand.do('haltDma', {}, NIC))).toBe(TIMES.haltNs);
    expect(took(() => hand.do('confirmDmaHalted', {}, NIC))).toBe(0);
    expect(took(() => hand.do('dirtyDmaPages', {}, NIC))).toBe(DMA_PAGES * TIMES.writePageNs);
    expect(took(() => hand.do('resumeDma', { host: 'source' }, NIC))).toBe(TIMES.resumeNs);
  });
});

describe('the five wrong orders', () => {
  test('1. T34, G1, G3: dummy writes with DMA running: what the device writes after them is lost', () => {
    const hand = nic();
    hand.do('notifyGuest', {}, NIC);
    expect(hand.ask('dirtyDmaPages', {}, NIC)).toEqual({ type: 'FAILED.dirtyDmaPages', errno: 'EBUSY' });
    driverOf(hand).beginWriting(driverOf(hand).dmaRanges);
    pass(hand, 8);
    expect(driverOf(hand).pagesLeft).toBe(0);
    hand.sync();
    hand.drainingRound(2);
    hand.do('haltDma', {}, NIC);
    const lost = stopAndCopy(hand);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.every(isDmaPage)).toBe(true);
  });

  test('2. G6: dummy writes into a hole reserved in each buffer: the rest of the buffer is lost', () => {
    const hand = nic();
    notifyAndHalt(hand);
    const holes = Array.from({ length: BUFFERS.pages / 4 }, (_, i) => ({ firstPage: 100 + 4 * i, pages: 1 }));
    driverOf(hand).beginWriting([...holes, LATE, COHERENT]);
    pass(hand, 20);
    const lost = stopAndCopy(hand);
    expect(lost).toContain(101);
    expect(lost.every((page) => within(BUFFERS)(page) && page % 4 !== 0)).toBe(true);
  });

  test('3. G4: buffers allocated after the event left out: they are lost', () => {
    const hand = nic();
    const known = driverOf(hand).dmaRanges;
    notifyAndHalt(hand);
    driverOf(hand).beginWriting(known);
    pass(hand, 20);
    const lost = stopAndCopy(hand);
    expect(lost).toContain(LATE.firstPage);
    expect(lost.every(within(LATE))).toBe(true);
  });

  test('4. G2: collected before the dummy writes: they come too late for the copy', () => {
    const hand = nic();
    notifyAndHalt(hand);
    hand.sync(true);
    hand.do('dirtyDmaPages', {}, NIC);
    hand.do('stopVcpus', {});
    hand.setDevice('nic0', 'STOP');
    const lost = copy(hand);
    expect(lost.length).toBe(DMA_PAGES);
    expect(lost.every(isDmaPage)).toBe(true);
  });

  test('5. G5: vCPUs stopped before the driver has finished: the pages that it did not reach are lost', () => {
    const hand = nic();
    notifyAndHalt(hand);
    hand.give('dirtyDmaPages', {}, NIC);
    pass(hand, 2);
    const lost = stopAndCopy(hand);
    expect(driverOf(hand).pagesWritten).toBe(20);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.every((page) => isDmaPage(page) && page >= BUFFERS.firstPage + 20)).toBe(true);
    expect(hand.answers.map(({ answer }) => answer.type)).not.toContain('DONE.dirtyDmaPages');
  });
});

describe('a guest', () => {
  test('whose vCPUs stand still answers nothing, and goes on where it was', () => {
    const hand = nic();
    notifyAndHalt(hand);
    hand.give('dirtyDmaPages', {}, NIC);
    pass(hand, 2);
    hand.do('stopVcpus', {});
    pass(hand, 1000);
    expect(hand.answers.map(({ answer }) => answer.type)).not.toContain('DONE.dirtyDmaPages');
    hand.do('resumeVcpus', {});
    pass(hand, 100);
    const { answer } = hand.answers.find((one) => one.answer.type === 'DONE.dirtyDmaPages')!;
    expect(answer).toEqual({ type: 'DONE.dirtyDmaPages', dirtiedPages: DMA_PAGES });
  });

  test('that is throttled takes longer', () => {
    const hand = nic();
    notifyAndHalt(hand);
    hand.do('throttleVcpus', { percent: 50 });
    const fromNs = hand.clock.nowNs;
    expect(hand.do('dirtyDmaPages', {}, NIC).dirtiedPages).toBe(DMA_PAGES);
    expect(hand.clock.nowNs - fromNs).toBe(2 * DMA_PAGES * TIMES.writePageNs);
  });

  test('that goes on makes its device write again', () => {
    const hand = nic();
    notifyAndHalt(hand);
    hand.do('dirtyDmaPages', {}, NIC);
    hand.sync();
    hand.drainingRound(2);
    pass(hand, 20);
    expect(hand.driver.world.truth.lostPages(1).count).toBe(0);
    hand.do('resumeDma', { host: 'source' }, NIC);
    pass(hand, 20);
    expect(hand.driver.world.truth.lostPages(1).count).toBeGreaterThan(0);
  });

  test('goes on at the destination only when it runs there', () => {
    const answer = nic().ask('resumeDma', { host: 'destination' }, NIC);
    expect(answer).toEqual({ type: 'FAILED.resumeDma', errno: 'EPERM' });
  });

  test('whose driver does not help says so', () => {
    const plain = new Hand(
      guest(100, {
        devices: [{ id: 'nic0', features: 7, stopCopyBytes: 4096 }],
        containers: [
          {
            id: '0',
            iommu: { dirtyTracking: false, leafPages: 1 },
            devices: [{ id: 'nic0', dma: { kind: 'none' } }],
          },
        ],
      }),
    );
    expect(plain.ask('notifyGuest', {}, NIC)).toEqual({ type: 'FAILED.notifyGuest', errno: 'EOPNOTSUPP' });
    expect(() => plain.ask('notifyGuest', {}, 'device/nic0')).toThrow(RangeError);
  });
});
