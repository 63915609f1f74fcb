/** The dirty logs' commands: who reports what, when an epoch begins, and what belongs to the next one. */
import { describe, expect, test, vi } from 'vitest';
import type { LogCosts } from '../../../src/drivers/model/spec.ts';
import { guest, Hand, MS, withDevices } from './hand.ts';

const RANGES = [{ firstPage: 0, pages: 2000 }];
const devices = ['a', 'b'].map((id) => ({ id, features: 1, stopCopyBytes: 0 }) as const);

/** A guest that writes pages 0, 1, 2, ... one each ms, and two NICs that each fill a page of their own each ms. */
function writing(logs: Partial<LogCosts> = {}, dmaBytesPerSecond = 4096e3) {
  const workload = {
    kind: 'cycle',
    vcpus: '0',
    set: [{ firstPage: 0, pages: 500 }],
    rate: { writesPerSecond: 1000 },
  } as const;
  return new Hand(withDevices(guest(2000, { vcpus: { workloads: [workload] }, logs }), devices, dmaBytesPerSecond));
}

const pass = (hand: Hand, ms: number) => hand.clock.runUntil(hand.clock.nowNs + ms * MS);

function startDevices(hand: Hand): void {
  for (const of of ['a', 'b']) hand.do('startTracking', { tracker: 'device', of, ranges: RANGES }, 'tracking/0');
}

describe('a sync', () => {
  test('finds everything at first, then each source under its own name and their union', () => {
    const hand = writing();
    startDevices(hand);
    hand.do('startDirtyLog', {});
    expect(hand.sync()).toMatchObject({ dirtySet: 1, remainingPages: 2000, remainingBytes: 2000 * 4096 });
    hand.do('prepareDestination', {});
    hand.drainingRound(1);
    hand.sync();
    hand.drainingRound(2);
    pass(hand, 10);
    // Page 1003 belongs to NIC a, which writes it as well: it counts for both, and once in the union.
    hand.driver.world.write('host:vhost', [
      { firstPage: 1003, pages: 1 },
      { firstPage: 1900, pages: 1 },
    ]);
    hand.do('getDirtyLog', {});
    const reported = hand.do('reportDirty', { tracker: 'device', of: ['a', 'b'] }, 'tracking/0').dirtyPages;
    const { dirtyPagesBySource, newDirtyPages, remainingPages } = hand.do('syncBitmap', {
      final: false,
      everything: false,
    });
    expect(dirtyPagesBySource).toEqual({
      vcpu: expect.any(Number),
      'dma:a': reported / 2,
      'dma:b': reported / 2,
      host: 2,
    });
    const sum = Object.values(dirtyPagesBySource).reduce((a, b) => a + b, 0);
    expect(newDirtyPages).toBe(sum - 1);
    expect(remainingPages).toBe(sum - 1);
  });

  test('counts as new only pages that did not wait already', () => {
    const hand = writing({}, 0);
    hand.do('startDirtyLog', {});
    hand.sync();
    pass(hand, 20);
    expect(hand.sync()).toMatchObject({ newDirtyPages: 0, remainingPages: 2000, dirtyPagesBySource: { vcpu: 20 } });
  });

  test('finds everything when a log has failed', () => {
    const hand = writing();
    hand.begin();
    hand.drainingRound(1);
    expect(hand.do('syncBitmap', { final: false, everything: true }).remainingPages).toBe(2000);
  });

  test('takes its time, in which the guest goes on; that belongs to the next epoch', () => {
    const hand = writing({ getDirtyLogNs: 5 * MS, syncNs: 3 * MS, syncPageNs: 1000 }, 0);
    hand.do('startDirtyLog', {});
    hand.sync();
    hand.do('prepareDestination', {});
    hand.drainingRound(1);
    hand.sync();
    const beganNs = hand.clock.nowNs;
    // Since the last collect began: 10 ms of it and its merge, and then this collect begins.
    const { dirtyPagesBySource, syncNs } = hand.sync();
    expect(syncNs).toBe(10 * MS);
    expect(hand.clock.nowNs - beganNs).toBe(10 * MS);
    expect(dirtyPagesBySource).toEqual({ vcpu: 10 });
  });

  test('is refused while no log is on', () => {
    const hand = writing();
    expect(hand.ask('getDirtyLog', {})).toEqual({ type: 'FAILED.getDirtyLog', errno: 'ENOENT' });
    expect(hand.ask('syncBitmap', { final: false, everything: false })).toEqual({
      type: 'FAILED.syncBitmap',
      errno: 'EINVAL',
    });
    hand.begin();
    hand.do('stopDirtyLog', {});
    expect(hand.ask('getDirtyLog', {})).toMatchObject({ errno: 'ENOENT' });
  });

  test('of a log that is switched on again begins with everything; one that is on already does not', () => {
    const hand = writing({}, 0);
    hand.begin();
    hand.drainingRound(1);
    hand.do('startDirtyLog', {});
    expect(hand.sync().remainingPages).toBeLessThan(100);
    hand.do('stopDirtyLog', {});
    hand.do('startDirtyLog', {});
    expect(hand.sync().remainingPages).toBe(2000);
  });
});

describe('a tracker', () => {
  test('the IOMMU reports for its container, and only what was written since it was on', () => {
    const hand = writing();
    pass(hand, 10);
    hand.do('startTracking', { tracker: 'iommu', of: 'iommu', ranges: RANGES }, 'tracking/0');
    pass(hand, 10);
    expect(hand.do('reportDirty', { tracker: 'iommu', of: ['iommu'] }, 'tracking/0').dirtyPages).toBe(20);
    hand.begin();
    expect(hand.sync().dirtyPagesBySource).not.toHaveProperty('iommu:0');
    pass(hand, 10);
    hand.do('reportDirty', { tracker: 'iommu', of: ['iommu'] }, 'tracking/0');
    expect(hand.sync().dirtyPagesBySource).toHaveProperty('iommu:0', 20);
    hand.do('stopTracking', { tracker: 'iommu', of: ['iommu'] }, 'tracking/0');
    pass(hand, 10);
    expect(hand.do('reportDirty', { tracker: 'iommu', of: ['iommu'] }, 'tracking/0').dirtyPages).toBe(0);
  });

  test('nobody at all reports everything, every time', () => {
    const hand = writing();
    hand.begin();
    hand.drainingRound(1);
    for (let time = 0; time < 2; time++) {
      expect(hand.do('reportDirty', { tracker: 'perpetual', of: [] }, 'tracking/0').dirtyPages).toBe(2000);
      expect(hand.sync()).toMatchObject({ remainingPages: 2000, dirtyPagesBySource: { 'perpetual:0': 2000 } });
    }
  });

  test('is on when its start is answered, and off when its stop begins', () => {
    const hand = writing({ startTrackingNs: 10 * MS, stopTrackingNs: 10 * MS });
    hand.do('startTracking', { tracker: 'device', of: 'a', ranges: RANGES }, 'tracking/0');
    pass(hand, 5);
    expect(hand.do('reportDirty', { tracker: 'device', of: ['a'] }, 'tracking/0').dirtyPages).toBe(5);
    hand.give('stopTracking', { tracker: 'device', of: ['a'] }, 'tracking/0');
    expect(hand.ask('reportDirty', { tracker: 'device', of: ['a'] }, 'tracking/0')).toMatchObject({ errno: 'EINVAL' });
  });

  test('that is started twice fails as its driver fails', () => {
    const hand = writing();
    startDevices(hand);
    expect(hand.ask('startTracking', { tracker: 'device', of: 'a', ranges: RANGES }, 'tracking/0')).toEqual({
      type: 'FAILED.startTracking',
      errno: 'EINVAL',
    });
    expect(hand.ask('startTracking', { tracker: 'device', of: 'b', ranges: [] }, 'tracking/0')).toMatchObject({
      errno: 'EINVAL',
    });
  });
});

test('reports that are lost take one set of the world’s memory for all, and each finds what is its own', () => {
  const hand = writing({}, 0);
  hand.do('startDirtyLog', {});
  hand.sync();
  const emptySet = vi.spyOn(hand.driver.world.memory, 'emptySet');
  const lost = () => {
    const command = hand.command('getDirtyLog', {});
    hand.driver.mishaps?.lose(command);
    let found: unknown;
    hand.driver.perform(command, (answer) => {
      found = answer;
    });
    while (found === undefined) hand.clock.step();
    return found;
  };
  for (const pages of [10, 20, 30]) {
    pass(hand, pages);
    expect(lost()).toMatchObject({ type: 'DONE.getDirtyLog', dirtyPages: pages });
  }
  expect(emptySet).toHaveBeenCalledTimes(1);
});
